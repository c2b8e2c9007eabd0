"""Problems of `release:` that do not depend on load balancers."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from moorage.facts.ecs_deployments import (
    MAX_HOOKS_OF_A_KIND,
    MAX_SHIFT_MINUTES,
    STAGES_NEAR_SHIFTS,
    count_linear_steps,
)
from moorage.findings.finding import Path, Problem
from moorage.model import Environment

from ..common.fields import format_duration
from ..common.regions import region_problems
from .deployments import DeploymentParams
from .release import Release, Rolling
from .traffic_shift import Canary, LambdaHook, Linear, Shift

PATH: Path = ("release",)


def release_problems(
    release: Release, params: DeploymentParams, env: Environment
) -> Iterator[Problem]:
    if isinstance(release.params, Rolling):
        yield from _early_success_problems(release.params, params)
    if shift := release.shift:
        yield from _duration_problems(shift)
        yield from _hook_problems(shift, env)
        yield from _setting_problems(shift, params)


def _early_success_problems(rolling: Rolling, params: DeploymentParams) -> Iterator[Problem]:
    early = rolling.early_success
    if early and early.healthy_percent < params.minimum_healthy_percent:
        message = f"`healthy_percent: {early.healthy_percent}` is below `minimum_healthy_percent: "
        message += f"{params.minimum_healthy_percent}`"
        hint = f"Write {params.minimum_healthy_percent} or more, or lower the minimum."
        path = (*PATH, "early_success", "healthy_percent")
        yield Problem("M3229", path, message, hint, because=[("minimum_healthy_percent",)])


def count_steps(shift: Shift) -> int:
    """The number of bake times between steps."""
    if isinstance(shift, Linear):
        return count_linear_steps(Decimal(str(shift.step_percent)))
    return 1 if isinstance(shift, Canary) else 0


def _duration_problems(shift: Shift) -> Iterator[Problem]:
    total = int(shift.bake_time)
    if isinstance(shift, Linear):
        total += count_steps(shift) * shift.step_bake_time
    elif isinstance(shift, Canary):
        total += shift.canary_bake_time
    if total > MAX_SHIFT_MINUTES * 60:
        message = f"The bake times of a deployment add up to {format_duration(total)}, but "
        message += f"CloudFormation allows {format_duration(MAX_SHIFT_MINUTES * 60)}"
        hint = "Write shorter bake times, or fewer steps."
        yield Problem("M3213", PATH, message, hint)


def _hook_problems(shift: Shift, env: Environment) -> Iterator[Problem]:
    for is_function, noun in ((True, "functions"), (False, "pauses")):
        count = sum(isinstance(hook, LambdaHook) == is_function for hook in shift.hooks)
        if count > MAX_HOOKS_OF_A_KIND:
            message = f"The service has {count} hooks that are {noun}, but ECS allows "
            message += f"{MAX_HOOKS_OF_A_KIND}"
            hint = "Write fewer hooks: a hook can have several `stages`."
            yield Problem("M3216", (*PATH, "hooks"), message, hint)
    for index, hook in enumerate(shift.hooks):
        path = (*PATH, "hooks", index)
        if isinstance(hook, LambdaHook):
            yield from region_problems(hook.function, (*path, "function"), env, "function")
            continue
        for position, stage in enumerate(hook.stages):
            if stage.upper() in STAGES_NEAR_SHIFTS:
                message = f"A deployment cannot pause at `{stage}`"
                before, after = STAGES_NEAR_SHIFTS[stage.upper()]
                hint = f"Write `{before.lower()}` or `{after.lower()}`."
                yield Problem("M3215", (*path, "stages", position), message, hint)


def _setting_problems(shift: Shift, params: DeploymentParams) -> Iterator[Problem]:
    if params.circuit_breaker and "circuit_breaker" in params.model_fields_set:
        message = f"`circuit_breaker` has no effect with `strategy: {shift.strategy}`"
        hint = "Remove `circuit_breaker`: such a deployment rolls back by itself."
        yield Problem("M3212", ("circuit_breaker",), message, hint, because=[PATH])
    if shift.rollback_on and not shift.bake_time:
        message = "With `bake_time: 0s` no alarm can roll the deployment back once all traffic has "
        message += "shifted"
        hint = "Write a time that is longer than the alarms need, such as `10m`."
        yield Problem("M3234", (*PATH, "bake_time"), message, hint, level="warning")
