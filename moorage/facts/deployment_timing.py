"""Times in deployments, as AWS documents them, and the defaults of the properties that decide them.
Those of linear and canary deployments are in ecs_deployments.

Elastic Load Balancing API reference, CreateTargetGroup and TargetGroupAttribute; Amazon ECS API
reference, CreateService, DeploymentConfiguration, ContainerDefinition and HealthCheck (botocore
1.44.5, read on 2026-11-27).
"""

from __future__ import annotations

DEFAULT_INTERVAL = 30
"""Seconds between two health checks of a target group."""
DEFAULT_UNHEALTHY_THRESHOLD = 2
"""Consecutive failed health checks of a target group, after which a target is unhealthy. A new
target is healthy after one passed check (user guides for Application and for Network Load
Balancers, "Health checks" and "Troubleshoot")."""
DEFAULT_DEREGISTRATION_DELAY = 300
"""Seconds; a target without active connections is deregistered at once (user guide for Application
Load Balancers, "Deregistration delay")."""

DEFAULT_CONTAINER_INTERVAL = 30
DEFAULT_CONTAINER_RETRIES = 3
HEALTHY_WITHOUT_CHECKS = 40
"""Seconds that a task without any health check must run to count as healthy, for
MinimumHealthyPercent."""
DEFAULT_STOP_TIMEOUT = 30
"""Seconds from SIGTERM to SIGKILL."""

DEFAULT_MINIMUM_PERCENT, DEFAULT_MAXIMUM_PERCENT = 100, 200
DEFAULT_CANARY_PERCENT = 5.0

BREAKER_PERCENT, BREAKER_RANGE = 50, (3, 200)
"""Failed tasks that trip the circuit breaker: a percentage of the tasks, within the range. Amazon
ECS developer guide, "How the Amazon ECS deployment circuit breaker detects failures"."""

NLB_SHIFT_SECONDS = 600
"""Seconds that ECS waits behind a Network Load Balancer whenever it shifts test or production
traffic. Amazon ECS developer guide, "Network Load Balancer resources for blue/green, linear, and
canary deployments"."""

UNHEALTHY_METRIC = "UnHealthyHostCount"
BLIND_METRICS = frozenset(
    {
        *(UNHEALTHY_METRIC, "HealthyHostCount", "TargetResponseTime", "TargetConnectionErrorCount"),
        *("CPUUtilization", "MemoryUtilization", "RunningTaskCount", "DesiredTaskCount"),
    }
)
"""Metrics that do not show that healthy tasks answer with errors. User guides for Application and
Network Load Balancers, "CloudWatch metrics"; Amazon ECS developer guide, "Amazon ECS CloudWatch
metrics"."""

ECS_GIVES_UP_STAGE = 24 * 3600
"""Seconds of a lifecycle stage of a deployment that shifts traffic, such as the start of its tasks.
Amazon ECS developer guide, "Amazon ECS blue/green service deployments workflow"."""

CLOUDFORMATION_GIVES_UP = 36 * 3600
"""Seconds that CloudFormation waits for a service (`handlers.update.timeoutInMinutes` in its schema
of AWS::ECS::Service, of 2026-10-20)."""
