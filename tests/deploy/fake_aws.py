"""CloudFormation, ECS and what else a deployment calls, in memory and by a clock that tests turn.

The clients are boto3's: they check the requests and page through the answers. Answers come from
here in place of the network (botocore's event `before-call`, as its Stubber does), and are checked
against the models of the APIs.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from botocore.awsrequest import AWSResponse
from botocore.exceptions import EndpointConnectionError
from botocore.validate import validate_parameters
from fake_contents import FakeContents

from moorage.deploy.aws import Access, Aws
from moorage.deploy.clock import Clock
from moorage.deploy.context import Context
from moorage.deploy.progress import Event
from moorage.deploy.target import DeployStack, Target
from moorage.findings.finding import Place
from moorage.pipeline.document import Document
from moorage.plan import Run

ACCOUNT, REGION = "111122223333", "eu-central-1"
START = datetime(2026, 11, 27, tzinfo=UTC)
CLUSTER, SERVICE = "AWS::ECS::Cluster", "AWS::ECS::Service"
STACK = "AWS::CloudFormation::Stack"


class RefusalError(Exception):
    """An error that AWS answers with."""

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(code)
        self.code, self.message = code, message


@dataclass
class Step:
    """An event of a stack, some seconds after its operation has begun."""

    after: float
    logical_id: str
    """Empty for the stack itself."""
    status: str
    reason: str = ""
    type: str = CLUSTER


def succeed(verb: str = "CREATE", seconds: float = 10, name: str = "Cluster") -> list[Step]:
    """The events of an operation on a stack with one resource."""
    return [
        Step(0, "", f"{verb}_IN_PROGRESS", "User Initiated"),
        Step(1, name, f"{verb}_IN_PROGRESS"),
        Step(seconds - 1, name, f"{verb}_COMPLETE"),
        Step(seconds, "", f"{verb}_COMPLETE"),
    ]


def fail_creation(reason: str, name: str = "Cluster") -> list[Step]:
    """A creation that fails at one resource, cancels another one and rolls back."""
    return [
        Step(0, "", "CREATE_IN_PROGRESS", "User Initiated"),
        Step(1, name, "CREATE_IN_PROGRESS"),
        Step(4, name, "CREATE_FAILED", reason),
        Step(4, "Other", "CREATE_FAILED", "Resource creation cancelled"),
        Step(5, "", "ROLLBACK_IN_PROGRESS", f"The following resource(s) failed: [{name}]."),
        Step(9, "", "ROLLBACK_COMPLETE"),
    ]


def fail_update(reason: str, end: str = "UPDATE_ROLLBACK_COMPLETE") -> list[Step]:
    """An update that fails at one resource; `end` is the status of the stack then."""
    return [
        Step(0, "", "UPDATE_IN_PROGRESS", "User Initiated"),
        Step(4, "Cluster", "UPDATE_FAILED", reason),
        Step(5, "", "UPDATE_ROLLBACK_IN_PROGRESS", "The following resource(s) failed: [Cluster]."),
        Step(9, "", end),
    ]


@dataclass
class FakeStack:
    """A stack as CloudFormation has it."""

    name: str
    status: str = "REVIEW_IN_PROGRESS"
    template: str = ""
    tags: dict[str, str] = field(default_factory=dict)
    before: tuple[str, dict[str, str]] = ("", {})
    """Template and tags before the last update."""
    outputs: dict[str, str] = field(default_factory=dict)
    """Values by the names of exports."""
    parameters: dict[str, str] = field(default_factory=dict)
    protected: bool = False
    reason: str = ""
    steps: list[tuple[float, Step]] = field(default_factory=list)
    """What will happen, by the time."""
    events: list[dict[str, Any]] = field(default_factory=list)

    @property
    def id(self) -> str:
        return f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{self.name}/{len(self.name)}"


NOT_ALLOWED = frozenset(
    {
        *("DescribeStackResources", "DescribeEvents", "ListServiceDeployments", "ListTasks"),
        *("DescribeTasks", "DescribeTargetHealth", "DescribeServices", "DescribeTaskDefinition"),
        *("DescribeServiceDeployments", "GetLogEvents", "GetDeployment"),
    }
)
"""What a diagnosis may read and the fake does not have: the credentials are not allowed to."""


@dataclass
class FakeAws(FakeContents):
    """AWS. `log` has the names of all requests, in their order."""

    stacks: dict[str, FakeStack] = field(default_factory=dict)
    scripts: dict[str, list[list[Step]]] = field(default_factory=dict)
    """What the next operations on a stack do, by its name; by default they succeed."""
    next_outputs: dict[str, dict[str, str]] = field(default_factory=dict)
    """Outputs of stacks after their next update."""
    change_sets: dict[str, tuple[str, str, dict[str, str], str]] = field(default_factory=dict)
    """Stack, template, tags and type by ARN."""
    modes: dict[str, dict[str, Any]] = field(default_factory=dict)
    """The deployment config of each stack's last change set."""
    created: dict[str, float] = field(default_factory=dict)
    """When change sets were created, by ARN."""
    findings: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """What the validation of change sets reports, by stack."""
    services: dict[str, Callable[[float], dict[str, Any]]] = field(default_factory=dict)
    """Services by ARN, as they are some seconds after the start."""
    deployments: dict[str, Callable[[float], dict[str, Any]]] = field(default_factory=dict)
    """Service deployments by ARN, in the same way."""
    targets: list[str] = field(default_factory=list)
    exit_codes: list[int] = field(default_factory=list)
    parameters: dict[str, str] = field(default_factory=dict)
    parameter_tags: dict[str, dict[str, str]] = field(default_factory=dict)
    alarms: list[dict[str, Any]] = field(default_factory=list)
    account: str = ACCOUNT
    existing: set[str] = field(default_factory=set)
    """Repositories, images, secrets, certificates, parameters, hosted zones and roles that are
    there."""
    quotas: dict[str, float] = field(default_factory=dict)
    """Values by their codes; the others are large."""
    used: Counter[str] = field(default_factory=Counter)
    """How many there are of `vpc`, `address`, `application` and `network`."""
    refusals: dict[str, list[RefusalError]] = field(default_factory=dict)
    """Errors of the next requests, by operation."""
    later_refusals: dict[float, tuple[str, RefusalError]] = field(default_factory=dict)
    """The operation that is refused once, at its first request after a time."""
    offline: tuple[float, float] = (-1, -1)
    """From when to when no request gets an answer."""
    skipped: list[str] = field(default_factory=list)
    """Resources that were left out of rollbacks."""
    log: list[str] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    """The progress that was emitted."""
    interrupt_at: float | None = None
    """When Ctrl-C is pressed."""
    interruption: KeyboardInterrupt = field(default_factory=KeyboardInterrupt)
    change_set_seconds: float = 0
    """How long it takes to create a change set."""
    last_context: Context = field(default_factory=lambda: Context(_clients()))

    # The clock and the clients ---------------------------------------------------------------

    def sleep(self, seconds: float) -> None:
        self.time += seconds
        if self.interrupt_at is not None and self.time >= self.interrupt_at:
            self.interrupt_at = None
            raise self.interruption

    @property
    def clock(self) -> Clock:
        return Clock(lambda: self.time, self.sleep)

    def clients(self) -> Aws:
        _ANSWERING[:] = [self]
        return _clients()

    def context(self) -> Context:
        names = (f"moorage-{number}" for number in range(1, 1000))
        self.last_context = Context(
            self.clients(), self.account, self.clock, self.events.append, 0, lambda: next(names)
        )
        return self.last_context

    def answer(self, model: Any, context: dict[str, Any], **_: Any) -> Any:
        self.log.append(model.name)
        if self.offline[0] <= self.time < self.offline[1]:
            raise EndpointConnectionError(endpoint_url="https://cloudformation.example")
        try:
            for time, (operation, refusal) in [*self.later_refusals.items()]:
                if self.time >= time and operation == model.name:
                    del self.later_refusals[time]
                    raise refusal
            if waiting := self.refusals.get(model.name):
                raise waiting.pop(0)
            if model.name in NOT_ALLOWED and not hasattr(self, model.name):
                raise RefusalError("AccessDeniedException", "The role is not allowed to read this")
            answer = getattr(self, model.name)(**context["given"])
        except RefusalError as refusal:
            error = {"Code": refusal.code, "Message": refusal.message}
            return AWSResponse(None, 400, {}, None), {"Error": error}
        if model.output_shape is not None:
            validate_parameters(answer or {}, model.output_shape)
        return AWSResponse(None, 200, {}, None), answer or {}

    def count(self) -> Counter[str]:
        return Counter(self.log)

    # CloudFormation --------------------------------------------------------------------------

    def _advance(self) -> None:
        """Lets happen what is due."""
        for stack in self.stacks.values():
            while stack.steps and stack.steps[0][0] <= self.time:
                time, step = stack.steps.pop(0)
                self._record(stack, time, step)

    def _record(self, stack: FakeStack, time: float, step: Step) -> None:
        of_stack = not step.logical_id
        event = {
            "StackId": stack.id,
            "EventId": f"{stack.name}-{len(stack.events)}",
            "StackName": stack.name,
            "LogicalResourceId": step.logical_id or stack.name,
            "PhysicalResourceId": stack.id if of_stack else self._physical(stack, step),
            "ResourceType": STACK if of_stack else step.type,
            "Timestamp": START + timedelta(seconds=time),
            "ResourceStatus": step.status,
        }
        if step.reason:
            event["ResourceStatusReason"] = step.reason
        stack.events.append(event)
        if of_stack:
            stack.status = step.status
            if step.status == "UPDATE_ROLLBACK_COMPLETE":
                stack.template, stack.tags = stack.before

    def _physical(self, stack: FakeStack, step: Step) -> str:
        if step.type == SERVICE:
            return f"arn:aws:ecs:{REGION}:{ACCOUNT}:service/shop/{stack.name}"
        return f"{stack.name}-{step.logical_id}"

    def _stack(self, name: str) -> FakeStack:
        self._advance()
        for stack in self.stacks.values():
            if name in (stack.name, stack.id):
                return stack
        raise RefusalError("ValidationError", f"Stack with id {name} does not exist")

    def _begin(self, stack: FakeStack, verb: str) -> None:
        scripts = self.scripts.get(stack.name)
        steps = scripts.pop(0) if scripts else succeed(verb)
        stack.steps = [(self.time + step.after, step) for step in steps]
        self._advance()

    def DescribeStacks(self, StackName: str = "", **_: Any) -> Any:  # noqa: N802, N803
        self._advance()
        found = [self._stack(StackName)] if StackName else self.stacks.values()
        return {"Stacks": [*map(_described, found)]}

    def GetTemplate(self, StackName: str, **_: Any) -> Any:  # noqa: N802, N803
        return {"TemplateBody": self._stack(StackName).template}

    def CreateChangeSet(self, **request: Any) -> Any:  # noqa: N802
        name = request["StackName"]
        stack = self.stacks.get(name)
        if request["ChangeSetType"] == "CREATE":
            if stack is not None and stack.status not in ("REVIEW_IN_PROGRESS", "DELETE_COMPLETE"):
                raise RefusalError("ValidationError", f"Stack {name} already exists")
            stack = self.stacks[name] = FakeStack(name)
        elif stack is None or stack.status.endswith("_IN_PROGRESS"):
            status = stack.status if stack else "gone"
            raise RefusalError("ValidationError", f"Stack {name} is in {status} state")
        arn = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:changeSet/{request['ChangeSetName']}/1"
        tags = {tag["Key"]: tag["Value"] for tag in request["Tags"]}
        body = request["TemplateBody"]
        self.change_sets[arn] = (name, body, tags, request["ChangeSetType"])
        self.modes[name] = request["DeploymentConfig"]
        self.created[arn] = self.time
        return {"Id": arn, "StackId": stack.id}

    def DescribeChangeSet(self, ChangeSetName: str, **_: Any) -> Any:  # noqa: N802, N803
        name, body, tags, kind = self.change_sets[ChangeSetName]
        stack = self.stacks[name]
        answer: dict[str, Any] = {"StackId": stack.id, "ChangeSetId": ChangeSetName, "Changes": []}
        if self._is_being_created(ChangeSetName):
            return {**answer, "Status": "CREATE_IN_PROGRESS"}
        if kind == "UPDATE" and (body, tags) == (stack.template, stack.tags):
            reason = "The submitted information didn't contain changes. Submit others"
            return {**answer, "Status": "FAILED", "StatusReason": reason}
        failures = [item for item in self.findings.get(name, ()) if _mode(item) != "WARN"]
        if failures:
            return {**answer, "Status": "FAILED", "StatusReason": "Validation failed"}
        action = "Add" if kind == "CREATE" else "Modify"
        answer["Changes"] = [
            {"Type": "Resource", "ResourceChange": {"Action": action, **resource}}
            for resource in _resources(body)
        ]
        return {**answer, "Status": "CREATE_COMPLETE", "ExecutionStatus": "AVAILABLE"}

    def DescribeEvents(self, ChangeSetName: str, **_: Any) -> Any:  # noqa: N802, N803
        return {"OperationEvents": self.findings.get(self.change_sets[ChangeSetName][0], [])}

    def DeleteChangeSet(self, ChangeSetName: str, **_: Any) -> Any:  # noqa: N802, N803
        for arn in [arn for arn in self.change_sets if ChangeSetName in (arn, arn.split("/")[1])]:
            if self._is_being_created(arn):
                raise RefusalError("InvalidChangeSetStatus", "It is in CREATE_IN_PROGRESS status")
            del self.change_sets[arn]

    def _is_being_created(self, arn: str) -> bool:
        return self.time - self.created[arn] < self.change_set_seconds

    def ExecuteChangeSet(self, ChangeSetName: str, **_: Any) -> Any:  # noqa: N802, N803
        if ChangeSetName not in self.change_sets:
            raise RefusalError("ChangeSetNotFound", f"ChangeSet [{ChangeSetName}] does not exist")
        name, body, tags, kind = self.change_sets.pop(ChangeSetName)
        for arn in [arn for arn, item in self.change_sets.items() if item[0] == name]:
            del self.change_sets[arn]
        stack = self.stacks[name]
        stack.before = stack.template, stack.tags
        stack.template, stack.tags = body, tags
        stack.outputs = self.next_outputs.get(name) or {f"{name}-Name": f"{name}-value"}
        self._begin(stack, kind)

    def DescribeStackEvents(self, StackName: str, **_: Any) -> Any:  # noqa: N802, N803
        return {"StackEvents": self._stack(StackName).events[::-1]}

    def DeleteStack(self, StackName: str, **_: Any) -> Any:  # noqa: N802, N803
        stack = self._stack(StackName)
        if stack.status == "REVIEW_IN_PROGRESS":
            del self.stacks[stack.name]
        else:
            self._begin(stack, "DELETE")

    def ContinueUpdateRollback(  # noqa: N802
        self,
        StackName: str,  # noqa: N803
        ResourcesToSkip: tuple[str, ...] = (),  # noqa: N803
    ) -> Any:
        self.skipped += ResourcesToSkip
        self._begin(self._stack(StackName), "UPDATE_ROLLBACK")

    def CancelUpdateStack(self, StackName: str, **_: Any) -> Any:  # noqa: N802, N803
        stack = self._stack(StackName)
        steps = fail_update("Resource update cancelled")[2:]
        stack.steps = [(self.time + step.after, step) for step in steps]

    def UpdateTerminationProtection(self, **request: Any) -> Any:  # noqa: N802
        self.stacks[request["StackName"]].protected = request["EnableTerminationProtection"]

    def ListStackResources(self, StackName: str, **_: Any) -> Any:  # noqa: N802, N803
        stack = self._stack(StackName)
        arn = f"arn:aws:ecs:{REGION}:{ACCOUNT}:service/shop/{stack.name}"
        service, cluster = ("Service", SERVICE, arn), ("Cluster", CLUSTER, f"{stack.name}-Cluster")
        made = [service if arn in self.services else cluster]
        return {
            "StackResourceSummaries": [
                {
                    "LogicalResourceId": name,
                    "PhysicalResourceId": identity,
                    "ResourceType": kind,
                    "LastUpdatedTimestamp": START,
                    "ResourceStatus": "CREATE_COMPLETE",
                }
                for name, kind, identity in self.resources.get(stack.name, made)
            ]
        }

    # Other services --------------------------------------------------------------------------

    def GetCallerIdentity(self) -> Any:  # noqa: N802
        return {"Account": self.account}

    def DescribeServices(self, services: list[str], **_: Any) -> Any:  # noqa: N802
        assert len(services) <= 10, "as ECS has it"
        found = [self.services[arn](self.time) | {"serviceArn": arn} for arn in services]
        return {"services": found}

    def DescribeServiceDeployments(self, serviceDeploymentArns: list[str]) -> Any:  # noqa: N802, N803
        found = [arn for arn in serviceDeploymentArns if arn in self.deployments]
        described = [self.deployments[arn](self.time) for arn in found]
        return {
            "serviceDeployments": [
                item | {"serviceDeploymentArn": arn}
                for arn, item in zip(found, described, strict=True)
            ]
        }

    def DescribeTargetHealth(self, **_: Any) -> Any:  # noqa: N802
        return {
            "TargetHealthDescriptions": [
                {"Target": {"Id": f"10.0.0.{number}"}, "TargetHealth": {"State": state}}
                for number, state in enumerate(self.targets)
            ]
        }

    def GetParameter(self, Name: str) -> Any:  # noqa: N802, N803
        return {"Parameter": {"Name": Name, "Value": self.parameters[Name], "Version": 1}}

    def ListTagsForResource(self, ResourceId: str, **_: Any) -> Any:  # noqa: N802, N803
        tags = self.parameter_tags.get(ResourceId, {})
        return {"TagList": [{"Key": key, "Value": value} for key, value in tags.items()]}

    def AddTagsToResource(self, ResourceId: str, Tags: Any, **_: Any) -> Any:  # noqa: N802, N803
        tags = self.parameter_tags.setdefault(ResourceId, {})
        tags.update({tag["Key"]: tag["Value"] for tag in Tags})

    def DescribeParameters(self, ParameterFilters: Any, **_: Any) -> Any:  # noqa: N802, N803
        names = self.existing.intersection(ParameterFilters[0]["Values"])
        return {"Parameters": [{"Name": name} for name in sorted(names)]}

    def DescribeImages(self, repositoryName: str, imageIds: Any = (), **_: Any) -> Any:  # noqa: N802, N803
        if not imageIds:
            return self.describe_all_images(repositoryName)
        (version,) = imageIds[0].values()
        if repositoryName not in self.existing:
            raise RefusalError("RepositoryNotFoundException")
        if f"{repositoryName}:{version}" not in self.existing:
            raise RefusalError("ImageNotFoundException")
        return {"imageDetails": []}

    def DescribeSecret(self, SecretId: str) -> Any:  # noqa: N802, N803
        self._require(SecretId)

    def DescribeCertificate(self, CertificateArn: str) -> Any:  # noqa: N802, N803
        self._require(CertificateArn)

    def GetHostedZone(self, Id: str) -> Any:  # noqa: N802, N803
        self._require(Id, "NoSuchHostedZone")
        return {"HostedZone": {"Id": Id, "Name": "example.org.", "CallerReference": "x"}}

    def GetRole(self, RoleName: str) -> Any:  # noqa: N802, N803
        self._require(RoleName, "NoSuchEntity")
        role = {"Path": "/", "RoleName": RoleName, "RoleId": "R" * 16, "Arn": "a" * 20}
        return {"Role": {**role, "CreateDate": START}}

    def _require(self, name: str, code: str = "ResourceNotFoundException") -> None:
        if name not in self.existing:
            raise RefusalError(code)

    def GetServiceQuota(self, QuotaCode: str, **_: Any) -> Any:  # noqa: N802, N803
        return {"Quota": {"QuotaCode": QuotaCode, "Value": self.quotas.get(QuotaCode, 1e6)}}

    def DescribeVpcs(self, **_: Any) -> Any:  # noqa: N802
        return {"Vpcs": [{}] * self.used["vpc"]}

    def DescribeAddresses(self) -> Any:  # noqa: N802
        return {"Addresses": [{"PublicIpv4Pool": "amazon"}] * self.used["address"]}

    def DescribeLoadBalancers(self, **_: Any) -> Any:  # noqa: N802
        kinds = ("application", "network")
        return {"LoadBalancers": [{"Type": kind} for kind in kinds for _ in range(self.used[kind])]}

    def RunTask(self, **_: Any) -> Any:  # noqa: N802
        arn = f"arn:aws:ecs:{REGION}:{ACCOUNT}:task/shop/0123"
        return {"tasks": [{"taskArn": arn}], "failures": []}

    def DescribeTasks(self, **_: Any) -> Any:  # noqa: N802
        if not self.exit_codes:
            return {"tasks": [{"lastStatus": "RUNNING"}], "failures": []}
        code = self.exit_codes.pop(0)
        container = {"name": "migrate", "exitCode": code}
        reason = "Essential container in task exited"
        stopped = {"lastStatus": "STOPPED", "containers": [container], "stoppedReason": reason}
        return {"tasks": [stopped], "failures": []}

    def StopTask(self, **_: Any) -> Any:  # noqa: N802
        return {"task": {}}

    def DescribeAlarms(self, AlarmNamePrefix: str, **_: Any) -> Any:  # noqa: N802, N803
        alarms = [item for item in self.alarms if item["AlarmName"].startswith(AlarmNamePrefix)]
        return {"MetricAlarms": alarms, "CompositeAlarms": []}


_ANSWERING: list[FakeAws] = []


@cache
def _clients() -> Aws:
    """Clients take long to make, so all tests use the same ones: the last FakeAws answers."""
    aws = Aws(Access(REGION, test_credentials=True))
    hooks = aws.session.events
    hooks.register("before-parameter-build", _keep_parameters)
    hooks.register("before-call", lambda **call: _ANSWERING[0].answer(**call))
    return aws


def _keep_parameters(params: Any, context: dict[str, Any], **_: Any) -> None:
    context["given"] = dict(params)


def _described(stack: FakeStack) -> dict[str, Any]:
    described = {
        "StackName": stack.name,
        "StackId": stack.id,
        "StackStatus": stack.status,
        "CreationTime": START,
        "EnableTerminationProtection": stack.protected,
        "Tags": [{"Key": key, "Value": value} for key, value in stack.tags.items()],
        "Outputs": [
            {"OutputKey": name.split("-")[-1], "OutputValue": value, "ExportName": name}
            for name, value in stack.outputs.items()
        ],
        "Parameters": [
            {"ParameterKey": name, "ParameterValue": value}
            for name, value in stack.parameters.items()
        ],
    }
    return {**described, "StackStatusReason": stack.reason} if stack.reason else described


def _resources(template: str) -> list[dict[str, str]]:
    return [
        {"LogicalResourceId": name, "ResourceType": kind}
        for name, kind in re.findall(r"(\w+):\s+\{?Type: '?([A-Z][\w:]+)", template)
    ]


def _mode(event: dict[str, Any]) -> str:
    mode: str = event.get("ValidationFailureMode", "FAIL")
    return mode


def make_stack(
    name: str, *after: str, imports: tuple[str, ...] = (), run: bool = False, text: str = "v1"
) -> DeployStack:
    """A stack with a cluster, that is deployed after others."""
    body: dict[str, Any] = {"Resources": {"Cluster": {"Type": CLUSTER}}}
    return DeployStack(
        name=name,
        stack_name=f"shop-dev-{name}",
        text=f"# {text}\nResources: {{Cluster: {{Type: {CLUSTER}}}}}\n",
        body=body,
        file=f"{name}.yaml",
        capabilities=(),
        tags={"app": "shop", "env": "dev", "stack": name},
        depends_on=tuple(sorted(after)),
        imports=frozenset(imports),
        run=Run("migrate", 60) if run else None,
        document=make_document([name]),
    )


def make_document(stacks: Sequence[str]) -> Document:
    """Params with stacks, one in a line, from the fourth line on."""
    places = {("stacks", name): Place("params/dev.yaml", at) for at, name in enumerate(stacks, 4)}
    entries = {name: {"template": "service"} for name in stacks}
    data = {"app": "shop", "region": REGION, "stacks": entries}
    return Document("dev", "params/dev.yaml", data, places)


def make_target(*stacks: DeployStack) -> Target:
    document = make_document([stack.name for stack in stacks])
    described = tuple(replace(stack, document=document) for stack in stacks)
    return Target("shop", "dev", REGION, ACCOUNT, described)


def deployed(stacks: Iterator[DeployStack] | tuple[DeployStack, ...]) -> dict[str, FakeStack]:
    """The stacks as they are after a deployment."""
    return {
        stack.stack_name: FakeStack(
            stack.stack_name,
            "CREATE_COMPLETE",
            stack.text,
            dict(stack.tags),
            outputs={f"{stack.stack_name}-Name": f"{stack.name}-value"},
        )
        for stack in stacks
    }
