"""EFS volumes of tasks."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.cfn import ecs
from moorage.cfn.nodes import Node
from moorage.cfn.stack import Resource
from moorage.cfn.values import Attr
from moorage.cfn.view import View
from moorage.rules.rule import Problem, problem, rule

_FILE_SYSTEM = "AWS::EFS::FileSystem"

_CREATE_NO_DIRECTORIES = (
    "AWS::EFS::",
    "AWS::IAM::",
    "AWS::ECS::",
    "AWS::Backup::",
    "AWS::CloudWatch::",
    "AWS::SSM::Parameter",
    "AWS::EC2::SecurityGroup",
)
"""Prefixes of resource types that refer to a file system but create no directories in it."""


@rule(
    "E9850",
    "An EFS volume cannot be mounted.",
    error_messages=(
        "mount.nfs4: mounting fs-...:/grafana failed, reason given by server: No such file or "
        "directory",
    ),
    fix="Write `TransitEncryption: ENABLED` with an access point or IAM authorization. Remove "
    "RootDirectory with an access point. Let an access point create the directory of a new file "
    "system.",
    sources=(
        "AWS docs: Specifying an Amazon EFS file system in an Amazon ECS task definition",
        "acp-io/terraform-grafana#4",
    ),
    failure_ids=(
        "td-efs-iam-without-transit-encryption",
        "td-efs-access-point-with-root-directory",
        "td-efs-root-directory-does-not-exist",
    ),
)
def unmountable_efs_volume(view: View) -> Iterator[Problem]:
    """IAM authorization and access points require encryption in transit, and an access point
    already sets the root directory: RegisterTaskDefinition rejects anything else. A new file system
    has no directory except `/`. Mounting another one fails for each task until the stack is rolled
    back. An access point can create its directory."""
    for task in ecs.task_definitions(view):
        for volume in task["Volumes"].items:
            efs = volume["EFSVolumeConfiguration"]
            yield from _missing_encryption(task, efs)
            yield from _wrong_root_directory(task, efs)


def _missing_encryption(task: Resource, efs: Node) -> Iterator[Problem]:
    authorization, encryption = efs["AuthorizationConfig"], efs["TransitEncryption"]
    has_access_point = _is_set(authorization["AccessPointId"])
    if (has_access_point or authorization["IAM"].text == "ENABLED") and (
        encryption.absent or encryption.text == "DISABLED"
    ):
        feature = "an access point" if has_access_point else "IAM authorization"
        yield problem(
            encryption,
            f"An EFS volume of task definition `{task.id}` has {feature} but no encryption in "
            f"transit, which ECS requires for it",
            "Write `TransitEncryption: ENABLED`.",
        )


def _wrong_root_directory(task: Resource, efs: Node) -> Iterator[Problem]:
    access_point, root = efs.at("AuthorizationConfig", "AccessPointId"), efs["RootDirectory"]
    if root.text in (None, "", "/"):
        return
    file_system = ecs.resource_of_type(efs["FilesystemId"], _FILE_SYSTEM)
    if _is_set(access_point):
        yield problem(
            root,
            f"An EFS volume of task definition `{task.id}` has an access point and the "
            f"RootDirectory `{root.text}`, and ECS rejects both together",
            "Remove RootDirectory. The access point sets the directory.",
        )
    elif access_point.absent and file_system and not _may_have_directories(task, file_system):
        yield problem(
            root,
            f"Task definition `{task.id}` mounts `{root.text}` of file system `{file_system.id}`, "
            f"and a new file system does not have that directory",
            "Remove RootDirectory to mount `/`, or mount an AWS::EFS::AccessPoint that creates the "
            "directory with RootDirectory.CreationInfo.",
        )


def _is_set(node: Node) -> bool:
    """Whether a value is present and is not empty by default."""
    return node.present and node.default != ""


def _may_have_directories(task: Resource, file_system: Resource) -> bool:
    """Whether another resource in view may have created directories: an instance, a function, or
    another task that mounts the file system."""
    for stack in task.view.stacks:
        is_imported = any(
            isinstance(value, Attr) and value.resource is file_system
            for value in stack.imported_values
        )
        for resource in stack.resources.values():
            refers = (
                file_system.id in stack.direct_dependencies(resource.id)
                if stack is file_system.stack
                else is_imported
            )
            if refers and not resource.type.startswith(_CREATE_NO_DIRECTORIES):
                return True
    all_tasks = ecs.task_definitions(task.view)
    other_tasks = (candidate for candidate in all_tasks if candidate is not task)
    volumes = (
        volume["EFSVolumeConfiguration"]
        for other_task in other_tasks
        for volume in other_task["Volumes"].items
    )
    return any(
        ecs.resource_of_type(efs["FilesystemId"], _FILE_SYSTEM) is file_system for efs in volumes
    )


RULES = (unmountable_efs_volume,)
