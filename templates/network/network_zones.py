"""The Availability Zones of a network and the addresses of their subnets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import ip_network

from moorage.facts.availability_zones import count_zones
from moorage.facts.regions import REGION_CODE
from moorage.findings.finding import Problem
from moorage.records import record

from .params import ZONE_LETTERS, Params


@record
class Zone:
    """An Availability Zone of the network, and the IPv4 blocks of its subnets."""

    letter: str
    """The letter of the zone in logical IDs."""
    index: int
    name: str | None
    """None if CloudFormation takes the zone of that index from the account's list."""
    public_cidr: str
    private_cidr: str

    @property
    def public_subnet(self) -> str:
        """Logical ID of the public subnet."""
        return f"PublicSubnet{self.letter}"

    @property
    def private_subnet(self) -> str:
        """Logical ID of the private subnet."""
        return f"PrivateSubnet{self.letter}"

    @property
    def private_route_table(self) -> str:
        """Logical ID of the route table of the private subnet."""
        return f"PrivateRouteTable{self.letter}"


def plan_zones(params: Params) -> tuple[Zone, ...]:
    """The zones in the order of the params.

    Each has an eighth of the VPC for its private subnet and a sixteenth for its public one.
    """
    block = ip_network(params.cidr)
    private = list(block.subnets(prefixlen_diff=3))[:4]
    public = list(block.subnets(prefixlen_diff=4))[8:12]
    zones = params.availability_zones
    names = [None] * zones if isinstance(zones, int) else zones
    return tuple(
        Zone(ZONE_LETTERS[index], index, name, str(public[index]), str(private[index]))
        for index, name in enumerate(names)
    )


def availability_zone_problems(zones: int | list[str], region: str) -> Iterator[Problem]:
    """Problems of the zones; none if the region is not valid, which is reported elsewhere."""
    if not re.fullmatch(REGION_CODE, region):
        return
    if isinstance(zones, int):
        zone_count = count_zones(region)
        if zones > zone_count:
            hint = f"Write {zone_count} or fewer, or list the names of zones that your account has."
            message = f"Not every account has {zones} Availability Zones in {region}"
            yield Problem("M2008", ("availability_zones",), message, hint)
        return
    for index, zone in enumerate(zones):
        path = ("availability_zones", index)
        if zone[:-1] != region:
            hint = f"Write a zone of {region}, such as `{region}a`."
            yield Problem("M2006", path, f"The Availability Zone `{zone}` is not in {region}", hint)
        elif zone in zones[:index]:
            hint = "Write another zone: subnets in the same zone fail together."
            yield Problem("M2007", path, f"The Availability Zone `{zone}` is listed twice", hint)
