"""A shell in a running container, by ECS Exec.

Amazon ECS developer guide, "Monitor Amazon ECS containers with ECS Exec".
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from moorage.deploy.aws import Aws, AwsError, aws_errors
from moorage.deploy.rollout import cluster_of
from moorage.deploy.stack_resources import TASK_DEFINITION
from moorage.deploy.target import DeployStack
from moorage.records import record

if TYPE_CHECKING:
    from types_boto3_ecs.type_defs import ContainerTypeDef, TaskTypeDef

PLUGIN = "session-manager-plugin"
"""The program that the AWS CLI runs for a session, too."""
_AGENT = "ExecuteCommandAgent"


@record
class RunningContainer:
    """A container that a shell can be opened in."""

    cluster: str
    task: str
    """The ARN of its task."""
    name: str
    runtime_id: str

    @property
    def session_target(self) -> str:
        """What Session Manager connects to (AWS CLI, customizations/ecs/executecommand.py)."""
        return f"ecs:{self.cluster}_{self.task.split('/')[-1]}_{self.runtime_id}"


def find_container(
    aws: Aws, stack: DeployStack, service: str, wanted: str | None
) -> RunningContainer:
    """The container in the newest running task of the service with that ARN; without a name, the
    first container of the task definition. Raises AwsError if no shell can be opened there."""
    name = choose_container(stack, wanted)
    cluster = cluster_of(service)
    with aws_errors():
        arns = aws.ecs.list_tasks(cluster=cluster, serviceName=service, desiredStatus="RUNNING")
        found = arns["taskArns"]
        tasks = aws.ecs.describe_tasks(cluster=cluster, tasks=found)["tasks"] if found else []
    running = [task for task in tasks if task.get("lastStatus") == "RUNNING"]
    if not running:
        raise AwsError(f"no task of {stack.name} is running. `moorage why` says why")
    reasons = []
    for task in sorted(running, key=lambda task: str(task.get("startedAt", "")), reverse=True):
        for container in task.get("containers", ()):
            if container.get("name") != name:
                continue
            if reason := _find_obstacle(stack, task, container):
                reasons.append(reason)
                continue
            runtime_id = container.get("runtimeId", "")
            return RunningContainer(cluster, task.get("taskArn", ""), name, runtime_id)
    raise AwsError(reasons[0] if reasons else f"no running task of {stack.name} has `{name}`")


def choose_container(stack: DeployStack, wanted: str | None) -> str:
    """The name of a container of the stack. Raises AwsError if it has none of that name."""
    names = list(_container_names(stack))
    if not names:
        raise AwsError(f"{stack.name} runs no containers")
    if wanted is None:
        return names[0]
    if wanted not in names:
        raise AwsError(f"{stack.name} has no container `{wanted}`. Containers: {', '.join(names)}")
    return wanted


def _container_names(stack: DeployStack) -> Iterator[str]:
    for resource in stack.body.get("Resources", {}).values():
        if resource.get("Type") == TASK_DEFINITION:
            for container in resource["Properties"].get("ContainerDefinitions", ()):
                yield str(container.get("Name"))


def _find_obstacle(stack: DeployStack, task: TaskTypeDef, container: ContainerTypeDef) -> str:
    """Why no shell can be opened in a container; empty if one can."""
    if not task.get("enableExecuteCommand"):
        return (
            f"the tasks of {stack.name} run without ECS Exec. Write `enable_execute_command: true` "
            "in its params and deploy it: running tasks do not change"
        )
    agents = [agent for agent in container.get("managedAgents", ()) if agent.get("name") == _AGENT]
    if any(agent.get("lastStatus") == "RUNNING" for agent in agents):
        return ""
    state = agents[0].get("lastStatus", "") if agents else "not there"
    reason = agents[0].get("reason", "") if agents else ""
    because = f" ({reason})" if reason else ""
    return (
        f"the agent of ECS Exec in `{container.get('name')}` is {state}{because}. The task role "
        "needs `ssmmessages`, and the task a route to Systems Manager; the agent writes to the "
        "file system of the container"
    )


def start_session(
    aws: Aws, container: RunningContainer, command: str, profile: str | None
) -> Sequence[str]:
    """Starts a session, and returns the words of the command that connects to it. They have the
    token of the session, so they must not be printed."""
    with aws_errors():
        answer = aws.ecs.execute_command(
            cluster=container.cluster,
            task=container.task,
            container=container.name,
            interactive=True,
            command=command,
        )
    session = {
        "SessionId": answer["session"].get("sessionId"),
        "StreamUrl": answer["session"].get("streamUrl"),
        "TokenValue": answer["session"].get("tokenValue"),
    }
    return [
        PLUGIN,
        json.dumps(session),
        aws.region,
        "StartSession",
        profile or "",
        json.dumps({"Target": container.session_target}),
        aws.ecs.meta.endpoint_url,
    ]
