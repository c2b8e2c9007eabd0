"""Security group rules that name a group of another VPC."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.cfn.peers import find_security_group
from moorage.cfn.security_group_rules import EGRESS, INGRESS, rules_of_security_group
from moorage.cfn.stack import Resource
from moorage.cfn.tristate import any_of
from moorage.cfn.view import View
from moorage.rules.rule import Problem, problem, rule

_GROUP, _PEERING = "AWS::EC2::SecurityGroup", "AWS::EC2::VPCPeeringConnection"
_VPC = "AWS::EC2::VPC"
_ATTACHMENTS = ("AWS::EC2::TransitGatewayVpcAttachment", "AWS::EC2::TransitGatewayAttachment")
_GROUP_ASSOCIATION = "AWS::EC2::SecurityGroupVpcAssociation"
_SOURCES = {INGRESS: "SourceSecurityGroupId", EGRESS: "DestinationSecurityGroupId"}


@rule(
    "E9682",
    "A security group rule names a group of a VPC that is not peered.",
    error_messages=(
        "InvalidGroup.NotFound: You have specified two resources that belong to different networks",
    ),
    fix="Peer the VPCs, and write `DependsOn: <peering connection>`, or write the CIDR block of "
    "the other VPC.",
    sources=(
        "Amazon VPC peering guide: Reference peer security groups",
        "AWS Transit Gateway guide: Security group referencing",
    ),
    failure_ids=("sg-source-group-of-an-unpeered-vpc",),
)
def group_of_unpeered_vpc(view: View) -> Iterator[Problem]:
    """A rule can name a security group of another VPC only if the VPCs are peered, or attached to
    the same transit gateway. Both VPCs are created by the template, so no other peering exists."""
    for group in view.resources_of_type(_GROUP):
        for direction, key in _SOURCES.items():
            for node in rules_of_security_group(group, direction).rules:
                other = find_security_group(node[key])
                if other is not None and _are_unpeered(view, group, other):
                    yield problem(
                        node[key],
                        f"A rule of security group `{group.id}` names group `{other.id}` of "
                        f"another VPC, to which no connection is peered",
                        "Add a VPC peering connection, or write the CIDR block of the other VPC.",
                    )


def _are_unpeered(view: View, first: Resource, second: Resource) -> bool:
    vpcs = [group["VpcId"].resource for group in (first, second)]
    if any(vpc is None or vpc.type != _VPC for vpc in vpcs) or vpcs[0] is vpcs[1]:
        return False
    if all(_has_attachment(view, vpc) for vpc in vpcs):
        return False  # rules can name groups of VPCs behind the same transit gateway
    if any(view.resources_of_type(_GROUP_ASSOCIATION)):
        return False  # a group can be associated with several VPCs
    if len({vpc.stack.name for vpc in vpcs if vpc} | {first.stack.name}) > 1:
        return False  # another stack may peer them before
    peered = any_of(
        None if None in ends else set(ends) == set(vpcs)
        for peering in view.resources_of_type(_PEERING)
        for ends in [[peering["VpcId"].resource, peering["PeerVpcId"].resource]]
    )
    return peered is False


def _has_attachment(view: View, vpc: Resource | None) -> bool:
    attachments = view.resources_of_type(*_ATTACHMENTS)
    return any(attachment["VpcId"].resource is vpc for attachment in attachments)


RULES = (group_of_unpeered_vpc,)
