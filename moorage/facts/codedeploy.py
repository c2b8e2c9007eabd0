"""Blue/green deployments of ECS services by CodeDeploy.

botocore 1.44.5, codedeploy, if nothing else is named.
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
"""The deployment configurations for ECS that CodeDeploy has, as params name them, with their names
in AWS and the minutes in which they shift all traffic (CodeDeploy user guide, "Working with
deployment configurations in CodeDeploy")."""

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

STEADY_STATE_MINUTES = 60
"""How long CodeDeploy waits until the new tasks are steady (Amazon ECS developer guide, "Blue/green
deployment with CodeDeploy")."""
HOOK_MINUTES = 60
"""The time after which a hook that has not reported has failed (CodeDeploy user guide, "AppSpec
'hooks' section")."""

HOOKS: Mapping[str, str] = {
    "before_install": "BeforeInstall",
    "after_install": "AfterInstall",
    "after_allow_test_traffic": "AfterAllowTestTraffic",
    "before_allow_traffic": "BeforeAllowTraffic",
    "after_allow_traffic": "AfterAllowTraffic",
}
"""The hooks of a deployment to ECS in their order, as params and as an AppSpec name them
(CodeDeploy user guide, "AppSpec 'hooks' section")."""
