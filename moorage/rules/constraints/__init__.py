"""Rules as data: what must hold for the values of one resource, or of those it refers to."""

from __future__ import annotations

from moorage.rules.constraints import (
    also_in_params,
    clusters,
    listener_actions,
    load_balancing,
    other,
    permissions,
    scaling,
    storage,
    task_definitions,
)
from moorage.rules.constraints.constraint import Constraint

CONSTRAINTS: tuple[Constraint, ...] = (
    *task_definitions.CONSTRAINTS,
    *clusters.CONSTRAINTS,
    *load_balancing.CONSTRAINTS,
    *listener_actions.CONSTRAINTS,
    *permissions.CONSTRAINTS,
    *scaling.CONSTRAINTS,
    *storage.CONSTRAINTS,
    *other.CONSTRAINTS,
    *also_in_params.CONSTRAINTS,
)
