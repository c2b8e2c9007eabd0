"""Resources, properties and permissions of the volumes of a task."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from awacs import elasticfilesystem
from awacs.aws import AWSPrincipal, Bool, Condition, Deny, SecureTransport, Statement, StringEquals
from troposphere import GetAtt, ImportValue, Sub, ec2, ecs, efs

from moorage.facts.network_file_systems import NFS_PORT
from moorage.model import Environment, logical_id
from moorage.references import Reference, sort_key

from ..common.iam import allow, aws_managed_policy_arn, policy, role
from ..common.references import id_words, sub_values
from ..common.security_groups import no_egress_rule
from .containers import Containers
from .volumes import Ebs, Efs, Volume


def task_volumes(volumes: Mapping[str, Volume]) -> list[ecs.Volume]:
    """The Volumes property of a task definition, in the order of the names."""
    return [_task_volume(name, volume) for name, volume in sorted(volumes.items())]


def _task_volume(name: str, volume: Volume) -> ecs.Volume:
    if volume.ebs:
        return ecs.Volume(Name=name, ConfiguredAtLaunch=True)
    if volume.efs is None:
        return ecs.Volume(Name=name)
    existing = volume.efs.existing
    access_point = (
        existing.access_point
        if existing
        else GetAtt(logical_id(name, "AccessPoint"), _ACCESS_POINT_ID)
    )
    return ecs.Volume(
        Name=name,
        EFSVolumeConfiguration=ecs.EFSVolumeConfiguration(
            FilesystemId=existing.file_system
            if existing
            else GetAtt(logical_id(name, "FileSystem"), "FileSystemId"),
            TransitEncryption="ENABLED",
            AuthorizationConfig=ecs.AuthorizationConfig(AccessPointId=access_point, IAM="ENABLED"),
        ),
    )


_ACCESS_POINT_ID = "AccessPointId"


def volume_resources(
    volumes: Mapping[str, Volume],
    vpc_id: Any,
    subnets: Sequence[Any],
    task_group: Any,
    env: Environment,
) -> Iterator[Any]:
    """File systems with mount targets, access points and security group rules, and the role with
    which ECS creates EBS volumes.

    `subnets` are those of the mount targets, one in each Availability Zone of the tasks;
    `task_group` is the ID of the tasks' security group.
    """
    efs_volumes = {name: volume.efs for name, volume in sorted(volumes.items()) if volume.efs}
    if any(volume.existing is None for volume in efs_volumes.values()):
        yield _mount_target_security_group(vpc_id, task_group)
    for name, volume in efs_volumes.items():
        if volume.existing is None:
            yield from _file_system(name, volume, subnets)
    groups = {volume.existing.security_group for volume in efs_volumes.values() if volume.existing}
    for group in sorted((group for group in groups if group), key=sort_key):
        yield ec2.SecurityGroupIngress(
            logical_id(*id_words(group), "Nfs"),
            GroupId=group,
            Description=f"Tasks of {env.app} {env.name} mount a file system",
            **_nfs_rule(task_group),
        )
    if any(volume.ebs for volume in volumes.values()):
        yield role(
            "InfrastructureRole",
            "ecs.amazonaws.com",
            {},
            env,
            managed=[aws_managed_policy_arn(_EBS_POLICY)],
        )


# Amazon ECS developer guide, "Amazon ECS infrastructure IAM role".
_EBS_POLICY = "service-role/AmazonECSInfrastructureRolePolicyForVolumes"


def _nfs_rule(task_group: Any) -> dict[str, Any]:
    return {
        "IpProtocol": "tcp",
        "FromPort": NFS_PORT,
        "ToPort": NFS_PORT,
        "SourceSecurityGroupId": task_group,
    }


def _mount_target_security_group(vpc_id: Any, task_group: Any) -> ec2.SecurityGroup:

    return ec2.SecurityGroup(
        "MountTargetSecurityGroup",
        GroupDescription="Mount targets: NFS from the tasks",
        VpcId=vpc_id,
        SecurityGroupIngress=[
            ec2.SecurityGroupRule(Description="NFS from the tasks", **_nfs_rule(task_group))
        ],
        SecurityGroupEgress=[no_egress_rule("No egress: a mount target opens no connections")],
    )


def _file_system(name: str, volume: Efs, subnets: Sequence[Any]) -> Iterator[Any]:
    """The file system, its mount targets, and the access point that creates the directory.

    With `keep`, the file system is deleted only when its own creation is rolled back, while it is
    still empty.
    """
    title = logical_id(name, "FileSystem")
    file_system = GetAtt(title, "FileSystemId")
    after = volume.infrequent_access_after
    days = f"AFTER_{after.removesuffix('d')}_DAY{'' if after == '1d' else 'S'}" if after else None
    optional = {
        "KmsKeyId": volume.kms_key,
        "LifecyclePolicies": [efs.LifecyclePolicy(TransitionToIA=days)] if days else None,
    }
    yield efs.FileSystem(
        title,
        DeletionPolicy="RetainExceptOnCreate" if volume.keep else "Delete",
        UpdateReplacePolicy="Retain" if volume.keep else "Delete",
        Encrypted=True,
        ThroughputMode=volume.throughput,
        BackupPolicy=efs.BackupPolicy(Status="ENABLED" if volume.backups else "DISABLED"),
        FileSystemPolicy=policy([_deny_without_tls()]),
        **{key: value for key, value in optional.items() if value},
    )
    for subnet, mount_target in zip(subnets, _mount_targets(name, subnets), strict=True):
        yield efs.MountTarget(
            mount_target,
            FileSystemId=file_system,
            SubnetId=subnet,
            SecurityGroups=[GetAtt("MountTargetSecurityGroup", "GroupId")],
        )
    user, group = volume.owner.split(":")
    yield efs.AccessPoint(
        logical_id(name, "AccessPoint"),
        FileSystemId=file_system,
        PosixUser=efs.PosixUser(Uid=user, Gid=group),
        RootDirectory=efs.RootDirectory(
            Path=volume.directory or f"/{name}",
            CreationInfo=efs.CreationInfo(
                OwnerUid=user, OwnerGid=group, Permissions=volume.permissions
            ),
        ),
    )


def _deny_without_tls() -> Statement:
    """The statement of the file system's policy, which denies access without TLS. That there is a
    policy has a second effect: without one, every client that reaches a mount target can mount the
    file system; with one, only clients that IAM allows (EFS user guide, "Using IAM to control
    access to file systems")."""
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
    """Logical IDs of the mount targets, in the order of the subnets. In a network that a stack
    creates, they contain the letter of the zone, which does not change; in an existing one, whose
    subnets can change their order, the ID of the subnet."""
    return [
        logical_id(volume, f"MountTarget{'ABCD'[index]}")
        if isinstance(subnet, ImportValue)
        else logical_id(volume, "MountTarget") + logical_id(*id_words(subnet))
        for index, subnet in enumerate(subnets)
    ]


def has_nfs_rules(volumes: Mapping[str, Volume]) -> bool:
    """Whether the stack has security group rules that allow NFS from the tasks' security group."""
    efs_volumes = [volume.efs for volume in volumes.values() if volume.efs]
    return any(volume.existing is None or volume.existing.security_group for volume in efs_volumes)


def volume_dependencies(volumes: Mapping[str, Volume], subnets: Sequence[Any]) -> list[str]:
    """Logical IDs for DependsOn: resources that a task needs when it starts and that no property
    refers to."""
    dependencies = []
    for name, volume in sorted(volumes.items()):
        if volume.efs and volume.efs.existing is None:
            dependencies += _mount_targets(name, subnets)
        elif volume.efs and volume.efs.existing and volume.efs.existing.security_group:
            dependencies.append(logical_id(*id_words(volume.efs.existing.security_group), "Nfs"))
    return sorted(set(dependencies))


def volume_statements(volumes: Mapping[str, Volume], containers: Containers) -> Iterator[Statement]:
    """The permissions that the task role needs to mount each file system, only through its access
    point (EFS user guide, "Using IAM to control access to file systems"). An access point for root
    also needs ClientRootAccess (the same, "Enforcing a user identity using an access point")."""
    for name, volume in sorted(volumes.items()):
        if volume.efs is None:
            continue
        writes = any(
            not container.mounts[name].read_only
            for container in containers.values()
            if name in container.mounts
        )
        existing = volume.efs.existing
        root = existing.root if existing else "0" in volume.efs.owner.split(":")
        actions = [
            elasticfilesystem.ClientMount,
            *([elasticfilesystem.ClientWrite] if writes else []),
            *([elasticfilesystem.ClientRootAccess] if root else []),
        ]
        file_system = _efs_arn("file-system", existing.file_system) if existing else None
        access_point = _efs_arn("access-point", existing.access_point) if existing else None
        yield allow(
            logical_id("mount", name),
            actions,
            [file_system or GetAtt(logical_id(name, "FileSystem"), "Arn")],
            Condition=Condition(
                StringEquals(
                    {
                        "elasticfilesystem:AccessPointArn": access_point
                        or GetAtt(logical_id(name, "AccessPoint"), "Arn")
                    }
                )
            ),
        )


def _efs_arn(kind: str, resource_id: str | Reference) -> Sub:
    prefix = "arn:${AWS::Partition}:elasticfilesystem:${AWS::Region}:${AWS::AccountId}"
    return sub_values(f"{prefix}:{kind}/${{Id}}", Id=resource_id)


def volume_configurations(volumes: Mapping[str, Volume]) -> list[ecs.ServiceVolumeConfiguration]:
    """The VolumeConfigurations property of an ECS service: its tasks' EBS volumes."""
    return [
        ecs.ServiceVolumeConfiguration(Name=name, ManagedEBSVolume=_managed_ebs(volume.ebs))
        for name, volume in sorted(volumes.items())
        if volume.ebs
    ]


def _managed_ebs(volume: Ebs) -> ecs.ServiceManagedEBSVolumeConfiguration:
    optional = {
        "SizeInGiB": volume.size,
        "Iops": volume.iops,
        "Throughput": volume.throughput,
        "SnapshotId": volume.snapshot,
        "KmsKeyId": volume.kms_key,
    }
    return ecs.ServiceManagedEBSVolumeConfiguration(
        RoleArn=GetAtt("InfrastructureRole", "Arn"),
        VolumeType=volume.type,
        FilesystemType=volume.filesystem,
        Encrypted=True,
        TagSpecifications=[ecs.EBSTagSpecification(ResourceType="volume", PropagateTags="SERVICE")],
        **{key: value for key, value in optional.items() if value is not None},
    )
