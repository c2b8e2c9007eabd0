"""Subnets, where their traffic goes, the endpoints of their VPC, and its name servers.

Everything here answers from what is certain: None stands for what only the deployment knows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network

from moorage.cfn.nodes import Node
from moorage.cfn.values import MISSING, Attr, OneOf, Unknown, are_same, as_text, is_ref_equivalent
from moorage.cfn.view import Resource, View

EC2 = "AWS::EC2::"
VPC, SUBNET, SECURITY_GROUP = f"{EC2}VPC", f"{EC2}Subnet", f"{EC2}SecurityGroup"
ROUTE, ROUTE_TABLE = f"{EC2}Route", f"{EC2}RouteTable"
ROUTE_TABLE_ASSOCIATION = f"{EC2}SubnetRouteTableAssociation"
VPC_ENDPOINT, NAT_GATEWAY = f"{EC2}VPCEndpoint", f"{EC2}NatGateway"
INTERNET_GATEWAY = f"{EC2}InternetGateway"

VIA_INTERNET_GATEWAY, VIA_NAT, NO_INTERNET_ROUTE = "internet gateway", "NAT", "nowhere"

_OUTSIDERS = ("Custom::", "AWS::CloudFormation::CustomResource", "AWS::CloudFormation::Stack")
_SERVICE = re.compile(r"(?:cn\.)?com\.amazonaws\.[^.]+\.(.+)")
_OTHER_WAYS = (
    "TransitGatewayId",
    "VpcPeeringConnectionId",
    "CarrierGatewayId",
    "LocalGatewayId",
    "VpcEndpointId",
    "CoreNetworkArn",
    "EgressOnlyInternetGatewayId",
)


# Whether a property names a resource ----------------------------------------------------------


def refers_to(node: Node, resource: Resource) -> bool | None:
    """Whether a property names this very resource; None where that cannot be known.

    A parameter of the resource's own stack cannot: what is given for it exists before the stack.
    """
    value = node.value
    if value is MISSING or value is None or as_text(value) is not None:
        return False
    if isinstance(value, Attr):
        other = value.resource
        if other is resource:
            return True
        strange = other.type.startswith(_OUTSIDERS) or not is_ref_equivalent(
            value
        )  # such as Subnet.VpcId
        return None if strange else False
    if isinstance(value, Unknown) and node.stack is resource.stack:
        alone = value.token.startswith("import:") and len(node.stack.view.stacks) == 1
        if alone or is_parameter(node):
            return False
    return None


def is_parameter(node: Node) -> bool:
    """Whether a property is nothing but a parameter of its stack."""
    token = node.value.token if isinstance(node.value, Unknown | OneOf) else ""
    stack, _, name = token.partition(":")
    return stack == node.stack.name and name in node.stack.template.parameters


def may_be_modified_elsewhere(resource: Resource) -> bool:
    """Whether more may be made of a resource than is in sight: a nested stack or a custom resource
    is given it, or a macro has yet to work on its template."""
    users = resource.view.dependents(resource)
    given = any(one.type.startswith(_OUTSIDERS) for one in users)
    return given or resource.stack.template.is_generated


# Subnets and zones ---------------------------------------------------------------------------


def find_subnets(node: Node) -> tuple[Resource, ...]:
    """The subnets in view that a list names, each at most once."""
    found = (one.resource for one in node.items)
    return tuple(dict.fromkeys(one for one in found if one is not None and one.type == SUBNET))


def find_all_subnets(node: Node) -> tuple[Resource, ...] | None:
    """The subnets that a list names, if all are in view."""
    found = find_subnets(node)
    return found if found and len({*_named(node)}) == len(found) else None


def _named(node: Node) -> Iterator[object]:
    for one in node.items:
        yield one.resource or one.path


def subnet_property(load_balancer: Resource) -> Node:
    """The property that lists a load balancer's subnets: `Subnets`, or `SubnetMappings`."""
    mappings = load_balancer["SubnetMappings"]
    return mappings if mappings.present else load_balancer["Subnets"]


def subnets_of_load_balancer(load_balancer: Resource) -> tuple[Resource, ...] | None:
    """The subnets of a load balancer, if all are in view."""
    if load_balancer["SubnetMappings"].absent:
        return find_all_subnets(load_balancer["Subnets"])
    found = [one["SubnetId"].resource for one in load_balancer["SubnetMappings"].items]
    known = [one for one in found if one is not None and one.type == SUBNET]
    return tuple(dict.fromkeys(known)) if known and len(known) == len(found) else None


def are_in_same_zone(one: Resource, other: Resource) -> bool | None:
    """Whether two subnets lie in one availability zone."""
    for name in ("AvailabilityZone", "AvailabilityZoneId"):
        if one[name].present and other[name].present:
            return are_same(one[name].value, other[name].value)
    return None


def vpc_of(resource: Resource) -> Resource | None:
    """The VPC in view that a subnet, group, route table, endpoint or target group is in."""
    found = resource["VpcId"].resource
    return found if found is not None and found.type == VPC else None


def cidr_blocks(node: Node) -> tuple[IPv4Network | IPv6Network, ...]:
    """The literal CIDR block that a property is; none where it is not one."""
    try:
        return (ip_network(node.text or "", strict=False),)
    except ValueError:
        return ()


# Routes --------------------------------------------------------------------------------------


def route_table_of(subnet: Resource) -> Resource | None:
    """The route table in view that a subnet is associated with."""
    for one in subnet.view.resources_of_type(ROUTE_TABLE_ASSOCIATION):
        if one["SubnetId"].resource is subnet:
            table = one["RouteTableId"].resource
            return table if table is not None and table.type == ROUTE_TABLE else None
    return None


def default_route(subnet: Resource) -> str | None:
    """Where a subnet's IPv4 traffic to the internet goes: to an internet gateway, to a NAT
    (gateway or instance), or nowhere. None where that is not known: also where it goes through
    a transit gateway, a peering or a firewall.

    A subnet without an association takes the VPC's main route table, which leads nowhere:
    CloudFormation can neither name nor change it."""
    key = ("default route", subnet)
    if key not in subnet.view.cache:
        subnet.view.cache[key] = _default_route(subnet)
    found: str | None = subnet.view.cache[key]
    return found


def _default_route(subnet: Resource) -> str | None:
    view = subnet.view
    associated = [
        refers_to(one["SubnetId"], subnet)
        for one in view.resources_of_type(ROUTE_TABLE_ASSOCIATION)
    ]
    table = route_table_of(subnet)
    if may_be_modified_elsewhere(subnet) or associated.count(True) > 1:
        return None
    if True not in associated:
        vpc = vpc_of(subnet)
        return (
            NO_INTERNET_ROUTE
            if vpc and not may_be_modified_elsewhere(vpc) and None not in associated
            else None
        )
    return None if table is None else _way(table)


def _way(table: Resource) -> str | None:
    key = ("way out of", table)
    view = table.view
    if key not in view.cache:
        routes = [
            (refers_to(one["RouteTableId"], table), one) for one in view.resources_of_type(ROUTE)
        ]
        spread = [
            refers_to(node, table)
            for one in view.resources_of_type(f"{EC2}VPNGatewayRoutePropagation")
            for node in one["RouteTableIds"].as_list
        ]
        ways = [_leads(one) for truth, one in routes if truth]
        unsure = (
            None in [truth for truth, _ in routes]
            or may_be_modified_elsewhere(table)
            or any(one is not False for one in spread)
        )
        known = [way for way in ways if way in (VIA_INTERNET_GATEWAY, VIA_NAT)]
        if known:
            view.cache[key] = known[0]
        else:
            view.cache[key] = None if unsure or None in ways else NO_INTERNET_ROUTE
    found: str | None = view.cache[key]
    return found


def _leads(route: Resource) -> str | None:
    """Where a route takes traffic to the internet: None where it may, or is not known to."""
    if any(route[way].present for way in _OTHER_WAYS):
        only_v6 = route["DestinationIpv6CidrBlock"].present
        return NO_INTERNET_ROUTE if only_v6 else None
    destination = route["DestinationCidrBlock"]
    if destination.absent and route["DestinationPrefixListId"].absent:
        return NO_INTERNET_ROUTE
    blocks = cidr_blocks(destination)
    if not blocks:
        return None
    if blocks[0].prefixlen > 1:
        return NO_INTERNET_ROUTE
    if any(route[way].present for way in ("NatGatewayId", "InstanceId", "NetworkInterfaceId")):
        nat = route["NatGatewayId"].resource
        return None if nat is not None and nat["ConnectivityType"].text == "private" else VIA_NAT
    gateway = route["GatewayId"]
    if (gateway.resource and gateway.resource.type == INTERNET_GATEWAY) or (
        gateway.text or ""
    ).startswith("igw-"):
        return VIA_INTERNET_GATEWAY
    return None


# Endpoints -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class VpcEndpoint:
    """A VPC endpoint: an interface with addresses in subnets, or a gateway in route tables."""

    resource: Resource
    service: str | None
    """What follows the region in the service's name (`ecr.api`); None where it is not known."""

    @property
    def is_gateway(self) -> bool | None:
        """Whether it is of type Gateway, as it is where nothing else is said."""
        kind = self.resource["VpcEndpointType"]
        return True if kind.absent else None if kind.text is None else kind.text == "Gateway"


def vpc_endpoints(view: View) -> tuple[VpcEndpoint, ...]:
    if "endpoints" not in view.cache:
        view.cache["endpoints"] = tuple(
            VpcEndpoint(one, endpoint_service_name(one["ServiceName"]))
            for one in view.resources_of_type(VPC_ENDPOINT)
        )
    found: tuple[VpcEndpoint, ...] = view.cache["endpoints"]
    return found


def endpoints_of_vpc(vpc: Resource) -> tuple[VpcEndpoint, ...] | None:
    """The endpoints of a VPC; None where there may be others than those in view."""
    found = []
    for one in vpc_endpoints(vpc.view):
        truth = refers_to(one.resource["VpcId"], vpc)
        if truth is None:
            return None
        if truth:
            found.append(one)
    return None if may_be_modified_elsewhere(vpc) else tuple(found)


def endpoint_service_name(name: Node) -> str | None:
    """The service in the name of an endpoint service.

    >>> _SERVICE.fullmatch("com.amazonaws.eu-west-1.ecr.api")[1]
    'ecr.api'
    """
    spelt = "".join(one if isinstance(one, str) else "*" for one in name.parts)
    match = _SERVICE.fullmatch(spelt)
    return match[1] if match and "*" not in match[1] else None


def serves_subnet(endpoint: VpcEndpoint, subnet: Resource) -> bool | None:
    """Whether a gateway endpoint's routes are in a subnet's route table."""
    table = route_table_of(subnet)
    if table is None:
        return None if default_route(subnet) is None else False
    listed = endpoint.resource["RouteTableIds"]
    truths = [refers_to(one, table) for one in listed.items]
    if True in truths:
        return True
    return None if None in truths or not listed.all_known else False


def dns_settings(vpc: Resource) -> tuple[bool | None, bool | None]:
    """EnableDnsSupport (true by default) and EnableDnsHostnames (false by default).
    Source: AWS docs, AWS::EC2::VPC."""
    support, hostnames = vpc["EnableDnsSupport"], vpc["EnableDnsHostnames"]
    return (
        True if support.absent else support.flag,
        False if hostnames.absent else hostnames.flag,
    )
