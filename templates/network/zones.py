"""The Availability Zones of a network and the addresses of their subnets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_network

from moorage.facts.availability_zones import count_zones
from moorage.findings.finding import Problem

from .params import REGION_NAME, ZONE_LETTERS, Params


@dataclass(frozen=True)
class Zone:
    """An availability zone and what is its own: one letter and the blocks of its subnets."""

    key: str
    index: int
    name: str | None
    """None where CloudFormation takes the zone from the account's list."""
    public_cidr: str
    private_cidr: str

    @property
    def public(self) -> str:
        """Logical ID of the public subnet."""
        return f"PublicSubnet{self.key}"

    @property
    def private(self) -> str:
        """Logical ID of the private subnet."""
        return f"PrivateSubnet{self.key}"


def plan_zones(params: Params) -> tuple[Zone, ...]:
    """The zones in the order of the params; an eighth of the VPC is private, a sixteenth public."""
    block = ip_network(params.cidr)
    private = list(block.subnets(prefixlen_diff=3))[:4]
    public = list(block.subnets(prefixlen_diff=4))[8:12]
    asked = params.availability_zones
    names = [None] * asked if isinstance(asked, int) else asked
    return tuple(
        Zone(ZONE_LETTERS[index], index, name, str(public[index]), str(private[index]))
        for index, name in enumerate(names)
    )


def zone_problems(zones: int | list[str], region: str) -> Iterator[Problem]:
    """Nothing is said where the region itself is wrong: that is a finding of its own."""
    if not REGION_NAME.fullmatch(region):
        return
    if isinstance(zones, int):
        most = count_zones(region)
        if zones > most:
            hint = f"Write {most} or fewer, or list the names of those that your account has."
            message = f"Not every account has {zones} zones in {region}"
            yield Problem("M1105", ("availability_zones",), message, hint)
        return
    for index, zone in enumerate(zones):
        path = ("availability_zones", index)
        if zone[:-1] != region:
            hint = f"Write one like `{region}a`."
            yield Problem("M1107", path, f"The zone `{zone}` is not in {region}", hint)
        elif zone in zones[:index]:
            hint = "Name another one: two subnets in one zone fail together."
            yield Problem("M1107", path, f"The zone `{zone}` stands twice", hint)
