"""Constraints of EFS and ECR."""

from __future__ import annotations

from moorage.facts.upstream_registries import WITH_SECRET
from moorage.rules.constraints.combinations import All, AtMostOne, Not, Some
from moorage.rules.constraints.constraint import Constraint
from moorage.rules.constraints.predicates import (
    Absent,
    Count,
    Is,
    IsTrue,
    Present,
)
from moorage.rules.constraints.relations import NoOther

_FILE_SYSTEM = "AWS::EFS::FileSystem"
_MOUNT_TARGET = "AWS::EFS::MountTarget"
_ACCESS_POINT = "AWS::EFS::AccessPoint"
_REPOSITORIES = ("AWS::ECR::Repository", "AWS::ECR::RepositoryCreationTemplate")
_EFS = "Amazon EFS API reference"
_ECR = "Amazon ECR API reference"
_TRANSITIONS = ("TransitionToIA", "TransitionToArchive", "TransitionToPrimaryStorageClass")

CONSTRAINTS = (
    Constraint(
        "E9851",
        _FILE_SYSTEM,
        "A file system has a KMS key, but is not encrypted.",
        when=Present("KmsKeyId"),
        must=IsTrue("Encrypted"),
        message="File system {id} has a `KmsKeyId`, but not `Encrypted: true`",
        fix="Write `Encrypted: true`.",
        sources=(f"{_EFS}: CreateFileSystem, KmsKeyId",),
    ),
    Constraint(
        "E9852",
        _FILE_SYSTEM,
        "Provisioned throughput has no value.",
        when=Is("ThroughputMode", "provisioned"),
        must=Present("ProvisionedThroughputInMibps"),
        message="File system {id} has provisioned throughput, but no "
        "`ProvisionedThroughputInMibps`",
        fix="Write `ProvisionedThroughputInMibps`, or `ThroughputMode: elastic`.",
        sources=(f"{_EFS}: CreateFileSystem, ThroughputMode",),
    ),
    Constraint(
        "E9853",
        _FILE_SYSTEM,
        "A file system has a throughput that its mode does not use.",
        when=Present("ProvisionedThroughputInMibps"),
        must=Is("ThroughputMode", "provisioned", default="bursting"),
        message="File system {id} has `ProvisionedThroughputInMibps`, but not the throughput mode "
        "`provisioned`",
        fix="Write `ThroughputMode: provisioned`, or remove `ProvisionedThroughputInMibps`.",
        sources=(f"{_EFS}: CreateFileSystem, ProvisionedThroughputInMibps",),
    ),
    Constraint(
        "E9854",
        f"{_FILE_SYSTEM} LifecyclePolicies[]",
        "A lifecycle policy has two transitions.",
        must=AtMostOne(*map(Present, _TRANSITIONS)),
        message="A lifecycle policy of file system {id} has more than one transition",
        fix="Write an entry for each transition.",
        sources=(f"{_EFS}: PutLifecycleConfiguration",),
    ),
    Constraint(
        "E9855",
        _FILE_SYSTEM,
        "Files move to Archive storage in a mode that does not have it.",
        when=Some("LifecyclePolicies", Present("TransitionToArchive")),
        must=All(
            Is("ThroughputMode", "elastic", "provisioned", default="bursting"),
            Is("PerformanceMode", "generalPurpose", default="generalPurpose"),
        ),
        message="File system {id} moves files to Archive storage, which needs elastic or "
        "provisioned throughput and the performance mode `generalPurpose`",
        fix="Write `ThroughputMode: elastic` and `PerformanceMode: generalPurpose`.",
        sources=(f"{_EFS}: PutLifecycleConfiguration",),
    ),
    Constraint(
        "E9856",
        _FILE_SYSTEM,
        "The performance mode maxIO is used with elastic throughput or in one zone.",
        when=Is("PerformanceMode", "maxIO"),
        must=All(Not(Is("ThroughputMode", "elastic")), Absent("AvailabilityZoneName")),
        message="File system {id} has the performance mode `maxIO`, and elastic throughput or an "
        "`AvailabilityZoneName`",
        fix="Write `PerformanceMode: generalPurpose`.",
        sources=("Amazon EFS user guide: Amazon EFS performance specifications",),
    ),
    Constraint(
        "E9859",
        _MOUNT_TARGET,
        "A subnet has two mount targets of a file system.",
        must=NoOther(("FileSystemId", "SubnetId")),
        message="Mount target {id} is the second of its file system in the same subnet",
        fix="Remove it, or write a subnet in another Availability Zone.",
        error_messages=("MountTargetConflict",),
        sources=(f"{_EFS}: CreateMountTarget",),
    ),
    Constraint(
        "E9860",
        _MOUNT_TARGET,
        "A mount target has more than five security groups.",
        must=Count("SecurityGroups", 1, 5),
        message="Mount target {id} has more than 5 security groups, or none",
        fix="Write 1 to 5.",
        sources=(f"{_EFS}: CreateMountTarget, SecurityGroups",),
    ),
    Constraint(
        "E9872",
        tuple(f"{kind} EncryptionConfiguration" for kind in _REPOSITORIES),
        "A repository has a KMS key, but another encryption.",
        when=Present("KmsKey"),
        must=Is("EncryptionType", "KMS", "KMS_DSSE"),
        message="{id} has a `KmsKey` and the encryption {EncryptionType}",
        fix="Write `EncryptionType: KMS`, or remove `KmsKey`.",
        sources=(f"{_ECR}: EncryptionConfiguration, kmsKey",),
    ),
    Constraint(
        "E9873",
        tuple(f"{kind} ImageTagMutabilityExclusionFilters[]" for kind in _REPOSITORIES),
        "A mutable repository excludes tags from mutability.",
        must=Is(
            "/ImageTagMutability",
            "IMMUTABLE_WITH_EXCLUSION",
            "MUTABLE_WITH_EXCLUSION",
            default="MUTABLE",
        ),
        message="{id} has exclusion filters, but not a tag mutability with exclusions",
        fix="Write `IMMUTABLE_WITH_EXCLUSION` or `MUTABLE_WITH_EXCLUSION`.",
        sources=(f"{_ECR}: CreateRepository, imageTagMutabilityExclusionFilters",),
    ),
    Constraint(
        "E9877",
        "AWS::ECR::PullThroughCacheRule",
        "A pull-through cache rule of a private registry has no credentials.",
        when=Is("UpstreamRegistryUrl", *WITH_SECRET),
        must=Present("CredentialArn"),
        message="Pull-through cache rule {id} for {UpstreamRegistryUrl} has no `CredentialArn`",
        fix="Write the ARN of a secret whose name begins with `ecr-pullthroughcache/`.",
        sources=("Amazon ECR user guide: Creating a pull through cache rule",),
    ),
)
