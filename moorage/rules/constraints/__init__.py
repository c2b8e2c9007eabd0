"""Rules as data: what must hold for the values of one resource, or of those it refers to."""

from __future__ import annotations

from moorage.rules.constraints import load_balancing, other, services, task_definitions
from moorage.rules.constraints.constraint import Constraint

CONSTRAINTS: tuple[Constraint, ...] = (
    *task_definitions.CONSTRAINTS,
    *services.CONSTRAINTS,
    *load_balancing.CONSTRAINTS,
    *other.CONSTRAINTS,
)
