"""Limits and words of Amazon EC2 Auto Scaling.

Amazon EC2 Auto Scaling API reference (botocore 1.44.5, read on 2026-11-27), unless another source
is given.
"""

from __future__ import annotations

from collections.abc import Mapping

INSTANCE_LIFETIME = (86_400, 31_536_000)
"""Seconds: a day to a year. CreateAutoScalingGroup, MaxInstanceLifetime; the upper limit is in
AWS's error message, reproduced by badmintoncryer/cdk-preflight."""

HEARTBEAT_TIMEOUT = (30, 7_200)
"""Seconds. PutLifecycleHook, HeartbeatTimeout."""

MAX_HOOKS_OF_NEW_GROUP = 5
"""Hooks in CreateAutoScalingGroup. AWS's error message, reproduced by badmintoncryer/
cdk-preflight."""

MAX_OVERRIDES = 40
MAX_REQUIREMENTS = 4
WEIGHTS = (1, 999)
"""LaunchTemplateOverrides: instance types, sets of requirements, and the weight of a type."""

SPOT_POOLS = (1, 20)
"""InstancesDistribution, SpotInstancePools."""

GROUP_METRICS = (
    *("GroupMinSize", "GroupMaxSize", "GroupDesiredCapacity", "GroupInServiceInstances"),
    *("GroupPendingInstances", "GroupStandbyInstances", "GroupTerminatingInstances"),
    *("GroupTotalInstances", "GroupInServiceCapacity", "GroupPendingCapacity"),
    *("GroupStandbyCapacity", "GroupTerminatingCapacity", "GroupTotalCapacity"),
    *("WarmPoolDesiredCapacity", "WarmPoolWarmedCapacity", "WarmPoolPendingCapacity"),
    *("WarmPoolTerminatingCapacity", "WarmPoolTotalCapacity"),
    *("GroupAndWarmPoolDesiredCapacity", "GroupAndWarmPoolTotalCapacity"),
)
"""EnableMetricsCollection, Metrics."""

NOTIFICATION_TYPES = (
    "autoscaling:EC2_INSTANCE_LAUNCH",
    "autoscaling:EC2_INSTANCE_LAUNCH_ERROR",
    "autoscaling:EC2_INSTANCE_TERMINATE",
    "autoscaling:EC2_INSTANCE_TERMINATE_ERROR",
    "autoscaling:TEST_NOTIFICATION",
)
"""NotificationConfiguration, NotificationType."""

TERMINATION_POLICIES = (
    *("Default", "AllocationStrategy", "ClosestToNextInstanceHour", "NewestInstance"),
    *("OldestInstance", "OldestLaunchConfiguration", "OldestLaunchTemplate"),
)
"""CreateAutoScalingGroup, TerminationPolicies; a policy can also be the ARN of a function."""

RECURRENCE = r"\s*([^\s?()]+\s+){4}[^\s?()]+\s*"
"""Five fields. PutScheduledUpdateGroupAction, Recurrence; AWS refuses `?` and `cron()`:
badmintoncryer/cdk-preflight."""

SETTINGS_OF_OTHER_TYPES: Mapping[str, tuple[str, ...]] = {
    "SimpleScaling": (
        *("MetricAggregationType", "EstimatedInstanceWarmup", "StepAdjustments"),
        "TargetTrackingConfiguration",
    ),
    "StepScaling": ("ScalingAdjustment", "TargetTrackingConfiguration"),
    "TargetTrackingScaling": (
        *("MetricAggregationType", "MinAdjustmentMagnitude", "ScalingAdjustment"),
        *("StepAdjustments", "PredictiveScalingConfiguration"),
    ),
    "PredictiveScaling": (
        *("TargetTrackingConfiguration", "AdjustmentType", "ScalingAdjustment", "StepAdjustments"),
        "EstimatedInstanceWarmup",
    ),
}
"""What AWS refuses in a policy, by its type: badmintoncryer/cdk-preflight, which tried them."""
