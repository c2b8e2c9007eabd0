"""Blue/green deployments of ECS services by CodeDeploy.

Source, unless another one is named: the API model of CodeDeploy in botocore 1.44.5.
"""

from __future__ import annotations

from collections.abc import Mapping

CONFIGURATIONS: Mapping[str, tuple[str, int]] = {
    "all_at_once": ("CodeDeployDefault.ECSAllAtOnce", 0),
    "canary_10_percent_5_minutes": ("CodeDeployDefault.ECSCanary10Percent5Minutes", 5),
    "canary_10_percent_15_minutes": ("CodeDeployDefault.ECSCanary10Percent15Minutes", 15),
    "linear_10_percent_every_1_minute": ("CodeDeployDefault.ECSLinear10PercentEvery1Minutes", 10),
    "linear_10_percent_every_3_minutes": ("CodeDeployDefault.ECSLinear10PercentEvery3Minutes", 30),
}
"""The predefined deployment configurations of CodeDeploy for ECS: by their names in params, their
names in AWS and the minutes in which they shift all traffic (CodeDeploy user guide, "Working with
deployment configurations in CodeDeploy")."""
SHIFTS: Mapping[str, tuple[float, int]] = {
    "CodeDeployDefault.ECSAllAtOnce": (100.0, 0),
    "CodeDeployDefault.ECSCanary10Percent5Minutes": (10.0, 5),
    "CodeDeployDefault.ECSCanary10Percent15Minutes": (10.0, 15),
    "CodeDeployDefault.ECSLinear10PercentEvery1Minutes": (10.0, 1),
    "CodeDeployDefault.ECSLinear10PercentEvery3Minutes": (10.0, 3),
}
"""Percentage of a step of these configurations, and the minutes until the next one (the same
page)."""

SHIFT_MINUTES = 2880
"""From the first to the last shift of traffic (CodeDeploy user guide, "CodeDeploy quotas", which
has the number for Lambda)."""
SHIFT_PERCENT = (1, 99)
"""Traffic that one increment shifts (the same)."""
TERMINATION_WAIT_MINUTES = (0, 2880)
"""BlueInstanceTerminationOption.terminationWaitTimeInMinutes."""
READY_WAIT_MINUTES = (1, 2880)
"""DeploymentReadyOption.waitTimeInMinutes. A limit is documented only for EC2: 48 hours (CodeDeploy
user guide, "CodeDeploy quotas")."""
MAX_ALARMS = 10
"""AlarmConfiguration.alarms."""
MAX_TRIGGERS = 10
"""Of a deployment group (AWS's error message, reproduced by cdk-preflight)."""
RESERVED_PREFIX = "CodeDeployDefault."
"""Of the names of predefined configurations (CodeDeploy user guide, "Working with deployment
configurations in CodeDeploy")."""

STEADY_STATE_MINUTES = 60
"""Minutes that CodeDeploy waits for the new tasks to become healthy (Amazon ECS developer guide,
"Blue/green deployment with CodeDeploy")."""
HOOK_MINUTES = 60
"""Minutes after which a hook that has not reported counts as failed (CodeDeploy user guide,
"AppSpec 'hooks' section")."""

HOOKS: Mapping[str, str] = {
    "before_install": "BeforeInstall",
    "after_install": "AfterInstall",
    "after_allow_test_traffic": "AfterAllowTestTraffic",
    "before_allow_traffic": "BeforeAllowTraffic",
    "after_allow_traffic": "AfterAllowTraffic",
}
"""The hooks of a deployment to ECS in the order of their events: names in params and in an AppSpec
(CodeDeploy user guide, "AppSpec 'hooks' section")."""
