"""Rules of security groups, and which connections they allow."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from ipaddress import ip_network
from operator import itemgetter
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
    Network,
    Peer,
    find_security_group,
    is_same_security_group,
    refers_to_group,
    visible_security_groups,
)
from moorage.cfn.stack import Resource
from moorage.cfn.tristate import TriState, all_of, any_of
from moorage.cfn.values import identity
from moorage.cfn.view import View
from moorage.facts.addresses import PRIVATE_BLOCKS
from moorage.records import entity

INGRESS, EGRESS = "Ingress", "Egress"
Ports = tuple[int, int] | None
"""The first and the last port of a range; None if they are unknown."""

_PEER_PROPERTIES = {
    INGRESS: ("SourceSecurityGroupId", "SourceSecurityGroupName", "SourcePrefixListId"),
    EGRESS: ("DestinationSecurityGroupId", "DestinationPrefixListId"),
}
_PROTOCOLS = {"6": "tcp", "17": "udp", "1": "icmp", "58": "icmpv6", "-1": "-1"}
_ALL_PROTOCOLS = ("-1", "all")
_UNREACHABLE_BLOCKS = tuple(
    ip_network(block) for block in ("127.0.0.0/8", "255.255.255.255/32", "0.0.0.0/32")
)
"""Blocks that match no peer; templates use them for a rule that allows nothing."""
_PRIVATE_BLOCKS = tuple(ip_network(block) for block in PRIVATE_BLOCKS)


@entity
class GroupRules:
    """The rules of a security group in one direction."""

    rules: tuple[Node, ...]
    """Inline rules, and the properties of separate rule resources."""
    is_complete: bool
    """Whether the group certainly has no other rules."""


def rules_of_security_group(group: Resource, direction: str) -> GroupRules:
    """The rules of a security group, or of the default group of a VPC."""
    view = group.view
    return view.cached(("group rules", group, direction), lambda: _find_rules(group, direction))


def _find_rules(group: Resource, direction: str) -> GroupRules:
    by_group, others = group.view.cached(
        ("separate rules", direction), lambda: _group_separate_rules(group.view, direction)
    )
    answers = [(_belongs_to(same[0][1], group), same) for same in others.values()]
    separate = [
        *by_group.get(group, ()),
        *(rule for known, same in answers if known for rule in same),
    ]
    rules = tuple(rule.props for _, rule in sorted(separate, key=itemgetter(0)))
    has_unknown = None in [belongs for belongs, _ in answers]
    is_complete = not has_unknown and not may_be_modified_elsewhere(group)
    if group.type != SECURITY_GROUP:
        return GroupRules(rules, is_complete)
    inline = group[f"SecurityGroup{direction}"]
    return GroupRules((*inline.as_list, *rules), is_complete and inline.all_known)


def _belongs_to(rule: Resource, group: Resource) -> TriState:
    return any_of(refers_to_group(rule[key], group) for key in ("GroupId", "GroupName"))


_Separate = list[tuple[int, Resource]]
"""Resources of rules, with their positions."""


def _group_separate_rules(
    view: View, direction: str
) -> tuple[Mapping[Resource, _Separate], Mapping[Hashable, _Separate]]:
    """The rules that are resources of their own: those that certainly belong to one group, by the
    group, and the others, by the values that name their group."""
    by_group: dict[Resource, _Separate] = {}
    others: dict[Hashable, _Separate] = {}
    rules = enumerate(view.resources_of_type(f"{SECURITY_GROUP}{direction}"))
    for position, rule in rules:
        group = find_security_group(rule["GroupId"]) if rule["GroupName"].absent else None
        if group is not None:
            by_group.setdefault(group, []).append((position, rule))
        else:
            values = identity(rule["GroupId"].value), identity(rule["GroupName"].value)
            others.setdefault(values, []).append((position, rule))
    return by_group, others


def rules_allow(
    group: Resource, direction: str, protocol: str, ports: Ports, peer: Peer
) -> TriState:
    """Whether the rules of a security group allow a connection from a peer (INGRESS) or to it
    (EGRESS). A VPC as `group` stands for its default group."""
    known = rules_of_security_group(group, direction)
    if direction == EGRESS and not known.rules:
        return True if known.is_complete else None
    if direction == INGRESS and not known.rules and _is_available_to_other_stacks(group):
        return None  # another stack may add rules
    rules = _rules_for_peer(group, direction, ports, peer)
    answers = [_rule_allows(rule, direction, protocol, ports, peer) for rule in rules]
    if group.type == VPC:  # the default group allows its own members
        answers += [refers_to_group(node, group) for node in peer.security_groups]
        answers += [] if peer.security_groups_known else [None]
    return any_of(answers if known.is_complete else [*answers, None])


def _rules_for_peer(group: Resource, direction: str, ports: Ports, peer: Peer) -> Sequence[Node]:
    """The rules of a group without those that certainly are for other ports, or for other security
    groups than the peer's: the group of a load balancer has a rule for each service."""
    everything, by_peer = group.view.cached(
        ("rules by peer", group, direction), lambda: _index_rules(group, direction)
    )
    groups = visible_security_groups(peer)
    if groups is None:
        return everything.find(ports)
    found = [by_peer[each].find(ports) for each in (None, *groups) if each in by_peer]
    return [rule for rules in found for rule in rules]


class _RulesByPort:
    def __init__(self, rules: Iterable[Node]) -> None:
        self._rules = list(rules)
        self._by_port: dict[int | None, list[Node]] = {}
        """The rules for a single port; by None the others."""
        for rule in self._rules:
            self._by_port.setdefault(_single_port(rule), []).append(rule)

    def find(self, ports: Ports) -> list[Node]:
        """The rules without those that certainly are for other ports."""
        if ports is None or ports[0] != ports[1]:
            return self._rules
        return [*self._by_port.get(None, ()), *self._by_port.get(ports[0], ())]


def _single_port(rule: Node) -> int | None:
    if not isinstance(rule.value, Mapping) or _has_all_ports(rule):
        return None
    first, last = _possible_ports(rule["FromPort"]), _possible_ports(rule["ToPort"])
    return first[0] if first == last and len(first) == 1 else None


def _index_rules(
    group: Resource, direction: str
) -> tuple[_RulesByPort, Mapping[Resource | None, _RulesByPort]]:
    """All rules of a group; and those for one security group and no other peer, by that group. By
    None those for other peers."""
    rules = rules_of_security_group(group, direction).rules
    by_peer: dict[Resource | None, list[Node]] = {}
    for rule in rules:
        keys = [key for key in _PEER_PROPERTIES[direction] if not rule[key].absent]
        has_block = rule["CidrIp"].present or rule["CidrIpv6"].present
        peer = find_security_group(rule[keys[0]]) if len(keys) == 1 and not has_block else None
        by_peer.setdefault(peer, []).append(rule)
    return _RulesByPort(rules), {peer: _RulesByPort(found) for peer, found in by_peer.items()}


def _is_available_to_other_stacks(group: Resource) -> bool:
    """Whether an output makes a group available to stacks that are not in the view."""
    view = group.view
    return group in view.cached("available to other stacks", lambda: _find_available(view))


def _find_available(view: View) -> set[Resource | None]:
    """The resources of outputs that stacks outside of the view can use."""
    outputs = [
        stack.node(body, ("Outputs", key))
        for stack in view.stacks
        for key, body in stack.template.outputs.items()
    ]
    return {
        output["Value"].resource
        for output in outputs
        if len(view.stacks) == 1 or output["Export"].absent
    }


def _rule_allows(rule: Node, direction: str, protocol: str, ports: Ports, peer: Peer) -> TriState:
    if not isinstance(rule.value, Mapping):
        return None
    return all_of(
        (
            _matches_protocol(rule["IpProtocol"], protocol),
            _contains_ports(rule, ports),
            _matches_peer(rule, direction, peer),
        )
    )


def _matches_protocol(node: Node, protocol: str) -> TriState:
    protocols = {_PROTOCOLS.get(choice, choice.lower()) for choice in node.choices}
    if not protocols:
        return None
    if protocols <= {protocol, *_ALL_PROTOCOLS}:
        return True
    return None if protocols & {protocol, *_ALL_PROTOCOLS} else False


def _contains_ports(rule: Node, ports: Ports) -> TriState:
    if _has_all_ports(rule):
        return True
    first, last = _possible_ports(rule["FromPort"]), _possible_ports(rule["ToPort"])
    if not first or not last or ports is None:
        return None
    if max(first) <= ports[0] and ports[1] <= min(last):
        return True
    return False if ports[1] < min(first) or max(last) < ports[0] else None


def _has_all_ports(rule: Node) -> bool:
    return any(choice in _ALL_PROTOCOLS for choice in rule["IpProtocol"].choices)


def _possible_ports(node: Node) -> tuple[int, ...]:
    try:
        return tuple(int(choice) for choice in node.choices)
    except ValueError:
        return ()


def _matches_peer(rule: Node, direction: str, peer: Peer) -> TriState:
    if peer is ANY_PEER:
        return _matches_some_peer(rule, direction)
    answers: list[TriState] = []
    for key in _PEER_PROPERTIES[direction]:
        if rule[key].absent:
            continue
        if "PrefixList" in key:
            answers.append(None)
            continue
        answers += [is_same_security_group(rule[key], node) for node in peer.security_groups]
        answers += [] if peer.security_groups_known else [None]
    if rule["CidrIp"].present:
        answers.append(
            None
            if peer.is_ipv6 is None
            else not peer.is_ipv6 and _contains_peer(rule["CidrIp"], peer)
        )
    if rule["CidrIpv6"].present:
        answers.append(False if peer.is_ipv6 is False else _contains_all(rule["CidrIpv6"]))
    return any_of(answers)


def _matches_some_peer(rule: Node, direction: str) -> TriState:
    """Whether a rule can match any peer at all."""
    if any(rule[key].present for key in _PEER_PROPERTIES[direction]) or rule["CidrIpv6"].present:
        return True
    if any(_is_within(block, _UNREACHABLE_BLOCKS) for block in cidr_blocks(rule["CidrIp"])):
        return False
    return rule["CidrIp"].present


def _contains_all(node: Node) -> TriState:
    return True if any(block.prefixlen == 0 for block in cidr_blocks(node)) else None


def _is_within(block: Any, blocks: Iterable[Network]) -> bool:
    return any(block.subnet_of(outer) for outer in blocks if outer.version == block.version)


def _contains_peer(node: Node, peer: Peer) -> TriState:
    """Whether a CIDR block contains the addresses of a peer."""
    blocks = cidr_blocks(node)
    if not blocks:
        return _unknown_block_contains_peer(node, peer)
    block: Any = blocks[0]
    if block.prefixlen == 0:
        return True
    if _is_within(block, _UNREACHABLE_BLOCKS):
        return False
    if peer.is_internet:
        return not _is_within(block, _PRIVATE_BLOCKS)
    peer_blocks: list[Any] = [
        peer_block for peer_block in peer.cidr_blocks if peer_block.version == block.version
    ]
    if not peer_blocks:
        return None
    if all(peer_block.subnet_of(block) for peer_block in peer_blocks):
        return True
    return None if any(peer_block.overlaps(block) for peer_block in peer_blocks) else False


def _unknown_block_contains_peer(node: Node, peer: Peer) -> TriState:
    """Whether a CIDR block that is not a literal contains a peer: it may be that of its VPC."""
    resource = node.resource
    is_block = node.attr is not None and node.attr.name == "CidrBlock"
    if is_block and resource is not None and resource.type in (VPC, SUBNET):
        if peer.is_internet:
            return False
        return True if resource is peer.vpc else None
    if peer.is_internet:
        # A parameter with a private range as its default is most likely the range of a VPC.
        return False if _is_private(node.default) else None
    if peer.vpc is not None and node.is_same_as(peer.vpc["CidrBlock"]):
        return True
    return None


def _is_private(text: str | None) -> bool:
    try:
        return _is_within(ip_network(text or "", strict=False), _PRIVATE_BLOCKS)
    except ValueError:
        return False
