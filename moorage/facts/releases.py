"""Limits of the deployment strategies of ECS.

cfn-lint 1.58.0, resource schema of AWS::ECS::Service (2026-10-20), and botocore 1.44.5, ecs, if
nothing else is named.
"""

from __future__ import annotations

BAKE_MINUTES = (0, 1440)
"""BakeTimeInMinutes, StepBakeTimeInMinutes and CanaryBakeTimeInMinutes."""
LINEAR_PERCENT = (3.0, 100.0)
"""StepPercent; a multiple of 0.1, as is CanaryPercent."""
CANARY_PERCENT = (0.1, 100.0)

MAX_SHIFT_MINUTES = 33 * 60
"""All bake times of a deployment together (CloudFormation template reference, AWS::ECS::Service,
LinearConfiguration and CanaryConfiguration)."""

PAUSE_MINUTES = (1, 20_160)
"""TimeoutInMinutes of a pause hook (ECS developer guide, "Pause lifecycle hooks")."""
LAMBDA_HOOK_MINUTES = (1, 1440)
"""TimeoutInMinutes of a Lambda hook (ECS developer guide, "Lambda lifecycle hooks")."""
MAX_HOOKS_OF_A_KIND = 10
"""Pause hooks, and Lambda hooks, of a service (ECS developer guide, "Pause lifecycle hooks")."""
STAGES_WITHOUT_PAUSE = ("test_traffic_shift", "production_traffic_shift")
"""ECS developer guide, "Pause lifecycle hooks"."""

NLB_WAIT_MINUTES = 10
"""What ECS adds to TEST_TRAFFIC_SHIFT and to each PRODUCTION_TRAFFIC_SHIFT behind a Network Load
Balancer (ECS developer guide, "Network Load Balancer resources for blue/green, linear, and canary
deployments")."""

BREAKER_COUNT = (1, 5000)
BREAKER_PERCENT = (1, 100)
"""ThresholdConfiguration.Value with a percentage as its Type."""
