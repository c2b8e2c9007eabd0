"""Rules as data: what must hold for the values of one resource, or of those it refers to."""

from __future__ import annotations

from moorage.rules.constraints import (
    action_settings,
    clusters,
    distributions,
    dns,
    listener_actions,
    listeners,
    load_balancers,
    load_balancing,
    other,
    permissions,
    rule_conditions,
    scaling,
    storage,
    target_groups,
    task_definitions,
    web_acls,
)
from moorage.rules.constraints.constraint import Constraint

CONSTRAINTS: tuple[Constraint, ...] = (
    *task_definitions.CONSTRAINTS,
    *clusters.CONSTRAINTS,
    *load_balancing.CONSTRAINTS,
    *load_balancers.CONSTRAINTS,
    *listeners.CONSTRAINTS,
    *listener_actions.CONSTRAINTS,
    *action_settings.CONSTRAINTS,
    *rule_conditions.CONSTRAINTS,
    *target_groups.CONSTRAINTS,
    *web_acls.CONSTRAINTS,
    *distributions.CONSTRAINTS,
    *dns.CONSTRAINTS,
    *permissions.CONSTRAINTS,
    *scaling.CONSTRAINTS,
    *storage.CONSTRAINTS,
    *other.CONSTRAINTS,
)
