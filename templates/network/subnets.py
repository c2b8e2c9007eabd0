"""Subnets and their route tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from troposphere import Cidr, GetAtt, GetAZs, Ref, Region, Select, Tags, ec2

from .params import ZONE_LETTERS, Params
from .vpc import IPV6_BLOCK
from .zones import Zone


def public_subnet_resources(title: str, zone: Zone, params: Params) -> Iterator[Any]:
    tag = f"{title}-public-{zone.key.lower()}"
    yield _subnet(zone.public, zone, zone.public_cidr, len(ZONE_LETTERS) + zone.index, tag, params)
    yield _association(zone.public, "PublicRouteTable")


def private_subnet_resources(title: str, zone: Zone, params: Params) -> Iterator[Any]:
    tag = f"{title}-private-{zone.key.lower()}"
    yield _subnet(zone.private, zone, zone.private_cidr, zone.index, tag, params)
    yield ec2.RouteTable(private_route_table(zone), VpcId=Ref("Vpc"))
    yield _association(zone.private, private_route_table(zone))


def private_route_table(zone: Zone) -> str:
    return f"PrivateRouteTable{zone.key}"


def _subnet(
    subnet: str, zone: Zone, cidr: str, ipv6_block: int, tag: str, params: Params
) -> ec2.Subnet:
    """A subnet that gives out no public addresses of itself: a task says when it wants one."""
    optional: dict[str, Any] = {}
    if params.ipv6:
        optional["DependsOn"] = [IPV6_BLOCK]
        optional["Ipv6CidrBlock"] = Select(ipv6_block, _ipv6_blocks())
    if zone.name:
        # A name that somebody wrote is meant; cfn-lint warns of every literal.
        optional["Metadata"] = {"cfn-lint": {"config": {"ignore_checks": ["W3010"]}}}
    return ec2.Subnet(
        subnet,
        VpcId=Ref("Vpc"),
        # GetAZs lists only zones with a default subnet, unless there is none at all.
        AvailabilityZone=zone.name or Select(zone.index, GetAZs(Region)),
        CidrBlock=cidr,
        MapPublicIpOnLaunch=False,
        **optional,
        Tags=Tags(Name=tag),
    )


def _ipv6_blocks() -> Cidr:
    """The first /64 blocks of the VPC's /56, private ones before public ones; always as many."""
    return Cidr(Select(0, GetAtt("Vpc", "Ipv6CidrBlocks")), 2 * len(ZONE_LETTERS), 64)


def _association(subnet: str, table: str) -> ec2.SubnetRouteTableAssociation:
    return ec2.SubnetRouteTableAssociation(
        f"{subnet}RouteTableAssociation", SubnetId=Ref(subnet), RouteTableId=Ref(table)
    )
