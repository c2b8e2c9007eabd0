"""Settings of DeploymentConfiguration that do not go together, or that are out of range."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal, InvalidOperation

from moorage.cfn import ecs
from moorage.cfn.nodes import Node
from moorage.cfn.view import View
from moorage.facts.ecs_deployments import (
    DEFAULT_CANARY_MINUTES,
    LINEAR_DEFAULTS,
    MAX_SHIFT_MINUTES,
    STRATEGY_OF_SETTING,
    count_linear_steps,
)
from moorage.rules.rule import Problem, problem, rule


@rule(
    "E9291",
    "A daemon has a MaximumPercent above 100.",
    error_messages=(
        "The daemon scheduling strategy does not support values above 100 for maximumPercent",
    ),
    fix="Write `MaximumPercent: 100`, and a MinimumHealthyPercent below 100.",
    sources=("badmintoncryer/cdk-preflight pf-ecs-svc-daemon-max-percent",),
    failure_ids=("svc-daemon-above-100-percent",),
)
def daemon_above_maximum(view: View) -> Iterator[Problem]:
    """A daemon has one task on each instance. ECS never starts a second one there, so a deployment
    stops the old task before it starts the new one, and ECS refuses to create the service with a
    maximum above 100 percent."""
    for service in ecs.services(view):
        maximum = service["DeploymentConfiguration"]["MaximumPercent"]
        if service["SchedulingStrategy"].text != "DAEMON" or ecs.runs_on_fargate(service):
            continue  # E9200 finds a daemon on Fargate
        if (maximum.number or 0) > 100:
            yield problem(
                maximum,
                f"Service `{service.id}` is a daemon with a MaximumPercent of {maximum.text}, and "
                f"ECS accepts at most 100 for a daemon",
                "Write `MaximumPercent: 100`.",
            )


@rule(
    "E9296",
    "DeploymentConfiguration has settings of another strategy.",
    error_messages=(
        "(in substance) canaryConfiguration is only valid when the deployment strategy is CANARY",
    ),
    fix="Remove the settings, or write the strategy that they belong to: CanaryConfiguration to "
    "CANARY, LinearConfiguration to LINEAR, EarlySuccessCriteria to ROLLING.",
    sources=(
        "AWS docs: ECS API reference, DeploymentConfiguration (canaryConfiguration, "
        "linearConfiguration, earlySuccessCriteria)",
    ),
    failure_ids=("svc-canary-settings-under-linear",),
)
def settings_of_another_strategy(view: View) -> Iterator[Problem]:
    """CanaryConfiguration, LinearConfiguration and EarlySuccessCriteria belong to one strategy
    each. With another one, and ROLLING is the default, ECS refuses the service."""
    for service in ecs.services(view):
        configuration = service["DeploymentConfiguration"]
        strategy = configuration["Strategy"]
        name = "ROLLING" if strategy.absent else strategy.text
        if name is None:
            continue
        for setting, required in STRATEGY_OF_SETTING.items():
            if required != name and configuration[setting].entries:
                default = " by default" if strategy.absent else ""
                yield problem(
                    configuration[setting],
                    f"Service `{service.id}` has {setting}, which belongs to the strategy "
                    f"{required}, and its strategy is {name}{default}",
                    f"Remove {setting}, or write `Strategy: {required}`.",
                )


@rule(
    "E9307",
    "The bake times of a linear or canary deployment are longer than CloudFormation allows.",
    fix="Shorten the bake times, or shift the traffic in fewer steps, so that the sum is at most "
    "33 hours (1980 minutes).",
    sources=("AWS docs: AWS::ECS::Service LinearConfiguration, CanaryConfiguration",),
)
def deployment_above_33_hours(view: View) -> Iterator[Problem]:
    """CloudFormation gives up an operation after 36 hours and rolls it back. So it refuses a linear
    or canary deployment whose bake times add up to more than 33 hours: the final one, and one after
    each step but the last."""
    for service in ecs.services(view):
        configuration = service["DeploymentConfiguration"]
        bake = _read_minutes(configuration["BakeTimeInMinutes"], 0)
        shift = _shift_minutes(configuration)
        if bake is None or shift is None or bake + shift[1] <= MAX_SHIFT_MINUTES:
            continue
        setting, minutes = shift
        yield problem(
            configuration[setting],
            f"The bake times of service `{service.id}` add up to {bake + minutes} minutes, "
            f"{minutes} by {setting} and {bake} by BakeTimeInMinutes, and CloudFormation accepts "
            f"at most {MAX_SHIFT_MINUTES}",
            "Shorten the bake times, or use fewer steps.",
        )


def _shift_minutes(configuration: Node) -> tuple[str, int] | None:
    """The setting that decides how long the traffic is shifted, and the minutes; None if they are
    unknown."""
    if configuration["Strategy"].text == "LINEAR":
        settings = configuration["LinearConfiguration"]
        percent = _read_percent(settings["StepPercent"], LINEAR_DEFAULTS[0])
        minutes = _read_minutes(settings["StepBakeTimeInMinutes"], LINEAR_DEFAULTS[1])
        if percent is None or minutes is None:
            return None
        return "LinearConfiguration", count_linear_steps(percent) * minutes
    if configuration["Strategy"].text == "CANARY":
        settings = configuration["CanaryConfiguration"]
        minutes = _read_minutes(settings["CanaryBakeTimeInMinutes"], DEFAULT_CANARY_MINUTES)
        return None if minutes is None else ("CanaryConfiguration", minutes)
    return None


def _read_minutes(node: Node, default: int) -> int | None:
    return default if node.absent else node.number


def _read_percent(node: Node, default: Decimal) -> Decimal | None:
    """A percentage from 0.1 to 100; None for anything else."""
    if node.absent:
        return default
    try:
        percent = Decimal((node.text or "")[:20])
    except InvalidOperation:
        return None
    return percent if percent.is_finite() and Decimal("0.1") <= percent <= 100 else None


@rule(
    "E9309",
    "Alarms of a deployment are not supported by the deployment controller.",
    error_messages=(
        "Alarm based rollback feature is only supported with ECS deployment controller.",
    ),
    fix="Remove Alarms. With CODE_DEPLOY, write AlarmConfiguration and AutoRollbackConfiguration "
    "in the deployment group.",
    sources=(
        "AWS docs: Troubleshooting Amazon ECS deployment controller and strategy updates",
        "AWS docs: How CloudWatch alarms detect Amazon ECS deployment failures",
    ),
)
def alarms_with_another_controller(view: View) -> Iterator[Problem]:
    """ECS stops a deployment and rolls it back by CloudWatch alarms only if the service has the
    deployment controller ECS. With CODE_DEPLOY, the deployment group names the alarms."""
    for service in ecs.services(view):
        alarms = service["DeploymentConfiguration"]["Alarms"]
        controller = ecs.deployment_controller(service)
        if alarms["Enable"].flag and controller in ("CODE_DEPLOY", "EXTERNAL"):
            replacement = " Write AlarmConfiguration in the deployment group."
            yield problem(
                alarms,
                f"Service `{service.id}` has the deployment controller {controller}, with which "
                f"ECS rejects Alarms",
                "Remove Alarms." + (replacement if controller == "CODE_DEPLOY" else ""),
            )


RULES = (
    daemon_above_maximum,
    settings_of_another_strategy,
    deployment_above_33_hours,
    alarms_with_another_controller,
)
