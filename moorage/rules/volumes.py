"""Volumes of tasks, and what containers mount of them."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.cfn import ecs
from moorage.cfn.nodes import Node
from moorage.cfn.values import Attr
from moorage.cfn.view import Resource, View
from moorage.rules.rule import Problem, problem, rule

FILE_SYSTEM = "AWS::EFS::FileSystem"

_MAKE_NO_DIRECTORY = (
    "AWS::EFS::",
    "AWS::IAM::",
    "AWS::ECS::",
    "AWS::Backup::",
    "AWS::CloudWatch::",
    "AWS::SSM::Parameter",
    "AWS::EC2::SecurityGroup",
)


@rule(
    "E9366",
    "A mount point of a volume that the task does not have",
    error_messages=("Unknown volume 'cache'.",),
    fix="Let SourceVolume be the Name of one of the task's Volumes.",
    sources=("AWS docs: AWS::ECS::TaskDefinition MountPoint",),
    failure_ids=("td-mount-point-unknown-volume",),
)
def unknown_volume(view: View) -> Iterator[Problem]:
    """A container mounts a volume by its name. RegisterTaskDefinition refuses a name that the
    task's Volumes do not have."""
    for task in ecs.task_definitions(view):
        volumes = task["Volumes"]
        names = {one["Name"].text for one in volumes.items}
        if not volumes.all_known or None in names:
            continue
        for container in ecs.containers(task):
            for mount in container["MountPoints"].items:
                source = mount["SourceVolume"]
                if source.text is not None and source.text not in names:
                    known = ", ".join(sorted(filter(None, names)))
                    yield problem(
                        source,
                        f"{container['Name'].text or 'A container'} mounts {source.text}, and "
                        f"{task.id} has no volume of that name",
                        f"Name one of {known}." if known else f"Add {source.text} to Volumes.",
                    )


@rule(
    "E9367",
    "An EFS volume that can't be mounted",
    error_messages=(
        "mount.nfs4: mounting fs-...:/grafana failed, reason given by server: No such file or "
        "directory",
    ),
    fix="With an access point or IAM set TransitEncryption to ENABLED; with an access point leave "
    "RootDirectory out; on a new file system let an access point make the directory.",
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
def efs_volume(view: View) -> Iterator[Problem]:
    """IAM authorization and access points need encryption in transit, and an access point already
    says which directory is the root: RegisterTaskDefinition refuses anything else. A new file
    system holds nothing but `/`, and mounting another directory of it fails with each task that
    starts, until the stack is rolled back. An access point can make its directory."""
    for task in ecs.task_definitions(view):
        for volume in task["Volumes"].items:
            efs = volume["EFSVolumeConfiguration"]
            yield from _unencrypted(task, efs)
            yield from _wrong_root(task, efs)


def _unencrypted(task: Resource, efs: Node) -> Iterator[Problem]:
    access, encryption = efs["AuthorizationConfig"], efs["TransitEncryption"]
    point = _has(access["AccessPointId"])
    if (point or access["IAM"].text == "ENABLED") and (
        encryption.absent or encryption.text == "DISABLED"
    ):
        yield problem(
            encryption,
            f"A volume of {task.id} uses {'an access point' if point else 'IAM'}, which needs "
            f"encryption in transit",
            "Write `TransitEncryption: ENABLED`.",
        )


def _wrong_root(task: Resource, efs: Node) -> Iterator[Problem]:
    point, root = efs.at("AuthorizationConfig", "AccessPointId"), efs["RootDirectory"]
    if root.text in (None, "", "/"):
        return
    system = ecs.resource_of_type(efs["FilesystemId"], FILE_SYSTEM)
    if _has(point):
        yield problem(
            root,
            f"A volume of {task.id} has an access point and the root directory {root.text}, and "
            f"ECS refuses that",
            "Leave RootDirectory out; the access point says what is mounted.",
        )
    elif point.absent and system and not _may_hold_directories(task, system):
        yield problem(
            root,
            f"{task.id} mounts {root.text} of {system.id}, and a new file system has no such "
            f"directory",
            "Mount `/`, or mount an AWS::EFS::AccessPoint that makes the directory by "
            "RootDirectory.CreationInfo.",
        )


def _has(node: Node) -> bool:
    """Whether something is given that is not empty by default."""
    return node.present and node.default != ""


def _may_hold_directories(task: Resource, system: Resource) -> bool:
    """Whether something else in sight may have made directories: an instance, a function, another
    task that mounts it."""
    for stack in task.view.stacks:
        imported = any(
            isinstance(one, Attr) and one.resource is system for one in stack.imported_values
        )
        for one in stack.resources.values():
            here = stack is system.stack
            refers = system.id in stack.direct_dependencies(one.id) if here else imported
            if refers and not one.type.startswith(_MAKE_NO_DIRECTORY):
                return True
    others = (one for one in ecs.task_definitions(task.view) if one is not task)
    volumes = (
        volume["EFSVolumeConfiguration"] for one in others for volume in one["Volumes"].items
    )
    return any(ecs.resource_of_type(one["FilesystemId"], FILE_SYSTEM) is system for one in volumes)


RULES = (unknown_volume, efs_volume)
