"""Capacity provider strategies."""

from __future__ import annotations

from collections.abc import Iterator

from troposphere import ecs

from moorage.findings.finding import Path, Problem

from .params import Provider, Share


def strategy_problems(strategy: dict[Provider, Share], path: Path) -> Iterator[Problem]:
    """ECS API reference, CapacityProviderStrategyItem: one base at most; some weight above 0."""
    if not strategy:
        return
    if sum(1 for share in strategy.values() if share.base) > 1:
        hint = "Leave `base` with one of them."
        yield Problem("M1108", path, "Only one capacity provider can have a base", hint)
    if not any(share.weight for share in strategy.values()):
        hint = "Write for example `FARGATE: {weight: 1}`."
        yield Problem("M1108", path, "No capacity provider has a weight above 0", hint)


def strategy_items(strategy: dict[Provider, Share]) -> list[ecs.CapacityProviderStrategyItem]:
    """A strategy in the form of AWS::ECS::Service, providers by name."""
    return [
        ecs.CapacityProviderStrategyItem(
            CapacityProvider=provider, Base=share.base, Weight=share.weight
        )
        for provider, share in sorted(strategy.items())
    ]
