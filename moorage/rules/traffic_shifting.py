"""Listener rules and target groups of services that ECS deploys blue/green, linear or canary."""

from __future__ import annotations

import re
from collections.abc import Iterator

from moorage.cfn import ecs
from moorage.cfn.nodes import Node
from moorage.cfn.stack import Resource
from moorage.cfn.view import View
from moorage.facts.ecs_deployments import TRAFFIC_SHIFTING
from moorage.facts.load_balancing import NLB_PROTOCOLS
from moorage.rules.rule import Problem, problem, rule

_ROUTES = ("ProductionListenerRule", "TestListenerRule")
_ALB_LISTENER_ARN = re.compile(r":listener/app/")


def _advanced_entries(service: Resource) -> list[Node]:
    """The entries of LoadBalancers that have an AdvancedConfiguration."""
    return [
        entry for entry in service["LoadBalancers"].items if entry["AdvancedConfiguration"].entries
    ]


def _shifts_traffic(service: Resource) -> bool:
    """Whether a service certainly has a strategy that shifts traffic."""
    choices = service["DeploymentConfiguration"]["Strategy"].choices
    return bool(choices) and set(choices) <= set(TRAFFIC_SHIFTING)


@rule(
    "E9299",
    "A service names a listener where ECS needs a listener rule, or a rule where it needs a "
    "listener.",
    error_messages=(
        "productionListenerRule has an invalid ARN format. Must be RuleArn for ALB or ListenerArn "
        "for NLB. Got: ...",
    ),
    fix="Write `!Ref` of a listener rule in ProductionListenerRule and TestListenerRule; behind a "
    "Network Load Balancer, `!Ref` of the listener.",
    sources=(
        "hashicorp/terraform-provider-aws#43932",
        "AWS docs: Troubleshooting Amazon ECS blue/green deployments",
        "AWS docs: ECS API reference, AdvancedConfiguration",
    ),
    failure_ids=("bg-listener-instead-of-rule",),
)
def listener_in_place_of_rule(view: View) -> Iterator[Problem]:
    """ECS shifts traffic by the weights of one listener rule of an Application Load Balancer, and
    cannot use the default action of a listener. A Network Load Balancer has no rules, so there ECS
    changes the listener."""
    for service in ecs.services(view):
        for entry in _advanced_entries(service):
            for key in _ROUTES:
                node = entry["AdvancedConfiguration"][key]
                if _is_alb_listener(node):
                    yield problem(
                        node,
                        f"{key} of service `{service.id}` is a listener of an Application Load "
                        f"Balancer, and ECS needs a listener rule",
                        "Write `!Ref` of a listener rule that forwards to both target groups.",
                    )
                elif _is_rule(node) and _is_nlb_target_group(entry["TargetGroupArn"]):
                    yield problem(
                        node,
                        f"{key} of service `{service.id}` is a listener rule, and the target group "
                        f"is for a Network Load Balancer, which has no rules",
                        "Write `!Ref` of the listener.",
                    )


def _is_alb_listener(node: Node) -> bool:
    listener = ecs.resource_of_type(node, ecs.LISTENER)
    if listener is None:
        return any(isinstance(part, str) and _ALB_LISTENER_ARN.search(part) for part in node.parts)
    load_balancer = ecs.load_balancer_of(listener)
    if load_balancer is not None:
        return ecs.load_balancer_type(load_balancer) == "application"
    return listener["Protocol"].text in ("HTTP", "HTTPS")


def _is_rule(node: Node) -> bool:
    return ecs.resource_of_type(node, ecs.LISTENER_RULE) is not None


def _is_nlb_target_group(node: Node) -> bool:
    group = ecs.resource_of_type(node, ecs.TARGET_GROUP)
    return group is not None and group["Protocol"].text in NLB_PROTOCOLS


@rule(
    "E9301",
    "A service has the same listener rule for production and for tests.",
    error_messages=(
        "The following rules cannot be used as both production and test listener rules: ...",
    ),
    fix="Write another rule in TestListenerRule, such as one with a condition on a header, or "
    "remove TestListenerRule.",
    sources=("AWS docs: Troubleshooting Amazon ECS blue/green deployments",),
)
def same_rule_for_tests(view: View) -> Iterator[Problem]:
    """The test rule sends requests to the new tasks while the production rule still sends all of
    them to the old ones. One rule cannot do both, and ECS refuses the service."""
    for service in ecs.services(view):
        routes = [entry["AdvancedConfiguration"] for entry in _advanced_entries(service)]
        production = [route["ProductionListenerRule"] for route in routes]
        for route in routes:
            test = route["TestListenerRule"]
            if test.present and any(
                rule.present and rule.is_same_as(test) is True for rule in production
            ):
                yield problem(
                    test,
                    f"Service `{service.id}` has this rule for tests and for production, and ECS "
                    f"requires two different rules",
                    "Write another rule, or remove TestListenerRule.",
                )


@rule(
    "E9302",
    "A service names a target group twice.",
    error_messages=("Duplicate targetGroupArn found: ...",),
    fix="Write each target group once: two for each entry of LoadBalancers, and other ones in "
    "other entries.",
    sources=("AWS docs: Troubleshooting Amazon ECS blue/green deployments",),
)
def target_group_named_twice(view: View) -> Iterator[Problem]:
    """Each entry of LoadBalancers has its own pair of target groups. ECS refuses a target group
    that is twice in a pair, or in two pairs: it could not distinguish old tasks from new ones."""
    for service in ecs.services(view):
        if not _advanced_entries(service):
            continue
        seen: list[Node] = []
        for entry in service["LoadBalancers"].items:
            alternate = entry["AdvancedConfiguration"]["AlternateTargetGroupArn"]
            for node in (entry["TargetGroupArn"], alternate):
                if node.absent:
                    continue
                if any(earlier.is_same_as(node) is True for earlier in seen):
                    name = f"target group `{node.resource.id}`" if node.resource else "a group"
                    yield problem(
                        node,
                        f"Service `{service.id}` names {name} twice in LoadBalancers",
                        "Write another target group.",
                    )
                seen.append(node)


@rule(
    "E9303",
    "Only some entries of LoadBalancers have an AdvancedConfiguration.",
    error_messages=(
        "Either all or none of the provided loadBalancers must have advancedConfiguration defined",
    ),
    fix="Write AdvancedConfiguration in all entries of LoadBalancers, or in none.",
    sources=("AWS docs: Troubleshooting Amazon ECS blue/green deployments",),
)
def mixed_advanced_configuration(view: View) -> Iterator[Problem]:
    """With the strategy ROLLING, AdvancedConfiguration prepares a service for another strategy. ECS
    accepts it for all load balancers of a service or for none. (E9300 finds what the other
    strategies lack.)"""
    for service in ecs.services(view):
        entries = service["LoadBalancers"].items
        missing = [
            entry for entry in entries if entry.entries and entry["AdvancedConfiguration"].absent
        ]
        if missing and _advanced_entries(service) and not _shifts_traffic(service):
            yield problem(
                missing[0],
                f"Service `{service.id}` has AdvancedConfiguration in another entry of "
                f"LoadBalancers and not in this one",
                "Write AdvancedConfiguration here too, or remove it from the other entries.",
            )


@rule(
    "E9304",
    "A production listener rule does not send all traffic to one target group.",
    error_messages=(
        "... productionListenerRule ... should have exactly one target group serving traffic but "
        "found 2 target groups which are serving traffic",
    ),
    fix="Write `Weight: 100` for one target group and `Weight: 0` for the other one.",
    sources=("AWS docs: Troubleshooting Amazon ECS blue/green deployments",),
)
def several_groups_with_traffic(view: View) -> Iterator[Problem]:
    """At the start of a deployment, the target group with a weight above zero in the production
    rule is the one with the old tasks. If two weights are above zero, or none, every deployment
    fails."""
    for service in ecs.services(view):
        entries = _advanced_entries(service) if _shifts_traffic(service) else []
        routes = [entry["AdvancedConfiguration"]["ProductionListenerRule"] for entry in entries]
        forwarders = [
            route.resource
            for route in routes
            if route.resource is not None
            and route.resource.type in (ecs.LISTENER, ecs.LISTENER_RULE)
        ]
        for forwarder in dict.fromkeys(forwarders):
            for action in ecs.actions(forwarder).items:
                groups = action["ForwardConfig"]["TargetGroups"]
                weights = [group["Weight"].number for group in groups.items]
                count = sum(1 for weight in weights if weight)
                if groups.all_known and weights and None not in weights and count != 1:
                    yield problem(
                        groups,
                        f"`{forwarder.id}` has {count or 'no'} target groups with a Weight above "
                        f"0, so ECS cannot deploy service `{service.id}`",
                        "Write `Weight: 100` for one target group and `Weight: 0` for the other.",
                    )


RULES = (
    listener_in_place_of_rule,
    same_rule_for_tests,
    target_group_named_twice,
    mixed_advanced_configuration,
    several_groups_with_traffic,
)
