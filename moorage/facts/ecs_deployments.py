"""Facts about deployments by the ECS controller: strategies, lifecycle hooks, time limits, events.

Amazon ECS API reference, DeploymentConfiguration, DeploymentLifecycleHook, LinearConfiguration and
CanaryConfiguration (botocore 1.44.5); CloudFormation template reference, AWS::ECS::Service
LinearConfiguration and CanaryConfiguration; ECS developer guide, "Pause lifecycle hooks", "Lambda
lifecycle hooks" and "Amazon ECS events". All read on 2026-11-27.
"""

from __future__ import annotations

from decimal import Decimal

TRAFFIC_SHIFTING = ("BLUE_GREEN", "LINEAR", "CANARY")
"""The strategies that start the new tasks in a second target group and then shift the traffic."""

STRATEGY_OF_SETTING = {
    "LinearConfiguration": "LINEAR",
    "CanaryConfiguration": "CANARY",
    "EarlySuccessCriteria": "ROLLING",
}
"""Settings of DeploymentConfiguration that belong to one strategy."""

STAGES_NEAR_SHIFTS = {
    "TEST_TRAFFIC_SHIFT": ("POST_SCALE_UP", "POST_TEST_TRAFFIC_SHIFT"),
    "PRODUCTION_TRAFFIC_SHIFT": ("PRE_PRODUCTION_TRAFFIC_SHIFT", "POST_PRODUCTION_TRAFFIC_SHIFT"),
}
"""The lifecycle stages at which a deployment cannot pause, with those before and after."""
LAMBDA_HOOK_MINUTES = (1, 1440)
PAUSE_MINUTES = (1, 20_160)
"""TimeoutInMinutes of a hook."""
MAX_HOOKS_OF_A_KIND = 10
"""Pause hooks, and Lambda hooks, of a service."""

BAKE_MINUTES = (0, 1440)
"""BakeTimeInMinutes, StepBakeTimeInMinutes and CanaryBakeTimeInMinutes."""
LINEAR_PERCENT = (3.0, 100.0)
"""StepPercent; a multiple of 0.1, as is CanaryPercent."""
CANARY_PERCENT = (0.1, 100.0)

LINEAR_DEFAULTS = (Decimal(10), 6)
"""The percentage of a step, and the minutes after it."""
DEFAULT_CANARY_MINUTES = 10

MAX_SHIFT_MINUTES = 33 * 60
"""CloudFormation refuses linear and canary deployments that are planned to take longer."""


def count_linear_steps(percent: Decimal) -> int:
    """The number of steps of a linear deployment that are followed by a wait, as CloudFormation
    calculates it. The percentage is positive.

    >>> [count_linear_steps(Decimal(percent)) for percent in ("10", "11", "12.5", "100")]
    [9, 9, 7, 0]
    """
    steps = int(100 // percent)
    return steps if 100 % percent else steps - 1


EVENT_SOURCE = "aws.ecs"
EVENT_TYPES = (
    "ECS Deployment State Change",
    "ECS Service Action",
    "ECS Task State Change",
    "ECS Hook State Change",
    "ECS Container Instance State Change",
    "ECS Container Instance Health Change",
    "ECS Daemon Deployment State Change",
    "ECS Daemon Service Action",
)
"""The `detail-type` of the events that ECS itself sends to EventBridge. AWS may add others."""

DEPLOYING_PROPERTIES = (
    "LoadBalancers",
    "NetworkConfiguration",
    "PlatformVersion",
    "ServiceConnectConfiguration",
    "ServiceRegistries",
    "VolumeConfigurations",
    "VpcLatticeConfigurations",
)
"""The properties of a service, apart from its task definition, whose change starts a deployment.
Amazon ECS API reference, UpdateService ("This parameter triggers a new service deployment")."""
