"""Constraints of security groups, their rules, and prefix lists."""

from __future__ import annotations

from moorage.rules.constraints.combinations import All, Each, Either, IsReference, Not, Refers
from moorage.rules.constraints.constraint import Constraint
from moorage.rules.constraints.predicates import (
    Absent,
    AtMost,
    Is,
    Matches,
    Present,
    Within,
)

_GROUP = "AWS::EC2::SecurityGroup"
_INGRESS, _EGRESS = "AWS::EC2::SecurityGroupIngress", "AWS::EC2::SecurityGroupEgress"
_RULES = (_INGRESS, _EGRESS, f"{_GROUP} SecurityGroupIngress[]", f"{_GROUP} SecurityGroupEgress[]")
_PREFIX_LIST = "AWS::EC2::PrefixList"
_API = "Amazon EC2 API reference"
_HAS_PORTS = Is("IpProtocol", "tcp", "udp", "6", "17")

CONSTRAINTS = (
    Constraint(
        "E9691",
        _RULES,
        "The ports of a security group rule do not exist.",
        when=_HAS_PORTS,
        must=All(Within("FromPort", 0, 65535), Within("ToPort", 0, 65535)),
        message="A rule of {id} has the ports {FromPort} to {ToPort}",
        fix="Write ports from 0 to 65535.",
        error_messages=("Invalid value '...' for portRange",),
        sources=(f"{_API}: IpPermission, FromPort and ToPort",),
    ),
    Constraint(
        "E9692",
        _RULES,
        "The first port of a security group rule is above its last port.",
        when=_HAS_PORTS,
        must=AtMost("FromPort", "ToPort"),
        message="A rule of {id} has the ports {FromPort} to {ToPort}",
        fix="Write the lower port as `FromPort`.",
        error_messages=("Invalid TCP/UDP port range",),
        sources=(f"{_API}: IpPermission, FromPort and ToPort",),
    ),
    Constraint(
        "E9694",
        _RULES,
        "The type or code of an ICMP rule does not exist.",
        when=Is("IpProtocol", "icmp", "icmpv6", "1", "58"),
        must=All(Within("FromPort", -1, 255), Within("ToPort", -1, 255)),
        message="An ICMP rule of {id} has the type {FromPort} and the code {ToPort}",
        fix="Write -1 to 255. `FromPort` is the type, `ToPort` the code, and -1 means all.",
        error_messages=("ICMP code (...) out of range",),
        sources=("AWS's error message, reproduced by badmintoncryer/cdk-preflight",),
    ),
    Constraint(
        "E9695",
        _RULES,
        "A block of addresses in a security group rule has no length.",
        must=All(Matches("CidrIp", ".*/.*"), Matches("CidrIpv6", ".*/.*")),
        message=("A rule of {id} has the address {actual}, without a prefix length",) * 2,
        fix="Write `/32` after a single IPv4 address, and `/128` after an IPv6 address.",
        error_messages=("InvalidParameterValue: CIDR block ... is malformed",),
        sources=("AWS's error message, reproduced by badmintoncryer/cdk-preflight",),
    ),
    Constraint(
        "E9706",
        (_INGRESS, f"{_GROUP} SecurityGroupIngress[]"),
        "A security group rule names a group of a VPC by its name.",
        when=Either(
            IsReference("/VpcId", "AWS::EC2::VPC"),
            Refers("/GroupId", _GROUP, IsReference("VpcId", "AWS::EC2::VPC")),
        ),
        must=Absent("SourceSecurityGroupName"),
        message="A rule of {id} has a `SourceSecurityGroupName`, which only the default VPC has",
        fix="Write `SourceSecurityGroupId: !GetAtt <security group>.GroupId`.",
        sources=(f"{_API}: AuthorizeSecurityGroupIngress, SourceSecurityGroupName",),
    ),
    Constraint(
        "E9707",
        _GROUP,
        "The description of a security group is empty or too long.",
        must=Matches("GroupDescription", "(?s:.{1,255})"),
        message="Security group {id} has no `GroupDescription`, or one with over 255 characters",
        fix="Write 1 to 255 characters.",
        error_messages=("The request must contain the parameter GroupDescription",),
        sources=(f"{_API}: CreateSecurityGroup, Description",),
    ),
    Constraint(
        "E9708",
        _GROUP,
        "The name of a security group is reserved.",
        must=Not(Matches("GroupName", "sg-.*|default")),
        message="Security group {id} has the name {GroupName}",
        fix="Write a name that does not begin with `sg-`, and not `default`.",
        error_messages=(
            "Group names may not be in the format sg-*",
            "Cannot use reserved security group name: default",
        ),
        sources=(f"{_API}: CreateSecurityGroup, GroupName",),
    ),
    Constraint(
        "E9709",
        _INGRESS,
        "A rule of its own names no security group.",
        must=Either(Present("GroupId"), Present("GroupName")),
        message="Rule {id} has no `GroupId`",
        fix="Write `GroupId: !GetAtt <security group>.GroupId`.",
        sources=(f"{_API}: AuthorizeSecurityGroupIngress, GroupId",),
    ),
    Constraint(
        "E9711",
        _RULES,
        "The protocol of a security group rule is no protocol of IP.",
        must=Not(Matches("IpProtocol", "(?i:https?|ssh|tls|grpc)")),
        message="A rule of {id} has the protocol {IpProtocol}",
        fix="Write `IpProtocol: tcp`.",
        error_messages=("Invalid value '...' for IP protocol. Unknown protocol",),
        sources=(f"{_API}: IpPermission, IpProtocol",),
    ),
    Constraint(
        "W9714",
        _RULES,
        "A security group rule for all protocols has ports.",
        when=All(Is("IpProtocol", "-1"), Present("FromPort"), Present("ToPort")),
        must=Either(Is("FromPort", "-1", "0"), Is("ToPort", "-1", "65535")),
        message="A rule of {id} for all protocols allows all ports, not only {FromPort} to "
        "{ToPort}",
        fix="Write `IpProtocol: tcp`, or remove the ports.",
        why="With the protocol -1, EC2 ignores the ports and allows all traffic.",
        sources=(f"{_API}: IpPermission, IpProtocol",),
    ),
    # Prefix lists -----------------------------------------------------------------------------
    Constraint(
        "E9712",
        _PREFIX_LIST,
        "The name of a prefix list is reserved.",
        must=Not(Matches("PrefixListName", r"com\.(amazonaws|amazon|aws)\..*")),
        message="Prefix list {id} has the name {PrefixListName}",
        fix="Write a name that does not begin with `com.amazonaws`.",
        error_messages=("The prefix list name cannot begin with com.amazonaws.",),
        sources=(f"{_API}: CreateManagedPrefixList, PrefixListName",),
    ),
    Constraint(
        "E9713",
        _PREFIX_LIST,
        "A prefix list has blocks of the other address family.",
        must=All(
            Either(Each("Entries", Matches("Cidr", "[^:]*")), Not(Is("AddressFamily", "IPv4"))),
            Either(Each("Entries", Matches("Cidr", ".*:.*")), Not(Is("AddressFamily", "IPv6"))),
        ),
        message=("Prefix list {id} of the family {AddressFamily} has the block {actual}",) * 2,
        fix="Write the blocks of each family in a list of its own.",
        error_messages=("An (IPv4) prefix list cannot contain an (IPv6) CIDR",),
        sources=("AWS's error message, reproduced by badmintoncryer/cdk-preflight",),
    ),
)
