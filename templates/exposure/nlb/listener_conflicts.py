"""Conflicts between listeners of Network Load Balancers, which may belong to several services."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import TypeAlias

from moorage.findings.finding import Problem
from moorage.references import Reference

from .listeners import NlbListener

ListenersByPort: TypeAlias = Mapping[tuple[str, int | None], Sequence[NlbListener]]
"""Listeners by load balancer and port."""

_Rule = tuple[str | Reference, str, int, str | Reference]
"""Security group, transport protocol, port and client. EC2 refuses two rules that have all of these
in common."""

RuleOwners: TypeAlias = Mapping[_Rule, Sequence[NlbListener]]
"""The listeners that add a rule to a security group."""

MAX_CONFLICTS = 10
"""How many conflicts of one listener are reported: hundreds of listeners on one port have thousands
of them."""


def group_by_port(listeners: Sequence[NlbListener]) -> ListenersByPort:
    """The listeners of all services, for `listener_conflicts`."""
    groups: dict[tuple[str, int | None], list[NlbListener]] = {}
    for listener in listeners:
        groups.setdefault(_address(listener), []).append(listener)
    return groups


def listener_conflicts(
    listeners: Sequence[NlbListener], all_listeners: ListenersByPort
) -> Iterator[Problem]:
    """Listeners of all services on the same port of a load balancer, which has one listener for
    each port, whatever the protocol. The problem is reported at the later listener."""
    for listener in listeners:
        if listener.entry.port is not None:
            on_port = all_listeners[_address(listener)]
            yield from islice(_port_conflicts(listener, on_port), MAX_CONFLICTS)


def _port_conflicts(listener: NlbListener, on_port: Sequence[NlbListener]) -> Iterator[Problem]:
    for earlier in on_port:
        if (earlier.stack, earlier.index) < (listener.stack, listener.index):
            _, number = _address(listener)
            message = f"`{earlier.place}` also uses port {number} of `{listener.entry.via}`"
            hint = "Write another port. For TCP and UDP on one port write one entry with "
            hint += "`/tcp_udp`."
            yield Problem("M2509", (*listener.path, "port"), message, hint)


def _address(listener: NlbListener) -> tuple[str, int | None]:
    """Load balancer and port."""
    port = listener.entry.port
    return listener.load_balancer.load_balancer_id, port.number if port else None


def find_rule_owners(listeners: Sequence[NlbListener]) -> RuleOwners:
    """The listeners of all services, for `security_group_conflicts`."""
    owners: dict[_Rule, list[NlbListener]] = {}
    for listener, rule in _rules(listeners):
        owners.setdefault(rule, []).append(listener)
    return owners


def security_group_conflicts(
    stack: str, listeners: Sequence[NlbListener], owners: RuleOwners
) -> Iterator[Problem]:
    """Rules that two services add to a security group that their existing load balancers share: EC2
    refuses the second with InvalidPermission.Duplicate. The problem is reported at the service that
    comes last by name.

    Two listeners on one port of the same load balancer are a problem of `listener_conflicts`.
    """
    reported: set[int] = set()
    for listener, rule in _rules(listeners):
        earlier = next((owner for owner in reversed(owners[rule]) if owner.stack < stack), None)
        if earlier is None or listener.index in reported:
            continue
        if listener.load_balancer.load_balancer_id != earlier.load_balancer.load_balancer_id:
            reported.add(listener.index)
            group, _, number, client = rule
            message = (
                f"`{earlier.place}` adds the same rule to `{group}`: port {number} for `{client}`"
            )
            hint = "Add the rule to the security group itself, and write `clients: []` in both "
            hint += "entries."
            yield Problem("M2519", (*listener.path, "clients"), message, hint)


def _rules(listeners: Sequence[NlbListener]) -> Iterator[tuple[NlbListener, _Rule]]:
    """The inbound rules that listeners add to the security groups of their load balancers."""
    for listener in listeners:
        group, target = listener.load_balancer.security_group_id, listener.target
        if group is not None and target is not None:
            clients = target.entry.clients if target.entry.clients is not None else [""]
            for transport in target.transports:
                for client in clients:
                    yield listener, (group, transport, target.listener.number, client)
