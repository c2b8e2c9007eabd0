"""Rules in the security groups of load balancers, which several services write to.

Services are told apart by their names; what a group takes is judged over all of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from moorage.facts.quotas import SECURITY_GROUP_RULES
from moorage.findings.finding import Path, Problem
from moorage.model import Environment

from ...load_balancers import nlb
from ...tasks.containers import Containers
from ..params import Exposure
from .listeners import Flow, flow

Services = Mapping[str, tuple[Sequence[tuple[int, Exposure]], Containers]]
"""The ways of each service through Network Load Balancers, with their places, and its containers.
"""
_Rule = tuple[str | int, ...]
"""What tells a rule of one group and kind from the others."""


def admission_problems(stack: str, services: Services, env: Environment) -> Iterator[Problem]:
    """What is wrong with the rules that the services write; told at the last one by name."""
    ways, containers = services[stack]
    groups = {group for _, way in ways if (group := _group(way.via, env))}
    if not groups:
        return
    others = {name: its for name, its in services.items() if name < stack}
    yield from _double_problems(ways, containers, others, env)
    before: dict[tuple[str, str], set[_Rule]] = {}
    for name, (its, beside) in others.items():
        for _, kind, rule in _rules(name, its, beside, env):
            before.setdefault(kind, set()).add(rule)
    after = {kind: set(rules) for kind, rules in before.items()}
    asked: dict[tuple[str, str], list[int]] = {}
    for index, kind, rule in _rules(stack, ways, containers, env):
        after.setdefault(kind, set()).add(rule)
        asked.setdefault(kind, []).append(index)
    told: set[str] = set()
    for kind, indices in asked.items():
        group, direction = kind
        if (
            len(after[kind]) > SECURITY_GROUP_RULES >= len(before.get(kind, ()))
            and group not in told
        ):
            told.add(group)
            most = max(indices, key=indices.count)
            key = ("clients",) if direction != "outbound" else ()
            yield _too_many(("expose", most, *key), len(after[kind]), direction, group)


def _too_many(path: Path, count: int, direction: str, group: str) -> Problem:
    message = f"The security group of `{group}` gets {count} {direction} rules"
    hint = (
        f"EC2 takes {SECURITY_GROUP_RULES} unless the quota is raised. Name larger blocks, "
        "or ask for a higher quota: a prefix list counts as many as it may hold."
    )
    return Problem("M1105", path, message, hint, level="warning")


def _double_problems(
    ways: Sequence[tuple[int, Exposure]], containers: Containers, others: Services, env: Environment
) -> Iterator[Problem]:
    """EC2 refuses a second rule like the first: InvalidPermission.Duplicate.

    A port of a load balancer is taken once, which is a finding of its own; but load balancers that
    exist may share a group.
    """
    taken = {
        (group, rule): (f"stacks.{name}.expose[{index}]", dict(its)[index].via)
        for name, (its, beside) in others.items()
        for index, (group, direction), rule in _rules(name, its, beside, env)
        if direction != "outbound"
    }
    via = dict(ways)
    told: set[int] = set()
    for index, (group, _), rule in _rules("", ways, containers, env):
        where, its_via = taken.get((group, rule), ("", via[index].via))
        apart = where and not nlb.is_same_load_balancer(via[index].via, its_via, env)
        if apart and index not in told:
            told.add(index)
            _, number, client = rule
            message = f"`{where}` admits `{client}` at port {number} of `{group}` already"
            hint = "Admit them in the group itself, and write `clients: []` at both."
            yield Problem("M1209", ("expose", index, "clients"), message, hint)


def _group(via: str, env: Environment) -> str | None:
    """What tells security groups apart: ids, and for those of stacks the stack's name."""
    params = env.params_of(via, nlb.Params)
    if params is None:
        return None
    if params.existing:
        return params.existing.security_group
    return via if params.security_group else None


def _rules(
    stack: str, ways: Sequence[tuple[int, Exposure]], containers: Containers, env: Environment
) -> Iterator[tuple[int, tuple[str, str], _Rule]]:
    """The rules that the ways of one service lead to: the way, the group and kind, the rule."""
    for index, way in ways:
        group, its = _group(way.via, env), flow(way, containers)
        if group is not None and its is not None:
            for kind, rule in _of_flow(stack, its):
                yield index, (group, kind), rule


def _of_flow(stack: str, its: Flow) -> Iterator[tuple[str, _Rule]]:
    clients = its.route.clients if its.route.clients is not None else [""]
    for transport in its.transports:
        for client in clients:
            for kind in _kinds(client):
                yield kind, (transport, its.listener.number, client)
    for transport, number in its.opened:
        yield "outbound", (stack, transport, number)


def _kinds(client: str) -> Sequence[str]:
    """Blocks count for their kind of address, and all others for both."""
    every = ("inbound IPv4", "inbound IPv6")
    return every if "/" not in client else every[1:] if ":" in client else every[:1]
