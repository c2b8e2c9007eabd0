"""All rules, in the order of their numbers. It takes long to import them.

A new rule takes a free number of its topic (see `topics`) and is listed in the `RULES` of its
module, or in the `CONSTRAINTS` of a table; the types that it is about, and a new module, are listed
in `modules`.
"""

from __future__ import annotations

from moorage.rules.constraints.constraint import Constraint
from moorage.rules.modules import TABLES, TYPES, constraints_of, in_order, rules_of
from moorage.rules.rule import Rule

RULES: tuple[Rule, ...] = tuple(in_order(rule for module in TYPES for rule in rules_of(module)))

CONSTRAINTS: tuple[Constraint, ...] = tuple(
    constraint for table in TABLES for constraint in constraints_of(table)
)
"""The constraints that some of the rules are made of."""
