"""Rules in the security groups of Network Load Balancers, to which several services can add rules.

The rules of the services are counted in the order of their names.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from moorage.findings.finding import Path, Problem

from .listeners import NlbListener, NlbTarget

MAX_RULES = 60
"""For each direction and IP version, unless the quota is raised (Amazon VPC user guide, "Amazon VPC
quotas", inbound or outbound rules per security group)."""

_Rule = tuple[str | int, ...]
"""Identifies a rule among those of one security group and kind."""
_Kind = tuple[str, str]
"""A security group, and the direction and IP version that its quota counts."""


def security_group_problems(
    stack: str, listeners: Sequence[NlbListener], all_listeners: Sequence[NlbListener]
) -> Iterator[Problem]:
    """The problems of the rules that a service adds, given the rules of all services. A problem is
    reported at the service that comes last by name."""
    if not any(listener.load_balancer.security_group_id for listener in listeners):
        return
    earlier = [listener for listener in all_listeners if listener.stack < stack]
    yield from _duplicate_problems(listeners, earlier)
    before: dict[_Kind, set[_Rule]] = {}
    for _, kind, rule in _rules(earlier):
        before.setdefault(kind, set()).add(rule)
    after = {kind: set(rules) for kind, rules in before.items()}
    added: dict[_Kind, list[int]] = {}
    for listener, kind, rule in _rules(listeners):
        after.setdefault(kind, set()).add(rule)
        added.setdefault(kind, []).append(listener.index)
    reported: set[str] = set()
    for kind, indices in added.items():
        group, direction = kind
        if len(after[kind]) > MAX_RULES >= len(before.get(kind, ())) and group not in reported:
            reported.add(group)
            most = max(indices, key=indices.count)
            key = ("clients",) if direction != "outbound" else ()
            yield _too_many(("expose", most, *key), len(after[kind]), direction, group)


def _too_many(path: Path, count: int, direction: str, group: str) -> Problem:
    message = f"The security group of `{group}` gets {count} {direction} rules, and EC2 allows "
    message += f"{MAX_RULES} unless the quota is raised"
    hint = "Write adjacent blocks in `clients` as one, or request a higher quota: a prefix list "
    hint += "counts as its maximum number of entries."
    return Problem("M2520", path, message, hint, level="warning")


def _duplicate_problems(
    listeners: Sequence[NlbListener], earlier: Sequence[NlbListener]
) -> Iterator[Problem]:
    """EC2 refuses a duplicate rule: InvalidPermission.Duplicate.

    Two listeners on one port of a load balancer are reported separately; existing load balancers
    may share a security group.
    """
    taken = {
        (group, rule): listener
        for listener, (group, direction), rule in _rules(earlier)
        if direction != "outbound"
    }
    reported: set[int] = set()
    for listener, (group, _), rule in _rules(listeners):
        other = taken.get((group, rule))
        if other is None or listener.index in reported:
            continue
        balancers = listener.load_balancer.load_balancer_id, other.load_balancer.load_balancer_id
        if balancers[0] != balancers[1]:
            reported.add(listener.index)
            _, number, client = rule
            message = (
                f"`{other.place}` adds the same rule to `{group}`: port {number} for `{client}`"
            )
            hint = "Add the rule to the security group itself, and write `clients: []` in both "
            hint += "entries."
            yield Problem("M2519", (*listener.path, "clients"), message, hint)


def _rules(listeners: Sequence[NlbListener]) -> Iterator[tuple[NlbListener, _Kind, _Rule]]:
    """The rules that listeners add to the security groups of their load balancers."""
    for listener in listeners:
        group = listener.load_balancer.security_group_id
        if group is not None and listener.target is not None:
            for direction, rule in _rules_of(listener.stack, listener.target):
                yield listener, (group, direction), rule


def _rules_of(stack: str, target: NlbTarget) -> Iterator[tuple[str, _Rule]]:
    clients = target.entry.clients if target.entry.clients is not None else [""]
    for transport in target.transports:
        for client in clients:
            for direction in _directions(client):
                yield direction, (transport, target.listener.number, client)
    for transport, number in target.task_ports:
        yield "outbound", (stack, transport, number)


def _directions(client: str) -> Sequence[str]:
    """Blocks count for their IP version, and all other clients for both."""
    both = ("inbound IPv4", "inbound IPv6")
    return both if "/" not in client else both[1:] if ":" in client else both[:1]
