"""What is created before what, where the names of resources decide."""

from __future__ import annotations

import pytest

from moorage.cfn.template import Template
from moorage.rules.runner import run_rules


@pytest.mark.parametrize(
    ("more", "found"),
    [({}, ["W9303"]), ({"Parameters": {"BootstrapVersion": {"Type": "String"}}}, [])],
    ids=["by hand", "by the CDK"],
)
def test_what_the_cdk_wrote_is_left_in_its_order(more: dict[str, object], found: list[str]) -> None:
    body = {
        **more,
        "Resources": {
            "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}},
            "Gateway": {"Type": "AWS::EC2::InternetGateway"},
            "Attachment": {
                "Type": "AWS::EC2::VPCGatewayAttachment",
                "Properties": {
                    "VpcId": {"Ref": "Vpc"},
                    "InternetGatewayId": {"Ref": "Gateway"},
                },
            },
            "NatEip": {"Type": "AWS::EC2::EIP", "Properties": {"Domain": "vpc"}},
        },
    }
    assert [one.rule.id for one in run_rules([Template("t", body)])] == found
