"""All rules, in the order of their numbers. A new topic is one file and one line here."""

from __future__ import annotations

from moorage.rules import (
    containers,
    fargate,
    logs,
    order,
    secrets,
    volumes,
)
from moorage.rules.rule import Rule

RULES: tuple[Rule, ...] = tuple(
    sorted(
        (
            *containers.RULES,
            *fargate.RULES,
            *logs.RULES,
            *order.RULES,
            *secrets.RULES,
            *volumes.RULES,
        ),
        key=lambda one: one.id[1:],
    ),
)
