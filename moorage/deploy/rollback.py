"""The way back: stops a release that is under way, or deploys the revision before.

ECS and CodeDeploy do it themselves. The template of the stack stays: it still has the revision that
was rolled back, and the next change of the stack deploys it again.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

from moorage.deploy.aws import Aws, AwsError, aws_errors
from moorage.deploy.code_deploy import UNDER_WAY
from moorage.deploy.context import Context
from moorage.deploy.following import MAX_SILENCE
from moorage.deploy.jobs import Job
from moorage.deploy.progress import Noted, RolledOut
from moorage.deploy.requests import read_request
from moorage.deploy.rollout import cluster_of, describe_service, read_rollouts
from moorage.deploy.stack_resources import find_service
from moorage.deploy.stack_state import StackState
from moorage.deploy.target import DeployStack
from moorage.records import record

if TYPE_CHECKING:
    from types_boto3_ecs.type_defs import ServiceTypeDef

_PAUSE = 3.0
_LONGEST = 36 * 3600
"""Seconds after which waiting is given up: CloudFormation's limit for a service."""
_PAST_DEPLOYMENTS = 20
"""How many deployments are looked at: DescribeServiceDeployments takes 20 at once."""


@record
class Rollback:
    """What a rollback does."""

    kind: Literal["stop", "deploy"]
    service: str
    """The ARN of the service."""
    deployment: str = ""
    """The deployment that is stopped."""
    current: str = ""
    previous: str = ""
    """The task definitions: the one that runs, and the one before."""

    @property
    def text(self) -> str:
        """What happens, as a sentence without an end."""
        if self.kind == "stop":
            return f"stop the deployment {_short(self.deployment)} and roll it back"
        return f"deploy {_short(self.previous)} in place of {_short(self.current)}"


def _short(arn: str) -> str:
    return arn.split("/")[-1]


def find_rollback(aws: Aws, stack: DeployStack, state: StackState) -> Rollback:
    """What a rollback of the stack's service is now. Raises AwsError if there is nothing to go
    back to."""
    arn = find_service(aws, stack.name, state.id)
    service = describe_service(aws, arn)
    with aws_errors():
        if stack.code_deploy is not None:
            return _find_code_deploy_rollback(aws, stack, state, service)
        if under_way := service.get("currentServiceDeployment"):
            return Rollback("stop", arn, deployment=under_way)
        current = service.get("taskDefinition", "")
        previous = _find_previous(aws, arn, current)
    if not previous:
        raise AwsError(f"ECS knows no earlier deployment of {stack.name} to go back to")
    return Rollback("deploy", arn, current=current, previous=previous)


def _find_previous(aws: Aws, service: str, current: str) -> str:
    """The task definition of the last successful deployment of an older one; empty if there is none
    that is still registered. Newer ones were rolled back already."""
    briefs = aws.ecs.list_service_deployments(
        service=service,
        cluster=cluster_of(service),
        status=["SUCCESSFUL"],
        maxResults=_PAST_DEPLOYMENTS,
    )["serviceDeployments"]
    newest_first = sorted(briefs, key=lambda brief: str(brief.get("finishedAt")), reverse=True)
    arns = (brief.get("targetServiceRevisionArn", "") for brief in newest_first)
    revisions = list(dict.fromkeys(arn for arn in arns if arn))
    if not revisions:
        return ""
    described = aws.ecs.describe_service_revisions(serviceRevisionArns=revisions)
    by_arn = {
        item.get("serviceRevisionArn", ""): item.get("taskDefinition", "")
        for item in described["serviceRevisions"]
    }
    for revision in revisions:
        definition = by_arn.get(revision, "")
        if _is_older(definition, current) and _is_registered(aws, definition):
            return definition
    return ""


def _is_older(definition: str, current: str) -> bool:
    """Whether a task definition was registered before another one.

    >>> _is_older("task-definition/web:9", "task-definition/web:10"), _is_older("", "web:2")
    (True, False)
    """
    numbers = [arn.rsplit(":", 1)[-1] for arn in (definition, current)]
    if not all(number.isdecimal() for number in numbers):
        return False
    return int(numbers[0]) < int(numbers[1])


def _is_registered(aws: Aws, definition: str) -> bool:
    answer = aws.ecs.describe_task_definition(taskDefinition=definition)
    return answer["taskDefinition"].get("status") == "ACTIVE"


# CodeDeploy ------------------------------------------------------------------------------------


def _find_code_deploy_rollback(
    aws: Aws, stack: DeployStack, state: StackState, service: ServiceTypeDef
) -> Rollback:
    outputs = {output.key: output.value for output in state.outputs}
    try:
        names = (outputs["CodeDeployApplication"], outputs["CodeDeployDeploymentGroup"])
    except KeyError as error:
        text = f"{state.stack_name} has no output {error.args[0]}: deploy it with CodeDeploy first"
        raise AwsError(text) from error
    arn = service.get("serviceArn", "")
    running = _list(aws, names, [*UNDER_WAY])
    if running:
        return Rollback("stop", arn, deployment=running[0])
    current = next(
        (
            task_set.get("taskDefinition", "")
            for task_set in service.get("taskSets", [])
            if task_set.get("status") == "PRIMARY"
        ),
        "",
    )
    for deployment in _list(aws, names, ["Succeeded"])[:_PAST_DEPLOYMENTS]:
        info = aws.codedeploy.get_deployment(deploymentId=deployment)["deploymentInfo"]
        definition = _deployed_revision(info)
        if _is_older(definition, current) and _is_registered(aws, definition):
            return Rollback("deploy", arn, current=current, previous=definition)
    raise AwsError(f"CodeDeploy knows no earlier deployment of {stack.name} to go back to")


def _list(aws: Aws, names: tuple[str, str], statuses: list[Any]) -> list[str]:
    answer = aws.codedeploy.list_deployments(
        applicationName=names[0], deploymentGroupName=names[1], includeOnlyStatuses=statuses
    )
    return answer["deployments"]


def _deployed_revision(info: Any) -> str:
    """The task definition in the AppSpec of a deployment; empty if it cannot be read."""
    content = info.get("revision", {}).get("appSpecContent", {}).get("content", "")
    try:
        (resource,) = json.loads(content)["Resources"]
        return str(resource["TargetService"]["Properties"]["TaskDefinition"])
    except (ValueError, KeyError, TypeError):
        return ""


# Execution -------------------------------------------------------------------------------------


def roll_back(
    context: Context, stack: DeployStack, state: StackState, rollback: Rollback
) -> Job[str]:
    """Does it, and waits. Returns why it failed; empty if it succeeded."""
    aws, by_code_deploy = context.aws, stack.code_deploy is not None
    with aws_errors():
        if by_code_deploy:
            deployment = _start_code_deploy(aws, state, rollback)
        elif rollback.kind == "stop":
            aws.ecs.stop_service_deployment(
                serviceDeploymentArn=rollback.deployment, stopType="ROLLBACK"
            )
        else:
            aws.ecs.update_service(
                cluster=cluster_of(rollback.service),
                service=rollback.service,
                taskDefinition=rollback.previous,
            )
    context.emit(Noted(stack.name, context.at, rollback.text))
    if by_code_deploy:
        return (yield from _follow_code_deploy(context, stack, rollback, deployment))
    return (yield from _follow_service(context, stack, rollback))


def _start_code_deploy(aws: Aws, state: StackState, rollback: Rollback) -> str:
    if rollback.kind == "stop":
        aws.codedeploy.stop_deployment(deploymentId=rollback.deployment, autoRollbackEnabled=True)
        return rollback.deployment
    request = read_request(aws, state, "CodeDeployRequest", "CreateDeployment").input
    try:
        revision = request["revision"]["appSpecContent"]
        spec = json.loads(revision["content"])
        spec["Resources"][0]["TargetService"]["Properties"]["TaskDefinition"] = rollback.previous
    except (ValueError, LookupError, TypeError) as error:
        text = f"the request for CodeDeploy that {state.stack_name} keeps was changed by hand"
        raise AwsError(f"{text}. Deploy the stack to correct it") from error
    revision["content"] = json.dumps(spec, separators=(",", ":"))
    return aws.codedeploy.create_deployment(**request)["deploymentId"]


def _follow_code_deploy(
    context: Context, stack: DeployStack, rollback: Rollback, deployment: str
) -> Job[str]:
    wanted = "Stopped" if rollback.kind == "stop" else "Succeeded"
    client = context.aws.codedeploy

    def read_end() -> str | None:
        info = client.get_deployment(deploymentId=deployment)["deploymentInfo"]
        status = info.get("status", "")
        context.emit(Noted(stack.name, context.at, f"{deployment}: {status}"))
        if status == wanted:
            return ""
        if status in ("Succeeded", "Failed", "Stopped"):
            message = info.get("errorInformation", {}).get("message", "")
            return f"{deployment} is {status}. {message}".strip()
        return None

    return (yield from _wait_for_end(context, stack, read_end))


def _follow_service(context: Context, stack: DeployStack, rollback: Rollback) -> Job[str]:
    """Waits until no deployment of the service is under way."""

    def read_end() -> str | None:
        rollouts = read_rollouts(context.aws, [rollback.service])
        if not rollouts:
            return f"the service {_short(rollback.service)} was deleted in the meantime"
        context.emit(RolledOut(stack.name, context.at, "Service", rollouts[0]))
        if rollouts[0].state == "COMPLETED":
            return _find_difference(context.aws, rollback)
        if rollouts[0].state == "FAILED":
            return rollouts[0].reason or "the deployment of the earlier revision has failed"
        return None

    yield _PAUSE
    return (yield from _wait_for_end(context, stack, read_end))


def _wait_for_end(
    context: Context, stack: DeployStack, read_end: Callable[[], str | None]
) -> Job[str]:
    """Reads how the rollback has ended until it has: why it failed, or empty. A lost connection is
    no reason to stop: ECS and CodeDeploy go on."""
    end = context.clock.now() + _LONGEST
    answered = context.clock.now()
    while context.clock.now() < end:
        try:
            with aws_errors():
                reason = read_end()
            if reason is not None:
                return reason
            answered = context.clock.now()
        except AwsError as error:
            if not error.connection or context.clock.now() - answered > MAX_SILENCE:
                raise
            context.emit(Noted(stack.name, context.at, f"{error} Trying again."))
        yield _PAUSE
    return "the rollback has not ended"


def _find_difference(aws: Aws, rollback: Rollback) -> str:
    """Whether the service runs what it should now. A stopped deployment says it by itself."""
    if rollback.kind == "stop":
        return ""
    running = describe_service(aws, rollback.service).get("taskDefinition", "")
    if running == rollback.previous:
        return ""
    return f"the service runs {_short(running)}, not {_short(rollback.previous)}"
