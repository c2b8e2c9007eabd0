"""The server of rehearsals, where it must do what moto does not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from moorage.deploy.aws import Access, Aws
from moorage.deploy.rehearsal.resources import api
from moorage.deploy.rehearsal.server import serve_aws
from moorage.deploy.rehearsal.vpcs import cidr_blocks


@pytest.fixture
def cloudformation() -> Iterator[Any]:
    with serve_aws() as address:
        access = Access("eu-central-1", endpoint_url=address, test_credentials=True)
        yield Aws(access).cloudformation


def test_a_change_set_fails_if_an_export_is_missing(cloudformation: Any) -> None:
    """Not its execution, as with moto."""
    template = {
        "Resources": {
            "Topic": {
                "Type": "AWS::SNS::Topic",
                "Properties": {"DisplayName": {"Fn::ImportValue": "shop-dev-network-Vpc"}},
            }
        }
    }
    created = cloudformation.create_change_set(
        StackName="shop",
        ChangeSetName="new",
        ChangeSetType="CREATE",
        TemplateBody=json.dumps(template),
    )
    answer = cloudformation.describe_change_set(ChangeSetName=created["Id"])
    assert {key: answer[key] for key in ("Status", "ExecutionStatus", "StatusReason")} == {
        "Status": "FAILED",
        "ExecutionStatus": "UNAVAILABLE",
        "StatusReason": "No export named shop-dev-network-Vpc found",
    }
    with pytest.raises(cloudformation.exceptions.ClientError, match="cannot be executed"):
        cloudformation.execute_change_set(ChangeSetName=created["Id"])


def test_each_server_creates_resources_in_the_account_of_the_stack() -> None:
    for _ in range(2):
        with serve_aws():
            topics = api("eu-central-1", "111122223333")("sns")
            created = topics.create_topic(Name="shop")
        assert created["TopicArn"] == "arn:aws:sns:eu-central-1:111122223333:shop"


def test_ranges_of_a_block() -> None:
    assert cidr_blocks("10.0.0.0/16", 2, 8) == ["10.0.0.0/24", "10.0.1.0/24"]
    assert cidr_blocks("2600:1f14::/56", 2, 64) == ["2600:1f14::/64", "2600:1f14:0:1::/64"]
