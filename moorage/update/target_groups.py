"""Target groups that have no targets yet when requests are sent to them."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.cfn import ecs
from moorage.cfn.changes import Comparison
from moorage.cfn.nodes import Node
from moorage.cfn.stack import Resource
from moorage.cfn.value_comparison import comparable_value
from moorage.update.effect import Effect
from moorage.update.traffic_shifting import shifted_target_groups


def find_target_group_effects(change: Comparison) -> Iterator[Effect]:
    """Yields new target groups that get requests before they have targets, or that a service gets
    together with their listener."""
    yield from _empty_target_groups(change)
    yield from _services_with_new_target_groups(change)


def _empty_target_groups(change: Comparison) -> Iterator[Effect]:
    """Existing listeners and rules that forward to new target groups only."""
    reported_elsewhere = shifted_target_groups(change)
    for pair in change.pairs:
        if (
            pair.new.type not in (ecs.LISTENER, ecs.LISTENER_RULE)
            or pair.new in change.replacements
        ):
            continue
        nodes = ecs.forwarded_target_groups(pair.new)
        groups = [ecs.resource_of_type(node, ecs.TARGET_GROUP) for node in nodes]
        before = [
            ecs.resource_of_type(forwarded_target_group, ecs.TARGET_GROUP)
            for forwarded_target_group in ecs.forwarded_target_groups(pair.old)
        ]
        if any(group in reported_elsewhere for group in groups):
            continue
        new = bool(groups) and all(group in change.added for group in groups)
        if new and before and all(group in change.removed for group in before):
            yield Effect(
                "M1406",
                "warning",
                nodes[0],
                f"{pair.new.id} immediately forwards to "
                f"{groups[0].id if groups[0] else 'the new one'}, "
                "which has no targets until the service's new tasks are registered, so requests "
                "fail in the meantime",
                "Deploy it when an interruption is acceptable.",
            )


def _services_with_new_target_groups(change: Comparison) -> Iterator[Effect]:
    """Existing services that get a target group in the update that creates what forwards to it."""
    added = set(change.added) - shifted_target_groups(change)  # reported with their service
    for attachment in ecs.target_group_attachments(change.new):
        service, group = attachment.service, attachment.target_group.resource
        if change.find_old_version(service) is None or service in change.replacements:
            continue
        if ecs.deployment_controller(service) == "CODE_DEPLOY":
            continue  # ECS refuses the update anyway
        forwarders = ecs.find_forwarders(change.new, group) if group in added else ()
        if group not in added or not all(forwarder in added for forwarder in forwarders):
            continue
        successions = [
            (old, new)
            for new in forwarders
            for old in change.removed
            if _takes_the_place(change, old, new)
        ]
        if successions:
            yield from _replaced_rule(service, attachment.target_group, *successions[0])
        else:
            yield _first_listener(service, attachment.target_group)


def _takes_the_place(change: Comparison, old: Resource, new: Resource) -> bool:
    """Whether an added listener rule is for the same requests as a removed one."""
    listener = new["ListenerArn"]
    return (
        old.type == new.type == ecs.LISTENER_RULE
        and comparable_value(old["ListenerArn"]) == comparable_value(listener)
        and listener.resource not in change.replacements
        and comparable_value(old["Conditions"]) == comparable_value(new["Conditions"])
    )


def _replaced_rule(service: Resource, node: Node, old: Resource, new: Resource) -> Iterator[Effect]:
    """A rule in place of another one, such as after a change of the container's port."""
    before, after = old["Priority"].number, new["Priority"].number
    if before is None or after is None:
        when = "both exist until the end of the update, and the tasks are in one target group only"
    elif after < before:
        when = (
            f"comes first at once, and its target group has no targets until the new tasks of "
            f"{service.id} are registered"
        )
    elif before < after:
        when = (
            f"comes after it until the end of the update, when the old tasks of {service.id} are "
            "already stopped"
        )
    else:
        return  # a conflict
    yield Effect(
        "M1406",
        "warning",
        node,
        f"{new.id} takes the place of {old.id} and {when}, so requests fail in the meantime",
        "Keep the port, or deploy it when an interruption is acceptable.",
    )


def _first_listener(service: Resource, node: Node) -> Effect:
    group = node.resource.id if node.resource else "a target group"
    return Effect(
        "M1406",
        "warning",
        node,
        f"{service.id} exists and gets {group} in the update that creates the listener. People "
        "report that ECS then says the target group has no associated load balancer",
        "If ECS refuses the update, deploy the listener first and then the service.",
    )
