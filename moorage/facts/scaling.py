"""Facts about Application Auto Scaling of ECS services, and about CloudWatch metrics.

Application Auto Scaling user guide, "Quotas for Application Auto Scaling" (read on 2026-11-27).
"""

from __future__ import annotations

MAX_POLICIES = 50
"""Scaling policies of a scalable target; AWS does not raise it."""
MAX_SCHEDULED_ACTIONS = 200
"""Scheduled actions of a scalable target; AWS does not raise it."""
MAX_STEP_ADJUSTMENTS = 20
"""Step adjustments of a step scaling policy; AWS raises it on request."""

MAX_SCHEDULING_BUFFER = 3600
"""Seconds that tasks can start before the hour of a forecast. Application Auto
Scaling API reference, PredictiveScalingPolicyConfiguration (read on 2026-11-27)."""

SERVICE_METRICS = (
    *("ECSServiceAverageCPUUtilization", "ECSServiceAverageMemoryUtilization"),
    "ECSServiceAverageCPUUtilizationHighResolution",
    "ECSServiceAverageMemoryUtilizationHighResolution",
    "ALBRequestCountPerTarget",
)
"""The predefined metrics of target tracking that services have. Application Auto Scaling API
reference, PredefinedMetricSpecification (botocore 1.44.5, read on 2026-11-27)."""

CPU_UTILIZATION = "ECSServiceAverageCPUUtilization"
MEMORY_UTILIZATION = "ECSServiceAverageMemoryUtilization"
UTILIZATION_METRICS = (CPU_UTILIZATION, MEMORY_UTILIZATION)
"""Predefined metrics of a service that are measured in its tasks. Application Auto Scaling API
reference, PredefinedMetricSpecification (botocore 1.44.5, read on 2026-11-27)."""

MAX_METRIC_DIMENSIONS = 30
MAX_METRIC_NAME = 255
"""Characters of the name of a metric, and of its namespace and the names of its dimensions.
Amazon CloudWatch API reference, MetricDatum and Dimension (botocore 1.44.5, read on 2026-11-27)."""
MAX_DIMENSION_VALUE = 1024

MAX_ALARM_MINUTES = 24 * 60
"""Periods of one minute that an alarm evaluates. Amazon CloudWatch API reference, PutMetricAlarm:
at most a day for periods below an hour."""
