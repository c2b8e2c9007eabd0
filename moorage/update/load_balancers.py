"""Changes that Elastic Load Balancing refuses."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.cfn import ecs, networks
from moorage.cfn.changes import Comparison
from moorage.cfn.stack import Resource
from moorage.cfn.value_comparison import comparable_value, differs, referenced_resources
from moorage.update.effect import Effect

_CREATE_ANOTHER = "Create another load balancer, with another logical ID or in another stack."


def find_load_balancer_effects(change: Comparison) -> Iterator[Effect]:
    """Yields changes that Elastic Load Balancing refuses."""
    yield from _added_security_groups(change)
    yield from _changed_nlb_addresses(change)
    yield from _load_balancers_left_in_old_vpc(change)
    yield from _target_groups_of_two_load_balancers(change)


def _added_security_groups(change: Comparison) -> Iterator[Effect]:
    for pair in change.pairs:
        if pair.new.type == ecs.LOAD_BALANCER and ecs.load_balancer_type(pair.new) == "network":
            before, after = pair.old["SecurityGroups"], pair.new["SecurityGroups"]
            if before.absent and after.present and pair.new not in change.replacements:
                yield Effect(
                    "M1404",
                    "error",
                    after,
                    f"{pair.new.id} was created without security groups and cannot get any later. "
                    'Elastic Load Balancing reports "You cannot set security groups on a Network '
                    'Load Balancer which was created without any security groups"',
                    _CREATE_ANOTHER,
                )


def _changed_nlb_addresses(change: Comparison) -> Iterator[Effect]:
    """Network Load Balancers whose addresses or subnets change."""
    for pair in change.pairs:
        if pair.new.type != ecs.LOAD_BALANCER or ecs.load_balancer_type(pair.new) != "network":
            continue
        if pair.new not in change.replacements:
            yield from _changed_addresses(pair.old, pair.new)
            yield from _additional_subnets(change, pair.old, pair.new)


def _changed_addresses(old: Resource, new: Resource) -> Iterator[Effect]:
    subnets_without_mapping = {comparable_value(subnet) for subnet in old["Subnets"].items}
    mappings = {
        comparable_value(subnet_mapping["SubnetId"]): subnet_mapping
        for subnet_mapping in old["SubnetMappings"].items
    }
    for mapping in new["SubnetMappings"].items:
        subnet = comparable_value(mapping["SubnetId"])
        before = mappings.get(subnet)
        for key in ("AllocationId", "PrivateIPv4Address"):
            is_added = mapping[key].present and subnet in subnets_without_mapping
            if is_added or (before is not None and differs(before[key], mapping[key])):
                yield Effect(
                    "M1404",
                    "error",
                    mapping[key],
                    f"{key} of {new.id} changes in a subnet that it keeps. A Network Load Balancer "
                    "keeps the addresses that it was created with",
                    _CREATE_ANOTHER,
                )


def _additional_subnets(change: Comparison, old: Resource, new: Resource) -> Iterator[Effect]:
    before = {subnet.id: subnet for subnet in networks.subnets_of_load_balancer(old) or ()}
    for subnet in networks.subnets_of_load_balancer(new) or ():
        kept = subnet.id in before and subnet not in change.replacements
        if kept or _leaves_vpc(change, subnet):
            continue
        if any(networks.are_in_same_zone(subnet, old_subnet) for old_subnet in before.values()):
            yield Effect(
                "M1404",
                "error",
                networks.subnet_property(new),
                f"{new.id} gets {subnet.id} in an Availability Zone where it already has a subnet. "
                'Elastic Load Balancing reports "You cannot specify an additional subnet from an '
                'Availability Zone that is already associated with the load balancer"',
                "Deploy two updates: first remove the zone, then add it with the new subnet.",
            )


def _load_balancers_left_in_old_vpc(change: Comparison) -> Iterator[Effect]:
    """Load balancers that are kept while their subnets or security groups move to another VPC."""
    for pair in change.pairs:
        if pair.new.type != ecs.LOAD_BALANCER or pair.new in change.replacements:
            continue
        for node in (*pair.new["SecurityGroups"].items, *pair.new["Subnets"].items):
            if node.resource is not None and _leaves_vpc(change, node.resource):
                yield Effect(
                    "M1404",
                    "error",
                    node,
                    f"{pair.new.id} stays in its VPC, while {node.resource.id} is replaced by one "
                    "in another VPC. Elastic Load Balancing refuses resources of another VPC",
                    _CREATE_ANOTHER,
                )
                break


def _leaves_vpc(change: Comparison, resource: Resource) -> bool:
    """Whether a security group or a subnet is replaced by one in another VPC."""
    if resource not in change.replacements:
        return False
    vpc = resource["VpcId"]
    vpc_replaced = any(
        referenced in change.replacements for referenced in referenced_resources(vpc)
    )
    return vpc_replaced or differs(change.replacements[resource][0].old["VpcId"], vpc)


def _target_groups_of_two_load_balancers(change: Comparison) -> Iterator[Effect]:
    """Target groups that are kept while their load balancer is replaced."""
    for forwarder in change.new.resources_of_type(ecs.LISTENER, ecs.LISTENER_RULE):
        balancer = ecs.load_balancer_of(forwarder)
        if balancer not in change.replacements:
            continue
        for node in ecs.forwarded_target_groups(forwarder):
            group = ecs.resource_of_type(node, ecs.TARGET_GROUP)
            before = change.find_old_version(group) if group is not None else None
            if group is None or before is None or group in change.replacements:
                continue
            if change.replacements[balancer][0].old in ecs.load_balancers_of_target_group(
                change.old, before
            ):
                yield Effect(
                    "M1404",
                    "error",
                    node,
                    f"{balancer.id} is replaced while {group.id} is still attached to the old one. "
                    'Elastic Load Balancing reports "The following target groups cannot be '
                    'associated with more than one load balancer"',
                    f"Give {group.id} another logical ID in the same update.",
                )
