"""What AWS says about a deployment, and what it means, as plain data."""

from __future__ import annotations

from datetime import datetime

from moorage.facts.secret_values import hide, hide_assigned
from moorage.findings.wording import escape_controls
from moorage.records import record

_MAX_MESSAGE = 800
_MAX_LOG_LINE = 300


@record
class StackEvent:
    """An event of a stack or of one of its resources."""

    time: datetime
    logical_id: str
    type: str
    status: str
    reason: str = ""
    physical_id: str = ""


@record
class ValidationError:
    """What CloudFormation found wrong before it created anything (`DescribeEvents`)."""

    logical_id: str
    type: str
    name: str
    """The validation, such as `NAME_CONFLICT_VALIDATION`."""
    reason: str
    path: str = ""
    """The path in the template, such as `/Resources/Service/Properties/Cluster`."""


@record
class ServiceEvent:
    """A message of ECS about a service."""

    time: datetime
    message: str


@record
class StoppedContainer:
    """A container of a stopped task."""

    name: str
    exit_code: int | None = None
    """None: the container never ran."""
    reason: str = ""
    essential: bool | None = None
    """None: not known."""
    log_lines: tuple[str, ...] = ()
    """The last lines of its log, oldest first."""


@record
class StoppedTask:
    """A task that has ended."""

    id: str
    time: datetime | None
    stop_code: str = ""
    reason: str = ""
    containers: tuple[StoppedContainer, ...] = ()


@record
class Target:
    """The health of one target of a target group."""

    target_group: str
    """Its logical ID, or its ARN."""
    id: str
    state: str
    reason: str = ""
    """Its reason code, such as `Target.Timeout`."""
    description: str = ""


@record
class Rollout:
    """A deployment of a service, as DescribeServices reports it."""

    status: str
    """`PRIMARY` for the newest, `ACTIVE` for one that is being replaced."""
    state: str = ""
    """`IN_PROGRESS`, `COMPLETED` or `FAILED`."""
    reason: str = ""
    desired: int = 0
    running: int = 0
    failed_tasks: int = 0


@record
class Hook:
    """A lifecycle hook of a service deployment."""

    type: str
    """`AWS_LAMBDA` or `PAUSE`."""
    status: str
    target: str = ""


@record
class ServiceDeployment:
    """A deployment, as DescribeServiceDeployments reports it."""

    status: str
    reason: str = ""
    stage: str = ""
    rollback_reason: str = ""
    circuit_breaker: str = ""
    """Its status, such as `TRIGGERED`."""
    failures: int = 0
    threshold: int = 0
    triggered_alarms: tuple[str, ...] = ()
    hooks: tuple[Hook, ...] = ()


@record
class CodeDeployment:
    """A deployment of CodeDeploy."""

    id: str
    status: str
    code: str = ""
    message: str = ""
    rollback: str = ""


@record
class Service:
    """What ECS says about a service, newest first. It can also be the family of a task definition,
    whose tasks are started one by one; then it has only tasks."""

    logical_id: str
    name: str
    type: str = "AWS::ECS::Service"
    status: str = ""
    desired: int = 0
    running: int = 0
    events: tuple[ServiceEvent, ...] = ()
    tasks: tuple[StoppedTask, ...] = ()
    targets: tuple[Target, ...] = ()
    rollouts: tuple[Rollout, ...] = ()
    deployments: tuple[ServiceDeployment, ...] = ()
    code_deployments: tuple[CodeDeployment, ...] = ()


@record
class Unread:
    """Something that could not be read, and why."""

    what: str
    reason: str


@record
class Evidence:
    """What is known about a stack and its services."""

    stack: str
    """Its name in the params."""
    stack_name: str
    status: str = ""
    status_reason: str = ""
    events: tuple[StackEvent, ...] = ()
    """Newest first, as CloudFormation returns them."""
    validation_errors: tuple[ValidationError, ...] = ()
    services: tuple[Service, ...] = ()
    unread: tuple[Unread, ...] = ()


@record
class Diagnosis:
    """Why something failed. Its texts have no secrets and no control characters, and are bounded:
    they come from AWS and from logs of applications."""

    stack: str
    logical_id: str
    """The resource that failed; empty for the stack itself."""
    type: str
    known: str
    """The id of the known failure; empty if it is none."""
    title: str
    message: str
    """AWS's own words."""
    meaning: str
    check: str
    codes: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    properties: tuple[str, ...] = ()
    """The properties that are probably wrong, the most probable one first."""
    container: str = ""
    count: int = 1
    """How many tasks or targets it concerns."""
    last: datetime | None = None
    """When it happened last."""
    log_lines: tuple[str, ...] = ()
    consequences: tuple[str, ...] = ()
    """What AWS reports because of it."""
    symptom: bool = False
    """Whether it only follows from another failure, which is not known."""

    def __post_init__(self) -> None:
        lines = tuple(_clean(hide_assigned(line, line), _MAX_LOG_LINE) for line in self.log_lines)
        after = tuple(_clean(text, _MAX_MESSAGE) for text in self.consequences)
        object.__setattr__(self, "message", _clean(self.message, _MAX_MESSAGE))
        object.__setattr__(self, "log_lines", lines)
        object.__setattr__(self, "consequences", after)


def _clean(text: str, limit: int) -> str:
    """Text of others on one line, without secrets and without characters that change a terminal."""
    text = " ".join(text[: 10 * limit].split())
    text = hide(text)  # before it is cut: a part does not look like a secret
    return escape_controls(text if len(text) <= limit else f"{text[:limit]}...")
