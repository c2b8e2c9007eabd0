"""Routes to the internet, and the NAT gateways of private subnets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from troposphere import GetAtt, Ref, ec2

from moorage.facts.addresses import ANY_IPV4, ANY_IPV6

from .network_zones import Zone
from .params import ZONE_LETTERS, Params
from .vpc import INTERNET_GATEWAY_ATTACHMENT, IPV6_BLOCK, has_nat


def public_route_resources(params: Params) -> Iterator[Any]:
    """The route table of the public subnets, with routes to the internet gateway."""
    yield ec2.RouteTable("PublicRouteTable", VpcId=Ref("Vpc"))
    yield ec2.Route(
        "PublicRoute",
        DependsOn=[INTERNET_GATEWAY_ATTACHMENT],
        RouteTableId=Ref("PublicRouteTable"),
        DestinationCidrBlock=ANY_IPV4,
        GatewayId=Ref("InternetGateway"),
    )
    if params.ipv6:
        yield ec2.Route(
            "PublicIpv6Route",
            DependsOn=[INTERNET_GATEWAY_ATTACHMENT, IPV6_BLOCK],
            RouteTableId=Ref("PublicRouteTable"),
            DestinationIpv6CidrBlock=ANY_IPV6,
            GatewayId=Ref("InternetGateway"),
        )


def nat_gateway_resources(zone: Zone, params: Params) -> Iterator[Any]:
    """A NAT gateway and its Elastic IP, in each Availability Zone or only in the first one."""
    if params.egress == "nat-per-az" or (params.egress == "nat" and zone.index == 0):
        yield ec2.EIP(
            f"NatAddress{zone.letter}", DependsOn=[INTERNET_GATEWAY_ATTACHMENT], Domain="vpc"
        )
        yield ec2.NatGateway(
            f"NatGateway{zone.letter}",
            DependsOn=[INTERNET_GATEWAY_ATTACHMENT],
            AllocationId=GetAtt(f"NatAddress{zone.letter}", "AllocationId"),
            SubnetId=Ref(zone.public_subnet),
        )


def private_route_resources(zone: Zone, params: Params) -> Iterator[Any]:
    """The default routes of a private subnet, if it has any."""
    if not has_nat(params):
        return
    gateway = zone.letter if params.egress == "nat-per-az" else ZONE_LETTERS[0]
    yield ec2.Route(
        f"PrivateRoute{zone.letter}",
        RouteTableId=Ref(zone.private_route_table),
        DestinationCidrBlock=ANY_IPV4,
        NatGatewayId=Ref(f"NatGateway{gateway}"),
    )
    if params.ipv6:
        yield ec2.Route(
            f"PrivateIpv6Route{zone.letter}",
            DependsOn=[IPV6_BLOCK],
            RouteTableId=Ref(zone.private_route_table),
            DestinationIpv6CidrBlock=ANY_IPV6,
            EgressOnlyInternetGatewayId=Ref("EgressOnlyInternetGateway"),
        )
