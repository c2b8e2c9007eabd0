"""All rules, in the order of their numbers. A new topic is one file and one line here."""

from __future__ import annotations

from moorage.rules import (
    capacity_providers,
    codedeploy,
    codedeploy_hook,
    containers,
    creation_order,
    deployments,
    ecr,
    fargate,
    listeners,
    load_balancers,
    logs,
    resource_names,
    role_permissions,
    roles,
    secrets,
    security_groups,
    service_discovery,
    services,
    target_groups,
    volumes,
    vpc,
)
from moorage.rules.rule import Rule

RULES: tuple[Rule, ...] = tuple(
    sorted(
        (
            *capacity_providers.RULES,
            *codedeploy.RULES,
            *containers.RULES,
            *deployments.RULES,
            *service_discovery.RULES,
            *fargate.RULES,
            *codedeploy_hook.RULES,
            *listeners.RULES,
            *load_balancers.RULES,
            *logs.RULES,
            *resource_names.RULES,
            *vpc.RULES,
            *creation_order.RULES,
            *role_permissions.RULES,
            *security_groups.RULES,
            *roles.RULES,
            *secrets.RULES,
            *services.RULES,
            *ecr.RULES,
            *target_groups.RULES,
            *volumes.RULES,
        ),
        key=lambda one: one.id[1:],
    ),
)
