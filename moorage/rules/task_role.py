"""Permissions of the task role for ECS Exec and EFS."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.cfn import ecs
from moorage.cfn.arns import expand_parts
from moorage.cfn.permissions import allows, find_role, parse_document
from moorage.cfn.stack import Resource
from moorage.cfn.values import Attr
from moorage.cfn.view import View
from moorage.rules.execution_role import place_for_permission
from moorage.rules.message_parts import join_and
from moorage.rules.rule import Problem, problem, rule

_FILE_SYSTEM = "AWS::EFS::FileSystem"
_CLIENT_MOUNT = "elasticfilesystem:ClientMount"
_EXEC_ACTIONS = (
    "ssmmessages:CreateControlChannel",
    "ssmmessages:CreateDataChannel",
    "ssmmessages:OpenControlChannel",
    "ssmmessages:OpenDataChannel",
)
"""Source: AWS docs, Monitor Amazon ECS containers with ECS Exec."""


@rule(
    "E9780",
    "The task role lacks permissions for ECS Exec or for an EFS volume.",
    error_messages=(
        "An error occurred (TargetNotConnectedException) when calling the ExecuteCommand "
        "operation: The execute command failed due to an internal error.",
        "The service couldn't be created because a valid taskRoleArn is not being used. Specify a "
        "valid task role in your task definition and try again.",
        "mount.nfs4: access denied by server while mounting fs-....efs.us-east-1.amazonaws.com:/ : "
        "unsuccessful EFS utils command execution; code: 32",
    ),
    fix="Write a TaskRoleArn, and allow that role the four ssmmessages actions on `*`, or "
    "elasticfilesystem:ClientMount and ClientWrite on the file system.",
    sources=(
        "aws/aws-cli#6070",
        "aws/aws-toolkit-jetbrains#3649",
        "aws-samples/aws-cdk-examples#920",
        "AWS docs: Monitor Amazon ECS containers with ECS Exec",
        "AWS docs: Use Amazon EFS volumes with Amazon ECS",
        "AWS docs: Using IAM to control access to file systems",
    ),
    failure_ids=(
        "svc-exec-without-task-role-permissions",
        "td-efs-iam-without-task-role-permission",
    ),
)
def task_role_lacks_permissions(view: View) -> Iterator[Problem]:
    """The agent of ECS Exec and the mount of an EFS volume with IAM authorization use the task
    role, not the execution role. ECS refuses to create a service with EnableExecuteCommand and
    without a task role. Without the permissions, ECS Exec fails, and tasks with the volume do not
    start. A file system without a policy allows every mount; one with a policy allows what the
    policy or the role allows."""
    for service in ecs.services(view):
        task = ecs.task_definition_of(service) if service["EnableExecuteCommand"].flag else None
        if task is not None:
            yield from _exec_problems(service, task)
    for task in ecs.task_definitions(view):
        yield from _mount_problems(task)


def _exec_problems(service: Resource, task: Resource) -> Iterator[Problem]:
    role = find_role(task["TaskRoleArn"])
    if task["TaskRoleArn"].absent:
        yield problem(
            task["TaskRoleArn"],
            f"Task definition `{task.id}` has no task role, and ECS refuses to create service "
            f"`{service.id}` with EnableExecuteCommand",
            f"Write a TaskRoleArn of a role that allows {join_and(_EXEC_ACTIONS)} on `*`.",
        )
    missing = [
        action for action in _EXEC_ACTIONS if role is not None and allows(role, action) is False
    ]
    if role is not None and missing:
        yield problem(
            place_for_permission(role, missing[0]),
            f"Task role `{role.id}` does not allow {join_and(missing)}, so ECS Exec of service "
            f"`{service.id}` fails with TargetNotConnectedException",
            f"Allow {'them' if len(missing) > 1 else 'it'} on `*` in `{role.id}`.",
        )


def _mount_problems(task: Resource) -> Iterator[Problem]:
    for volume in task["Volumes"].items:
        efs = volume["EFSVolumeConfiguration"]
        file_system = ecs.resource_of_type(efs["FilesystemId"], _FILE_SYSTEM)
        uses_iam = efs.at("AuthorizationConfig", "IAM").text == "ENABLED"
        if not uses_iam or file_system is None:
            continue
        role_arn = task["TaskRoleArn"]
        role = find_role(role_arn)
        arns = expand_parts(task.view, (Attr(file_system, "Arn"),))
        resource = (
            f"`!GetAtt {file_system.id}.Arn`"
            if file_system.stack is task.stack
            else f"the ARN of `{file_system.id}`"
        )
        subject = f"Task definition `{task.id}` mounts `{file_system.id}` with IAM authorization"
        write = (
            ""
            if _is_mounted_read_only(task, volume["Name"].text)
            else " and elasticfilesystem:ClientWrite"
        )
        if role_arn.absent:
            yield problem(
                role_arn,
                f"{subject} but without a task role, so no task starts",
                f"Write a TaskRoleArn of a role that allows {_CLIENT_MOUNT}{write} on {resource}.",
            )
        elif (
            role is not None
            and _leaves_mount_to_roles(file_system)
            and allows(role, _CLIENT_MOUNT, arns) is False
        ):
            yield problem(
                place_for_permission(role, _CLIENT_MOUNT),
                f"{subject}, and task role `{role.id}` does not allow {_CLIENT_MOUNT}, so no task "
                f"starts",
                f"Allow {_CLIENT_MOUNT}{write} on {resource} in `{role.id}`.",
            )


def _leaves_mount_to_roles(file_system: Resource) -> bool:
    """Whether the policy of a file system certainly allows no mount by itself. Without a policy,
    everyone who can connect is allowed to mount (AWS docs: Using IAM to control access to file
    systems)."""
    policy = parse_document(file_system["FileSystemPolicy"])
    return (
        file_system["FileSystemPolicy"].certainly_present
        and policy.complete
        and all(
            statement.allows is False or statement.covers_action(_CLIENT_MOUNT) is False
            for statement in policy.statements
        )
    )


def _is_mounted_read_only(task: Resource, volume: str | None) -> bool:
    """Whether every container that mounts a volume mounts it read-only."""
    if volume is None:
        return False
    mounts = [
        mount
        for container in ecs.containers(task)
        for mount in container["MountPoints"].items
        if mount["SourceVolume"].text == volume
    ]
    return bool(mounts) and all(mount["ReadOnly"].flag for mount in mounts)


RULES = (task_role_lacks_permissions,)
