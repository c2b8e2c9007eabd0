"""Constraints of Auto Scaling groups: their capacities, settings and instance types."""

from __future__ import annotations

from moorage.facts.auto_scaling_groups import (
    GROUP_METRICS,
    INSTANCE_LIFETIME,
    MAX_OVERRIDES,
    MAX_REQUIREMENTS,
    NOTIFICATION_TYPES,
    SPOT_POOLS,
    TERMINATION_POLICIES,
    WEIGHTS,
)
from moorage.rules.constraints.combinations import (
    All,
    AtMostItems,
    AtMostOne,
    Each,
    Either,
    Not,
    Refers,
    Some,
)
from moorage.rules.constraints.constraint import Constraint
from moorage.rules.constraints.predicates import (
    Absent,
    AtMost,
    Count,
    Is,
    Matches,
    NotEmpty,
    Present,
    StartsWith,
    Unique,
    Within,
)

_GROUP = "AWS::AutoScaling::AutoScalingGroup"
_SCHEDULE = "AWS::AutoScaling::ScheduledAction"
_TARGET_GROUP = "AWS::ElasticLoadBalancingV2::TargetGroup"
_API = "Amazon EC2 Auto Scaling API reference"
_MIXED = f"{_GROUP} MixedInstancesPolicy"
_OVERRIDES = "LaunchTemplate.Overrides"
_OVERRIDE = f"{_MIXED}.{_OVERRIDES}[]"
_BY_REQUIREMENTS = Some(_OVERRIDES, Present("InstanceRequirements"))

CONSTRAINTS = (
    # Capacities and settings ------------------------------------------------------------------
    Constraint(
        "E9640",
        (_GROUP, _SCHEDULE),
        "The desired capacity of a group is outside its sizes.",
        must=All(AtMost("DesiredCapacity", "MaxSize"), AtMost("MinSize", "DesiredCapacity")),
        message=(
            "{id} has the `DesiredCapacity` {DesiredCapacity}, above its `MaxSize` of {MaxSize}",
            "{id} has the `DesiredCapacity` {DesiredCapacity}, below its `MinSize` of {MinSize}",
        ),
        fix="Write a `DesiredCapacity` from `MinSize` to `MaxSize`.",
        error_messages=(
            "Desired capacity:... must be between the specified min size:... and max size:...",
        ),
        sources=(f"{_API}: CreateAutoScalingGroup, DesiredCapacity",),
    ),
    Constraint(
        "E9641",
        _GROUP,
        "A group has no subnets and no zones.",
        must=Either(
            NotEmpty("VPCZoneIdentifier"),
            NotEmpty("AvailabilityZones"),
            NotEmpty("AvailabilityZoneIds"),
            Present("InstanceId"),
        ),
        message="Group {id} has neither `VPCZoneIdentifier` nor `AvailabilityZones`",
        fix="Write `VPCZoneIdentifier` with the subnets.",
        error_messages=(
            "You must specify 1 of either AvailabilityZones, AvailabilityZoneIds, or Subnets",
        ),
        sources=("AWS's error message, reproduced by badmintoncryer/cdk-preflight",),
    ),
    Constraint(
        "E9642",
        _GROUP,
        "A group has zones by name and by ID.",
        must=AtMostOne(NotEmpty("AvailabilityZones"), NotEmpty("AvailabilityZoneIds")),
        message="Group {id} has `AvailabilityZones` and `AvailabilityZoneIds`",
        fix="Keep one of them.",
        sources=(f"{_API}: CreateAutoScalingGroup, AvailabilityZoneIds",),
    ),
    Constraint(
        "E9643",
        _GROUP,
        "The greatest lifetime of instances is below a day or above a year.",
        must=Either(
            Is("MaxInstanceLifetime", "0"), Within("MaxInstanceLifetime", *INSTANCE_LIFETIME)
        ),
        message="Group {id} has the `MaxInstanceLifetime` {MaxInstanceLifetime}, which is below a "
        "day or above a year",
        fix="Write 0, or 86400 to 31536000 seconds.",
        error_messages=("maxInstanceLifetime must be between 86400 and 31536000 seconds",),
        sources=(f"{_API}: CreateAutoScalingGroup, MaxInstanceLifetime",),
    ),
    Constraint(
        "E9644",
        f"{_GROUP} InstanceMaintenancePolicy",
        "The percentages of healthy instances are more than 100 apart.",
        must=AtMost("MaxHealthyPercentage", "MinHealthyPercentage", distance=-100),
        message="Group {id} has a `MaxHealthyPercentage` of {MaxHealthyPercentage}, more than 100 "
        "above the `MinHealthyPercentage` of {MinHealthyPercentage}",
        fix="Bring them within 100 of each other.",
        error_messages=(
            "The difference between MaxHealthyPercentage and MinHealthyPercentage must be less "
            "than or equal to 100",
        ),
        sources=(f"{_API}: InstanceMaintenancePolicy, MaxHealthyPercentage",),
    ),
    Constraint(
        "E9645",
        f"{_GROUP} CapacityReservationSpecification",
        "A group names reservations, but does not use them.",
        when=Is("CapacityReservationPreference", "none", "default"),
        must=Absent("CapacityReservationTarget"),
        message="Group {id} has a `CapacityReservationTarget` with the preference "
        "{CapacityReservationPreference}",
        fix="Write `CapacityReservationPreference: capacity-reservations-only`, or remove the "
        "target.",
        error_messages=("You can't specify CapacityReservationPreference as default or none",),
        sources=("AWS's error message, reproduced by badmintoncryer/cdk-preflight",),
    ),
    Constraint(
        "E9646",
        f"{_GROUP} MetricsCollection[]",
        "A group collects a metric that does not exist.",
        must=All(Is("Granularity", "1Minute"), Each("Metrics", Is("", *GROUP_METRICS))),
        message=(
            "Group {id} has the `Granularity` {Granularity}",
            "Group {id} collects the metric {actual}, which does not exist",
        ),
        fix="Write `Granularity: 1Minute`, and metrics such as `GroupInServiceInstances`.",
        error_messages=(
            "Valid metrics granularity type is: [1Minute]",
            "Valid metrics collection types are: [GroupMinSize, GroupMaxSize, ...]",
        ),
        sources=(f"{_API}: EnableMetricsCollection",),
    ),
    Constraint(
        "E9647",
        f"{_GROUP} NotificationConfigurations[]",
        "A group notifies of events that do not exist.",
        must=Each("NotificationTypes", Is("", *NOTIFICATION_TYPES)),
        message="Group {id} has the notification type {actual}, which does not exist",
        fix="Write a type such as `autoscaling:EC2_INSTANCE_LAUNCH`.",
        error_messages=('"..." is not a valid Notification Type',),
        sources=(f"{_API}: NotificationConfiguration, NotificationType",),
    ),
    Constraint(
        "E9648",
        _GROUP,
        "A termination policy does not exist.",
        must=Each(
            "TerminationPolicies", Either(Is("", *TERMINATION_POLICIES), StartsWith("", ("arn:",)))
        ),
        message="Group {id} has the termination policy {actual}, which does not exist",
        fix="Write a policy such as `OldestLaunchTemplate`, or the ARN of a Lambda function.",
        error_messages=("[...] is not a valid termination policy",),
        sources=(f"{_API}: CreateAutoScalingGroup, TerminationPolicies",),
    ),
    Constraint(
        "E9649",
        _GROUP,
        "The name of a group has a colon.",
        must=Matches("AutoScalingGroupName", "[^:]*"),
        message="Group {id} has the name {AutoScalingGroupName}",
        fix="Write a name without a colon.",
        sources=(f"{_API}: CreateAutoScalingGroup, AutoScalingGroupName",),
    ),
    Constraint(
        "E9650",
        _GROUP,
        "A group is attached to a target group that has no instances.",
        must=Each(
            "TargetGroupARNs",
            Refers("", _TARGET_GROUP, Is("TargetType", "instance", default="instance")),
        ),
        message="Group {id} has a target group whose `TargetType` is not `instance`",
        fix="Write `TargetType: instance` of the target group.",
        why="A group registers its instances by their ID.",
        sources=(
            "Amazon EC2 Auto Scaling user guide: Prepare to attach an Elastic Load Balancing load "
            "balancer",
        ),
    ),
    # Mixed instances --------------------------------------------------------------------------
    Constraint(
        "E9651",
        f"{_MIXED}.InstancesDistribution",
        "A number in the distribution of instances is out of range.",
        must=All(
            Within("OnDemandPercentageAboveBaseCapacity", 0, 100),
            Within("SpotInstancePools", *SPOT_POOLS),
        ),
        message=("Group {id} has the {key} {actual}",) * 2,
        fix="Write a percentage from 0 to 100, and 1 to 20 pools.",
        sources=(f"{_API}: InstancesDistribution",),
    ),
    Constraint(
        "E9652",
        f"{_MIXED}.InstancesDistribution",
        "A number of Spot pools is set for a strategy that has none.",
        when=Present("SpotInstancePools"),
        must=Is("SpotAllocationStrategy", "lowest-price", default="lowest-price"),
        message="Group {id} has `SpotInstancePools` with the strategy {SpotAllocationStrategy}",
        fix="Remove `SpotInstancePools`, or write `SpotAllocationStrategy: lowest-price`.",
        error_messages=(
            "SpotInstancePools option is only available with the lowest-price allocation strategy",
        ),
        sources=(f"{_API}: InstancesDistribution, SpotInstancePools",),
    ),
    Constraint(
        "E9653",
        _MIXED,
        "Instances are prioritized, but chosen by requirements.",
        when=_BY_REQUIREMENTS,
        must=All(
            Not(Is("InstancesDistribution.OnDemandAllocationStrategy", "prioritized")),
            Not(
                Is(
                    "InstancesDistribution.SpotAllocationStrategy",
                    "capacity-optimized-prioritized",
                )
            ),
        ),
        message="Group {id} prioritizes instance types, but chooses them by `InstanceRequirements`",
        fix="Write `OnDemandAllocationStrategy: lowest-price` and `SpotAllocationStrategy: "
        "price-capacity-optimized`, or list instance types.",
        error_messages=(
            "The prioritized allocation strategy is not compatible with instance requirements",
        ),
        sources=(f"{_API}: InstancesDistribution, OnDemandAllocationStrategy",),
    ),
    Constraint(
        "E9654",
        _OVERRIDE,
        "An override has an instance type and requirements.",
        must=AtMostOne(Present("InstanceType"), Present("InstanceRequirements")),
        message="An override of group {id} has an `InstanceType` and `InstanceRequirements`",
        fix="Keep one of them.",
        error_messages=(
            "The parameter InstanceType cannot be used in a launch template override using "
            "instance requirements",
        ),
        sources=(f"{_API}: LaunchTemplateOverrides, InstanceRequirements",),
    ),
    Constraint(
        "E9655",
        _MIXED,
        "Two overrides have the same instance type.",
        must=Unique(
            _OVERRIDES,
            ("InstanceType",),
            where=All(Present("InstanceType"), Absent("LaunchTemplateSpecification")),
        ),
        message="Two overrides of group {id} have the same `InstanceType`",
        fix="Remove one of them.",
        error_messages=("Cannot add same instance type override more than once",),
        sources=("AWS's error message, reproduced by badmintoncryer/cdk-preflight",),
    ),
    Constraint(
        "E9656",
        _MIXED,
        "A group has too many overrides.",
        must=All(
            Count(_OVERRIDES, 0, MAX_OVERRIDES),
            AtMostItems(_OVERRIDES, MAX_REQUIREMENTS, Present("InstanceRequirements")),
        ),
        message=(
            f"Group {{id}} has more than {MAX_OVERRIDES} overrides",
            f"Group {{id}} has more than {MAX_REQUIREMENTS} overrides with `InstanceRequirements`",
        ),
        fix="Write up to 40 instance types, or up to 4 `InstanceRequirements`.",
        error_messages=(
            "You can only have 4 launch template overrides using instance requirements at most",
        ),
        sources=(f"{_API}: LaunchTemplateOverrides",),
    ),
    Constraint(
        "E9657",
        _MIXED,
        "Some overrides have a weight, and some do not.",
        when=Some(_OVERRIDES, Present("WeightedCapacity")),
        must=Each(_OVERRIDES, Present("WeightedCapacity")),
        message="Some overrides of group {id} have no `WeightedCapacity`",
        fix="Write `WeightedCapacity` in all overrides, or in none.",
        error_messages=("Not all instance types have a defined WeightedCapacity",),
        sources=(f"{_API}: LaunchTemplateOverrides, WeightedCapacity",),
    ),
    Constraint(
        "E9658",
        _OVERRIDE,
        "A weight is out of range.",
        must=Within("WeightedCapacity", *WEIGHTS),
        message="An override of group {id} has the `WeightedCapacity` {WeightedCapacity}",
        fix="Write 1 to 999.",
        sources=(f"{_API}: LaunchTemplateOverrides, WeightedCapacity",),
    ),
)
