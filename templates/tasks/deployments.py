"""The number of tasks of an ECS service, and rolling deployments."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Annotated, Any

from pydantic import Field
from troposphere import ecs

from moorage.facts.api_types import MAX_INTEGER
from moorage.findings.finding import Path, Problem
from moorage.model import Base

from ..common.fields import Switch
from .release import Release, ReleaseField, Rolling
from .traffic_shift import ReleaseBase, shift_properties


class CircuitBreakerThreshold(Base):
    """How many tasks may fail, as a percentage of the tasks."""

    percent: int = Field(ge=1, le=100, description="Percentage of the tasks.")
    bounded: bool = Field(
        True, description="At least 3 and at most 200 tasks, regardless of the percentage."
    )


class CircuitBreaker(Base):
    """Stops a deployment if its tasks do not become healthy."""

    rollback: bool = Field(True, description="Roll back to the last completed deployment.")
    threshold: Annotated[int, Field(ge=1, le=5000)] | CircuitBreakerThreshold | None = Field(
        None,
        description="Number of failed tasks that stops a deployment, or a percentage of the "
        "tasks. By default 50 percent, at least 3 and at most 200 tasks.",
    )
    reset_on_healthy_task: bool = Field(
        True, description="Reset the count of failed tasks when a task becomes healthy."
    )


class DeploymentParams(Base):
    """The number of tasks of an ECS service, and how a deployment replaces them."""

    desired_count: int = Field(1, ge=0, le=5000, description="Number of tasks.")
    minimum_healthy_percent: int = Field(
        100,
        ge=0,
        le=100,
        description="Percentage of the tasks that a deployment keeps running, rounded up.",
    )
    maximum_percent: int = Field(
        200,
        ge=100,
        le=MAX_INTEGER,
        description="Percentage of the tasks that can run during a deployment, rounded down.",
    )
    circuit_breaker: Switch[CircuitBreaker] = Field(
        CircuitBreaker.unvalidated(),
        description="Stop a deployment if its tasks fail; `false` to keep trying.",
    )
    release: ReleaseField = Field(
        Rolling.unvalidated(),
        examples=["canary"],
        description="How a deployment replaces the tasks: `rolling`, `blue_green`, `linear`, "
        "`canary`, `codedeploy`, or a map with the strategy and its settings.",
    )
    availability_zone_rebalancing: bool = Field(
        True,
        description="Let ECS move tasks so that the Availability Zones have equal numbers of "
        "tasks.",
    )


def minimum_healthy_count(params: DeploymentParams, count: int) -> int:
    """The number of tasks that a deployment of `count` tasks keeps running."""
    return math.ceil(count * params.minimum_healthy_percent / 100)


def deployment_problems(params: DeploymentParams, count: int, path: Path) -> Iterator[Problem]:
    """Deployments of a service with `count` tasks, set at `path`, that can make no progress.

    Amazon ECS API reference, DeploymentConfiguration: the maximum is rounded down, the minimum up.
    AvailabilityZoneRebalancing: developer guide, "Balancing an Amazon ECS service across
    Availability Zones".
    """
    maximum = math.floor(count * params.maximum_percent / 100)
    minimum = minimum_healthy_count(params, count)
    because = [path, ("minimum_healthy_percent",), ("maximum_percent",)]
    if count and maximum <= count and minimum >= count:
        message = f"A deployment can neither stop one of the {count} tasks nor start another"
        if count == 1:
            message = "A deployment can neither stop the task nor start another"
        hint = "Raise `maximum_percent`, for example to 200, or lower `minimum_healthy_percent`."
        yield Problem("M1213", ("maximum_percent",), message, hint, because=because)
    elif params.availability_zone_rebalancing and params.maximum_percent == 100:
        message = "Availability Zone rebalancing needs a `maximum_percent` above 100: ECS starts a "
        message += "new task before it stops one"
        hint = "Raise `maximum_percent`, or write `availability_zone_rebalancing: false`."
        yield Problem("M3253", ("maximum_percent",), message, hint, because=because)


def rebalancing_setting(params: DeploymentParams) -> str:
    """The AvailabilityZoneRebalancing property of an ECS service."""
    return "ENABLED" if params.availability_zone_rebalancing else "DISABLED"


def has_circuit_breaker(params: DeploymentParams, release: Release) -> bool:
    """Whether the circuit breaker watches the deployments of a service."""
    is_rolling = not release.shift and not release.code_deploy
    return is_rolling and params.circuit_breaker is not None


def deployment_configuration(
    params: DeploymentParams, release: Release, alarms: Sequence[Any], hook_role: Any
) -> ecs.DeploymentConfiguration:
    """The DeploymentConfiguration property of an ECS service. `alarms` are names of alarms that
    roll a deployment back. `hook_role` is the ARN of the role with which ECS invokes the functions
    of lifecycle hooks."""
    percents = {
        "MinimumHealthyPercent": params.minimum_healthy_percent,
        "MaximumPercent": params.maximum_percent,
    }
    if release.code_deploy:  # ECS refuses the circuit breaker and alarms: CodeDeploy has its own
        return ecs.DeploymentConfiguration(**percents)
    return ecs.DeploymentConfiguration(
        **percents,
        **({} if release.shift else _rolling_properties(params, release.params)),
        **(shift_properties(release.shift, hook_role) if release.shift else {}),
        **_alarms(alarms),
    )


def _rolling_properties(params: DeploymentParams, release: ReleaseBase) -> dict[str, Any]:
    properties: dict[str, Any] = {"DeploymentCircuitBreaker": _breaker(params.circuit_breaker)}
    if isinstance(release, Rolling) and release.bake_time is not None:
        properties["BakeTimeInMinutes"] = release.bake_time // 60
    if isinstance(release, Rolling) and release.early_success:
        properties["EarlySuccessCriteria"] = ecs.DeploymentEarlySuccessCriteria(
            Enable=True,
            HealthyPercent=release.early_success.healthy_percent,
            SourceServiceRevisionCleanup=release.early_success.cleanup.upper(),
        )
    return properties


def _breaker(breaker: CircuitBreaker | None) -> ecs.DeploymentCircuitBreaker:
    if breaker is None:
        return ecs.DeploymentCircuitBreaker(Enable=False, Rollback=False)
    optional: dict[str, Any] = {}
    if threshold := breaker.threshold:
        optional["ThresholdConfiguration"] = _threshold(threshold)
    if not breaker.reset_on_healthy_task:
        optional["ResetOnHealthyTask"] = False
    return ecs.DeploymentCircuitBreaker(Enable=True, Rollback=breaker.rollback, **optional)


def _threshold(threshold: int | CircuitBreakerThreshold) -> ecs.ThresholdConfiguration:
    if isinstance(threshold, int):
        return ecs.ThresholdConfiguration(Type="COUNT", Value=threshold)
    kind = "BOUNDED_PERCENT" if threshold.bounded else "UNBOUNDED_PERCENT"
    return ecs.ThresholdConfiguration(Type=kind, Value=threshold.percent)


def _alarms(names: Sequence[Any]) -> dict[str, ecs.DeploymentAlarms]:
    if not names:
        return {}
    return {"Alarms": ecs.DeploymentAlarms(AlarmNames=list(names), Enable=True, Rollback=True)}
