"""Volumes of tasks: their params, what can be wrong with them, and what comes out.

A volume that says nothing lives with its task and is shared by its containers. One on EFS outlives
tasks and is shared by all of them; one on EBS is each task's own, and goes with it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal

from awacs import elasticfilesystem
from awacs.aws import AWSPrincipal, Bool, Condition, Deny, SecureTransport, Statement, StringEquals
from pydantic import Field
from troposphere import GetAtt, ImportValue, Sub, ec2, ecs, efs

from moorage.findings.finding import Path, Problem
from moorage.findings.wording import near, shown
from moorage.model import Base, Environment, logical_id

from ..common.fields import KeyArn, SecurityGroupId, Switch, text
from ..common.iam import allow, policy, role
from ..common.regions import key_region_problems
from .containers import Containers
from .mounts import VolumeName

FileSystemId = Annotated[
    str, text(r"fs-[0-9a-f]{8,40}", "the id of an EFS file system", "fs-0123456789abcdef0")
]
AccessPointId = Annotated[
    str, text(r"fsap-[0-9a-f]{8,40}", "the id of an EFS access point", "fsap-0123456789abcdef0")
]
SnapshotId = Annotated[
    str, text(r"snap-[0-9a-f]{8,17}", "the id of a snapshot", "snap-0123456789abcdef0")
]
# EFS API reference, RootDirectory, Path.
EfsDirectory = Annotated[
    str,
    text(r"/|(?=.{1,100}$)(/(?!\.)[^$#<>;`|&?{}^*/\n]+){1,4}", "a directory of EFS", "/uploads"),
]
Owner = Annotated[str, text(r"\d{1,9}:\d{1,9}", "the numbers of a user and a group", "1000:1000")]

NFS = 2049


class ExistingEfs(Base):
    """An EFS file system that is there already."""

    file_system: FileSystemId = Field(description="Its id.")
    access_point: AccessPointId = Field(
        description="Id of the access point through which it is mounted."
    )
    security_group: SecurityGroupId | None = Field(
        None,
        description="Security group of its mount targets, which the stack opens to the tasks. "
        "Without it they must be admitted already.",
    )
    root: bool = Field(False, description="Whether the access point makes every user root.")


class Efs(Base):
    """An EFS file system of the stack's own, encrypted, with a mount target in every zone and an
    access point. It is mounted with the task role and TLS; nobody else can mount it without."""

    owner: Owner = Field(
        "1000:1000",
        description="User and group that every container is on the volume, whatever its own: "
        "numbers, `0:0` for root.",
    )
    permissions: Annotated[str, text(r"[0-7]{3,4}", "permissions in octal, in quotes", "0750")] = (
        Field("0755", description="Permissions of the directory when it is made.")
    )
    directory: EfsDirectory | None = Field(
        None, description="Directory that is mounted, and made first; `/` and the volume's name."
    )
    throughput: Literal["elastic", "bursting"] = Field(
        "elastic", description="`elastic` follows the load; `bursting` depends on the size."
    )
    infrequent_access_after: (
        Literal["1d", "7d", "14d", "30d", "60d", "90d", "180d", "270d", "365d"] | None
    ) = Field(None, description="Time unread after which a file is moved to cheaper storage.")
    backups: bool = Field(True, description="Let AWS Backup keep a daily backup.")
    kms_key: KeyArn | None = Field(
        None, description="ARN of the KMS key to encrypt with; AWS's own where none is given."
    )
    keep: bool = Field(
        True,
        description="Keep the file system and its files when the stack is deleted, or the volume "
        "is taken out of the params.",
    )
    existing: ExistingEfs | None = Field(
        None, description="Use a file system that is there already."
    )


class Ebs(Base):
    """An EBS volume for each task, encrypted. It is made as the task starts and goes with it."""

    size: int | None = Field(
        None, ge=1, le=16_384, description="GiB; the snapshot's where none is given."
    )
    type: Literal["gp3", "gp2", "io2", "io1", "st1", "sc1"] = Field(
        "gp3", description="EBS volume type."
    )
    iops: int | None = Field(
        None, ge=100, le=256_000, description="Operations per second; needed for `io1` and `io2`."
    )
    throughput: int | None = Field(None, ge=125, le=1_000, description="MiB per second of a `gp3`.")
    filesystem: Literal["xfs", "ext4", "ext3"] = Field(
        "xfs", description="File system; with a snapshot the one that it holds."
    )
    snapshot: SnapshotId | None = Field(None, description="Snapshot that the volume begins with.")
    kms_key: KeyArn | None = Field(
        None,
        description="ARN of the KMS key to encrypt with, whose policy must admit the stack's "
        "`InfrastructureRole`; the account's default where none is given.",
    )


class Volume(Base):
    """A volume of the task. With neither key it is an empty directory that its containers share."""

    efs: Switch[Efs] = Field(None, description="On EFS: outlives tasks, shared by all of them.")
    ebs: Ebs | None = Field(None, description="On EBS: a disk for each task, gone with it.")


class VolumeParams(Base):
    """What a stack says of the volumes of its tasks."""

    volumes: dict[VolumeName, Volume] = Field(
        {}, description="Volumes by name, which containers mount by `mounts:`."
    )


# What can be wrong ---------------------------------------------------------------------------


def volume_problems(
    volumes: Mapping[str, Volume], containers: Containers, env: Environment
) -> Iterator[Problem]:
    """What is wrong with the volumes of a task, and with their mounts."""
    mounted = {name for one in containers.values() for name in one.mounts}
    for name, volume in volumes.items():
        path: Path = ("volumes", name)
        if volume.efs and volume.ebs:
            message = "A volume is on EFS, or on EBS, or with the task"
            yield Problem("M1108", path, message, "Keep one of `efs` and `ebs`.")
        if name not in mounted:
            message = f"No container mounts `{name}`"
            hint = f"Add `mounts: {{{name}: /path}}` to one, or remove the volume."
            yield Problem("M1220", path, message, hint, because=[("containers",)])
        if volume.efs:
            yield from _efs_problems(volume.efs, (*path, "efs"), env)
        if volume.ebs:
            yield from _ebs_problems(volume.ebs, (*path, "ebs"), env)
    disks = [name for name, volume in volumes.items() if volume.ebs]
    for name in disks[1:]:
        message = f"A task has one volume on EBS, and `{disks[0]}` is one already"
        hint = "Keep one of them, or put the other on EFS."
        yield Problem("M1108", ("volumes", name, "ebs"), message, hint)
    yield from _title_problems(volumes)
    for name, container in containers.items():
        yield from _mount_problems(("containers", name), container.mounts, volumes)


def _mount_problems(
    here: Path, mounts: Mapping[str, Any], volumes: Mapping[str, Volume]
) -> Iterator[Problem]:
    paths: dict[str, str] = {}
    for name, mount in mounts.items():
        path = (*here, "mounts", name)
        if name not in volumes:
            meant = near(name, volumes)
            hint = f"Did you mean `{meant}`?" if meant else f"Add it: `volumes: {{{name}: {{}}}}`."
            because = [("volumes", name)]
            message = f"The task has no volume {shown(name)}"
            yield Problem("M1221", path, message, hint, because=because)
        place = mount.path.rstrip("/")
        if place in paths:
            message = f"`{paths[place]}` is mounted at {mount.path} already"
            yield Problem("M1108", path, message, "Mount one of them elsewhere.")
        if not place:
            message = "A volume cannot take the place of the image's root"
            yield Problem("M1107", path, message, "Mount it at a directory such as `/data`.")
        paths.setdefault(place, name)


def _title_problems(volumes: Mapping[str, Volume]) -> Iterator[Problem]:
    titles: dict[str, str] = {}
    for name, volume in volumes.items():
        title = logical_id(name) if volume.efs else ""
        if title and title in titles:
            message = f"`{titles[title]}` and `{name}` lead to the same logical IDs"
            yield Problem("M1302", ("volumes", name), message, "Rename one of them.")
        titles.setdefault(title, name)


def _efs_problems(one: Efs, path: Path, env: Environment) -> Iterator[Problem]:
    if one.existing and one.model_fields_set != {"existing"}:
        others = sorted(one.model_fields_set - {"existing"})
        message = f"`existing` stands beside {', '.join(others)}, which would change nothing"
        hint = "Remove what stands beside it, or remove `existing:`."
        yield Problem("M1108", (*path, "existing"), message, hint)
    yield from key_region_problems(one.kms_key, (*path, "kms_key"), env)


def _ebs_problems(one: Ebs, path: Path, env: Environment) -> Iterator[Problem]:
    """Amazon ECS API reference, ServiceManagedEBSVolumeConfiguration."""
    yield from key_region_problems(one.kms_key, (*path, "kms_key"), env)
    if one.size is None and one.snapshot is None:
        message = "The volume has no size, and no snapshot to take it from"
        yield Problem("M1102", (*path, "size"), message, "Write GiB, such as `size: 20`.")
    low, high = _SIZES.get(one.type, (1, 16_384))
    if one.size is not None and not low <= one.size <= high:
        message = f"A `{one.type}` volume has {low} to {high} GiB, not {one.size}"
        yield Problem("M1105", (*path, "size"), message, "Write such a size, or `type: gp3`.")
    provisioned = one.type in _IOPS
    if one.iops is not None and not provisioned:
        message = f"Operations per second cannot be chosen for `{one.type}`"
        yield Problem("M1108", (*path, "iops"), message, "Remove it, or write `type: gp3`.")
    elif one.iops is None and one.type in ("io1", "io2"):
        message = f"`{one.type}` needs `iops`"
        yield Problem("M1108", path, message, "Add `iops: 3000`, or write `type: gp3`.")
    elif one.iops is not None and not _IOPS[one.type][0] <= one.iops <= _IOPS[one.type][1]:
        low, high = _IOPS[one.type]
        message = f"`{one.type}` has {low} to {high} operations per second, not {one.iops}"
        yield Problem("M1105", (*path, "iops"), message, "Write a number among these.")
    if one.throughput is not None and one.type != "gp3":
        message = f"Throughput cannot be chosen for `{one.type}`"
        yield Problem("M1108", (*path, "throughput"), message, "Remove it, or write `type: gp3`.")
    yield from _ratio_problems(one, path)


def _ratio_problems(one: Ebs, path: Path) -> Iterator[Problem]:
    """What EC2 finds too much for the size as a task starts (Amazon EBS user guide, "Amazon EBS
    volume types"); a `gp3` has its 3,000 operations per second at any size."""
    by_size = _IOPS_PER_GIB.get(one.type, 0) * (one.size or 0)
    most = max(by_size, _GP3_IOPS) if by_size and one.type == "gp3" else by_size
    if most and one.iops and most < one.iops <= _IOPS[one.type][1]:
        message = f"{one.iops} operations per second are too many for {one.size} GiB"
        hint = f"Write {most} or fewer, or at least "
        hint += f"`size: {math.ceil(one.iops / _IOPS_PER_GIB[one.type])}`."
        yield Problem("M1105", (*path, "iops"), message, hint, because=[(*path, "size")])
    if one.type == "gp3" and one.throughput and one.throughput * 4 > (one.iops or _GP3_IOPS):
        message = f"{one.throughput} MiB per second take {one.throughput * 4} operations per second"
        hint = f"Write `iops: {one.throughput * 4}`, or less `throughput`."
        yield Problem("M1105", (*path, "throughput"), message, hint, because=[(*path, "iops")])


# Sizes in GiB and operations per second by type, where they differ from the usual: ECS API
# reference, ServiceManagedEBSVolumeConfiguration, sizeInGiB and iops.
_GP3_IOPS = 3_000
_IOPS_PER_GIB = {"gp3": 500, "io1": 50, "io2": 1_000}
_SIZES = {"io1": (4, 16_384), "io2": (4, 16_384), "st1": (125, 16_384), "sc1": (125, 16_384)}
_IOPS = {"gp3": (3_000, 16_000), "io1": (100, 64_000), "io2": (100, 256_000)}


# What comes out ------------------------------------------------------------------------------


def task_volumes(volumes: Mapping[str, Volume]) -> list[ecs.Volume]:
    """The volumes as a task definition has them, by name."""
    return [_volume(name, one) for name, one in sorted(volumes.items())]


def _volume(name: str, volume: Volume) -> ecs.Volume:
    if volume.ebs:
        return ecs.Volume(Name=name, ConfiguredAtLaunch=True)
    if volume.efs is None:
        return ecs.Volume(Name=name)
    existing = volume.efs.existing
    point = existing.access_point if existing else GetAtt(_title(name, "AccessPoint"), _POINT_ID)
    return ecs.Volume(
        Name=name,
        EFSVolumeConfiguration=ecs.EFSVolumeConfiguration(
            FilesystemId=existing.file_system
            if existing
            else GetAtt(_title(name, "FileSystem"), "FileSystemId"),
            TransitEncryption="ENABLED",
            AuthorizationConfig=ecs.AuthorizationConfig(AccessPointId=point, IAM="ENABLED"),
        ),
    )


_POINT_ID = "AccessPointId"


def volume_resources(
    volumes: Mapping[str, Volume],
    vpc_id: Any,
    subnets: Sequence[Any],
    tasks: Any,
    env: Environment,
) -> Iterator[Any]:
    """File systems with what leads to them, and the role by which ECS makes volumes on EBS.

    `subnets` are those of the mount targets, one for each zone that tasks are in; `tasks` is the id
    of the tasks' security group.
    """
    made = {name: one.efs for name, one in sorted(volumes.items()) if one.efs}
    if any(one.existing is None for one in made.values()):
        yield _mount_target_group(vpc_id, tasks)
    for name, one in made.items():
        if one.existing is None:
            yield from _file_system(name, one, subnets)
    groups = {one.existing.security_group for one in made.values() if one.existing}
    for group in sorted(one for one in groups if one):
        yield ec2.SecurityGroupIngress(
            logical_id(group, "Nfs"),
            GroupId=group,
            Description=f"Tasks of {env.app} {env.name} mount a file system",
            **_nfs_from(tasks),
        )
    if any(one.ebs for one in volumes.values()):
        yield role(
            "InfrastructureRole",
            "ecs.amazonaws.com",
            {},
            env,
            managed=[Sub(f"arn:${{AWS::Partition}}:iam::aws:policy/{_EBS_POLICY}")],
        )


# Amazon ECS developer guide, "Amazon ECS infrastructure IAM role".
_EBS_POLICY = "service-role/AmazonECSInfrastructureRolePolicyForVolumes"


def _title(volume: str, word: str) -> str:
    return logical_id(volume, word)


def _nfs_from(tasks: Any) -> dict[str, Any]:
    return {
        "IpProtocol": "tcp",
        "FromPort": NFS,
        "ToPort": NFS,
        "SourceSecurityGroupId": tasks,
    }


def _mount_target_group(vpc_id: Any, tasks: Any) -> ec2.SecurityGroup:
    nowhere = ec2.SecurityGroupRule(
        Description="Nowhere: a mount target only answers",
        IpProtocol="-1",
        CidrIp="127.0.0.1/32",
    )
    return ec2.SecurityGroup(
        "MountTargetSecurityGroup",
        GroupDescription="Mount targets: NFS from the tasks",
        VpcId=vpc_id,
        SecurityGroupIngress=[
            ec2.SecurityGroupRule(Description="NFS from the tasks", **_nfs_from(tasks))
        ],
        SecurityGroupEgress=[nowhere],
    )


def _file_system(name: str, one: Efs, subnets: Sequence[Any]) -> Iterator[Any]:
    """The file system, its mount targets, and the access point that makes the directory.

    One that is kept goes nevertheless where its creation is rolled back: nothing is in it yet.
    """
    title = _title(name, "FileSystem")
    system = GetAtt(title, "FileSystemId")
    after = one.infrequent_access_after
    days = f"AFTER_{after.removesuffix('d')}_DAY{'' if after == '1d' else 'S'}" if after else None
    optional = {
        "KmsKeyId": one.kms_key,
        "LifecyclePolicies": [efs.LifecyclePolicy(TransitionToIA=days)] if days else None,
    }
    yield efs.FileSystem(
        title,
        DeletionPolicy="RetainExceptOnCreate" if one.keep else "Delete",
        UpdateReplacePolicy="Retain" if one.keep else "Delete",
        Encrypted=True,
        ThroughputMode=one.throughput,
        BackupPolicy=efs.BackupPolicy(Status="ENABLED" if one.backups else "DISABLED"),
        FileSystemPolicy=policy([_only_encrypted()]),
        **{key: value for key, value in optional.items() if value},
    )
    for subnet, mount_target in zip(subnets, _mount_targets(name, subnets), strict=True):
        yield efs.MountTarget(
            mount_target,
            FileSystemId=system,
            SubnetId=subnet,
            SecurityGroups=[GetAtt("MountTargetSecurityGroup", "GroupId")],
        )
    user, group = one.owner.split(":")
    yield efs.AccessPoint(
        _title(name, "AccessPoint"),
        FileSystemId=system,
        PosixUser=efs.PosixUser(Uid=user, Gid=group),
        RootDirectory=efs.RootDirectory(
            Path=one.directory or f"/{name}",
            CreationInfo=efs.CreationInfo(
                OwnerUid=user, OwnerGid=group, Permissions=one.permissions
            ),
        ),
    )


def _only_encrypted() -> Statement:
    """With any policy, who is not allowed by one cannot mount; without one, everybody in reach of a
    mount target can (EFS user guide, "Using IAM to control access to file systems")."""
    return Statement(
        Sid="OnlyEncrypted",
        Effect=Deny,
        Principal=AWSPrincipal("*"),
        Action=[
            elasticfilesystem.ClientMount,
            elasticfilesystem.ClientRootAccess,
            elasticfilesystem.ClientWrite,
        ],
        Resource=["*"],
        Condition=Condition(Bool({SecureTransport: "false"})),
    )


def _mount_targets(volume: str, subnets: Sequence[Any]) -> list[str]:
    """Logical IDs by subnet: by its place in a network of our own, where a zone keeps its place for
    ever, and by its id in one that exists, where the list may be put in another order."""
    return [
        _title(volume, f"MountTarget{'ABCD'[at] if isinstance(one, ImportValue) else ''}")
        + ("" if isinstance(one, ImportValue) else logical_id(one))
        for at, one in enumerate(subnets)
    ]


def opened(volumes: Mapping[str, Volume]) -> bool:
    """Whether mount targets are opened to the tasks, by the tasks' security group."""
    made = [one.efs for one in volumes.values() if one.efs]
    return any(one.existing is None or one.existing.security_group for one in made)


def volume_waits(volumes: Mapping[str, Volume], subnets: Sequence[Any]) -> list[str]:
    """Logical IDs of what must be there before a task starts, and nothing else waits for."""
    waits = []
    for name, one in sorted(volumes.items()):
        if one.efs and one.efs.existing is None:
            waits += _mount_targets(name, subnets)
        elif one.efs and one.efs.existing and one.efs.existing.security_group:
            waits.append(logical_id(one.efs.existing.security_group, "Nfs"))
    return sorted(set(waits))


def volume_statements(volumes: Mapping[str, Volume], containers: Containers) -> Iterator[Statement]:
    """What the task role needs to mount each file system, through its access point and not
    otherwise: EFS user guide, "Using IAM to control access to file systems"; for root
    ClientRootAccess as well, ibid., "Enforcing a user identity using an access point"."""
    for name, one in sorted(volumes.items()):
        if one.efs is None:
            continue
        writes = any(
            not container.mounts[name].read_only
            for container in containers.values()
            if name in container.mounts
        )
        existing = one.efs.existing
        root = existing.root if existing else "0" in one.efs.owner.split(":")
        actions = [
            elasticfilesystem.ClientMount,
            *([elasticfilesystem.ClientWrite] if writes else []),
            *([elasticfilesystem.ClientRootAccess] if root else []),
        ]
        system = _arn("file-system", existing.file_system) if existing else None
        point = _arn("access-point", existing.access_point) if existing else None
        yield allow(
            logical_id("mount", name),
            actions,
            [system or GetAtt(_title(name, "FileSystem"), "Arn")],
            Condition=Condition(
                StringEquals(
                    {
                        "elasticfilesystem:AccessPointArn": point
                        or GetAtt(_title(name, "AccessPoint"), "Arn")
                    }
                )
            ),
        )


def _arn(kind: str, identity: str) -> Sub:
    place = "${AWS::Partition}:elasticfilesystem:${AWS::Region}:${AWS::AccountId}"
    return Sub(f"arn:{place}:{kind}/{identity}")


def volume_configurations(volumes: Mapping[str, Volume]) -> list[ecs.ServiceVolumeConfiguration]:
    """What a service says of its tasks' volumes on EBS."""
    return [
        ecs.ServiceVolumeConfiguration(Name=name, ManagedEBSVolume=_managed(one.ebs))
        for name, one in sorted(volumes.items())
        if one.ebs
    ]


def _managed(one: Ebs) -> ecs.ServiceManagedEBSVolumeConfiguration:
    optional = {
        "SizeInGiB": one.size,
        "Iops": one.iops,
        "Throughput": one.throughput,
        "SnapshotId": one.snapshot,
        "KmsKeyId": one.kms_key,
    }
    return ecs.ServiceManagedEBSVolumeConfiguration(
        RoleArn=GetAtt("InfrastructureRole", "Arn"),
        VolumeType=one.type,
        FilesystemType=one.filesystem,
        Encrypted=True,
        TagSpecifications=[ecs.EBSTagSpecification(ResourceType="volume", PropagateTags="SERVICE")],
        **{key: value for key, value in optional.items() if value is not None},
    )
