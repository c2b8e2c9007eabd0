"""Constraints of the EBS volumes that ECS attaches to the tasks of a service."""

from __future__ import annotations

from moorage.facts.ebs_volumes import (
    EC2_MAX_IOPS,
    EC2_THROUGHPUT,
    GP3_BASELINE_IOPS,
    IOPS,
    IOPS_PER_GIB,
    MAX_STANDARD_SIZE,
    MIN_SIZES,
    VOLUME_TYPES,
)
from moorage.rules.constraints.combinations import (
    All,
    Among,
    Either,
    Not,
    Refers,
    Some,
)
from moorage.rules.constraints.constraint import Constraint
from moorage.rules.constraints.predicates import (
    AtMost,
    Count,
    Is,
    IsTrue,
    Matches,
    Predicate,
    Present,
    Within,
)

_SERVICE = "AWS::ECS::Service"
_TASK = "AWS::ECS::TaskDefinition"
_VOLUME = f"{_SERVICE} VolumeConfigurations[].ManagedEBSVolume"
_API = "Amazon ECS API reference"
_MANAGED = f"{_API}: ServiceManagedEBSVolumeConfiguration"
_EC2 = "Amazon EC2 API reference: CreateVolume"
_LINUX = Is("RuntimePlatform.OperatingSystemFamily", "LINUX")
_WINDOWS = Matches("RuntimePlatform.OperatingSystemFamily", "WINDOWS.*")


def _for_type(kind: str, predicate: Predicate) -> Predicate:
    """The statement holds, or the volume is of another type."""
    return Either(predicate, Not(Is("VolumeType", kind)))


CONSTRAINTS = (
    Constraint(
        "E9249",
        _VOLUME,
        "An EBS volume has a KMS key, but is not encrypted.",
        when=Present("KmsKeyId"),
        must=IsTrue("Encrypted", default=True),
        message="An EBS volume of service {id} has a `KmsKeyId` and `Encrypted: false`",
        fix="Write `Encrypted: true`.",
        sources=(f"{_MANAGED}, encrypted", f"{_EC2}, KmsKeyId"),
    ),
    Constraint(
        "E9266",
        _VOLUME,
        "An EBS volume has a type that does not exist.",
        when=Present("VolumeType"),
        must=Is("VolumeType", *VOLUME_TYPES),
        message="An EBS volume of service {id} has the type {VolumeType}",
        fix=f"Write one of `{'`, `'.join(VOLUME_TYPES)}`.",
        sources=(f"{_MANAGED}, volumeType",),
    ),
    Constraint(
        "E9267",
        _VOLUME,
        "An EBS volume has Iops, which its type does not have.",
        when=Present("Iops"),
        must=Not(Is("VolumeType", "gp2", "sc1", "st1", "standard")),
        message="An EBS volume of service {id} has the type {VolumeType} and `Iops`",
        fix="Remove `Iops`, or write `VolumeType: gp3`.",
        sources=(f"{_MANAGED}, iops", f"{_EC2}, Iops"),
    ),
    Constraint(
        "E9268",
        _VOLUME,
        "The Iops of an EBS volume are out of range.",
        must=All(
            *(
                _for_type(kind, Within("Iops", low, EC2_MAX_IOPS[kind]))
                for kind, (low, _) in IOPS.items()
            )
        ),
        message="An EBS volume of service {id} has the type {VolumeType} and {Iops} `Iops`",
        fix="Write 3,000 to 16,000 for `gp3`, 100 to 64,000 for `io1`, and 100 to 256,000 for "
        "`io2`.",
        sources=(f"{_MANAGED}, iops", f"{_EC2}, Iops"),
    ),
    Constraint(
        "E9269",
        _VOLUME,
        "An EBS volume has a throughput, which its type does not have.",
        when=Present("Throughput"),
        must=Not(Is("VolumeType", *(kind for kind in VOLUME_TYPES if kind != "gp3"))),
        message="An EBS volume of service {id} has the type {VolumeType} and a `Throughput`",
        fix="Remove `Throughput`, or write `VolumeType: gp3`.",
        sources=(f"{_MANAGED}, throughput",),
    ),
    Constraint(
        "E9271",
        _VOLUME,
        "The throughput of an EBS volume is out of range.",
        must=Within("Throughput", *EC2_THROUGHPUT),
        message="An EBS volume of service {id} has a `Throughput` of {Throughput} MiB/s",
        fix="Write 125 to 1,000.",
        sources=(f"{_MANAGED}, throughput", f"{_EC2}, Throughput"),
    ),
    Constraint(
        "E9272",
        _VOLUME,
        "An EBS volume is smaller or larger than its type allows.",
        must=All(
            Within("SizeInGiB", 1, None),
            *(_for_type(kind, Within("SizeInGiB", low, None)) for kind, low in MIN_SIZES.items()),
            _for_type("standard", Within("SizeInGiB", 1, MAX_STANDARD_SIZE)),
        ),
        message="An EBS volume of service {id} has {SizeInGiB} GiB, which its type does not allow",
        fix="Write at least 4 for `io1` and `io2`, at least 125 for `st1` and `sc1`, and at most "
        "1,024 for `standard`.",
        sources=(f"{_MANAGED}, sizeInGiB",),
    ),
    Constraint(
        "E9273",
        _VOLUME,
        "An EBS volume is too small for its Iops.",
        must=All(
            *(
                _for_type(kind, AtMost("Iops", "SizeInGiB", times=ratio))
                for kind, ratio in IOPS_PER_GIB.items()
                if kind != "gp3"
            ),
            _for_type(
                "gp3",
                Either(
                    AtMost("Iops", "SizeInGiB", times=IOPS_PER_GIB["gp3"]),
                    Within("Iops", None, GP3_BASELINE_IOPS),
                ),
            ),
        ),
        message="An EBS volume of service {id} has {SizeInGiB} GiB and {Iops} `Iops`",
        fix="Write at most 500 `Iops` for each GiB of a `gp3` volume, 50 for `io1` and 1,000 for "
        "`io2`.",
        sources=("Amazon EBS user guide: Amazon EBS volume types",),
    ),
    Constraint(
        "E9274",
        _VOLUME,
        "An EBS volume has too few Iops for its throughput.",
        when=Is("VolumeType", "gp3"),
        must=All(
            AtMost("Throughput", "Iops", times=0.25),
            Either(Present("Iops"), Within("Throughput", None, GP3_BASELINE_IOPS / 4)),
        ),
        message="An EBS volume of service {id} has a `Throughput` of {Throughput} MiB/s, which "
        "needs more `Iops`",
        fix="Write four `Iops` for each MiB/s. Without `Iops`, a `gp3` volume has 3,000.",
        sources=("Amazon EBS user guide: General Purpose SSD volumes",),
    ),
    Constraint(
        "E9275",
        _VOLUME,
        "An EBS volume that is not made from a snapshot has an initialization rate.",
        when=Present("VolumeInitializationRate"),
        must=Present("SnapshotId"),
        message="An EBS volume of service {id} has a `VolumeInitializationRate`, but no "
        "`SnapshotId`",
        fix="Remove `VolumeInitializationRate`, or write `SnapshotId`.",
        sources=(f"{_MANAGED}, volumeInitializationRate",),
    ),
    Constraint(
        "E9276",
        _SERVICE,
        "A service has more than one EBS volume for each task.",
        must=Count("VolumeConfigurations", 0, 1),
        message="Service {id} has more than one entry in `VolumeConfigurations`",
        fix="Keep one of them. A task definition has at most one volume that is configured at "
        "launch.",
        sources=(f"{_API}: Volume, configuredAtLaunch",),
    ),
    Constraint(
        "E9277",
        f"{_SERVICE} VolumeConfigurations[]",
        "A service configures a volume that its task definition does not leave to it.",
        must=Among(
            "Name",
            "Volumes",
            "Name",
            where=IsTrue("ConfiguredAtLaunch"),
            of="/TaskDefinition",
            type=_TASK,
        ),
        message="Service {id} configures the volume {Name}, and its task definition has no volume "
        "with this name and `ConfiguredAtLaunch: true`",
        fix="Write the volume's name as `Name`, and `ConfiguredAtLaunch: true` in the volume.",
        error_messages=(
            "Volume configuration provided but no matching configuredAtLaunch volume found in task "
            "definition.",
        ),
        sources=(f"{_API}: ServiceVolumeConfiguration, name", "go-to-k/cdkd#811"),
    ),
    Constraint(
        "E9278",
        _VOLUME,
        "An EBS volume has a file system of another operating system.",
        when=Present("FilesystemType"),
        must=All(
            Either(
                Is("FilesystemType", "ext3", "ext4", "xfs"),
                Not(Refers("/TaskDefinition", _TASK, _LINUX)),
            ),
            Either(Is("FilesystemType", "ntfs"), Not(Refers("/TaskDefinition", _TASK, _WINDOWS))),
        ),
        message="An EBS volume of service {id} has the file system {FilesystemType}, which the "
        "operating system of its tasks does not have",
        fix="Write `ntfs` for Windows, and `ext4` or `xfs` for Linux.",
        sources=(f"{_MANAGED}, filesystemType",),
    ),
    Constraint(
        "E9279",
        _VOLUME,
        "A task on Fargate has a magnetic EBS volume.",
        when=Either(
            Is("/LaunchType", "FARGATE"),
            Some("/CapacityProviderStrategy", Is("CapacityProvider", "FARGATE", "FARGATE_SPOT")),
        ),
        must=Not(Is("VolumeType", "standard")),
        message="An EBS volume of service {id}, which runs on Fargate, has the type `standard`",
        fix="Write `VolumeType: gp3`.",
        sources=(f"{_MANAGED}, volumeType",),
    ),
)
