"""Which connections the rules of a security group allow."""

from __future__ import annotations

from typing import Any

import pytest

from moorage.cfn.peers import ANY_PEER, Peer
from moorage.cfn.security_group_rules import EGRESS, INGRESS, rules_allow
from moorage.cfn.stack import Resource
from moorage.cfn.template import Template
from moorage.cfn.view import View

EC2 = "AWS::EC2::SecurityGroup"
PARAMETERS = {"Given": {"Type": "String"}, "Port": {"Type": "Number"}}


def group(**properties: Any) -> dict[str, Any]:
    return {"Type": EC2, "Properties": {"GroupDescription": "x", **properties}}


def view_of(resources: dict[str, Any], **sections: Any) -> View:
    body = {"Parameters": PARAMETERS, "Resources": resources, **sections}
    return View([Template("t", body)], {})


def resource(view: View, name: str) -> Resource:
    return view.stacks[0].resources[name]


def peer(view: View, *groups: Any) -> Peer:
    """A peer in these security groups."""
    node = view.stacks[0].node(list(groups), ("Groups",))
    return Peer(node.items, node.all_known)


def rule(**properties: Any) -> dict[str, Any]:
    return {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, **properties}


A, B = {"Fn::GetAtt": ["A", "GroupId"]}, {"Ref": "B"}


@pytest.mark.parametrize(
    ("ingress", "allows"),
    [
        (rule(SourceSecurityGroupId=B), True),
        (rule(SourceSecurityGroupId=A), False),
        (rule(SourceSecurityGroupId={"Ref": "Given"}), False),
        (rule(SourceSecurityGroupId={"Fn::NoSuch": "x"}), None),
        (rule(SourcePrefixListId="pl-1"), None),
        (rule(CidrIp="0.0.0.0/0"), True),
        (rule(CidrIp="10.0.0.0/8"), None),
        (rule(CidrIp="127.0.0.1/32"), False),
        (rule(CidrIp={"Ref": "Given"}), None),
        (rule(CidrIpv6="::/0"), False),
        (rule(), False),
        (rule(SourceSecurityGroupId=B, FromPort=81, ToPort=90), False),
        (rule(SourceSecurityGroupId=B, FromPort=0, ToPort=65535), True),
        (rule(SourceSecurityGroupId=B, FromPort="80", ToPort="80"), True),
        (rule(SourceSecurityGroupId=B, FromPort={"Ref": "Port"}), None),
        (rule(SourceSecurityGroupId=B, FromPort=81, ToPort={"Ref": "Port"}), None),
        (rule(SourceSecurityGroupId=B, IpProtocol="-1"), True),
        (rule(SourceSecurityGroupId=B, IpProtocol=6), True),
        (rule(SourceSecurityGroupId=B, IpProtocol="TCP"), True),
        (rule(SourceSecurityGroupId=B, IpProtocol="udp"), False),
        (rule(SourceSecurityGroupId=B, IpProtocol={"Ref": "Given"}), None),
        ({"IpProtocol": -1, "SourceSecurityGroupId": B}, True),
        ("nonsense", None),
        (None, False),
    ],
)
def test_ingress_rule_allows_a_group(ingress: Any, allows: bool | None) -> None:
    view = view_of({"A": group(SecurityGroupIngress=[ingress]), "B": group()})
    assert rules_allow(resource(view, "A"), INGRESS, "tcp", (80, 80), peer(view, B)) is allows


def test_separate_rule() -> None:
    separate = {"Type": f"{EC2}Ingress", "Properties": rule(GroupId=A, SourceSecurityGroupId=B)}
    view = view_of({"A": group(), "B": group(), "Rule": separate})
    a = resource(view, "A")
    assert rules_allow(a, INGRESS, "tcp", (80, 80), peer(view, B)) is True
    assert rules_allow(a, INGRESS, "tcp", (81, 81), peer(view, B)) is False


def test_separate_rule_in_another_stack() -> None:
    base = {
        "Resources": {"A": group()},
        "Outputs": {"Group": {"Value": A, "Export": {"Name": "group"}}},
    }
    rules = {
        "Resources": {
            "Rule": {
                "Type": f"{EC2}Ingress",
                "Properties": rule(GroupId={"Fn::ImportValue": "group"}, CidrIp="0.0.0.0/0"),
            }
        }
    }
    view = View([Template("base", base), Template("rules", rules)], {})
    assert rules_allow(resource(view, "A"), INGRESS, "tcp", (80, 80), ANY_PEER) is True


def test_separate_rule_of_an_unknown_group_may_belong_to_any_group() -> None:
    separate = {"Type": f"{EC2}Ingress", "Properties": rule(GroupId={"Fn::NoSuch": 1})}
    view = view_of({"A": group(), "Rule": separate})
    assert rules_allow(resource(view, "A"), INGRESS, "tcp", (80, 80), ANY_PEER) is None


def test_group_in_an_output_may_get_rules_in_another_stack() -> None:
    view = view_of({"A": group()}, Outputs={"Group": {"Value": A}})
    assert rules_allow(resource(view, "A"), INGRESS, "tcp", (80, 80), ANY_PEER) is None


@pytest.mark.parametrize(
    ("inline", "separate", "allows"),
    [
        (None, None, True),
        ([], None, True),
        ([rule(CidrIp="0.0.0.0/0")], None, True),
        ([rule(CidrIp="0.0.0.0/0", FromPort=443, ToPort=443)], None, False),
        (None, rule(GroupId=A, CidrIp="0.0.0.0/0"), True),
        (None, rule(GroupId=A, CidrIp="0.0.0.0/0", FromPort=443, ToPort=443), False),
        (None, rule(GroupId=B, CidrIp="0.0.0.0/0", FromPort=443, ToPort=443), True),
        ({"Ref": "Given"}, None, None),
    ],
)
def test_egress_rules_allow_a_group(inline: Any, separate: Any, allows: bool | None) -> None:
    resources = {"A": group(SecurityGroupEgress=inline), "B": group()}
    if separate:
        resources["Rule"] = {"Type": f"{EC2}Egress", "Properties": separate}
    view = view_of(resources)
    a = resource(view, "A")
    assert rules_allow(a, EGRESS, "tcp", (80, 80), peer(view, B)) is allows
