"""What a known failure is, and the titles of the pages that failures are documented on."""

from __future__ import annotations

from functools import cached_property

from moorage.records import record

GAP = "..."
"""In a message: any text, such as a name or an ARN."""

ECS_PULL = "AWS docs: CannotPullContainer task errors in Amazon ECS"
ECS_INITIALIZATION = "AWS docs: Troubleshooting Amazon ECS ResourceInitializationError errors"
ECS_START = "AWS docs: Troubleshooting Amazon ECS TaskFailedToStart errors"
ECS_STOPPED = "AWS docs: Viewing Amazon ECS stopped task errors"
ECS_EVENTS = "AWS docs: Amazon ECS service event messages"
ECS_API_FAILURES = "AWS docs: Amazon ECS API failure reasons"
ECS_BLUE_GREEN = "AWS docs: Troubleshooting Amazon ECS blue/green deployments"
ECS_BREAKER = "AWS docs: How the Amazon ECS deployment circuit breaker detects failures"
ECS_ALARMS = "AWS docs: How CloudWatch alarms detect Amazon ECS deployment failures"
ECS_LOAD_BALANCERS = "AWS docs: Troubleshooting service load balancers in Amazon ECS"
WHY_STOPPED = "AWS re:Post knowledge center: Why is my Amazon ECS task stopped?"
TARGET_HEALTH = "AWS docs: Elastic Load Balancing API reference, TargetHealth"
CLOUDFORMATION = "AWS docs: Troubleshooting CloudFormation"
HANDLER_ERRORS = "AWS docs: CloudFormation CLI user guide, Handler error codes"
EARLY_VALIDATION = "AWS docs: Validate stack deployments"
CODEDEPLOY_CODES = "AWS docs: CodeDeploy API reference, ErrorInformation"
CODEDEPLOY_ECS = "AWS docs: Troubleshoot Amazon ECS deployment issues (CodeDeploy)"


@record
class KnownFailure:
    """A failure that AWS reports, what it means, and what to do about it."""

    id: str
    """Its name in JSON and its anchor in docs/diagnoses.md."""
    title: str
    """What is wrong, in one line that ends with a full stop."""
    meaning: str
    check: str
    """What to check or to write."""
    sources: tuple[str, ...]
    messages: tuple[str, ...] = ()
    """Texts by which AWS reports it, each a part of a message; `...` is any text."""
    keys: tuple[str, ...] = ()
    """Codes by which AWS reports it: the reason code of a target's health, the error code of
    CodeDeploy, a validation, or the exit code of a container, such as `exit code 137`."""
    codes: tuple[str, ...] = ()
    """The codes of Moorage that report the same mistake before a deployment."""
    properties: tuple[str, ...] = ()
    """The properties of the template that are probably wrong, the most probable one first, as
    `moorage.deploy.diagnosis.params_place` knows them."""
    symptom: bool = False
    """Whether it only follows from another failure, which is the cause if one is found."""
    general: bool = False
    """Whether its texts are parts of many messages: any other failure that fits is preferred."""

    @cached_property
    def _parts(self) -> tuple[tuple[str, ...], ...]:
        """The fixed parts of each message."""
        texts = (normalize(text).split(GAP) for text in self.messages)
        return tuple(tuple(filter(None, map(str.strip, parts))) for parts in texts)

    def fit(self, message: str) -> int:
        """How many fixed characters the longest text of this failure has that is in a message; 0 if
        none is. The message is in the form that `normalize` returns."""
        fitting = (parts for parts in self._parts if _follow_each_other(parts, message))
        return max((sum(map(len, parts)) for parts in fitting), default=0)


def normalize(message: str) -> str:
    """A message with single spaces and plain quotes, in lower case: AWS's own texts differ in
    them."""
    return " ".join(message.replace("\u2019", "'").replace("\u2018", "'").lower().split())


def _follow_each_other(parts: tuple[str, ...], text: str) -> bool:
    end = 0
    for part in parts:
        start = text.find(part, end)
        if start < 0:
            return False
        end = start + len(part)
    return True
