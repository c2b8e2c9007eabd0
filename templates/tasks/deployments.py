"""How many tasks an ECS service has, and how it replaces them."""

from __future__ import annotations

import math
from collections.abc import Iterator

from pydantic import Field
from troposphere import ecs

from moorage.findings.finding import Path, Problem
from moorage.model import Base

from ..common.fields import Switch


class CircuitBreaker(Base):
    """Ends a deployment whose tasks do not become healthy."""

    rollback: bool = Field(True, description="Go back to the last deployment that worked.")


class DeploymentParams(Base):
    """What a stack says of the ECS service that keeps its tasks running."""

    desired_count: int = Field(1, ge=0, le=5000, description="Number of tasks.")
    minimum_healthy_percent: int = Field(
        100, ge=0, le=100, description="Tasks that a deployment leaves running, rounded up."
    )
    maximum_percent: int = Field(
        200, ge=100, le=400, description="Tasks that a deployment may reach, rounded down."
    )
    circuit_breaker: Switch[CircuitBreaker] = Field(
        CircuitBreaker(), description="Give up a deployment that fails; `false` to go on trying."
    )
    availability_zone_rebalancing: bool = Field(
        True, description="Even the tasks out over the zones again after one was away."
    )


def minimum_healthy_count(params: DeploymentParams, count: int) -> int:
    """Of `count` tasks those that a deployment leaves running."""
    return math.ceil(count * params.minimum_healthy_percent / 100)


def deployment_problems(params: DeploymentParams, count: int, path: Path) -> Iterator[Problem]:
    """Whether a service of `count` tasks, which the params say there, can be updated.

    Amazon ECS API reference, DeploymentConfiguration: the maximum is rounded down, the minimum up.
    AvailabilityZoneRebalancing: developer guide, "Balancing an Amazon ECS service across
    Availability Zones".
    """
    most = math.floor(count * params.maximum_percent / 100)
    least = minimum_healthy_count(params, count)
    because = [path, ("minimum_healthy_percent",), ("maximum_percent",)]
    if count and most <= count and least >= count:
        message = f"A deployment must leave {least} of {count} running, and may start no other"
        hint = "Raise `maximum_percent` (200 doubles them), or lower `minimum_healthy_percent`."
        yield Problem("M1213", ("maximum_percent",), message, hint, because=because)
    elif params.availability_zone_rebalancing and params.maximum_percent == 100:
        message = "Zones cannot be rebalanced where no more tasks may be started"
        hint = "Raise `maximum_percent`, or write `availability_zone_rebalancing: false`."
        yield Problem("M1220", ("maximum_percent",), message, hint, because=because)


def rebalancing_setting(params: DeploymentParams) -> str:
    """Whether ECS evens the tasks out over the zones."""
    return "ENABLED" if params.availability_zone_rebalancing else "DISABLED"


def deployment_configuration(params: DeploymentParams) -> ecs.DeploymentConfiguration:
    """How the service replaces its tasks."""
    breaker = params.circuit_breaker
    return ecs.DeploymentConfiguration(
        MinimumHealthyPercent=params.minimum_healthy_percent,
        MaximumPercent=params.maximum_percent,
        DeploymentCircuitBreaker=ecs.DeploymentCircuitBreaker(
            Enable=breaker is not None, Rollback=breaker is not None and breaker.rollback
        ),
    )
