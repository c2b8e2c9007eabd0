"""Who reaches which port, through the security groups on both sides.

Every answer has three values: True, False, and None where only the deployment knows. A group that
is not in view, a CIDR block or a list that is not known make None; rules stay silent on it.

Facts, from AWS's documentation of security groups and of Elastic Load Balancing:

- A group without egress rules lets everything out; an empty list of rules is no rule. The first
  `SecurityGroupEgress` that is added to it takes that away (aws/aws-cdk#987, aws/aws-cdk#22140).
- The default group of a VPC admits its own members only.
- A Network Load Balancer with security groups is admitted by them, for traffic and for health
  checks, also where client addresses are preserved. One without has only addresses: its own, or
  the clients' where these are preserved; health checks always come from its own.
- Client addresses are preserved for UDP and TCP_UDP, and by default for instance targets.
"""

from __future__ import annotations

from moorage.cfn.peers import (
    Peer,
    find_security_group,
)
from moorage.cfn.security_group_rules import EGRESS, INGRESS, Ports, rules_allow
from moorage.cfn.tristate import TriState, all_of, any_of


def allows_ingress(target: Peer, protocol: str, ports: Ports, source: Peer) -> TriState:
    """Whether the groups of the target let in a connection from the source."""
    return _through(target, INGRESS, protocol, ports, source)


def allows_egress(source: Peer, protocol: str, ports: Ports, target: Peer) -> TriState:
    """Whether the groups of the source let out a connection to the target."""
    return _through(source, EGRESS, protocol, ports, target)


def _through(owner: Peer, direction: str, protocol: str, ports: Ports, other: Peer) -> TriState:
    if not owner.security_groups and owner.security_groups_known:
        return True  # nothing filters
    truths: list[TriState] = []
    for node in owner.security_groups:
        found = find_security_group(node)
        truths.append(
            None if found is None else rules_allow(found, direction, protocol, ports, other)
        )
    return any_of((*truths, *(() if owner.security_groups_known else (None,))))


def can_reach(source: Peer, protocol: str, ports: Ports, target: Peer) -> TriState:
    """Whether a connection passes the groups of both sides."""
    return all_of(
        (
            allows_egress(source, protocol, ports, target),
            allows_ingress(target, protocol, ports, source),
        )
    )
