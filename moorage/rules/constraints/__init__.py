"""Rules as data: what must hold for the values of one resource, or of those it refers to."""

from __future__ import annotations

from moorage.rules.constraints import (
    clusters,
    code_build,
    code_deploy,
    code_pipeline,
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
    *code_build.CONSTRAINTS,
    *code_deploy.CONSTRAINTS,
    *code_pipeline.CONSTRAINTS,
    *load_balancing.CONSTRAINTS,
    *listener_actions.CONSTRAINTS,
    *permissions.CONSTRAINTS,
    *scaling.CONSTRAINTS,
    *storage.CONSTRAINTS,
    *other.CONSTRAINTS,
)
