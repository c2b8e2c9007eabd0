"""Route 53 alias records that lead to a load balancer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated

from pydantic import Field
from troposphere import GetAtt, route53

from moorage.findings.finding import Problem
from moorage.model import Base, Environment, logical_id

from ..common.duplicates import describe_conflict, find_repeats
from ..common.fields import text

ZoneId = Annotated[
    str, text(r"Z[A-Z0-9]{1,31}", "the id of a hosted zone", "Z0123456789ABCDEFGHIJ")
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
    """A DNS name that leads to the load balancer."""

    zone: ZoneId = Field(description="Id of the Route 53 hosted zone.")
    name: HostName = Field(
        description="Host name within the zone, such as `www.example.com` or `*.example.com`."
    )


def alias_problems(aliases: Sequence[Alias]) -> Iterator[Problem]:
    """Names that would be one and the same record."""
    names = [alias.name for alias in aliases]
    for index, first in find_repeats([_record_id(name, "A") for name in names]):
        message = describe_conflict(names[index], names[first])
        hint = "Keep one of them; a second record can stand in a stack of your own."
        yield Problem("M1302", ("aliases", index, "name"), message, hint)


def taken_problems(stack: str, aliases: Sequence[Alias], env: Environment) -> Iterator[Problem]:
    """Records that a load balancer of another stack has: Route 53 makes each only once. They are
    told at the stack that comes later by name."""
    owners = {
        alias: name
        for name, spec in sorted(env.stacks.items(), reverse=True)
        for alias in getattr(spec.params, "aliases", ())
    }
    for index, alias in enumerate(aliases):
        if owners[alias] != stack:
            message = f"`{alias.name}` leads to `{owners[alias]}` already"
            hint = "Keep it at one of the two; the other needs a name of its own."
            yield Problem("M1302", ("aliases", index), message, hint)


def records(aliases: Sequence[Alias], *, dualstack: bool) -> Iterator[route53.RecordSetType]:
    """A record for each name and each kind of address that `LoadBalancer` has."""
    for alias in aliases:
        for kind in ("A", "AAAA") if dualstack else ("A",):
            yield _record(alias, kind)


def _record(alias: Alias, kind: str) -> route53.RecordSetType:
    return route53.RecordSetType(
        _record_id(alias.name, kind),
        HostedZoneId=alias.zone,
        Name=alias.name,
        Type=kind,
        AliasTarget=route53.AliasTarget(
            DNSName=GetAtt("LoadBalancer", "DNSName"),
            HostedZoneId=GetAtt("LoadBalancer", "CanonicalHostedZoneID"),
        ),
    )


def _record_id(host: str, kind: str) -> str:
    return logical_id(host.replace("*", "wildcard"), kind.capitalize() + "Record")
