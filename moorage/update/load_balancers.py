"""What Elastic Load Balancing refuses to change."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.cfn import ecs, networks
from moorage.cfn.changes import Comparison
from moorage.cfn.value_comparison import comparable_value, differs, referenced_resources
from moorage.cfn.view import Resource
from moorage.update.effect import Effect

_ANOTHER = "Make a new load balancer beside it: under another logical ID, or in another stack."


def find_load_balancer_effects(change: Comparison) -> Iterator[Effect]:
    """What Elastic Load Balancing refuses."""
    yield from _late_security_groups(change)
    yield from _late_addresses(change)
    yield from _moved_load_balancers(change)
    yield from _two_load_balancers(change)


def _late_security_groups(change: Comparison) -> Iterator[Effect]:
    for pair in change.pairs:
        if pair.new.type == ecs.LOAD_BALANCER and ecs.load_balancer_type(pair.new) == "network":
            before, after = pair.old["SecurityGroups"], pair.new["SecurityGroups"]
            if before.absent and after.present and pair.new not in change.replacements:
                yield Effect(
                    "M1404",
                    "error",
                    after,
                    f"{pair.new.id} was created without a security group. Elastic Load Balancing "
                    'says "You cannot set security groups on a Network Load Balancer which was '
                    'created without any security groups"',
                    _ANOTHER,
                )


def _late_addresses(change: Comparison) -> Iterator[Effect]:
    """Network Load Balancers whose addresses, or whose subnet in a zone, shall change."""
    for pair in change.pairs:
        if pair.new.type != ecs.LOAD_BALANCER or ecs.load_balancer_type(pair.new) != "network":
            continue
        if pair.new not in change.replacements:
            yield from _other_addresses(pair.old, pair.new)
            yield from _other_subnets(change, pair.old, pair.new)


def _other_addresses(old: Resource, new: Resource) -> Iterator[Effect]:
    plain = {comparable_value(one) for one in old["Subnets"].items}
    mappings = {comparable_value(one["SubnetId"]): one for one in old["SubnetMappings"].items}
    for mapping in new["SubnetMappings"].items:
        subnet = comparable_value(mapping["SubnetId"])
        before = mappings.get(subnet)
        for key in ("AllocationId", "PrivateIPv4Address"):
            late = mapping[key].present and subnet in plain
            if late or (before is not None and differs(before[key], mapping[key])):
                yield Effect(
                    "M1404",
                    "error",
                    mapping[key],
                    f"{key} of {new.id} changes in a subnet that stays. A Network Load Balancer "
                    "keeps the addresses with which it was created",
                    _ANOTHER,
                )


def _other_subnets(change: Comparison, old: Resource, new: Resource) -> Iterator[Effect]:
    before = {one.id: one for one in networks.subnets_of_load_balancer(old) or ()}
    for subnet in networks.subnets_of_load_balancer(new) or ():
        stays = subnet.id in before and subnet not in change.replacements
        if stays or _leaves_vpc(change, subnet):
            continue
        if any(networks.are_in_same_zone(subnet, one) for one in before.values()):
            yield Effect(
                "M1404",
                "error",
                networks.subnet_property(new),
                f"{new.id} gets {subnet.id} in a zone where it has another subnet. Elastic Load "
                'Balancing says "You cannot specify an additional subnet from an Availability Zone '
                'that is already associated with the load balancer"',
                "Take the zone out in an update before, and in again with this one.",
            )


def _moved_load_balancers(change: Comparison) -> Iterator[Effect]:
    """Load balancers that stay while what they stand in becomes another VPC."""
    for pair in change.pairs:
        if pair.new.type != ecs.LOAD_BALANCER or pair.new in change.replacements:
            continue
        for node in (*pair.new["SecurityGroups"].items, *pair.new["Subnets"].items):
            if node.resource is not None and _leaves_vpc(change, node.resource):
                yield Effect(
                    "M1404",
                    "error",
                    node,
                    f"{pair.new.id} stays in its VPC, and {node.resource.id} is made anew in "
                    "another: Elastic Load Balancing refuses what is in another VPC",
                    _ANOTHER,
                )
                break


def _leaves_vpc(change: Comparison, resource: Resource) -> bool:
    """Whether a group or a subnet is made anew in another VPC."""
    if resource not in change.replacements:
        return False
    vpc = resource["VpcId"]
    anew = any(one in change.replacements for one in referenced_resources(vpc))
    return anew or differs(change.replacements[resource][0].old["VpcId"], vpc)


def _two_load_balancers(change: Comparison) -> Iterator[Effect]:
    """Target groups that stay while their load balancer is replaced."""
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
                    f"{balancer.id} is made anew while {group.id} stays with the old one. Elastic "
                    'Load Balancing says "The following target groups cannot be associated with '
                    'more than one load balancer"',
                    f"Give {group.id} another logical ID in the same update.",
                )
