"""Resources and properties of volumes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from awacs import elasticfilesystem
from awacs.aws import AWSPrincipal, Bool, Condition, Deny, SecureTransport, Statement, StringEquals
from troposphere import GetAtt, ImportValue, Sub, ec2, ecs, efs

from moorage.model import Environment, logical_id

from ..common.iam import allow, policy, role
from .containers import Containers
from .volumes import Ebs, Efs, Volume

NFS = 2049

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


def has_nfs_rules(volumes: Mapping[str, Volume]) -> bool:
    """Whether mount targets are opened to the tasks, by the tasks' security group."""
    made = [one.efs for one in volumes.values() if one.efs]
    return any(one.existing is None or one.existing.security_group for one in made)


def volume_dependencies(volumes: Mapping[str, Volume], subnets: Sequence[Any]) -> list[str]:
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
