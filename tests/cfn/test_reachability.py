"""Whether security groups on both sides allow a connection."""

from __future__ import annotations

from typing import Any

from moorage.cfn import reachability
from moorage.cfn.nodes import Node
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


def party(view: View, *named: Any) -> Peer:
    """Whoever is in these groups."""
    node = Node(view.stacks[0], list(named), ("Groups",))
    return Peer(node.items, node.all_known)


A, B = {"Fn::GetAtt": ["A", "GroupId"]}, {"Ref": "B"}


def test_an_unknown_group_beside_a_closed_one_may_be_open() -> None:
    view = view_of({"A": group(), "B": group()})
    closed, either = party(view, A), party(view, A, {"Ref": "Given"})
    assert reachability.allows_ingress(closed, "tcp", (80, 80), party(view, B)) is False
    assert reachability.allows_ingress(either, "tcp", (80, 80), party(view, B)) is None


def test_the_default_group_of_a_vpc_admits_its_own() -> None:
    default = {"Fn::GetAtt": ["Vpc", "DefaultSecurityGroup"]}
    view = view_of({"A": group(), "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {}}})
    inside, other = party(view, default), party(view, A)
    assert reachability.allows_ingress(inside, "tcp", (80, 80), inside) is True
    assert reachability.allows_ingress(inside, "tcp", (80, 80), other) is False
    assert reachability.allows_egress(inside, "tcp", (80, 80), other) is True
