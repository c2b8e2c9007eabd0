"""Rules as data: what must hold for the values of one resource, or of those it refers to."""

from __future__ import annotations

from moorage.rules.constraints import (
    capacity,
    cloud_map,
    clusters,
    ebs_volumes,
    express,
    file_systems,
    listener_actions,
    load_balancing,
    log_filters,
    other,
    permissions,
    scaling,
    services,
    storage,
    task_containers,
    task_definitions,
    task_platforms,
)
from moorage.rules.constraints.constraint import Constraint

CONSTRAINTS: tuple[Constraint, ...] = (
    *task_definitions.CONSTRAINTS,
    *task_containers.CONSTRAINTS,
    *task_platforms.CONSTRAINTS,
    *clusters.CONSTRAINTS,
    *capacity.CONSTRAINTS,
    *express.CONSTRAINTS,
    *cloud_map.CONSTRAINTS,
    *services.CONSTRAINTS,
    *ebs_volumes.CONSTRAINTS,
    *load_balancing.CONSTRAINTS,
    *listener_actions.CONSTRAINTS,
    *permissions.CONSTRAINTS,
    *scaling.CONSTRAINTS,
    *storage.CONSTRAINTS,
    *log_filters.CONSTRAINTS,
    *file_systems.CONSTRAINTS,
    *other.CONSTRAINTS,
)
