"""All rules, in the order of their numbers. A new topic is one file and one line here."""

from __future__ import annotations

from moorage.rules import (
    capacity,
    codedeploy,
    containers,
    deployments,
    discovery,
    fargate,
    hook,
    listeners,
    load_balancers,
    logs,
    names,
    network,
    order,
    permissions,
    reach,
    roles,
    secrets,
    services,
    stacks,
    target_groups,
    volumes,
)
from moorage.rules.rule import Rule

RULES: tuple[Rule, ...] = tuple(
    sorted(
        (
            *capacity.RULES,
            *codedeploy.RULES,
            *containers.RULES,
            *deployments.RULES,
            *discovery.RULES,
            *fargate.RULES,
            *hook.RULES,
            *listeners.RULES,
            *load_balancers.RULES,
            *logs.RULES,
            *names.RULES,
            *network.RULES,
            *order.RULES,
            *permissions.RULES,
            *reach.RULES,
            *roles.RULES,
            *secrets.RULES,
            *services.RULES,
            *stacks.RULES,
            *target_groups.RULES,
            *volumes.RULES,
        ),
        key=lambda one: one.id[1:],
    ),
)
