"""Tasks that run once and end: how ECS is asked to run one, and who may ask."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from awacs import ecs as ecs_actions
from awacs import iam as iam_actions
from awacs.aws import ArnEquals, Condition, Statement, StringEquals
from troposphere import Ref, Sub

from moorage.findings.finding import Problem
from moorage.model import logical_id

from ..common.iam import allow
from .placement import run_on
from .task import Task
from .task_problems import task_problems

_ECS = "arn:${AWS::Partition}:ecs:${AWS::Region}:${AWS::AccountId}"


def run_problems(task: Task) -> Iterator[Problem]:
    """What is wrong with a task that runs once and ends."""
    yield from task_problems(task)
    for name, volume in task.params.volumes.items():
        if volume.ebs:
            message = "A volume on EBS is made for the tasks of a service only"
            hint = "Write `efs:`, or `ephemeral_storage:` for up to 200 GiB on Fargate."
            yield Problem("M1220", ("volumes", name, "ebs"), message, hint)


def request(task: Task) -> dict[str, Any]:
    """What RunTask is asked for, in the words of CloudFormation: a task of the stack's definition,
    where the params say that it runs.

    A cluster's default may be a mix with Spot. That is for services, which start a task again, so
    here the params themselves must ask for it.
    """
    on = run_on(task.placement, default_strategy=False)
    words = {"PlacementStrategies": "PlacementStrategy"}
    return {
        "Cluster": task.placement.cluster_name,
        "TaskDefinition": Ref("TaskDefinition"),
        "Count": 1,
        **{words.get(key, key): value for key, value in on.items()},
        "EnableExecuteCommand": task.params.enable_execute_command,
        "EnableECSManagedTags": True,
        "PropagateTags": "TASK_DEFINITION",
    }


def as_json(value: Any) -> Sub:
    """A value as JSON that CloudFormation fills in: references stand in it by their names."""
    found: dict[str, Any] = {}
    text = json.dumps(_named(value, found), indent=2)
    return Sub(text, **found) if found else Sub(text)


def _named(value: Any, found: dict[str, Any]) -> Any:
    """The value with `${Name}` for each reference; what a name stands for is put into `found`."""
    if hasattr(value, "to_dict"):
        value = value.to_dict()
    if isinstance(value, Mapping):
        if value.keys() == {"Ref"}:
            return f"${{{value['Ref']}}}"
        if value.keys() == {"Fn::GetAtt"}:
            return f"${{{'.'.join(value['Fn::GetAtt'])}}}"
        if value.keys() == {"Fn::Sub"} and isinstance(value["Fn::Sub"], str):
            return value["Fn::Sub"]
        if value.keys() == {"Fn::ImportValue"}:
            export = str(value["Fn::ImportValue"])
            short = logical_id(export.rsplit("-", 1)[-1])
            name = short if found.get(short, value) == value else logical_id(export)
            found[name] = value
            return f"${{{name}}}"
        return {key: _named(one, found) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_named(one, found) for one in value]
    return value


def camel(value: Any) -> Any:
    """A request in the words of the API, which begin with a small letter."""
    if hasattr(value, "to_dict"):
        value = value.to_dict()
    if isinstance(value, Mapping) and not any(key == "Ref" or "::" in key for key in value):
        return {key[0].lower() + key[1:]: camel(one) for key, one in value.items()}
    return [camel(one) for one in value] if isinstance(value, list) else value


def in_cluster(task: Task, resource: str) -> Sub:
    """The ARN of something of the cluster's: `task/${Cluster}/*`."""
    return Sub(f"{_ECS}:{resource}", Cluster=task.placement.cluster_name)


def run_statements(task: Task) -> Iterator[Statement]:
    """What a role needs to run the stack's task in its cluster, and nothing else.

    Every revision of its definition: one that is still to be made is not there to be named. Amazon
    ECS developer guide, "Amazon ECS EventBridge IAM role"; ecs:TagResource because the tasks get
    tags (aws/aws-cdk#28854).
    """
    family = Sub(f"{_ECS}:task-definition/{task.family}:*")
    here = Condition(ArnEquals({"ecs:cluster": in_cluster(task, "cluster/${Cluster}")}))
    yield allow("RunTask", [ecs_actions.RunTask], [family], Condition=here)
    yield allow(
        "TagTask",
        [ecs_actions.TagResource],
        [in_cluster(task, "task/${Cluster}/*")],
        Condition=Condition(StringEquals({"ecs:CreateAction": "RunTask"})),
    )
    yield allow(
        "PassRoles",
        [iam_actions.PassRole],
        [task.execution_role_arn, task.task_role_arn],
        Condition=Condition(StringEquals({"iam:PassedToService": "ecs-tasks.amazonaws.com"})),
    )
