"""Rules as data: what must hold for the values of one resource, or of those it refers to."""

from __future__ import annotations

from moorage.rules.constraints import (
    clusters,
    code_build,
    code_deploy,
    code_pipeline,
    events,
    listener_actions,
    load_balancing,
    other,
    permissions,
    queues,
    scaling,
    storage,
    task_definitions,
    task_targets,
)
from moorage.rules.constraints.constraint import Constraint

CONSTRAINTS: tuple[Constraint, ...] = (
    *task_definitions.CONSTRAINTS,
    *clusters.CONSTRAINTS,
    *code_build.CONSTRAINTS,
    *code_deploy.CONSTRAINTS,
    *code_pipeline.CONSTRAINTS,
    *load_balancing.CONSTRAINTS,
    *events.CONSTRAINTS,
    *listener_actions.CONSTRAINTS,
    *permissions.CONSTRAINTS,
    *queues.CONSTRAINTS,
    *scaling.CONSTRAINTS,
    *storage.CONSTRAINTS,
    *task_targets.CONSTRAINTS,
    *other.CONSTRAINTS,
)
