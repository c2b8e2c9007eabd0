"""Subnets and Availability Zones of load balancers."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from moorage.cfn import ecs, networks
from moorage.cfn.view import Resource, View
from moorage.rules.networking import _tasks_network
from moorage.rules.rule import Problem, problem, rule


@rule(
    "E9400",
    "Two subnets of a load balancer are in one availability zone",
    error_messages=(
        "A load balancer cannot be attached to multiple subnets in the same Availability Zone",
        "At least two subnets in two different Availability Zones must be specified",
    ),
    fix="Give the load balancer one subnet of each availability zone.",
    sources=(
        "aws-samples/aws-scalable-big-blue-button-example#51",
        "docker-archive/compose-cli#921",
    ),
    failure_ids=("lb-subnets-same-az",),
)
def subnets_in_one_zone(view: View) -> Iterator[Problem]:
    """A load balancer takes one subnet of a zone, and an Application Load Balancer needs two
    zones. Elastic Load Balancing refuses it."""
    for balancer in view.resources_of_type(ecs.LOAD_BALANCER):
        for one, other in combinations(_subnets(balancer), 2):
            if networks.are_in_same_zone(one, other):
                yield problem(
                    networks.subnet_property(balancer),
                    f"{one.id} and {other.id} of {balancer.id} are in the same availability "
                    "zone, and Elastic Load Balancing refuses the second",
                    f"Give {other.id} another AvailabilityZone, or take one of them out.",
                )


def _subnets(balancer: Resource) -> tuple[Resource, ...]:
    """The subnets in view of a load balancer, whether or not these are all."""
    mapped = [one["SubnetId"].resource for one in balancer["SubnetMappings"].items]
    known = [one for one in mapped if one is not None and one.type == networks.SUBNET]
    return tuple(dict.fromkeys((*networks.find_subnets(balancer["Subnets"]), *known)))


@rule(
    "E9405",
    "An internet-facing load balancer is in a subnet without a route to an internet gateway",
    error_messages=("Connections to the load balancer's DNS name time out",),
    fix="Give the load balancer subnets whose route table leads 0.0.0.0/0 to the internet "
    "gateway, or write `Scheme: internal`.",
    sources=("AWS docs: AWS::ElasticLoadBalancingV2::LoadBalancer (Subnets)",),
    failure_ids=("lb-internet-facing-in-private-subnets",),
)
def public_in_private_subnets(view: View) -> Iterator[Problem]:
    """The stack is created and the name resolves to public addresses, but packets of clients do
    not arrive or their answers go nowhere: the nodes of an internet-facing load balancer need a
    route to the internet gateway. The scheme is internet-facing where it is left out."""
    for balancer in view.resources_of_type(ecs.LOAD_BALANCER):
        scheme = balancer["Scheme"]
        public = scheme.absent or scheme.text == "internet-facing"
        without_v4 = balancer["IpAddressType"].text == "dualstack-without-public-ipv4"
        if (
            not public
            or without_v4
            or ecs.load_balancer_type(balancer) not in ("application", "network")
        ):
            continue
        for subnet in _subnets(balancer):
            way = networks.default_route(subnet)
            if way in (networks.NO_INTERNET_ROUTE, networks.VIA_NAT):
                leads = "to a NAT" if way == networks.VIA_NAT else "nowhere"
                yield problem(
                    networks.subnet_property(balancer),
                    f"{balancer.id} is internet-facing, but the default route of {subnet.id} "
                    f"leads {leads}, so clients cannot connect",
                    "Name subnets with a default route to an internet gateway, or write "
                    "`Scheme: internal`.",
                )


@rule(
    "E9410",
    "Tasks run in an availability zone that the load balancer is not enabled for",
    error_messages=(
        "(service ...) (port ...) is unhealthy in (target-group ...) due to (reason Target is in "
        "an Availability Zone that is not enabled for the load balancer)",
    ),
    fix="Give the load balancer a subnet in each zone that the service's subnets are in.",
    sources=(
        "https://www.repost.aws/ja/knowledge-center/fargate-nlb-health-checks",
        "AWS docs: Troubleshooting service load balancers (Amazon ECS)",
    ),
    failure_ids=("lb-az-of-tasks-not-enabled",),
)
def zone_not_enabled(view: View) -> Iterator[Problem]:
    """A load balancer sends only to the zones that it has subnets in. Tasks elsewhere are
    unhealthy from the start, and ECS replaces them without end."""
    for attachment in ecs.target_group_attachments(view):
        group, service = attachment.target_group.resource, attachment.service
        for balancer in ecs.load_balancers_of_target_group(view, group) if group else ():
            enabled = networks.subnets_of_load_balancer(balancer)
            for subnet in networks.find_subnets(_tasks_network(service)["Subnets"]):
                if enabled and all(
                    networks.are_in_same_zone(subnet, one) is False for one in enabled
                ):
                    yield problem(
                        networks.subnet_property(balancer),
                        f"{balancer.id} has no subnet in the availability zone of {subnet.id}, "
                        f"where {service.id} runs tasks too: these are never healthy",
                        f"Give {balancer.id} a subnet in that zone, or take {subnet.id} out of "
                        f"{service.id}.",
                    )


RULES = (
    subnets_in_one_zone,
    public_in_private_subnets,
    zone_not_enabled,
)
