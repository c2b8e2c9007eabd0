"""Permissions of the task role."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.cfn import ecs
from moorage.cfn.arns import (
    expand_parts,
)
from moorage.cfn.permissions import (
    allows,
    find_role,
)
from moorage.cfn.values import Attr
from moorage.cfn.view import Resource, View
from moorage.rules.execution_role import _place
from moorage.rules.execution_role_secrets import FILE_SYSTEM
from moorage.rules.rule import Problem, problem, rule

CLIENT_MOUNT = "elasticfilesystem:ClientMount"


EXEC = tuple(
    f"ssmmessages:{one}"
    for one in (
        "CreateControlChannel",
        "CreateDataChannel",
        "OpenControlChannel",
        "OpenDataChannel",
    )
)


@rule(
    "E9780",
    "The task role lacks what ECS Exec or an EFS volume takes",
    error_messages=(
        "An error occurred (TargetNotConnectedException) when calling the ExecuteCommand "
        "operation: The execute command failed due to an internal error.",
        "The service couldn't be created because a valid taskRoleArn is not being used. Specify a "
        "valid task role in your task definition and try again.",
        "mount.nfs4: access denied by server while mounting fs-....efs.us-east-1.amazonaws.com:/ : "
        "unsuccessful EFS utils command execution; code: 32",
    ),
    fix="Give the task a TaskRoleArn, and allow that role the four ssmmessages actions on `*`, or "
    "elasticfilesystem:ClientMount and ClientWrite on the file system.",
    sources=(
        "aws/aws-cli#6070",
        "aws/aws-toolkit-jetbrains#3649",
        "aws-samples/aws-cdk-examples#920",
        "AWS docs: Monitor Amazon ECS containers with ECS Exec",
        "AWS docs: Use Amazon EFS volumes with Amazon ECS",
    ),
    failure_ids=(
        "svc-exec-without-task-role-permissions",
        "td-efs-iam-without-task-role-permission",
    ),
)
def task_role_lacks(view: View) -> Iterator[Problem]:
    """The agent of ECS Exec in a container, and the mount of an EFS volume with IAM authorization,
    act with the task role, not with the execution role. Without a task role a service with
    EnableExecuteCommand is refused; without the permissions no session opens, and no task with
    such a volume starts."""
    for service in ecs.services(view):
        task = ecs.task_definition_of(service) if service["EnableExecuteCommand"].flag else None
        if task is None:
            continue
        role = find_role(task["TaskRoleArn"])
        if task["TaskRoleArn"].absent:
            yield problem(
                task["TaskRoleArn"],
                f"{task.id} has no task role, and ECS refuses {service.id} with "
                f"EnableExecuteCommand without one",
                "Give it a TaskRoleArn whose role allows the ssmmessages actions.",
            )
        lacking = [one for one in EXEC if role is not None and allows(role, one) is False]
        if role is not None and lacking:
            yield problem(
                _place(role, lacking[0]),
                f"{role.id}, the task role, may not {', '.join(lacking)} on `*`, so ECS Exec into "
                f"{service.id} fails with TargetNotConnectedException",
                "Allow ssmmessages:CreateControlChannel, CreateDataChannel, OpenControlChannel and "
                "OpenDataChannel on `*` in the task role.",
            )
    for task in ecs.task_definitions(view):
        yield from _mounts(task)


def _mounts(task: Resource) -> Iterator[Problem]:
    for volume in task["Volumes"].items:
        efs = volume["EFSVolumeConfiguration"]
        system = ecs.resource_of_type(efs["FilesystemId"], FILE_SYSTEM)
        by_iam = efs.at("AuthorizationConfig", "IAM").text == "ENABLED"
        if not by_iam or system is None or system["FileSystemPolicy"].present:
            continue
        given = task["TaskRoleArn"]
        role = find_role(given)
        on = expand_parts(task.view, (Attr(system, "Arn"),))
        write = (
            f"Allow elasticfilesystem:ClientMount and ClientWrite on `!GetAtt {system.id}.Arn` in "
            f"the task role."
        )
        if given.absent:
            yield problem(
                given,
                f"{task.id} mounts {system.id} with IAM authorization, and has no task role to be "
                f"allowed it: no task starts",
                write,
            )
        elif role is not None and allows(role, CLIENT_MOUNT, on) is False:
            yield problem(
                _place(role, CLIENT_MOUNT),
                f"{task.id} mounts {system.id} with IAM authorization, and {role.id}, the task "
                f"role, may not {CLIENT_MOUNT}: no task starts",
                write,
            )


RULES = (task_role_lacks,)
