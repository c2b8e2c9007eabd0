"""Rules as data: what must hold for the values of one resource, or of those it refers to."""

from __future__ import annotations

from moorage.rules.constraints import (
    alarms,
    auto_scaling_groups,
    clusters,
    group_actions,
    launch_templates,
    listener_actions,
    load_balancing,
    networks,
    other,
    permissions,
    routes,
    scaling,
    scaling_policies,
    security_groups,
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
    *scaling_policies.CONSTRAINTS,
    *storage.CONSTRAINTS,
    *other.CONSTRAINTS,
    *networks.CONSTRAINTS,
    *routes.CONSTRAINTS,
    *security_groups.CONSTRAINTS,
    *alarms.CONSTRAINTS,
    *auto_scaling_groups.CONSTRAINTS,
    *group_actions.CONSTRAINTS,
    *launch_templates.CONSTRAINTS,
)
