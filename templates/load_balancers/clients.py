"""The clients that are allowed to connect to a load balancer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import IPv4Network
from typing import Annotated, Any

from pydantic import Discriminator, Tag

from moorage.facts.addresses import ANY_IPV4, ANY_IPV6, PRIVATE_BLOCKS
from moorage.findings.finding import Path, Problem
from moorage.references import Reference

from ..common.duplicates import find_repeats
from ..common.fields import Cidr, PrefixListId, ip_version
from ..common.security_groups import kind_of_peer


def _kind_of_client(value: Any) -> str:
    return "prefix list" if isinstance(value, str) and value.startswith("pl-") else "network"


Client = Annotated[
    Annotated[PrefixListId, Tag("prefix list")] | Annotated[Cidr, Tag("network")],
    Discriminator(_kind_of_client),
]
"""A CIDR block or the ID of a prefix list."""


def all_addresses(*, dualstack: bool) -> tuple[str, ...]:
    """All addresses that can reach a load balancer from the internet."""
    return (ANY_IPV4, ANY_IPV6) if dualstack else (ANY_IPV4,)


def private_client_problems(clients: Sequence[str | Reference], path: Path) -> Iterator[Problem]:
    """Clients of an internet-facing load balancer, which sees only public addresses: its DNS name
    has public ones (Elastic Load Balancing user guide, "Load balancer scheme")."""
    private = [index for index, client in enumerate(clients) if _is_private(client)]
    if private:
        first, more = f"`{clients[private[0]]}`", len(private) - 1
        blocks = f"{first} and {more} more are" if more else f"{first} is"
        message = "Clients reach an internet-facing load balancer from public addresses, but "
        message += f"{blocks} private"
        hint = "Write their public addresses, such as those of their NAT gateway, or use an "
        hint += "internal load balancer."
        yield Problem("M2332", (*path, private[0]), message, hint, level="warning")


def _is_private(client: str | Reference) -> bool:
    if not isinstance(client, str) or kind_of_peer(client) != "network" or ip_version(client) != 4:
        return False
    return any(IPv4Network(client).subnet_of(IPv4Network(block)) for block in PRIVATE_BLOCKS)


def client_problems(clients: Sequence[str | Reference], path: Path) -> Iterator[Problem]:
    """Clients that are listed more than once.

    CloudFormation creates one security group rule for two equal clients, and deletes it when either
    of them is removed (aws-cloudformation/cloudformation-coverage-roadmap#612).
    """
    for index, _ in find_repeats(clients):
        message = f"`{clients[index]}` is listed more than once"
        hint = "Remove one of the two now: after a deployment, that would delete the rule of both."
        yield Problem("M2306", (*path, index), message, hint)
