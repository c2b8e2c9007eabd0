"""Whether security groups on both sides allow a connection."""

from __future__ import annotations

from typing import Any

from moorage.cfn import reachability
from moorage.cfn.peers import Peer
from moorage.cfn.template import Template
from moorage.cfn.view import View

EC2 = "AWS::EC2::SecurityGroup"
PARAMETERS = {"Given": {"Type": "String"}, "Port": {"Type": "Number"}}


def group(**properties: Any) -> dict[str, Any]:
    return {"Type": EC2, "Properties": {"GroupDescription": "x", **properties}}


def view_of(resources: dict[str, Any], **sections: Any) -> View:
    body = {"Parameters": PARAMETERS, "Resources": resources, **sections}
    return View([Template("t", body)], {})


def peer(view: View, *groups: Any) -> Peer:
    """A peer in these security groups."""
    node = view.stacks[0].node(list(groups), ("Groups",))
    return Peer(node.items, node.all_known)


A, B = {"Fn::GetAtt": ["A", "GroupId"]}, {"Ref": "B"}


def test_unknown_group_in_addition_to_a_closed_one_may_allow_the_connection() -> None:
    view = view_of({"A": group(), "B": group()})
    closed, partly_known = peer(view, A), peer(view, A, {"Ref": "Given"})
    assert reachability.allows_ingress(closed, "tcp", (80, 80), peer(view, B)) is False
    assert reachability.allows_ingress(partly_known, "tcp", (80, 80), peer(view, B)) is None


def test_default_group_of_a_vpc_allows_its_members() -> None:
    default = {"Fn::GetAtt": ["Vpc", "DefaultSecurityGroup"]}
    view = view_of({"A": group(), "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {}}})
    member, stranger = peer(view, default), peer(view, A)
    assert reachability.allows_ingress(member, "tcp", (80, 80), member) is True
    assert reachability.allows_ingress(member, "tcp", (80, 80), stranger) is False
    assert reachability.allows_egress(member, "tcp", (80, 80), stranger) is True
