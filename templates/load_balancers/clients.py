"""Who may connect to a load balancer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any

from pydantic import Discriminator, Tag

from moorage.findings.finding import Path, Problem

from ..common.duplicates import find_repeats
from ..common.fields import Cidr, PrefixListId, ip_version

ANYWHERE = "0.0.0.0/0"
ANYWHERE_IPV6 = "::/0"


def _kind_of_client(value: Any) -> str:
    return "prefix list" if isinstance(value, str) and value.startswith("pl-") else "network"


Client = Annotated[
    Annotated[PrefixListId, Tag("prefix list")] | Annotated[Cidr, Tag("network")],
    Discriminator(_kind_of_client),
]
"""A CIDR block or the id of a prefix list."""


def find_address_property(client: str) -> str:
    """The property of a rule of a security group that takes such a client."""
    if _kind_of_client(client) == "prefix list":
        return "SourcePrefixListId"
    return "CidrIp" if ip_version(client) == 4 else "CidrIpv6"


def all_addresses(*, dualstack: bool) -> tuple[str, ...]:
    """All addresses that can reach a load balancer from the internet."""
    return (ANYWHERE, ANYWHERE_IPV6) if dualstack else (ANYWHERE,)


def client_problems(clients: Sequence[str], path: Path) -> Iterator[Problem]:
    """Rules that would take another one with them when they go.

    CloudFormation makes one rule of two equal ones and deletes it with either of them
    (aws-cloudformation/cloudformation-coverage-roadmap#612).
    """
    for index, _ in find_repeats(clients):
        hint = "Remove it now: removed later, CloudFormation would take the rule away for both."
        yield Problem("M1107", (*path, index), f"`{clients[index]}` stands twice", hint)
