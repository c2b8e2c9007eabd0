"""Rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from ipaddress import ip_network
from typing import Any

from moorage.cfn.networks import (
    SECURITY_GROUP,
    SUBNET,
    VPC,
    cidr_blocks,
    may_be_modified_elsewhere,
)
from moorage.cfn.nodes import Node
from moorage.cfn.peers import (
    ANY_PEER,
    Peer,
    _owns,
    is_same_security_group,
)
from moorage.cfn.tristate import TriState, all_of, any_of
from moorage.cfn.view import Resource, View

INGRESS, EGRESS = "Ingress", "Egress"
Ports = tuple[int, int] | None
"""The first and the last of a range; None where they are not known."""

_PEERS = {
    INGRESS: ("SourceSecurityGroupId", "SourceSecurityGroupName", "SourcePrefixListId"),
    EGRESS: ("DestinationSecurityGroupId", "DestinationPrefixListId"),
}
_PROTOCOLS = {"6": "tcp", "17": "udp", "1": "icmp", "58": "icmpv6", "-1": "-1"}
_NOBODY = tuple(ip_network(one) for one in ("127.0.0.0/8", "255.255.255.255/32", "0.0.0.0/32"))


def security_group_rules(group: Resource, direction: str) -> tuple[tuple[Node, ...], bool]:
    """The rules of a group, in line and separate, and whether there are certainly no others."""
    key = ("group rules", group, direction)
    memo = group.view.cache
    if key not in memo:
        memo[key] = _rules(group, direction)
    found: tuple[tuple[Node, ...], bool] = memo[key]
    return found


def _rules(group: Resource, direction: str) -> tuple[tuple[Node, ...], bool]:
    inline = group[f"SecurityGroup{direction}"] if group.type == SECURITY_GROUP else None
    separate = _separate(group.view, direction)
    truths = [
        (any_of((_owns(group, one["GroupId"]), _owns(group, one["GroupName"]))), one)
        for one in separate
    ]
    certain = [one.props for truth, one in truths if truth]
    complete = None not in [truth for truth, _ in truths] and not may_be_modified_elsewhere(group)
    if inline is None:
        return tuple(certain), complete
    return (*inline.as_list, *certain), complete and inline.all_known


def _separate(view: View, direction: str) -> list[Resource]:
    key = ("separate rules", direction)
    if key not in view.cache:
        view.cache[key] = list(view.resources_of_type(f"{SECURITY_GROUP}{direction}"))
    found: list[Resource] = view.cache[key]
    return found


def rules_allow(
    owner: Resource, direction: str, protocol: str, ports: Ports, party: Peer
) -> TriState:
    """Whether a group's rules let a connection in from a party, or out to it."""
    found, complete = security_group_rules(owner, direction)
    if direction == EGRESS and not found:
        return True if complete else None
    truths = [rule_covers(one, direction, protocol, ports, party) for one in found]
    if owner.type == VPC:  # its default group, which admits its own members
        truths += [_owns(owner, security_group) for security_group in party.security_groups]
        truths += [] if party.security_groups_known else [None]
    if direction == INGRESS and not found and _is_output(owner):
        return None  # another stack may be meant to add rules
    return any_of((*truths, *(() if complete else (None,))))


def _is_output(owner: Resource) -> bool:
    """Whether a group leaves its stack for others than those in view."""
    stacks = owner.view.stacks
    outputs = [
        Node(stack, body, ("Outputs", key))
        for stack in stacks
        for key, body in stack.template.outputs.items()
    ]
    leaving = (output for output in outputs if len(stacks) == 1 or output["Export"].absent)
    return any(one["Value"].resource is owner for one in leaving)


def rule_covers(rule: Node, direction: str, protocol: str, ports: Ports, party: Peer) -> TriState:
    """Whether one rule of a group is about this connection."""
    if not isinstance(rule.value, Mapping):
        return None
    return all_of(
        (
            _is_of(rule["IpProtocol"], protocol),
            _spans(rule, protocol, ports),
            _is_with(rule, direction, party),
        )
    )


def _is_of(node: Node, protocol: str) -> TriState:
    kinds = {_PROTOCOLS.get(choice, choice.lower()) for choice in node.choices}
    if not kinds:
        return None
    if kinds <= {protocol, "-1", "all"}:
        return True
    return None if kinds & {protocol, "-1", "all"} else False


def _spans(rule: Node, protocol: str, ports: Ports) -> TriState:
    if any(choice in ("-1", "all") for choice in rule["IpProtocol"].choices):
        return True
    first, last = _numbers(rule["FromPort"]), _numbers(rule["ToPort"])
    if not first or not last or ports is None:
        return None
    if max(first) <= ports[0] and ports[1] <= min(last):
        return True
    return False if ports[1] < min(first) or max(last) < ports[0] else None


def _numbers(node: Node) -> tuple[int, ...]:
    try:
        return tuple(int(choice) for choice in node.choices)
    except ValueError:
        return ()


def _is_with(rule: Node, direction: str, party: Peer) -> TriState:
    """Whether the other side of a rule is the party."""
    if party is ANY_PEER:
        return _is_with_anybody(rule, direction)
    truths: list[TriState] = []
    for name in _PEERS[direction]:
        peer = rule[name]
        if peer.absent:
            continue
        if "PrefixList" in name:
            truths.append(None)
            continue
        truths += [
            is_same_security_group(peer, security_group) for security_group in party.security_groups
        ]
        truths += [] if party.security_groups_known else [None]
    if rule["CidrIp"].present:
        truths.append(None if party.is_ipv6 is None else not party.is_ipv6 and _holds(rule, party))
    if rule["CidrIpv6"].present:
        truths.append(False if party.is_ipv6 is False else _is_all(rule["CidrIpv6"]))
    return any_of(truths)


def _is_with_anybody(rule: Node, direction: str) -> TriState:
    if any(rule[name].present for name in _PEERS[direction]) or rule["CidrIpv6"].present:
        return True
    blocks = cidr_blocks(rule["CidrIp"])
    if any(block.version == 4 and _inside(block, _NOBODY) for block in blocks):
        return False
    return rule["CidrIp"].present


def _is_all(node: Node) -> TriState:
    return True if any(cidr_block.prefixlen == 0 for cidr_block in cidr_blocks(node)) else None


def _inside(block: Any, others: Iterable[Any]) -> bool:
    return any(block.subnet_of(other) for other in others if other.version == block.version)


def _holds(rule: Node, party: Peer) -> TriState:
    """Whether the CIDR block of a rule holds a party's addresses."""
    node = rule["CidrIp"]
    blocks = cidr_blocks(node)
    if not blocks:
        return _is_vpcs(node, party)
    block: Any = blocks[0]
    if block.prefixlen == 0:
        return True
    if _inside(block, _NOBODY):
        return False
    if party.is_internet:
        return not block.is_private
    theirs: list[Any] = [
        cidr_block for cidr_block in party.cidr_blocks if cidr_block.version == block.version
    ]
    if theirs:
        if all(their.subnet_of(block) for their in theirs):
            return True
        return None if any(one.overlaps(block) for one in theirs) else False
    return None


def _is_vpcs(node: Node, party: Peer) -> TriState:
    """What a CIDR block that is no literal says: whether it is the party's own VPC's."""
    vpc = node.resource
    is_block = node.attr is not None and node.attr.name == "CidrBlock"
    if is_block and vpc is not None and vpc.type in (VPC, SUBNET):
        if party.is_internet:
            return False
        return True if vpc is party.vpc else None
    if party.is_internet:
        # A parameter whose default is private is meant to be the range of the VPC.
        return False if _is_private(node.default) else None
    if party.vpc is not None and node.is_same_as(party.vpc["CidrBlock"]):
        return True
    return None


def _is_private(text: str | None) -> bool:
    try:
        return ip_network(text or "", strict=False).is_private
    except ValueError:
        return False
