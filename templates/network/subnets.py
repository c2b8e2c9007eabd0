"""Subnets and their route tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from troposphere import Cidr, GetAtt, GetAZs, Ref, Region, Select, Tags, ec2

from .network_zones import Zone
from .params import ZONE_LETTERS, Params
from .vpc import IPV6_BLOCK


def public_subnet_resources(title: str, zone: Zone, params: Params) -> Iterator[Any]:
    """The public subnet of a zone, in the route table that all public subnets share."""
    tag = f"{title}-public-{zone.letter.lower()}"
    yield _subnet(
        zone.public_subnet, zone, zone.public_cidr, len(ZONE_LETTERS) + zone.index, tag, params
    )
    yield _association(zone.public_subnet, "PublicRouteTable")


def private_subnet_resources(title: str, zone: Zone, params: Params) -> Iterator[Any]:
    """The private subnet of a zone and its own route table."""
    tag = f"{title}-private-{zone.letter.lower()}"
    yield _subnet(zone.private_subnet, zone, zone.private_cidr, zone.index, tag, params)
    yield ec2.RouteTable(zone.private_route_table, VpcId=Ref("Vpc"))
    yield _association(zone.private_subnet, zone.private_route_table)


def _subnet(
    subnet: str, zone: Zone, cidr: str, ipv6_block: int, tag: str, params: Params
) -> ec2.Subnet:
    """A subnet that assigns no public addresses by default: tasks request one if they need it."""
    optional: dict[str, Any] = {}
    if params.ipv6:
        optional["DependsOn"] = [IPV6_BLOCK]
        optional["Ipv6CidrBlock"] = Select(ipv6_block, _ipv6_blocks())
    if zone.name:
        # cfn-lint warns about every literal zone; the user wrote this one on purpose.
        optional["Metadata"] = {"cfn-lint": {"config": {"ignore_checks": ["W3010"]}}}
    return ec2.Subnet(
        subnet,
        VpcId=Ref("Vpc"),
        # GetAZs lists only zones with a default subnet, unless no zone has one.
        AvailabilityZone=zone.name or Select(zone.index, GetAZs(Region)),
        CidrBlock=cidr,
        MapPublicIpOnLaunch=False,
        **optional,
        Tags=Tags(Name=tag),
    )


def _ipv6_blocks() -> Cidr:
    """The first /64 blocks of the VPC's /56: those of the private subnets, then those of the public
    ones. Their number does not depend on that of the zones, so no subnet gets another block."""
    return Cidr(Select(0, GetAtt("Vpc", "Ipv6CidrBlocks")), 2 * len(ZONE_LETTERS), 64)


def _association(subnet: str, table: str) -> ec2.SubnetRouteTableAssociation:
    return ec2.SubnetRouteTableAssociation(
        f"{subnet}RouteTableAssociation", SubnetId=Ref(subnet), RouteTableId=Ref(table)
    )
