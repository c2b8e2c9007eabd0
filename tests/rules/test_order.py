"""What is created before what, where the names of resources decide."""

from __future__ import annotations

import pytest

from moorage.cfn.template import Template
from moorage.rules.judge import verdicts


@pytest.mark.parametrize(
    ("name", "found"),
    [("NatEip", ["W9303"]), ("VpcPublicSubnet1EIPD7E02669", [])],
    ids=["by hand", "by the CDK"],
)
def test_addresses_of_the_cdk_are_left_as_they_are(name: str, found: list[str]) -> None:
    body = {
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
            name: {"Type": "AWS::EC2::EIP", "Properties": {"Domain": "vpc"}},
        }
    }
    assert [one.rule.id for one in verdicts([Template("t", body)])] == found
