"""Constraints of Application Auto Scaling and EventBridge Scheduler."""

from __future__ import annotations

from moorage.rules.constraints.combinations import All, AtMostOne, Each, Either, Not
from moorage.rules.constraints.constraint import Constraint
from moorage.rules.constraints.predicates import (
    Absent,
    Count,
    Is,
    Matches,
    NotEmpty,
    Present,
    Within,
)

_TARGET = "AWS::ApplicationAutoScaling::ScalableTarget"
_POLICY = "AWS::ApplicationAutoScaling::ScalingPolicy"
_GROUP_POLICY = "AWS::AutoScaling::ScalingPolicy"
_STEPS = f"{_POLICY} StepScalingPolicyConfiguration"
_TRACKING = (
    f"{_POLICY} TargetTrackingScalingPolicyConfiguration",
    f"{_GROUP_POLICY} TargetTrackingConfiguration",
)
_PREDICTIVE = (
    f"{_POLICY} PredictiveScalingPolicyConfiguration",
    f"{_GROUP_POLICY} PredictiveScalingConfiguration",
)
_API = "Application Auto Scaling API reference"
_SCHEDULE = "AWS::Scheduler::Schedule"
_SCHEDULER = "Amazon EventBridge Scheduler API reference"
_ECS = Is("ServiceNamespace", "ecs")

CONSTRAINTS = (
    Constraint(
        "E9914",
        _TARGET,
        "A scalable target of ECS is not a service.",
        when=_ECS,
        must=Either(
            Absent("ScalableDimension"), Is("ScalableDimension", "ecs:service:DesiredCount")
        ),
        message="Scalable target {id} of ECS has the dimension {ScalableDimension}",
        fix="Write `ScalableDimension: ecs:service:DesiredCount`.",
        sources=(f"{_API}: RegisterScalableTarget, ScalableDimension",),
    ),
    Constraint(
        "E9915",
        _TARGET,
        "The resource ID of a service has the wrong form.",
        when=_ECS,
        must=Matches("ResourceId", "service/[^/]+/[^/]+"),
        message="Scalable target {id} has the `ResourceId` {ResourceId}",
        fix="Write `service/<cluster name>/<service name>`.",
        sources=(f"{_API}: RegisterScalableTarget, ResourceId",),
    ),
    Constraint(
        "E9916",
        _POLICY,
        "A scaling policy has no configuration of its type.",
        must=All(
            Either(
                Not(Is("PolicyType", "TargetTrackingScaling")),
                Present("TargetTrackingScalingPolicyConfiguration"),
            ),
            Either(Not(Is("PolicyType", "StepScaling")), Present("StepScalingPolicyConfiguration")),
            Either(
                Not(Is("PolicyType", "PredictiveScaling")),
                Present("PredictiveScalingPolicyConfiguration"),
            ),
        ),
        message="Scaling policy {id} has the type {PolicyType}, but not its configuration",
        fix="Write `TargetTrackingScalingPolicyConfiguration`, `StepScalingPolicyConfiguration` or "
        "`PredictiveScalingPolicyConfiguration`.",
        sources=(f"{_API}: PutScalingPolicy",),
    ),
    Constraint(
        "E9917",
        _TRACKING,
        "A target tracking policy has no metric, or two metrics.",
        must=All(
            Either(
                Present("PredefinedMetricSpecification"), Present("CustomizedMetricSpecification")
            ),
            AtMostOne(
                Present("PredefinedMetricSpecification"), Present("CustomizedMetricSpecification")
            ),
        ),
        message="Scaling policy {id} does not have exactly one of `PredefinedMetricSpecification` "
        "and `CustomizedMetricSpecification`",
        fix="Write one of them.",
        sources=(f"{_API}: TargetTrackingScalingPolicyConfiguration",),
    ),
    Constraint(
        "E9919",
        tuple(f"{path}.PredefinedMetricSpecification" for path in _TRACKING),
        "A ResourceLabel has the wrong form.",
        must=Matches("ResourceLabel", "app/[^/]+/[^/]+/targetgroup/[^/]+/[^/]+"),
        message="Scaling policy {id} has the `ResourceLabel` {ResourceLabel}",
        fix="Write `app/<load balancer>/<id>/targetgroup/<target group>/<id>`.",
        sources=(f"{_API}: PredefinedMetricSpecification, ResourceLabel",),
    ),
    Constraint(
        "E9920",
        _STEPS,
        "A step scaling policy has no steps.",
        must=NotEmpty("StepAdjustments"),
        message="Scaling policy {id} has no `StepAdjustments`",
        fix="Write at least one step.",
        sources=(f"{_API}: StepScalingPolicyConfiguration, StepAdjustments",),
    ),
    Constraint(
        "E9921",
        (f"{_STEPS}.StepAdjustments[]", f"{_GROUP_POLICY} StepAdjustments[]"),
        "A step has no bounds.",
        must=Either(Present("MetricIntervalLowerBound"), Present("MetricIntervalUpperBound")),
        message="A step of scaling policy {id} has neither a lower nor an upper bound",
        fix="Write `MetricIntervalLowerBound: 0`.",
        sources=(f"{_API}: StepAdjustment",),
    ),
    Constraint(
        "E9925",
        (_STEPS, _GROUP_POLICY),
        "An exact capacity is negative.",
        when=Is("AdjustmentType", "ExactCapacity"),
        must=Each("StepAdjustments", Within("ScalingAdjustment", 0, None)),
        message="A step of scaling policy {id} sets a negative capacity",
        fix="Write 0 or more, or another `AdjustmentType`.",
        sources=(f"{_API}: StepAdjustment, ScalingAdjustment",),
    ),
    Constraint(
        "E9926",
        _PREDICTIVE,
        "A predictive scaling policy has two metric specifications.",
        must=Count("MetricSpecifications", 1, 1),
        message="Scaling policy {id} does not have exactly one metric specification",
        fix="Write one.",
        sources=(f"{_API}: PredictiveScalingPolicyConfiguration, MetricSpecifications",),
    ),
    Constraint(
        "E9927",
        _PREDICTIVE,
        "The buffer time of predictive scaling is an hour or more.",
        must=Within("SchedulingBufferTime", 0, 3599),
        message="Scaling policy {id} has the `SchedulingBufferTime` {SchedulingBufferTime}",
        fix="Write less than 3600.",
        sources=(f"{_API}: PredictiveScalingPolicyConfiguration, SchedulingBufferTime",),
    ),
    Constraint(
        "E9928",
        _PREDICTIVE,
        "The capacity buffer and the breach behavior do not fit.",
        must=Either(
            All(
                Is("MaxCapacityBreachBehavior", "IncreaseMaxCapacity"), Present("MaxCapacityBuffer")
            ),
            All(
                Is("MaxCapacityBreachBehavior", "HonorMaxCapacity", default="HonorMaxCapacity"),
                Absent("MaxCapacityBuffer"),
            ),
        ),
        message="Scaling policy {id} has a `MaxCapacityBuffer` without "
        "`MaxCapacityBreachBehavior: IncreaseMaxCapacity`, or the reverse",
        fix="Write both, or neither.",
        sources=(f"{_API}: PredictiveScalingPolicyConfiguration, MaxCapacityBuffer",),
    ),
    Constraint(
        "E9153",
        f"{_SCHEDULE} FlexibleTimeWindow",
        "A flexible time window has no length, or an exact time has one.",
        must=Either(
            All(Is("Mode", "FLEXIBLE"), Present("MaximumWindowInMinutes")),
            All(Is("Mode", "OFF"), Absent("MaximumWindowInMinutes")),
        ),
        message="Schedule {id} has the mode {Mode}, which does not fit `MaximumWindowInMinutes`",
        fix='Write `Mode: FLEXIBLE` with `MaximumWindowInMinutes`, or `Mode: "OFF"` without.',
        sources=(f"{_SCHEDULER}: FlexibleTimeWindow",),
    ),
)
