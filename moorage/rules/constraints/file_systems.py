"""Constraints of EFS file systems, mount targets and access points, and of their volumes."""

from __future__ import annotations

from moorage.rules.constraints.combinations import All, AtMostItems, Either, Not, Refers, Some
from moorage.rules.constraints.constraint import Constraint
from moorage.rules.constraints.predicates import Absent, Is, NotEmpty, Predicate, Present
from moorage.rules.constraints.relations import HasReferrer

_FILE_SYSTEM = "AWS::EFS::FileSystem"
_MOUNT_TARGET = "AWS::EFS::MountTarget"
_SUBNET = "AWS::EC2::Subnet"
_EFS = "Amazon EFS API reference"
_PREFLIGHT = "AWS's error message, reproduced by cdk-preflight"
_TRANSITIONS = ("TransitionToIA", "TransitionToArchive", "TransitionToPrimaryStorageClass")
_DAYS = (1, 7, 14, 30, 60, 90, 180, 270, 365)
_PERIODS = tuple(f"AFTER_{days}_DAY{'' if days == 1 else 'S'}" for days in _DAYS)


def _has_transition(name: str, *periods: str) -> Predicate:
    return Some("LifecyclePolicies", Is(name, *periods))


CONSTRAINTS = (
    Constraint(
        "E9858",
        "AWS::ECS::TaskDefinition Volumes[].EFSVolumeConfiguration",
        "An EFS volume has a port for encryption in transit, but no encryption.",
        when=All(
            Present("TransitEncryptionPort"),
            Absent("AuthorizationConfig.AccessPointId"),
            Not(Is("AuthorizationConfig.IAM", "ENABLED")),
        ),
        must=Is("TransitEncryption", "ENABLED"),
        message="An EFS volume of task definition {id} has a `TransitEncryptionPort`, but not "
        "`TransitEncryption: ENABLED`",
        fix="Write `TransitEncryption: ENABLED`, or remove `TransitEncryptionPort`.",
        error_messages=("TransitEncryptionPort requires that TransitEncryption is enabled",),
        sources=("Amazon ECS API reference: EFSVolumeConfiguration", _PREFLIGHT),
    ),
    Constraint(
        "E9861",
        _FILE_SYSTEM,
        "Lifecycle policies repeat a transition, or move files to Archive storage too early.",
        when=NotEmpty("LifecyclePolicies"),
        must=All(
            *(AtMostItems("LifecyclePolicies", 1, Present(name)) for name in _TRANSITIONS),
            *(
                Not(
                    All(
                        _has_transition("TransitionToArchive", *_PERIODS[: index + 1]),
                        _has_transition("TransitionToIA", period),
                    )
                )
                for index, period in enumerate(_PERIODS)
            ),
        ),
        message="The lifecycle policies of file system {id} have a transition twice, or move files "
        "to Archive storage before or when they move to IA",
        fix="Keep one entry for each transition, and write a longer period for "
        "`TransitionToArchive` than for `TransitionToIA`.",
        error_messages=(
            "Duplicate LifecyclePolicy transition types are not allowed.",
            "The value for TransitionToArchive is the same as or less than the value for "
            "TransitionToIA.",
        ),
        sources=(f"{_EFS}: PutLifecycleConfiguration", _PREFLIGHT),
    ),
    Constraint(
        "E9864",
        _MOUNT_TARGET,
        "A mount target has an address of another type than its IpAddressType.",
        must=All(
            Either(
                Absent("Ipv6Address"),
                Is("IpAddressType", "IPV6_ONLY", "DUAL_STACK", default="IPV4_ONLY"),
            ),
            Either(Absent("IpAddress"), Not(Is("IpAddressType", "IPV6_ONLY"))),
        ),
        message="Mount target {id} has an address that its `IpAddressType` does not allow",
        fix="Write `IpAddressType: DUAL_STACK`, or remove the address.",
        error_messages=("The provided IP address does not match the specified IpAddressType.",),
        sources=(f"{_EFS}: CreateMountTarget, IpAddressType", _PREFLIGHT),
    ),
    Constraint(
        "E9865",
        _MOUNT_TARGET,
        "A mount target with IPv6 is in a subnet without IPv6.",
        when=Is("IpAddressType", "IPV6_ONLY", "DUAL_STACK"),
        must=Either(
            Refers(
                "SubnetId", _SUBNET, Either(Present("Ipv6CidrBlock"), Present("Ipv6IpamPoolId"))
            ),
            HasReferrer("SubnetId", "AWS::EC2::SubnetCidrBlock", "SubnetId"),
        ),
        message="Mount target {id} has the `IpAddressType` {IpAddressType}, but its subnet has no "
        "`Ipv6CidrBlock`",
        fix="Write `Ipv6CidrBlock` in the subnet, or `IpAddressType: IPV4_ONLY`.",
        error_messages=("The provided subnet does not support IPv6-only address type.",),
        sources=(f"{_EFS}: CreateMountTarget, IpAddressType", _PREFLIGHT),
    ),
    Constraint(
        "W9868",
        "AWS::EFS::AccessPoint RootDirectory",
        "The directory of an access point may not exist.",
        when=All(
            Present("Path"),
            Not(Is("Path", "/")),
            Refers("/FileSystemId", _FILE_SYSTEM, Absent("ReplicationConfiguration")),
        ),
        must=Present("CreationInfo"),
        message="Access point {id} has the directory {Path} of a new file system, and does not "
        "create it",
        fix="Write `CreationInfo` with `OwnerUid`, `OwnerGid` and `Permissions`.",
        why="EFS creates the directory only with `CreationInfo`. If it does not exist, no task can "
        "mount the access point.",
        sources=(f"{_EFS}: RootDirectory, CreationInfo",),
    ),
)
