"""Peers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from typing import Any

from moorage.cfn import ecs
from moorage.cfn.networks import (
    SECURITY_GROUP,
    VPC,
    cidr_blocks,
    find_subnets,
    refers_to,
    subnets_of_load_balancer,
    vpc_of,
)
from moorage.cfn.nodes import Node
from moorage.cfn.tristate import TriState
from moorage.cfn.view import Resource, View

Network = IPv4Network | IPv6Network


@dataclass(frozen=True)
class Peer:
    """One side of a connection: what security groups can know it by."""

    security_groups: tuple[Node, ...] = ()
    """Properties that name its security groups; a whole VPC stands for its default group."""
    security_groups_known: bool = True
    """Whether it is in no other groups."""
    cidr_blocks: tuple[Network, ...] = ()
    """Its IPv4 addresses; none where they are not known."""
    vpc: Resource | None = None
    is_internet: bool = False
    """Whether it is clients on the internet."""
    is_ipv6: TriState = False


ANY_PEER = Peer(security_groups_known=False)


def visible_security_groups(party: Peer) -> tuple[Resource, ...] | None:
    """The security groups of a party, if all are in view; a VPC stands for its default group."""
    found = [find_security_group(security_group) for security_group in party.security_groups]
    known = [one for one in found if one is not None]
    return (
        tuple(known) if party.security_groups_known and len(known) == len(found) and known else None
    )


def find_security_group(node: Node) -> Resource | None:
    """The security group in view that a property names, or the VPC whose default group it is."""
    attr = node.attr
    if attr is None:
        return None
    is_default = attr.resource.type == VPC and attr.name == "DefaultSecurityGroup"
    return attr.resource if is_default or attr.resource.type == SECURITY_GROUP else None


def is_same_security_group(one: Node, other: Node) -> TriState:
    """Whether two properties name the same security group."""
    first, second = find_security_group(one), find_security_group(other)
    if first is not None and second is not None:
        return first is second
    if first is not None:
        return _owns(first, other)
    if second is not None:
        return _owns(second, one)
    return one.is_same_as(other) if one.resource is None and other.resource is None else None


def _owns(owner: Resource, node: Node) -> TriState:
    named = find_security_group(node)
    if named is not None:
        return named is owner
    return False if refers_to(node, owner) is False else None


def _in_groups(listed: Node, vpc: Resource | None, **more: Any) -> Peer:
    """A party in the groups of a list, or in its VPC's default group where there is no list."""
    if listed.present:
        return Peer(tuple(listed.as_list), listed.all_known, vpc=vpc, **more)
    if vpc is None:
        return Peer(security_groups_known=False, **more)
    default = Node(vpc.stack, {"Fn::GetAtt": [vpc.id, "DefaultSecurityGroup"]}, vpc.body.path)
    return Peer((default,), vpc=vpc, **more)


def _blocks(found: Iterable[Resource] | None) -> tuple[Network, ...]:
    """The CIDR blocks of subnets; those of their VPCs where only these are known."""
    blocks: list[Network] = []
    for one in found or ():
        own = cidr_blocks(one["CidrBlock"])
        if not own:
            return ()
        blocks += own
    return tuple(blocks)


def _vpc(found: Iterable[Resource] | None) -> Resource | None:
    vpcs = {vpc_of(one) for one in found or ()}
    return vpcs.pop() if len(vpcs) == 1 else None


def load_balancer_peer(load_balancer: Resource) -> Peer:
    """A load balancer as its targets see it, where client addresses are not preserved."""
    found = subnets_of_load_balancer(load_balancer)
    vpc, blocks = _vpc(found), _blocks(found)
    listed = load_balancer["SecurityGroups"]
    kind = ecs.load_balancer_type(load_balancer)
    if kind == "network" and listed.absent:
        return Peer(vpc=vpc, cidr_blocks=blocks)
    if kind not in ("application", "network"):
        return Peer(security_groups_known=False)
    return _in_groups(listed, vpc, cidr_blocks=blocks)


def task_peer(service: Resource) -> Peer:
    """The tasks of a service in awsvpc mode."""
    network = service.props.at("NetworkConfiguration", "AwsvpcConfiguration")
    if network.absent or network.unknown:
        return Peer(security_groups_known=False)
    listed = network["Subnets"]
    found = find_subnets(listed)
    known = found if len(found) == len(listed.items) else ()
    return _in_groups(network["SecurityGroups"], _vpc(found), cidr_blocks=_blocks(known))


def instance_peer(view: View) -> Peer:
    """The container instances, where one auto scaling group in view is all there is of them."""
    groups = list(view.resources_of_type("AWS::AutoScaling::AutoScalingGroup"))
    if len(groups) != 1 or any(view.resources_of_type("AWS::EC2::Instance", "AWS::EC2::SpotFleet")):
        return Peer(security_groups_known=False)
    providers = view.resources_of_type("AWS::ECS::CapacityProvider")
    if not all(provider["ManagedInstancesProvider"].absent for provider in providers):
        return Peer(security_groups_known=False)
    launch = groups[0]["LaunchConfigurationName"].resource
    if launch is not None and launch.type == "AWS::AutoScaling::LaunchConfiguration":
        return _listed(launch["SecurityGroups"])
    template = groups[0].props.at("LaunchTemplate", "LaunchTemplateId").resource
    if template is not None and template.type == "AWS::EC2::LaunchTemplate":
        data = template["LaunchTemplateData"]
        interfaces = data["NetworkInterfaces"]
        if interfaces.absent:
            return _listed(data["SecurityGroupIds"])
        if len(interfaces.items) == 1:
            return _listed(interfaces[0]["Groups"])
    return Peer(security_groups_known=False)


def _listed(node: Node) -> Peer:
    return Peer(tuple(node.items), node.present and node.all_known)


def vpc_endpoint_peer(endpoint: Resource) -> Peer:
    """The interfaces of an endpoint; in the VPC's default group where none is named."""
    listed = endpoint["SubnetIds"]
    found = find_subnets(listed)
    known = found if len(found) == len(listed.items) else ()
    return _in_groups(endpoint["SecurityGroupIds"], vpc_of(endpoint), cidr_blocks=_blocks(known))
