"""Traffic from load balancers to targets."""

from __future__ import annotations

from typing import Any

import pytest

from moorage.cfn import target_traffic
from moorage.cfn.stack import Resource
from moorage.cfn.template import Template
from moorage.cfn.view import View

EC2 = "AWS::EC2::SecurityGroup"
PARAMETERS = {"Given": {"Type": "String"}, "Port": {"Type": "Number"}}


def view_of(resources: dict[str, Any], **sections: Any) -> View:
    body = {"Parameters": PARAMETERS, "Resources": resources, **sections}
    return View([Template("t", body)], {})


def resource(view: View, name: str) -> Resource:
    return view.stacks[0].resources[name]


@pytest.mark.parametrize(
    ("properties", "preserves"),
    [
        ({"Protocol": "TCP", "TargetType": "ip"}, False),
        ({"Protocol": "TCP"}, True),
        ({"Protocol": "UDP", "TargetType": "ip"}, True),
        ({"Protocol": {"Ref": "Given"}, "TargetType": "ip"}, None),
        (
            {
                "Protocol": "TCP",
                "TargetType": "ip",
                "TargetGroupAttributes": [{"Key": "preserve_client_ip.enabled", "Value": "true"}],
            },
            True,
        ),
        ({"Protocol": "TCP", "TargetGroupAttributes": {"Ref": "Given"}}, None),
    ],
)
def test_preserves_client_ip(properties: dict[str, Any], preserves: bool | None) -> None:
    group = {"Type": "AWS::ElasticLoadBalancingV2::TargetGroup", "Properties": properties}
    assert target_traffic.preserves_client_ip(resource(view_of({"T": group}), "T")) is preserves
