"""Creation order in templates that the CDK has written."""

from __future__ import annotations

import pytest

from moorage.cfn.template import Template
from moorage.rules.runner import run_rules


@pytest.mark.parametrize(
    ("parameters", "ids"),
    [({}, ["W9933"]), ({"Parameters": {"BootstrapVersion": {"Type": "String"}}}, [])],
    ids=["written by hand", "written by the CDK"],
)
def test_elastic_ips_of_the_cdk_are_not_reported(
    parameters: dict[str, object], ids: list[str]
) -> None:
    body = {
        **parameters,
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
    assert [problem.rule.id for problem in run_rules([Template("t", body)])] == ids
