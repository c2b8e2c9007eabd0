"""Rules of security groups: the other side of a rule, and a rule for no outbound traffic."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Discriminator, Tag
from troposphere import ec2

from moorage.references import Reference, is_reference

from .fields import Cidr, PrefixListId, SecurityGroupId, ip_version
from .references import External


def kind_of_peer(value: Any) -> str:
    """`security group`, `prefix list` or `network`."""
    if isinstance(value, Reference) or is_reference(value):
        return "security group"
    if isinstance(value, str) and value.startswith("sg-"):
        return "security group"
    return "prefix list" if isinstance(value, str) and value.startswith("pl-") else "network"


Peer = Annotated[
    Annotated[External[SecurityGroupId], Tag("security group")]
    | Annotated[PrefixListId, Tag("prefix list")]
    | Annotated[Cidr, Tag("network")],
    Discriminator(kind_of_peer),
]
"""The source or the destination of a rule: a CIDR block, or the ID of a prefix list or of a
security group. A reference is one to a security group."""


def source_property(peer: str | Reference) -> str:
    """The property of an inbound rule for its source."""
    return _peer_property(peer, "Source")


def destination_property(peer: str | Reference) -> str:
    """The property of an outbound rule for its destination."""
    return _peer_property(peer, "Destination")


def _peer_property(peer: str | Reference, side: str) -> str:
    kind = kind_of_peer(peer)
    if kind == "security group":
        return f"{side}SecurityGroupId"
    if kind == "prefix list":
        return f"{side}PrefixListId"
    return "CidrIp" if ip_version(str(peer)) == 4 else "CidrIpv6"


def no_egress_rule(description: str) -> ec2.SecurityGroupRule:
    """An outbound rule to the loopback address, for a group that allows no outbound traffic. To a
    group without outbound rules, EC2 adds one that allows everything (CloudFormation template
    reference, AWS::EC2::SecurityGroup, "Remove the default rule")."""
    return ec2.SecurityGroupRule(Description=description, IpProtocol="-1", CidrIp="127.0.0.1/32")
