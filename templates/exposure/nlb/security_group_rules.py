"""Rules that several services would add to the security groups of Network Load Balancers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from moorage.findings.finding import Problem

from .listeners import NlbListener

_Rule = tuple[str, int, str]
"""Transport protocol, port and client: what EC2 compares rules of a security group by."""


def security_group_problems(
    stack: str, listeners: Sequence[NlbListener], all_listeners: Sequence[NlbListener]
) -> Iterator[Problem]:
    """Rules that a service adds although another one has added them: EC2 refuses the second with
    InvalidPermission.Duplicate. A problem is reported at the service that comes last by name.

    Two listeners on one port of a load balancer are reported separately; existing load balancers
    may share a security group.
    """
    if not any(listener.load_balancer.security_group_id for listener in listeners):
        return
    earlier = [listener for listener in all_listeners if listener.stack < stack]
    taken = {(group, rule): listener for listener, group, rule in _rules(earlier)}
    reported: set[int] = set()
    for listener, group, rule in _rules(listeners):
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


def _rules(listeners: Sequence[NlbListener]) -> Iterator[tuple[NlbListener, str, _Rule]]:
    """The inbound rules that listeners add to the security groups of their load balancers."""
    for listener in listeners:
        group, target = listener.load_balancer.security_group_id, listener.target
        if group is not None and target is not None:
            clients = target.entry.clients if target.entry.clients is not None else [""]
            for transport in target.transports:
                for client in clients:
                    yield listener, group, (transport, target.listener.number, client)
