"""Capacity provider strategies."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from troposphere import ecs

from moorage.findings.finding import Path, Problem

from .params import Provider, Share


def strategy_problems(strategy: dict[Provider, Share], path: Path) -> Iterator[Problem]:
    """At most one provider can have a base, and at least one must have a weight above 0 (Amazon ECS
    API reference, CapacityProviderStrategyItem)."""
    if not strategy:
        return
    if sum(1 for share in strategy.values() if share.base) > 1:
        bases = [provider for provider, share in sorted(strategy.items()) if share.base]
        message = f"More than one capacity provider has a base: {', '.join(bases)}"
        yield Problem("M2101", path, message, "Remove `base` from all but one of them.")
    if not any(share.weight for share in strategy.values()):
        hint = "Write for example `FARGATE: {weight: 1}`."
        yield Problem("M2102", path, "No capacity provider has a weight above 0", hint)


def strategy_items(strategy: dict[Provider, Share]) -> list[ecs.CapacityProviderStrategyItem]:
    """The `CapacityProviderStrategy` of an AWS::ECS::Service, ordered by provider name."""
    return [
        ecs.CapacityProviderStrategyItem(**properties)
        for properties in strategy_properties(strategy)
    ]


def strategy_properties(strategy: dict[Provider, Share]) -> list[dict[str, Any]]:
    """The properties of the strategy's items. A base of 0 is left out: only one item can have a
    base (Amazon ECS API reference, CapacityProviderStrategyItem)."""
    return [
        {
            "CapacityProvider": provider,
            **({"Base": share.base} if share.base else {}),
            "Weight": share.weight,
        }
        for provider, share in sorted(strategy.items())
    ]
