"""The resources of `expose:` in the stack of a service."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from troposphere import ecs

from .alb.targets import attachments, listener_rules, security_group_rules, target_groups
from .exposure import Exposure
from .nlb.listeners import (
    nlb_attachment,
    nlb_listener,
    nlb_security_group_rules,
    nlb_target_group,
)


@dataclass(frozen=True)
class ExposureResources:
    """Target groups, listeners and rules of a service, and the references of the ECS service to
    them."""

    resources: tuple[Any, ...]
    load_balancers: tuple[ecs.LoadBalancer, ...]
    waits_for: tuple[str, ...]
    """Logical IDs of the resources that must exist before the service: the listeners and rules that
    attach its target groups to load balancers, or ECS refuses them; and the security group rules
    for the load balancers, or health checks fail."""


def exposure_resources(exposure: Exposure) -> ExposureResources:
    """Target groups, listener rules or listeners, and security group rules of both sides; those of
    instances are in the stack of the cluster."""
    through_instance, vpc_id = exposure.through_instance, exposure.placement.vpc_id
    targets, nlb_targets = exposure.targets, exposure.nlb_targets
    group_rules = [
        *([] if through_instance else security_group_rules(targets)),
        *nlb_security_group_rules(nlb_targets, through_instance=through_instance),
    ]
    rules = list(listener_rules(exposure.rules))
    listeners = [nlb_listener(target) for target in nlb_targets]
    groups = [
        *target_groups(targets, vpc_id, through_instance=through_instance),
        *(
            nlb_target_group(target, vpc_id, through_instance=through_instance)
            for target in nlb_targets
        ),
    ]
    forwarding = [
        resource
        for resource, rule in zip(rules, exposure.rules, strict=True)
        if rule.route.forwards
    ]
    return ExposureResources(
        resources=(*group_rules, *groups, *rules, *listeners),
        load_balancers=(
            *attachments(targets),
            *(nlb_attachment(target) for target in nlb_targets),
        ),
        waits_for=_titles([*group_rules, *forwarding, *listeners]),
    )


def _titles(resources: Sequence[Any]) -> tuple[str, ...]:
    return tuple(sorted(resource.title for resource in resources))
