"""All rules, in the order of their numbers. A new topic is one file and one line here."""

from __future__ import annotations

from moorage.rules import order
from moorage.rules.rule import Rule

RULES: tuple[Rule, ...] = tuple(
    sorted((*order.RULES,), key=lambda one: one.id[1:]),
)
