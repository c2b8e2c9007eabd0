"""Deploys the task definition of a stack with CodeDeploy, and waits for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from moorage.deploy.aws import AwsError, aws_errors
from moorage.deploy.context import Context
from moorage.deploy.jobs import Job
from moorage.deploy.progress import Noted
from moorage.deploy.requests import read_request
from moorage.deploy.stack_state import StackState

if TYPE_CHECKING:
    from types_boto3_codedeploy.literals import DeploymentStatusType
    from types_boto3_codedeploy.type_defs import DeploymentInfoTypeDef

UNDER_WAY: Sequence[DeploymentStatusType] = (
    *("Created", "Queued", "InProgress", "Baking", "Ready"),
)
"""The status of a deployment that has not ended."""
_PAUSE = 3.0


def run_code_deploy(context: Context, stack: str, state: StackState, seconds: int) -> Job[str]:
    """Starts a deployment, unless the service runs the revision already, and waits for `seconds` at
    most. Returns why it failed; empty if it succeeded."""
    client = context.aws.codedeploy
    outputs = {output.key: output.value for output in state.outputs}
    names = {
        "applicationName": outputs["CodeDeployApplication"],
        "deploymentGroupName": outputs["CodeDeployDeploymentGroup"],
    }
    with aws_errors():
        revision, live = outputs["TaskDefinitionArn"], _read_live_revision(context, names)
        if live == revision:
            context.emit(Noted(stack, context.at, f"the service runs {revision}"))
            return ""
        running = client.list_deployments(
            applicationName=names["applicationName"],
            deploymentGroupName=names["deploymentGroupName"],
            includeOnlyStatuses=[*UNDER_WAY],
        )["deployments"]
        if running:
            return f"CodeDeploy still deploys it: {running[0]}. Deploy again when it has ended"
        request = read_request(context.aws, state, "CodeDeployRequest", "CreateDeployment")
        deployment = client.create_deployment(**request.input)["deploymentId"]
    text = f"CodeDeploy deploys {revision} in place of {live}: {deployment}"
    context.emit(Noted(stack, context.at, text))
    end = context.clock.now() + seconds
    while True:
        try:
            with aws_errors():
                info = client.get_deployment(deploymentId=deployment)["deploymentInfo"]
        except AwsError as error:
            if not error.connection or context.clock.now() > end:
                raise
        else:
            status = info.get("status", "")
            context.emit(Noted(stack, context.at, f"{deployment}: {status}"))
            if status == "Succeeded":
                return ""
            if status in ("Failed", "Stopped"):
                return _failure(deployment, info)
        if context.clock.now() > end:
            return f"{deployment} took more than {seconds} seconds, and continues"
        yield _PAUSE


def _read_live_revision(context: Context, names: dict[str, str]) -> str:
    """The task definition of the service's primary task set."""
    group = context.aws.codedeploy.get_deployment_group(
        applicationName=names["applicationName"],
        deploymentGroupName=names["deploymentGroupName"],
    )["deploymentGroupInfo"]
    for deployed in group.get("ecsServices", []):
        answer = context.aws.ecs.describe_services(
            cluster=deployed.get("clusterName", ""), services=[deployed.get("serviceName", "")]
        )
        for service in answer["services"]:
            for task_set in service.get("taskSets", []):
                if task_set.get("status") == "PRIMARY":
                    return task_set.get("taskDefinition", "")
    return ""


def _failure(deployment: str, info: DeploymentInfoTypeDef) -> str:
    reasons = (
        info.get("errorInformation", {}).get("message"),
        info.get("rollbackInfo", {}).get("rollbackMessage"),
    )
    because = " ".join(reason for reason in reasons if reason)
    return f"{deployment} did not succeed: {because or info.get('status', '')}"
