"""Peers: the sides of a connection, as security groups identify them."""

from __future__ import annotations

from collections.abc import Iterable
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
from moorage.cfn.stack import Resource
from moorage.cfn.tristate import TriState
from moorage.cfn.view import View
from moorage.records import record

Network = IPv4Network | IPv6Network


@record
class Peer:
    """One side of a connection: what a security group can identify it by."""

    security_groups: tuple[Node, ...] = ()
    """Properties that refer to its security groups, or to the default group of its VPC."""
    security_groups_known: bool = True
    """Whether `security_groups` is complete."""
    cidr_blocks: tuple[Network, ...] = ()
    """The blocks that contain its IPv4 addresses; empty if unknown."""
    vpc: Resource | None = None
    is_internet: bool = False
    """Whether it stands for clients on the internet."""
    is_ipv6: TriState = False
    """Whether the connection uses IPv6."""


ANY_PEER = Peer(security_groups_known=False)


def visible_security_groups(peer: Peer) -> tuple[Resource, ...] | None:
    """The security groups of a peer, if all are in the view. A VPC in the result stands for its
    default group."""
    groups = [find_security_group(node) for node in peer.security_groups]
    visible = tuple(group for group in groups if group is not None)
    is_complete = peer.security_groups_known and len(visible) == len(groups)
    return visible if is_complete and visible else None


def find_security_group(node: Node) -> Resource | None:
    """The security group in the view that a property refers to. For the default group of a VPC,
    returns the VPC."""
    attr = node.attr
    if attr is None:
        return None
    is_default = attr.resource.type == VPC and attr.name == "DefaultSecurityGroup"
    return attr.resource if is_default or attr.resource.type == SECURITY_GROUP else None


def is_same_security_group(left: Node, right: Node) -> TriState:
    """Whether two properties refer to the same security group."""
    left_group, right_group = find_security_group(left), find_security_group(right)
    if left_group is not None and right_group is not None:
        return left_group is right_group
    if left_group is not None:
        return refers_to_group(right, left_group)
    if right_group is not None:
        return refers_to_group(left, right_group)
    return left.is_same_as(right) if left.resource is None and right.resource is None else None


def refers_to_group(node: Node, group: Resource) -> TriState:
    """Whether a property refers to this security group, or to the default group of this VPC."""
    referenced = find_security_group(node)
    if referenced is not None:
        return referenced is group
    return False if refers_to(node, group) is False else None


# Peers of resources --------------------------------------------------------------------------


def load_balancer_peer(load_balancer: Resource) -> Peer:
    """A load balancer as its targets see it if client IP addresses are not preserved."""
    return load_balancer.view.cached(
        ("peer", load_balancer), lambda: _load_balancer_peer(load_balancer)
    )


def _load_balancer_peer(load_balancer: Resource) -> Peer:
    subnets = subnets_of_load_balancer(load_balancer)
    vpc, blocks = _common_vpc(subnets), _subnet_blocks(subnets)
    groups = load_balancer["SecurityGroups"]
    lb_type = ecs.load_balancer_type(load_balancer)
    if lb_type == "network" and groups.absent:
        return Peer(vpc=vpc, cidr_blocks=blocks)
    if lb_type not in ("application", "network"):
        return Peer(security_groups_known=False)
    return _peer_with_groups(groups, vpc, cidr_blocks=blocks)


def task_peer(service: Resource) -> Peer:
    """The tasks of a service, in network mode awsvpc."""
    return service.view.cached(("peer", service), lambda: _task_peer(service))


def _task_peer(service: Resource) -> Peer:
    network = service.props.at("NetworkConfiguration", "AwsvpcConfiguration")
    if network.absent or network.unknown:
        return Peer(security_groups_known=False)
    subnets = find_subnets(network["Subnets"])
    blocks = _blocks_of_all(network["Subnets"], subnets)
    return _peer_with_groups(network["SecurityGroups"], _common_vpc(subnets), cidr_blocks=blocks)


def vpc_endpoint_peer(endpoint: Resource) -> Peer:
    """The network interfaces of an interface endpoint."""
    subnets = find_subnets(endpoint["SubnetIds"])
    blocks = _blocks_of_all(endpoint["SubnetIds"], subnets)
    return _peer_with_groups(endpoint["SecurityGroupIds"], vpc_of(endpoint), cidr_blocks=blocks)


def instance_peer(view: View) -> Peer:
    """The container instances. Their security groups are known only if a single Auto Scaling group
    in the view launches all of them."""
    groups = list(view.resources_of_type("AWS::AutoScaling::AutoScalingGroup"))
    if len(groups) != 1 or any(view.resources_of_type("AWS::EC2::Instance", "AWS::EC2::SpotFleet")):
        return Peer(security_groups_known=False)
    providers = view.resources_of_type("AWS::ECS::CapacityProvider")
    if not all(provider["ManagedInstancesProvider"].absent for provider in providers):
        return Peer(security_groups_known=False)
    launch = groups[0]["LaunchConfigurationName"].resource
    if launch is not None and launch.type == "AWS::AutoScaling::LaunchConfiguration":
        return _peer_in_listed_groups(launch["SecurityGroups"])
    template = groups[0].props.at("LaunchTemplate", "LaunchTemplateId").resource
    if template is not None and template.type == "AWS::EC2::LaunchTemplate":
        data = template["LaunchTemplateData"]
        interfaces = data["NetworkInterfaces"]
        if interfaces.absent:
            return _peer_in_listed_groups(data["SecurityGroupIds"])
        if len(interfaces.items) == 1:
            return _peer_in_listed_groups(interfaces[0]["Groups"])
    return Peer(security_groups_known=False)


def _peer_in_listed_groups(groups: Node) -> Peer:
    return Peer(tuple(groups.items), groups.present and groups.all_known)


def _peer_with_groups(groups: Node, vpc: Resource | None, **attributes: Any) -> Peer:
    """A peer in the listed security groups; in the default group of its VPC if there is no list."""
    if groups.present:
        return Peer(tuple(groups.as_list), groups.all_known, vpc=vpc, **attributes)
    if vpc is None:
        return Peer(security_groups_known=False, **attributes)
    default = vpc.stack.node({"Fn::GetAtt": [vpc.id, "DefaultSecurityGroup"]}, vpc.body.path)
    return Peer((default,), vpc=vpc, **attributes)


def _blocks_of_all(listed: Node, subnets: tuple[Resource, ...]) -> tuple[Network, ...]:
    return _subnet_blocks(subnets if len(subnets) == len(listed.items) else None)


def _subnet_blocks(subnets: Iterable[Resource] | None) -> tuple[Network, ...]:
    """The CIDR blocks of subnets; none if one of them is unknown."""
    blocks: list[Network] = []
    for subnet in subnets or ():
        subnet_blocks = cidr_blocks(subnet["CidrBlock"])
        if not subnet_blocks:
            return ()
        blocks += subnet_blocks
    return tuple(blocks)


def _common_vpc(subnets: Iterable[Resource] | None) -> Resource | None:
    vpcs = {vpc_of(subnet) for subnet in subnets or ()}
    return vpcs.pop() if len(vpcs) == 1 else None
