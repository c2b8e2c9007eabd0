"""Rules as data: what must hold for the values of one resource, or of those it refers to."""

from __future__ import annotations

from moorage.rules.constraints import (
    clusters,
    keys,
    listener_actions,
    load_balancing,
    other,
    permissions,
    policies,
    policy_sizes,
    registries,
    roles,
    scaling,
    secret_stores,
    stack_mechanics,
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
    *keys.CONSTRAINTS,
    *policies.CONSTRAINTS,
    *policy_sizes.CONSTRAINTS,
    *registries.CONSTRAINTS,
    *roles.CONSTRAINTS,
    *secret_stores.CONSTRAINTS,
    *stack_mechanics.CONSTRAINTS,
)
