"""Changes of services whose traffic ECS shifts between two target groups.

After a deployment either group of a pair can be the one in use, and the template does not know
which. CloudFormation changes listener rules and target groups before the service, and deletes the
old ones at the end of the update.
"""

from __future__ import annotations

from collections.abc import Iterator

from moorage.cfn import ecs
from moorage.cfn.changes import Comparison
from moorage.cfn.fixed_values import is_decided_by_template
from moorage.cfn.nodes import Node
from moorage.cfn.stack import Resource
from moorage.cfn.value_comparison import comparable_value
from moorage.facts.ecs_deployments import DEPLOYING_PROPERTIES, TRAFFIC_SHIFTING
from moorage.records import record
from moorage.update.effect import Effect


@record
class _EntryPair:
    """An entry of LoadBalancers before and after the update."""

    old: Node
    new: Node

    @property
    def had_alternate(self) -> bool:
        return bool(self.old["AdvancedConfiguration"].entries)

    @property
    def has_alternate(self) -> bool:
        return bool(self.new["AdvancedConfiguration"].entries)


def find_traffic_shifting_effects(change: Comparison) -> Iterator[Effect]:
    """Yields changes that interrupt a service whose traffic ECS shifts, or that need two
    updates."""
    for service in ecs.services(change.new):
        before = change.find_old_version(service)
        if before is None or service in change.replacements:
            continue
        yield from _switched_strategies(before, service)
        for entries in _entry_pairs(before, service):
            if entries.had_alternate:
                yield from _removed_alternates(change, service, entries)
            if entries.had_alternate and entries.has_alternate and _shifts_traffic(before):
                new_groups = list(_new_target_groups(change, service, entries))
                yield from new_groups
                if not new_groups:  # new target groups often come with a new rule
                    yield from _replaced_rules(change, service, entries)
                    yield from _rule_with_deployment(change, service, entries)


def shifted_target_groups(change: Comparison) -> frozenset[Resource]:
    """The target groups, in the new templates, of existing services whose traffic ECS shifts."""
    groups: set[Resource] = set()
    for service in ecs.services(change.new):
        before = change.find_old_version(service)
        if before is None or service in change.replacements or not _shifts_traffic(before):
            continue
        for entries in _entry_pairs(before, service):
            if entries.had_alternate and entries.has_alternate:
                groups |= {group for group in _target_groups(entries.new) if group is not None}
    return frozenset(groups)


def has_weights_by_parameter(forwarder: Resource) -> bool:
    """Whether a parameter of the template decides which target group a listener or rule forwards
    to."""
    return any(
        not is_decided_by_template(group["Weight"])
        for action in ecs.actions(forwarder).items
        for group in action["ForwardConfig"]["TargetGroups"].items
    )


def _shifts_traffic(service: Resource) -> bool:
    return service["DeploymentConfiguration"]["Strategy"].text in TRAFFIC_SHIFTING


def _entry_pairs(before: Resource, service: Resource) -> list[_EntryPair]:
    """The entries for the same container and port or, where that changes, with the same index."""
    old, new = before["LoadBalancers"].items, service["LoadBalancers"].items
    by_container = {_container(entry): entry for entry in old}
    pairs = []
    for index, entry in enumerate(new):
        earlier = by_container.get(_container(entry))
        if earlier is None and len(old) == len(new):
            earlier = old[index]
        if earlier is not None:
            pairs.append(_EntryPair(earlier, entry))
    return pairs


def _container(entry: Node) -> tuple[object, object]:
    return comparable_value(entry["ContainerName"]), comparable_value(entry["ContainerPort"])


def _target_groups(entry: Node) -> tuple[Resource | None, Resource | None]:
    """The target group of an entry, and its alternate."""
    nodes = entry["TargetGroupArn"], entry.at("AdvancedConfiguration", "AlternateTargetGroupArn")
    first, second = (ecs.resource_of_type(node, ecs.TARGET_GROUP) for node in nodes)
    return first, second


def _production_route(entry: Node) -> Resource | None:
    return entry.at("AdvancedConfiguration", "ProductionListenerRule").resource


# Strategies and alternates -------------------------------------------------------------------


def _switched_strategies(before: Resource, service: Resource) -> Iterator[Effect]:
    entries = before["LoadBalancers"].items
    prepared = all(entry["AdvancedConfiguration"].present for entry in entries)
    if _shifts_traffic(service) and not _shifts_traffic(before) and not prepared:
        strategy = service["DeploymentConfiguration"]["Strategy"]
        yield Effect(
            "M1406",
            "warning",
            strategy,
            f"{service.id} gets the strategy {strategy.text} and its second target group in one "
            "update. AWS describes two: the rolling update that adds AdvancedConfiguration, then "
            "the strategy",
            "First deploy AdvancedConfiguration and both target groups with the strategy ROLLING.",
        )


def _removed_alternates(
    change: Comparison, service: Resource, entries: _EntryPair
) -> Iterator[Effect]:
    old = entries.old.at("AdvancedConfiguration", "AlternateTargetGroupArn").resource
    if old is None:
        return
    successor = change.find_new_version(old)
    groups = [group for group in _target_groups(entries.new) if group is not None]
    are_all_new = len(groups) == 2 and all(group in change.added for group in groups)
    if successor in groups or are_all_new:
        return  # new target groups: see _new_target_groups
    yield Effect(
        "M1406",
        "warning",
        entries.new,
        f"{service.id} no longer has the target group {old.id}, which may be the one in use since "
        "the last deployment. Then requests fail until the tasks are in the other one",
        "Check which target group has the weight. If it is this one, deploy once more without a "
        "change (`--force-new-deployment`), which shifts the traffic back.",
    )


# Listener rules ------------------------------------------------------------------------------


def _replaced_rules(change: Comparison, service: Resource, entries: _EntryPair) -> Iterator[Effect]:
    """Production rules that are replaced, unless the new one comes before the old one."""
    old, new = _production_route(entries.old), _production_route(entries.new)
    if old is None or new is None or {old.type, new.type} != {ecs.LISTENER_RULE}:
        return
    if change.find_new_version(old) is new and new not in change.replacements:
        return
    before, after = old["Priority"].number, new["Priority"].number
    listener = new["ListenerArn"]
    is_same_listener = (
        comparable_value(old["ListenerArn"]) == comparable_value(listener)
        and listener.resource not in change.replacements
    )
    if not is_same_listener:
        why = f"{old.id} is on another listener"
        hint = "Create a second service behind the new listener, and move the clients there."
    elif before is not None and after is not None and before < after:
        why = f"{old.id} has the priority {before}, which comes before {after}"
        hint = f"Keep the logical ID {old.id}, or give {new.id} a priority below {before}."
    else:
        return  # it comes first, or both have one priority, which is a conflict
    yield Effect(
        "M1406",
        "error",
        entries.new.at("AdvancedConfiguration", "ProductionListenerRule"),
        f"{new.id} takes the place of {old.id}. ECS shifts the traffic of the new rule only, and "
        f"{why}, so until the end of the update it sends requests to a target group whose tasks "
        "are already stopped",
        hint,
    )


def _rule_with_deployment(
    change: Comparison, service: Resource, entries: _EntryPair
) -> Iterator[Effect]:
    """Production rules that change in the update that also starts a deployment."""
    route = _production_route(entries.new)
    changed = {pair.new: pair.changed_properties for pair in change.pairs}
    started_by = [key for key in changed.get(service, ()) if key in DEPLOYING_PROPERTIES]
    if route is None or route in change.replacements or not changed.get(route) or not started_by:
        return
    yield Effect(
        "M1406",
        "error",
        service[started_by[0]],
        f"{started_by[0]} of {service.id} starts a deployment in the update that changes "
        f"{route.id}. If it fails, CloudFormation sets the rule back to the target group from "
        "before the update, which may have no tasks then",
        f"Deploy the change of {route.id} first, and then the one of {service.id}.",
    )


# Target groups -------------------------------------------------------------------------------


def _new_target_groups(
    change: Comparison, service: Resource, entries: _EntryPair
) -> Iterator[Effect]:
    """Pairs of which a target group is replaced, or both have new logical IDs."""
    groups = [group for group in _target_groups(entries.new) if group is not None]
    replaced = [group for group in groups if group in change.replacements]
    added = [group for group in groups if group in change.added]
    if replaced:
        group = replaced[0]
        node = group[change.replacements[group][1]]
    elif len(added) == 2:
        group, node = added[0], entries.new["TargetGroupArn"]
    else:
        return
    names = " and ".join(group.id for group in (replaced or added))
    is_one = len(replaced or added) == 1
    yield Effect(
        "M1406",
        "error",
        node,
        f"{names} {'is' if is_one else 'are'} "
        f"{'replaced' if replaced else 'created in place of the old target groups'}, and the "
        f"production rule forwards to {'it' if is_one else 'them'} before {service.id} has tasks "
        "there, so requests fail in the meantime",
        "Keep the old values. Otherwise deploy the strategy ROLLING first, then this change, then "
        "the strategy again, when an interruption is acceptable.",
    )
