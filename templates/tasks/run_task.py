"""Tasks that run once and end: the request that runs one, and the permissions that it needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from awacs import ecs as ecs_actions
from awacs import iam as iam_actions
from awacs.aws import ArnEquals, Condition, Statement, StringEquals
from troposphere import Ref, Sub

from moorage.findings.finding import Problem

from ..common.iam import allow
from .placement import capacity_properties
from .task import Task
from .task_problems import task_problems

_ECS = "arn:${AWS::Partition}:ecs:${AWS::Region}:${AWS::AccountId}"


def run_problems(task: Task) -> Iterator[Problem]:
    """Problems of a task that runs once and ends."""
    yield from task_problems(task)
    for name, volume in task.params.volumes.items():
        if volume.ebs:
            message = "A task that runs once cannot have an EBS volume"
            hint = "Write `efs:`, or `ephemeral_storage:` for up to 200 GiB on Fargate."
            yield Problem("M3301", ("volumes", name, "ebs"), message, hint)


def request(task: Task) -> dict[str, Any]:
    """The request to RunTask, with the property names of CloudFormation.

    The default strategy of a cluster may use Spot. It does not apply here, because nothing starts a
    task again after a Spot interruption: the params themselves must name FARGATE_SPOT.
    """
    capacity = capacity_properties(task.placement, default_strategy=False)
    renamed = {"PlacementStrategies": "PlacementStrategy"}
    return {
        "Cluster": task.placement.cluster_name,
        "TaskDefinition": Ref("TaskDefinition"),
        "Count": 1,
        **{renamed.get(key, key): value for key, value in capacity.items()},
        "EnableExecuteCommand": task.params.enable_execute_command,
        "EnableECSManagedTags": True,
        "PropagateTags": "TASK_DEFINITION",
    }


def to_camel_case(value: Any) -> Any:
    """A request with the parameter names of the API, which begin with a lower-case letter."""
    if hasattr(value, "to_dict"):
        value = value.to_dict()
    if isinstance(value, Mapping) and not any(key == "Ref" or "::" in key for key in value):
        return {key[0].lower() + key[1:]: to_camel_case(item) for key, item in value.items()}
    return [to_camel_case(item) for item in value] if isinstance(value, list) else value


def cluster_arn(task: Task, resource: str) -> Sub:
    """ARN of a resource of the cluster, such as `task/${Cluster}/*`."""
    return Sub(f"{_ECS}:{resource}", Cluster=task.placement.cluster_name)


def run_statements(task: Task) -> Iterator[Statement]:
    """The permissions that a role needs to run the task of the stack in its cluster.

    They are for all revisions of the task definition, since the number of the next one is unknown.
    Source: Amazon ECS developer guide, "Amazon ECS EventBridge IAM role". ecs:TagResource is needed
    because the tasks get tags (aws/aws-cdk#28854).
    """
    family = Sub(f"{_ECS}:task-definition/{task.family}:*")
    in_cluster = Condition(ArnEquals({"ecs:cluster": cluster_arn(task, "cluster/${Cluster}")}))
    yield allow("RunTask", [ecs_actions.RunTask], [family], Condition=in_cluster)
    yield allow(
        "TagTask",
        [ecs_actions.TagResource],
        [cluster_arn(task, "task/${Cluster}/*")],
        Condition=Condition(StringEquals({"ecs:CreateAction": "RunTask"})),
    )
    yield allow(
        "PassRoles",
        [iam_actions.PassRole],
        [task.execution_role_arn, task.task_role_arn],
        Condition=Condition(StringEquals({"iam:PassedToService": "ecs-tasks.amazonaws.com"})),
    )
