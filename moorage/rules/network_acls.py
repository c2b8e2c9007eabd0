"""Network ACLs that drop answers."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network

from moorage.cfn.networks import (
    NO_INTERNET_ROUTE,
    VIA_INTERNET_GATEWAY,
    cidr_blocks,
    default_route,
    may_be_modified_elsewhere,
)
from moorage.cfn.stack import Resource
from moorage.cfn.view import View
from moorage.rules.rule import Problem, problem, rule

_ACL, _ENTRY = "AWS::EC2::NetworkAcl", "AWS::EC2::NetworkAclEntry"
_ASSOCIATION = "AWS::EC2::SubnetNetworkAclAssociation"
_ALL_ADDRESSES = (ip_network("0.0.0.0/0"), ip_network("::/0"))
_EPHEMERAL = range(32768, 61000)
"""The ports that Linux uses for connections: net.ipv4.ip_local_port_range, 32768 to 60999."""
_OF_CLIENTS = range(1024, 65536)
"""The ports that clients of any operating system use."""
_TCP = ("6", "-1")


@rule(
    "E9610",
    "A network ACL drops the answers from the internet.",
    error_messages=("CannotPullContainerError: ... i/o timeout",),
    fix="Add an inbound entry that allows TCP from 0.0.0.0/0 to the ports 1024 to 65535.",
    sources=("Amazon VPC user guide: Network ACLs, Ephemeral ports",),
    failure_ids=("net-acl-without-answers-from-the-internet",),
)
def answers_are_dropped(view: View) -> Iterator[Problem]:
    """A network ACL does not remember connections. If tasks may connect to the internet by TCP, an
    inbound entry must allow the answers, which arrive at ephemeral ports. Otherwise no image can be
    pulled, and no task starts."""
    for acl in view.resources_of_type(_ACL):
        entries = [
            entry
            for entry in view.resources_of_type(_ENTRY)
            if entry["NetworkAclId"].resource is acl
        ]
        if not _has_route_to_internet(view, acl) or not _are_all_known(acl, entries):
            continue
        requests = any(_requests_internet(entry) for entry in entries)
        answers = any(_may_allow_answers(entry, _EPHEMERAL, egress=False) for entry in entries)
        if requests and not answers:
            yield problem(
                acl,
                f"Network ACL `{acl.id}` allows connections to the internet, but no inbound entry "
                f"allows the answers",
                "Add an entry that allows TCP from 0.0.0.0/0 to the ports 1024 to 65535.",
            )


@rule(
    "E9627",
    "A network ACL drops the answers to clients.",
    error_messages=("Connections to the load balancer's DNS name time out",),
    fix="Add an outbound entry that allows TCP to 0.0.0.0/0 and the ports 1024 to 65535.",
    sources=("Amazon VPC user guide: Network ACLs, Ephemeral ports",),
)
def answers_to_clients_are_dropped(view: View) -> Iterator[Problem]:
    """A network ACL does not remember connections. If clients on the internet may connect to a port
    in a public subnet, an outbound entry must allow the answers, which go to the ephemeral ports of
    the clients."""
    for acl in view.resources_of_type(_ACL):
        entries = [
            entry
            for entry in view.resources_of_type(_ENTRY)
            if entry["NetworkAclId"].resource is acl
        ]
        is_public = VIA_INTERNET_GATEWAY in _routes(view, acl)
        if not is_public or not _are_all_known(acl, entries):
            continue
        requests = any(_serves_internet(entry) for entry in entries)
        answers = any(_may_allow_answers(entry, _OF_CLIENTS, egress=True) for entry in entries)
        if requests and not answers:
            yield problem(
                acl,
                f"Network ACL `{acl.id}` allows connections from the internet, but no outbound "
                f"entry allows the answers",
                "Add an entry that allows TCP to 0.0.0.0/0 and the ports 1024 to 65535.",
            )


def _requests_internet(entry: Resource) -> bool:
    """Whether an outbound entry allows a well-known port of TCP to all addresses. Other ports are
    those of answers to clients."""
    first = entry["PortRange"]["From"].number
    is_answer = entry["Protocol"].text == "6" and first is not None and first in _OF_CLIENTS
    return not is_answer and _allows_internet(entry, egress=True)


def _serves_internet(entry: Resource) -> bool:
    """Whether an inbound entry allows a well-known port of TCP from all addresses."""
    last = entry["PortRange"]["To"].number
    is_port = entry["Protocol"].text == "6" and last is not None and last < _OF_CLIENTS.start
    return is_port and _allows_internet(entry, egress=False)


def _has_route_to_internet(view: View, acl: Resource) -> bool:
    """Whether a subnet of the network ACL certainly has a route to the internet."""
    return any(route not in (None, NO_INTERNET_ROUTE) for route in _routes(view, acl))


def _routes(view: View, acl: Resource) -> list[str | None]:
    """The default routes of the subnets of a network ACL."""
    subnets = (
        association["SubnetId"].resource
        for association in view.resources_of_type(_ASSOCIATION)
        if association["NetworkAclId"].resource is acl
    )
    return [default_route(subnet) for subnet in subnets if subnet is not None]


def _are_all_known(acl: Resource, entries: list[Resource]) -> bool:
    """Whether the entries are known, and the network ACL has no others."""
    keys = ("Protocol", "RuleAction", "CidrBlock", "Ipv6CidrBlock", "Egress")
    return not may_be_modified_elsewhere(acl) and all(
        entry[key].absent or entry[key].text is not None for entry in entries for key in keys
    )


def _allows_internet(entry: Resource, *, egress: bool) -> bool:
    is_direction = (entry["Egress"].flag is True) is egress
    blocks = (*cidr_blocks(entry["CidrBlock"]), *cidr_blocks(entry["Ipv6CidrBlock"]))
    return (
        is_direction
        and entry["RuleAction"].text == "allow"
        and entry["Protocol"].text in _TCP
        and any(block in _ALL_ADDRESSES for block in blocks)
    )


def _may_allow_answers(entry: Resource, ports: range, *, egress: bool) -> bool:
    """Whether an entry allows TCP to one of some ports, from or to any public address."""
    is_direction = (entry["Egress"].flag is True) is egress
    if not is_direction or entry["RuleAction"].text != "allow":
        return False
    blocks = (*cidr_blocks(entry["CidrBlock"]), *cidr_blocks(entry["Ipv6CidrBlock"]))
    if entry["Protocol"].text not in _TCP or (blocks and all(b.is_private for b in blocks)):
        return False
    first, last = entry["PortRange"]["From"].number, entry["PortRange"]["To"].number
    if entry["Protocol"].text == "-1" or first is None or last is None:
        return True
    return first < ports.stop and last >= ports.start


RULES = (answers_are_dropped, answers_to_clients_are_dropped)
