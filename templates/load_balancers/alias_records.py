"""Route 53 alias records of a load balancer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated

from pydantic import Field
from troposphere import GetAtt, route53

from moorage.findings.finding import Problem
from moorage.model import Base, Environment, logical_id

from ..common.duplicates import describe_conflict, find_repeats
from ..common.fields import text
from ..common.references import External

ZoneId = Annotated[
    str, text(r"Z[A-Z0-9]{1,31}", "the ID of a hosted zone", "Z0123456789ABCDEFGHIJ")
]
HostName = Annotated[
    str,
    text(
        r"(?=.{1,253}$)(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}",
        "a host name in lower case",
        "www.example.com",
    ),
]


class Alias(Base):
    """A Route 53 record that is an alias of the load balancer."""

    zone: External[ZoneId] = Field(description="ID of the Route 53 hosted zone.")
    name: HostName = Field(
        description="Host name within the zone, such as `www.example.com` or `*.example.com`."
    )


def alias_problems(aliases: Sequence[Alias]) -> Iterator[Problem]:
    """Names whose records would have the same logical ID."""
    names = [alias.name for alias in aliases]
    for index, first in find_repeats([_record_id(name, "A") for name in names]):
        message = describe_conflict(names[index], names[first])
        path = ("aliases", index, "name")
        if aliases[index] == aliases[first]:
            yield Problem("M2330", path, message, "Keep one of them.")
        else:
            hint = "Keep one of them, and create the other record in a custom stack."
            yield Problem("M1302", path, message, hint)


def alias_conflict_problems(
    stack: str, aliases: Sequence[Alias], env: Environment
) -> Iterator[Problem]:
    """Records that another stack creates, too: Route 53 creates each only once. The problem is
    reported at the later of the two stacks in alphabetical order."""
    owners = env.resolve_all(_find_owners)
    for index, alias in enumerate(aliases):
        if owners[alias] != stack:
            message = f"`{alias.name}` is already an alias of `{owners[alias]}`"
            hint = "Keep it in one of the two load balancers, and write another name in the other."
            yield Problem("M2330", ("aliases", index), message, hint)


def _find_owners(env: Environment) -> dict[Alias, str]:
    """The first stack that creates each record."""
    return {
        alias: name
        for name, spec in sorted(env.stacks.items(), reverse=True)
        for alias in getattr(spec.params, "aliases", ())
    }


def alias_records(aliases: Sequence[Alias], *, dualstack: bool) -> Iterator[route53.RecordSetType]:
    """Records of all names: A, and AAAA for a dualstack load balancer."""
    for alias in aliases:
        for record_type in ("A", "AAAA") if dualstack else ("A",):
            yield _alias_record(alias, record_type)


def _alias_record(alias: Alias, record_type: str) -> route53.RecordSetType:
    return route53.RecordSetType(
        _record_id(alias.name, record_type),
        HostedZoneId=alias.zone,
        Name=alias.name,
        Type=record_type,
        AliasTarget=route53.AliasTarget(
            DNSName=GetAtt("LoadBalancer", "DNSName"),
            HostedZoneId=GetAtt("LoadBalancer", "CanonicalHostedZoneID"),
        ),
    )


def _record_id(host: str, record_type: str) -> str:
    return logical_id(host.replace("*", "wildcard"), record_type.capitalize() + "Record")
