"""The resources of `expose:` in the stack of a service."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from troposphere import ecs

from moorage.records import record

from .alb.targets import attachments, listener_rules, security_group_rules, target_groups
from .exposure import Exposure
from .nlb.listeners import (
    nlb_attachment,
    nlb_listener,
    nlb_security_group_rules,
    nlb_target_group,
)
from .target_pairs import group_titles, traffic_shift_role
from .test_traffic import alb_test_resources, nlb_test_listener_title


@record
class ExposureResources:
    """Target groups, listeners and rules of a service, and the references of the ECS service to
    them."""

    resources: tuple[Any, ...]
    load_balancers: tuple[ecs.LoadBalancer, ...]
    dependencies: tuple[str, ...]
    """Logical IDs of the resources that must exist before the service: listeners and rules, since
    ECS refuses target groups without a load balancer, and the security group rules for the load
    balancers, without which health checks fail."""
    alternates_groups: bool = False
    """Whether ECS shifts traffic between two target groups, so that parameters say which group is
    in production."""


def exposure_resources(exposure: Exposure) -> ExposureResources:
    """Target groups, listener rules or listeners, and security group rules of both sides; those of
    instances are in the stack of the cluster."""
    through_instance, vpc_id = exposure.through_instance, exposure.placement.vpc_id
    targets, nlb_targets = exposure.targets, exposure.nlb_targets
    pairs, test_targets = exposure.pairs, exposure.nlb_test_targets
    group_rules = [
        *([] if through_instance else security_group_rules(targets)),
        *nlb_security_group_rules([*nlb_targets, *test_targets], through_instance=through_instance),
    ]
    priorities = exposure.priorities
    rules = list(listener_rules(exposure.rules, priorities, pairs))
    test_rules = (
        list(alb_test_resources(exposure.test_rules, exposure.test, priorities, pairs))
        if exposure.test
        else []
    )
    listeners = [
        *(nlb_listener(target.listener_title, target, pairs) for target in nlb_targets),
        *(
            nlb_listener(nlb_test_listener_title(test), target, pairs, port=test.listener.number)
            for target, test in zip(nlb_targets, test_targets, strict=bool(test_targets))
        ),
    ]
    groups = [
        *target_groups(targets, pairs, vpc_id, through_instance=through_instance),
        *(
            nlb_target_group(title, target, vpc_id, through_instance=through_instance)
            for target in nlb_targets
            for title in group_titles(target.target_group_title, pairs)
        ),
    ]
    forwarding = [
        resource
        for resource, rule in zip(rules, exposure.rules, strict=True)
        if rule.route.forwards
    ]
    referenced = {title for pair in exposure.ecs_pairs.values() for title in pair.forwarders}
    roles = [traffic_shift_role(exposure.env)] if exposure.ecs_pairs else []
    return ExposureResources(
        resources=(*group_rules, *groups, *rules, *test_rules, *listeners, *roles),
        load_balancers=(
            *attachments(targets, exposure.ecs_pairs),
            *(nlb_attachment(target, exposure.ecs_pairs) for target in nlb_targets),
        ),
        dependencies=tuple(
            title
            for title in _titles([*group_rules, *forwarding, *test_rules, *listeners])
            if title not in referenced
        ),
        alternates_groups=bool(exposure.ecs_pairs),
    )


def _titles(resources: Sequence[Any]) -> tuple[str, ...]:
    return tuple(sorted(resource.title for resource in resources))
