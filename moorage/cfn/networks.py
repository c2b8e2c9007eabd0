"""Subnets with their default routes, and VPC endpoints and DNS settings of VPCs.

Functions return only what is certain: None means that only the deployment knows.
"""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_network
from operator import itemgetter

from moorage.cfn.nodes import Node
from moorage.cfn.stack import Resource
from moorage.cfn.tristate import any_of
from moorage.cfn.values import MISSING, Attr, OneOf, Unknown, are_same, as_text, is_ref_equivalent
from moorage.cfn.view import View
from moorage.facts.endpoint_services import SERVICE_NAME
from moorage.records import entity

EC2 = "AWS::EC2::"
VPC, SUBNET, SECURITY_GROUP = f"{EC2}VPC", f"{EC2}Subnet", f"{EC2}SecurityGroup"
ROUTE, ROUTE_TABLE = f"{EC2}Route", f"{EC2}RouteTable"
ROUTE_TABLE_ASSOCIATION = f"{EC2}SubnetRouteTableAssociation"
VPC_ENDPOINT, NAT_GATEWAY = f"{EC2}VPCEndpoint", f"{EC2}NatGateway"
INTERNET_GATEWAY = f"{EC2}InternetGateway"

VIA_INTERNET_GATEWAY, VIA_NAT, NO_INTERNET_ROUTE = "internet gateway", "NAT", "no internet route"

_ARBITRARY = ("Custom::", "AWS::CloudFormation::CustomResource", "AWS::CloudFormation::Stack")
"""Types that can do anything with the resources that are passed to them."""
_OTHER_ROUTE_TARGETS = (
    "TransitGatewayId",
    "VpcPeeringConnectionId",
    "CarrierGatewayId",
    "LocalGatewayId",
    "VpcEndpointId",
    "CoreNetworkArn",
    "EgressOnlyInternetGatewayId",
)
"""Targets of routes that may or may not lead to the internet."""


# References to resources ---------------------------------------------------------------------


def refers_to(node: Node, resource: Resource) -> bool | None:
    """Whether a property refers to this resource; None if unknown.

    A parameter of the stack that contains the resource certainly does not: its value exists before
    the stack.
    """
    value = node.value
    if value is MISSING or value is None or as_text(value) is not None:
        return False
    if isinstance(value, Attr):
        if value.resource is resource:
            return True
        # An attribute such as Subnet.VpcId may return another resource.
        is_arbitrary = value.resource.type.startswith(_ARBITRARY) or not is_ref_equivalent(value)
        return None if is_arbitrary else False
    if isinstance(value, Unknown) and node.stack is resource.stack:
        is_single_stack = len(node.stack.view.stacks) == 1
        is_import = value.token.startswith("import:") and is_single_stack
        if is_import or is_parameter(node):
            return False
    return None


def may_be_referring(
    resource: Resource, resource_type: str, key: str
) -> list[tuple[Resource, bool | None]]:
    """The resources of a type that may refer to a resource by a property, or by an item of its
    list, and whether each certainly does; None if unknown."""
    view = resource.view
    by_target = view.cached(
        ("may refer", resource_type, key), lambda: _group_by_target(view, resource_type, key)
    )
    found = sorted((*by_target.get(resource, ()), *by_target.get(None, ())), key=itemgetter(0))
    answers = [(other, refers_to(node, resource)) for _, other, node in found]
    return [(other, answer) for other, answer in answers if answer is not False]


def _group_by_target(
    view: View, resource_type: str, key: str
) -> dict[Resource | None, list[tuple[int, Resource, Node]]]:
    """The resources of a type by the only resource that they can refer to by a property, or by None
    if there may be several. With their positions and the nodes that refer."""
    by_target: dict[Resource | None, list[tuple[int, Resource, Node]]] = {}
    for number, resource in enumerate(view.resources_of_type(resource_type)):
        for node in resource[key].as_list:
            attr = node.attr
            target = attr.resource if attr is not None and is_ref_equivalent(attr) else None
            by_target.setdefault(target, []).append((number, resource, node))
    return by_target


def is_parameter(node: Node) -> bool:
    """Whether the value of a property is a parameter of its stack, and nothing else."""
    token = node.value.token if isinstance(node.value, Unknown | OneOf) else ""
    stack, _, name = token.partition(":")
    return stack == node.stack.name and name in node.stack.template.parameters


def may_be_modified_elsewhere(resource: Resource) -> bool:
    """Whether something that is not in the view may modify a resource: it is passed to a nested
    stack or a custom resource, or a macro processes its template."""
    view = resource.view
    is_passed = view.cached(("is passed", resource), lambda: _is_passed(resource))
    return is_passed or resource.stack.template.is_generated


def _is_passed(resource: Resource) -> bool:
    """Whether a resource is passed to a nested stack that is not in the view, or to a custom
    resource."""
    view = resource.view
    return any(
        view.nested_stack(dependent) is None for dependent in view.dependents(resource, _ARBITRARY)
    )


# Subnets -------------------------------------------------------------------------------------


def find_subnets(node: Node) -> tuple[Resource, ...]:
    """The subnets in the view that a list refers to, each once."""
    return node.stack.view.cached(("subnets", node), lambda: _find_subnets(node))


def _find_subnets(node: Node) -> tuple[Resource, ...]:
    resources = (item.resource for item in node.items)
    return tuple(dict.fromkeys(item for item in resources if item and item.type == SUBNET))


def find_all_subnets(node: Node) -> tuple[Resource, ...] | None:
    """The subnets that a list refers to, if all are in the view."""
    subnets = find_subnets(node)
    distinct = {item.resource or item.path for item in node.items}
    return subnets if subnets and len(distinct) == len(subnets) else None


def subnet_property(load_balancer: Resource) -> Node:
    """The property with the subnets of a load balancer: `Subnets` or `SubnetMappings`."""
    mappings = load_balancer["SubnetMappings"]
    return mappings if mappings.present else load_balancer["Subnets"]


def subnets_of_load_balancer(load_balancer: Resource) -> tuple[Resource, ...] | None:
    """The subnets of a load balancer, if all are in the view."""
    if load_balancer["SubnetMappings"].absent:
        return find_all_subnets(load_balancer["Subnets"])
    resources = [mapping["SubnetId"].resource for mapping in load_balancer["SubnetMappings"].items]
    subnets = [item for item in resources if item is not None and item.type == SUBNET]
    return tuple(dict.fromkeys(subnets)) if subnets and len(subnets) == len(resources) else None


def are_in_same_zone(first: Resource, second: Resource) -> bool | None:
    """Whether two subnets are in the same Availability Zone; None if unknown."""
    for key in ("AvailabilityZone", "AvailabilityZoneId"):
        if first[key].present and second[key].present:
            return are_same(first[key].value, second[key].value)
    return None


def vpc_of(resource: Resource) -> Resource | None:
    """The VPC in the view of a subnet, security group, route table, endpoint or target group."""
    vpc = resource["VpcId"].resource
    return vpc if vpc is not None and vpc.type == VPC else None


def cidr_blocks(node: Node) -> tuple[IPv4Network | IPv6Network, ...]:
    """The CIDR block of a property, if it is a literal; else nothing."""
    return _parse_block(node.text or "")


@lru_cache(maxsize=1024)
def _parse_block(text: str) -> tuple[IPv4Network | IPv6Network, ...]:
    try:
        return (ip_network(text, strict=False),)
    except ValueError:
        return ()


# Routes --------------------------------------------------------------------------------------


def route_table_of(subnet: Resource) -> Resource | None:
    """The route table in the view that a subnet is associated with."""
    associations = subnet.view.referring((subnet,), (ROUTE_TABLE_ASSOCIATION,), ("SubnetId",))
    table = associations[0]["RouteTableId"].resource if associations else None
    return table if table is not None and table.type == ROUTE_TABLE else None


def default_route(subnet: Resource) -> str | None:
    """The route of a subnet's IPv4 traffic to the internet: VIA_INTERNET_GATEWAY, VIA_NAT (a NAT
    gateway or instance) or NO_INTERNET_ROUTE. None if unknown, which includes routes through a
    transit gateway, a peering connection or a firewall.

    A subnet without an association uses the main route table of its VPC. That has no internet
    route: CloudFormation can neither refer to it nor change it."""
    return subnet.view.cached(("default route", subnet), lambda: _default_route(subnet))


def _default_route(subnet: Resource) -> str | None:
    found = may_be_referring(subnet, ROUTE_TABLE_ASSOCIATION, "SubnetId")
    associations = [is_certain for _, is_certain in found]
    if may_be_modified_elsewhere(subnet) or associations.count(True) > 1:
        return None
    if True in associations:
        table = route_table_of(subnet)
        return None if table is None else _default_route_of_table(table)
    vpc = vpc_of(subnet)
    uses_main_table = None not in associations
    if vpc is None or may_be_modified_elsewhere(vpc) or not uses_main_table:
        return None
    return NO_INTERNET_ROUTE


def _default_route_of_table(table: Resource) -> str | None:
    return table.view.cached(("route of table", table), lambda: _find_default_route(table))


def _find_default_route(table: Resource) -> str | None:
    routes = may_be_referring(table, ROUTE, "RouteTableId")
    propagations = may_be_referring(table, f"{EC2}VPNGatewayRoutePropagation", "RouteTableIds")
    targets = [_internet_target(route) for route, is_certain in routes if is_certain]
    for target in targets:
        if target in (VIA_INTERNET_GATEWAY, VIA_NAT):
            return target
    may_have_other_routes = (
        not all(is_certain for _, is_certain in routes)
        or may_be_modified_elsewhere(table)
        or propagations
    )
    return None if may_have_other_routes or None in targets else NO_INTERNET_ROUTE


def _internet_target(route: Resource) -> str | None:
    """How a route leads to the internet, as in `default_route`."""
    if any(route[key].present for key in _OTHER_ROUTE_TARGETS):
        is_ipv6 = route["DestinationIpv6CidrBlock"].present
        return NO_INTERNET_ROUTE if is_ipv6 else None
    destination = route["DestinationCidrBlock"]
    if destination.absent and route["DestinationPrefixListId"].absent:
        return NO_INTERNET_ROUTE
    blocks = cidr_blocks(destination)
    if not blocks:
        return None
    if blocks[0].prefixlen > 1:  # 0.0.0.0/1 and 128.0.0.0/1 can replace 0.0.0.0/0
        return NO_INTERNET_ROUTE
    if any(route[key].present for key in ("NatGatewayId", "InstanceId", "NetworkInterfaceId")):
        nat = route["NatGatewayId"].resource
        return None if nat is not None and nat["ConnectivityType"].text == "private" else VIA_NAT
    gateway = route["GatewayId"]
    is_internet_gateway = gateway.resource is not None and gateway.resource.type == INTERNET_GATEWAY
    if is_internet_gateway or (gateway.text or "").startswith("igw-"):
        return VIA_INTERNET_GATEWAY
    return None


# VPC endpoints -------------------------------------------------------------------------------


@entity
class VpcEndpoint:
    """A VPC endpoint: an interface endpoint in subnets, or a gateway endpoint in route tables."""

    resource: Resource
    service: str | None
    """The end of the service name, after the region (`ecr.api`); None if unknown."""

    @property
    def is_gateway(self) -> bool | None:
        """Whether it is a gateway endpoint, which is the default; None if unknown."""
        endpoint_type = self.resource["VpcEndpointType"]
        if endpoint_type.absent:
            return True
        return None if endpoint_type.text is None else endpoint_type.text == "Gateway"


def vpc_endpoints(view: View) -> tuple[VpcEndpoint, ...]:
    """All VPC endpoints in the view."""
    return view.cached(
        "VPC endpoints",
        lambda: tuple(
            VpcEndpoint(resource, endpoint_service_name(resource["ServiceName"]))
            for resource in view.resources_of_type(VPC_ENDPOINT)
        ),
    )


def endpoints_of_vpc(vpc: Resource) -> tuple[VpcEndpoint, ...] | None:
    """The endpoints of a VPC; None if there may be others that are not in the view."""
    found = may_be_referring(vpc, VPC_ENDPOINT, "VpcId")
    if may_be_modified_elsewhere(vpc) or not all(is_certain for _, is_certain in found):
        return None
    endpoints = {endpoint.resource: endpoint for endpoint in vpc_endpoints(vpc.view)}
    return tuple(endpoints[resource] for resource, _ in found)


def endpoint_service_name(name: Node) -> str | None:
    """The end of the name of an endpoint service: `ecr.api` in `com.amazonaws.eu-west-1.ecr.api`.
    The region may be unknown."""
    text = "".join(part if isinstance(part, str) else "*" for part in name.parts)
    match = SERVICE_NAME.fullmatch(text)
    return match[1] if match and "*" not in match[1] else None


def serves_subnet(endpoint: VpcEndpoint, subnet: Resource) -> bool | None:
    """Whether a gateway endpoint adds its routes to the route table of a subnet; None if
    unknown."""
    table = route_table_of(subnet)
    if table is None:
        return None if default_route(subnet) is None else False
    tables = endpoint.resource["RouteTableIds"]
    answer = any_of(refers_to(item, table) for item in tables.items)
    return None if answer is False and not tables.all_known else answer


def dns_settings(vpc: Resource) -> tuple[bool | None, bool | None]:
    """EnableDnsSupport (true by default) and EnableDnsHostnames (false by default).
    Source: AWS docs, AWS::EC2::VPC."""
    support, hostnames = vpc["EnableDnsSupport"], vpc["EnableDnsHostnames"]
    return (
        True if support.absent else support.flag,
        False if hostnames.absent else hostnames.flag,
    )
