"""Constraints of launch templates, and of the groups and capacity providers that use them."""

from __future__ import annotations

from moorage.facts.ebs_volumes import MIN_SIZES, TYPES_WITHOUT_IOPS
from moorage.rules.constraints.combinations import All, AtMostItems, AtMostOne, Either, Not, Refers
from moorage.rules.constraints.constraint import Constraint
from moorage.rules.constraints.predicates import (
    Absent,
    AtMost,
    Is,
    IsTrue,
    Matches,
    NotEmpty,
    Present,
    StartsWith,
    Unique,
    Within,
)

_GROUP = "AWS::AutoScaling::AutoScalingGroup"
_TEMPLATE = "AWS::EC2::LaunchTemplate"
_DATA = f"{_TEMPLATE} LaunchTemplateData"
_EBS = f"{_DATA}.BlockDeviceMappings[].Ebs"
_API = "Amazon EC2 API reference"
_RUN = f"{_API}: RequestLaunchTemplateData"
_MIXED_TEMPLATE = "MixedInstancesPolicy.LaunchTemplate.LaunchTemplateSpecification.LaunchTemplateId"
_REQUIREMENTS = (
    f"{_DATA}.InstanceRequirements",
    f"{_GROUP} MixedInstancesPolicy.LaunchTemplate.Overrides[].InstanceRequirements",
)
_RANGES = (
    *("VCpuCount", "MemoryMiB", "MemoryGiBPerVCpu", "NetworkInterfaceCount", "TotalLocalStorageGB"),
    *("BaselineEbsBandwidthMbps", "AcceleratorCount", "AcceleratorTotalMemoryMiB"),
    "NetworkBandwidthGbps",
)
_SCRIPTS = (
    "#!",
    "#cloud-config",
    "#include",
    "<powershell>",
    "<script>",
    "MIME-Version",
    "[settings",
)

CONSTRAINTS = (
    Constraint(
        "E9672",
        _DATA,
        "The user data is not encoded.",
        must=All(Not(StartsWith("UserData", _SCRIPTS)), Matches("UserData", r"[A-Za-z0-9+/=\s]*")),
        message="The `UserData` of launch template {id} is not encoded in Base64",
        fix="Write `Fn::Base64` around the script.",
        error_messages=("InvalidUserData.Malformed: Invalid BASE64 encoding of user data",),
        sources=(f"{_RUN}, UserData",),
    ),
    Constraint(
        "E9673",
        _DATA,
        "A launch template has security groups and network interfaces.",
        when=NotEmpty("NetworkInterfaces"),
        must=All(Not(NotEmpty("SecurityGroupIds")), Not(NotEmpty("SecurityGroups"))),
        message="Launch template {id} has security groups beside its `NetworkInterfaces`",
        fix="Write them as `Groups` of the network interface.",
        error_messages=(
            "Network interfaces and an instance-level security groups may not be specified on the "
            "same request",
        ),
        sources=(f"{_RUN}, SecurityGroupIds",),
    ),
    Constraint(
        "E9674",
        f"{_DATA}.NetworkInterfaces[]",
        "A public address is not for the first network interface.",
        when=Is("AssociatePublicIpAddress", "true"),
        must=Within("DeviceIndex", None, 0),
        message="Launch template {id} has `AssociatePublicIpAddress` at the interface with the "
        "`DeviceIndex` {DeviceIndex}",
        fix="Write it at `DeviceIndex: 0`.",
        error_messages=(
            "The associatePublicIPAddress parameter can only be specified for the network "
            "interface with DeviceIndex 0",
        ),
        sources=("AWS's error message, reproduced by badmintoncryer/cdk-preflight",),
    ),
    Constraint(
        "E9635",
        _DATA,
        "Two network interfaces of a launch template have the same index.",
        must=Unique(
            "NetworkInterfaces",
            ("DeviceIndex", "NetworkCardIndex"),
            where=Present("DeviceIndex"),
            defaults={"NetworkCardIndex": "0"},
        ),
        message="Two network interfaces of launch template {id} have the same `DeviceIndex`",
        fix="Write another `DeviceIndex`.",
        error_messages=("Each network interface requires a unique device index",),
        sources=(f"{_API}: LaunchTemplateInstanceNetworkInterfaceSpecificationRequest",),
    ),
    Constraint(
        "E9675",
        _DATA,
        "A launch template has an instance type and requirements.",
        must=AtMostOne(Present("InstanceType"), Present("InstanceRequirements")),
        message="Launch template {id} has an `InstanceType` and `InstanceRequirements`",
        fix="Keep one of them.",
        error_messages=(
            "Either the instance type or the instance requirements can be specified in the "
            "request, but not both",
        ),
        sources=(f"{_RUN}, InstanceRequirements",),
    ),
    Constraint(
        "E9676",
        _REQUIREMENTS,
        "The requirements of instances contradict each other.",
        must=All(
            AtMostOne(NotEmpty("AllowedInstanceTypes"), NotEmpty("ExcludedInstanceTypes")),
            AtMostOne(
                Present("SpotMaxPricePercentageOverLowestPrice"),
                Present("MaxSpotPriceAsPercentageOfOptimalOnDemandPrice"),
            ),
            *(AtMost(f"{name}.Min", f"{name}.Max") for name in _RANGES),
        ),
        message=(
            "The `InstanceRequirements` of {id} have both `AllowedInstanceTypes` and "
            "`ExcludedInstanceTypes`",
            "The `InstanceRequirements` of {id} have two protections from Spot prices",
            *(
                f"The `InstanceRequirements` of {{id}} have a `{name}` from {{{name}.Min}} to "
                f"{{{name}.Max}}"
                for name in _RANGES
            ),
        ),
        fix="Keep allowed or excluded types and one protection from Spot prices, and write ranges "
        "from `Min` to `Max`.",
        error_messages=(
            "You can specify either AllowedInstanceTypes or ExcludedInstanceTypes, but not both",
            "Invalid instance requirements. The Min value (...) must be less or equal to the Max",
        ),
        sources=(f"{_API}: InstanceRequirementsRequest",),
    ),
    Constraint(
        "E9677",
        _TEMPLATE,
        "A tag of a launch template is for a resource that it cannot tag.",
        must=All(
            AtMostItems("TagSpecifications", 0, Not(Is("ResourceType", "launch-template"))),
            AtMostItems(
                "LaunchTemplateData.TagSpecifications",
                0,
                Is("ResourceType", "launch-template"),
            ),
        ),
        message=(
            "Launch template {id} has `TagSpecifications` of another type than `launch-template`",
            "Launch template {id} has `TagSpecifications` of the type `launch-template` in its "
            "`LaunchTemplateData`",
        ),
        fix="Write `launch-template` in `TagSpecifications` of the resource, and `instance`, "
        "`volume`, `network-interface` or `spot-instances-request` in those of "
        "`LaunchTemplateData`.",
        sources=(f"{_API}: CreateLaunchTemplate, TagSpecification",),
    ),
    Constraint(
        "E9678",
        _DATA,
        "A launch template has an enclave and hibernation.",
        when=IsTrue("EnclaveOptions.Enabled"),
        must=Not(IsTrue("HibernationOptions.Configured")),
        message="Launch template {id} has Nitro Enclaves and hibernation",
        fix="Keep one of them.",
        error_messages=("You cannot enable Nitro Enclaves and hibernation on the same instance",),
        sources=(f"{_RUN}, EnclaveOptions",),
    ),
    Constraint(
        "E9637",
        f"{_DATA}.CpuOptions",
        "A number of cores or of threads is set without the other.",
        must=Either(
            All(Present("CoreCount"), Present("ThreadsPerCore")),
            All(Absent("CoreCount"), Absent("ThreadsPerCore")),
        ),
        message="Launch template {id} has only one of `CoreCount` and `ThreadsPerCore`",
        fix="Write both, or neither.",
        sources=(f"{_API}: LaunchTemplateCpuOptionsRequest",),
    ),
    Constraint(
        "E9636",
        _DATA,
        "An instance type without CPU credits has a credit specification.",
        when=Present("CreditSpecification"),
        must=Matches("InstanceType", r"t[0-9].*"),
        message="Launch template {id} has a `CreditSpecification` and the instance type "
        "{InstanceType}",
        fix="Remove `CreditSpecification`, or write a T instance type.",
        sources=(f"{_RUN}, CreditSpecification",),
    ),
    Constraint(
        "E9679",
        _EBS,
        "A volume of a launch template has a throughput that its type does not have.",
        must=All(
            Either(Absent("Throughput"), Absent("VolumeType"), Is("VolumeType", "gp3")),
            Either(Within("Throughput", 125, 750), Present("Iops"), Not(Is("VolumeType", "gp3"))),
        ),
        message=(
            "A volume of launch template {id} of type {VolumeType} has a `Throughput`",
            "A volume of launch template {id} has a `Throughput` of {Throughput}",
        ),
        fix="Write `VolumeType: gp3`, and 125 to 750 MiB/s, or more with `Iops`: up to a quarter "
        "of it.",
        error_messages=("The throughput parameter is not supported for gp2 volumes",),
        sources=(f"{_API}: LaunchTemplateEbsBlockDeviceRequest, Throughput",),
    ),
    Constraint(
        "E9634",
        _EBS,
        "A volume of a launch template is smaller than its type can be.",
        must=All(
            *(
                Either(Within("VolumeSize", low, None), Not(Is("VolumeType", kind)))
                for kind, low in MIN_SIZES.items()
            ),
        ),
        message="A volume of launch template {id} of type {VolumeType} has {VolumeSize} GiB",
        fix="Write at least 4 GiB for `io1` and `io2`, and 125 GiB for `st1` and `sc1`.",
        error_messages=("io1 volumes must be at least 4 GiB in size",),
        sources=(f"{_API}: LaunchTemplateEbsBlockDeviceRequest, VolumeSize",),
    ),
    Constraint(
        "E9633",
        _EBS,
        "A volume of a launch template has operations per second that its type does not have.",
        when=Is("VolumeType", *TYPES_WITHOUT_IOPS),
        must=Absent("Iops"),
        message="A volume of launch template {id} of type {VolumeType} has `Iops`",
        fix="Remove `Iops`, or write `VolumeType: gp3`.",
        sources=(f"{_API}: LaunchTemplateEbsBlockDeviceRequest, Iops",),
    ),
    # Who uses them ----------------------------------------------------------------------------
    Constraint(
        "E9638",
        _GROUP,
        "The launch template of a group has no image.",
        must=Refers(
            "LaunchTemplate.LaunchTemplateId", _TEMPLATE, Present("LaunchTemplateData.ImageId")
        ),
        message="The launch template of group {id} has no `ImageId`",
        fix="Write `ImageId` in the launch template.",
        error_messages=(
            "You must use a valid fully-formed launch template. The request must contain the "
            "parameter ImageId",
        ),
        sources=("Amazon EC2 Auto Scaling user guide: Create a launch template",),
    ),
    Constraint(
        "E9639",
        _GROUP,
        "A group with mixed instances has a launch template for Spot Instances.",
        must=Refers(
            _MIXED_TEMPLATE,
            _TEMPLATE,
            Not(Is("LaunchTemplateData.InstanceMarketOptions.MarketType", "spot")),
        ),
        message="Group {id} has a `MixedInstancesPolicy`, and its launch template requests Spot "
        "Instances",
        fix="Remove `InstanceMarketOptions` from the launch template, and write "
        "`OnDemandPercentageAboveBaseCapacity: 0` in the policy.",
        error_messages=(
            "Incompatible launch template: You cannot use a launch template that is set to request "
            "Spot Instances",
        ),
        sources=("kubernetes/kops#7066",),
    ),
)
