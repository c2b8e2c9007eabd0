"""Subnets and Availability Zones of load balancers."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network
from itertools import combinations

from moorage.cfn import ecs, networks
from moorage.cfn.stack import Resource
from moorage.cfn.view import View
from moorage.facts.addresses import assignable_range
from moorage.rules.rule import Problem, problem, rule


@rule(
    "E9400",
    "Two subnets of a load balancer are in the same Availability Zone.",
    error_messages=(
        "A load balancer cannot be attached to multiple subnets in the same Availability Zone",
        "At least two subnets in two different Availability Zones must be specified",
    ),
    fix="Give the load balancer one subnet of each Availability Zone.",
    sources=(
        "aws-samples/aws-scalable-big-blue-button-example#51",
        "docker-archive/compose-cli#921",
    ),
    failure_ids=("lb-subnets-same-az",),
)
def subnets_in_same_zone(view: View) -> Iterator[Problem]:
    """A load balancer can have one subnet of each Availability Zone, and an Application Load
    Balancer needs two zones. Elastic Load Balancing rejects anything else."""
    for load_balancer in view.resources_of_type(ecs.LOAD_BALANCER):
        for first, second in combinations(_visible_subnets(load_balancer), 2):
            if networks.are_in_same_zone(first, second):
                yield problem(
                    networks.subnet_property(load_balancer),
                    f"Subnets `{first.id}` and `{second.id}` of load balancer "
                    f"`{load_balancer.id}` are in the same Availability Zone, and AWS rejects the "
                    f"second one",
                    f"Give `{second.id}` another AvailabilityZone, or remove one of the two.",
                )


def _visible_subnets(load_balancer: Resource) -> tuple[Resource, ...]:
    """The subnets of a load balancer that are in view; there may be others."""
    mapped = [mapping["SubnetId"].resource for mapping in load_balancer["SubnetMappings"].items]
    subnets = [subnet for subnet in mapped if subnet is not None and subnet.type == networks.SUBNET]
    return tuple(dict.fromkeys((*networks.find_subnets(load_balancer["Subnets"]), *subnets)))


@rule(
    "E9405",
    "A subnet of an internet-facing load balancer has no route to an internet gateway.",
    error_messages=("Connections to the load balancer's DNS name time out",),
    fix="Use subnets whose route table has a route from 0.0.0.0/0 to an internet gateway, or write "
    "`Scheme: internal`.",
    sources=("AWS docs: AWS::ElasticLoadBalancingV2::LoadBalancer (Subnets)",),
    failure_ids=("lb-internet-facing-in-private-subnets",),
)
def internet_facing_in_private_subnet(view: View) -> Iterator[Problem]:
    """The stack is created and the DNS name of the load balancer resolves to public addresses, but
    clients cannot connect: the nodes of an internet-facing load balancer need a route to an
    internet gateway. A load balancer without Scheme is internet-facing."""
    for load_balancer in view.resources_of_type(ecs.LOAD_BALANCER):
        scheme = load_balancer["Scheme"]
        is_public = scheme.absent or scheme.text == "internet-facing"
        without_ipv4 = load_balancer["IpAddressType"].text == "dualstack-without-public-ipv4"
        kind = ecs.load_balancer_type(load_balancer)
        if not is_public or without_ipv4 or kind not in ("application", "network"):
            continue
        for subnet in _visible_subnets(load_balancer):
            route = networks.default_route(subnet)
            if route in (networks.NO_INTERNET_ROUTE, networks.VIA_NAT):
                has = (
                    "has a default route to a NAT gateway"
                    if route == networks.VIA_NAT
                    else "has no default route"
                )
                yield problem(
                    networks.subnet_property(load_balancer),
                    f"Load balancer `{load_balancer.id}` is internet-facing, but its subnet "
                    f"`{subnet.id}` {has}, so clients cannot connect",
                    "Use subnets with a default route to an internet gateway, or write "
                    "`Scheme: internal`.",
                )


@rule(
    "E9410",
    "Tasks run in an Availability Zone in which their load balancer has no subnet.",
    error_messages=(
        "(service ...) (port ...) is unhealthy in (target-group ...) due to (reason Target is in "
        "an Availability Zone that is not enabled for the load balancer)",
    ),
    fix="Give the load balancer a subnet in each Availability Zone of the service's subnets.",
    sources=(
        "https://www.repost.aws/ja/knowledge-center/fargate-nlb-health-checks",
        "AWS docs: Troubleshooting service load balancers (Amazon ECS)",
    ),
    failure_ids=("lb-az-of-tasks-not-enabled",),
)
def zone_not_enabled(view: View) -> Iterator[Problem]:
    """A load balancer only sends traffic to the Availability Zones of its subnets. Tasks in other
    zones are never healthy, and ECS keeps replacing them."""
    for attachment in ecs.target_group_attachments(view):
        group, service = attachment.target_group.resource, attachment.service
        network = service.props.at("NetworkConfiguration", "AwsvpcConfiguration")
        for load_balancer in ecs.load_balancers_of_target_group(view, group) if group else ():
            enabled = networks.subnets_of_load_balancer(load_balancer)
            for subnet in networks.find_subnets(network["Subnets"]):
                if enabled and all(
                    networks.are_in_same_zone(subnet, enabled_subnet) is False
                    for enabled_subnet in enabled
                ):
                    yield problem(
                        networks.subnet_property(load_balancer),
                        f"Load balancer `{load_balancer.id}` has no subnet in the Availability "
                        f"Zone of subnet `{subnet.id}`, in which service `{service.id}` runs "
                        f"tasks: they are never healthy",
                        f"Give `{load_balancer.id}` a subnet in that zone, or remove "
                        f"`{subnet.id}` from `{service.id}`.",
                    )


@rule(
    "E9387",
    "A private address of a load balancer is not available in its subnet.",
    error_messages=("is not a valid IPv4 address", "is not in the range of subnet"),
    fix="Write an address of the subnet that AWS does not reserve: it reserves the first four and "
    "the last one.",
    sources=(
        "AWS docs: Elastic Load Balancing API reference, SubnetMapping (PrivateIPv4Address)",
        "AWS docs: VPC user guide, Subnet CIDR blocks",
    ),
)
def private_address_not_available(view: View) -> Iterator[Problem]:
    """A Network Load Balancer has one address in each subnet. A private address that is chosen
    must be one of the subnet, and not one that AWS reserves."""
    for load_balancer in view.resources_of_type(ecs.LOAD_BALANCER):
        for mapping in load_balancer["SubnetMappings"].items:
            node, subnet = mapping["PrivateIPv4Address"], mapping["SubnetId"].resource
            if node.text is None:
                continue
            reason = _why_not_available(node.text, subnet)
            if reason:
                yield problem(
                    node,
                    f"Load balancer `{load_balancer.id}` has the private address `{node.text}`, "
                    f"which {reason}",
                    "Write another address of the subnet.",
                )


def _why_not_available(text: str, subnet: Resource | None) -> str:
    """Why a load balancer cannot have an address; empty if it can, or if that is unknown."""
    try:
        address = IPv4Address(text)
    except ValueError:
        return "is not an IPv4 address"
    blocks = networks.cidr_blocks(subnet["CidrBlock"]) if subnet is not None else ()
    for block in blocks:
        if not isinstance(block, IPv4Network):
            continue
        first, last = assignable_range(block)
        if address not in block:
            return f"is not in `{block}`"
        if not first <= address <= last:
            return f"AWS reserves in `{block}`"
    return ""


RULES = (
    subnets_in_same_zone,
    internet_facing_in_private_subnet,
    zone_not_enabled,
    private_address_not_available,
)
