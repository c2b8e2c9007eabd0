"""What is known of services, and of properties that may or may not be there."""

from __future__ import annotations

from typing import Any

import pytest

from moorage.cfn import ecs
from moorage.cfn.template import Template
from moorage.cfn.view import Resource, View

SCALABLE = "AWS::ApplicationAutoScaling::ScalableTarget"


def service(properties: dict[str, Any], **others: dict[str, Any]) -> Resource:
    body = {
        "Parameters": {"Given": {"Type": "String"}, "List": {"Type": "CommaDelimitedList"}},
        "Resources": {"Service": {"Type": ecs.SERVICE, "Properties": properties}, **others},
    }
    return View([Template("t", body)], {}).stacks[0].resources["Service"]


@pytest.mark.parametrize(
    ("properties", "controller"),
    [
        ({}, "ECS"),
        ({"DeploymentController": {"Type": "CODE_DEPLOY"}}, "CODE_DEPLOY"),
        ({"DeploymentController": {"Type": {"Ref": "Given"}}}, None),
        ({"DeploymentController": {"Ref": "Given"}}, None),
        ({"DeploymentController": ["EXTERNAL"]}, "ECS"),
    ],
)
def test_controller(properties: dict[str, Any], controller: str | None) -> None:
    assert ecs.deployment_controller(service(properties)) == controller


@pytest.mark.parametrize(
    ("resource_id", "is_scaled"),
    [
        ({"Fn::Sub": "service/main/${Service.Name}"}, True),
        ({"Fn::Join": ["/", ["service", {"Ref": "Given"}, {"Fn::GetAtt": "Service.Name"}]]}, True),
        ("service/main/shop", True),
        ({"Fn::Sub": "service/${Given}/shop"}, True),
        ("service/main/workshop", False),
        ({"Ref": "Given"}, False),
    ],
)
def test_scaled(resource_id: Any, is_scaled: bool) -> None:
    target = {"Type": SCALABLE, "Properties": {"ResourceId": resource_id}}
    one = service({"ServiceName": "shop"}, Target=target)
    assert (one in ecs.scalable_targets_by_service(one.view)) == is_scaled


def test_what_certainly_is_given() -> None:
    undecided = {"Fn::If": ["Nobody", "EC2", {"Ref": "AWS::NoValue"}]}
    one = service({"Role": "r", "LaunchType": undecided, "Cluster": {"Ref": "Given"}})
    given = {
        name: one[name].certainly_present
        for name in ("Role", "LaunchType", "Cluster", "DesiredCount")
    }
    assert given == {"Role": True, "LaunchType": False, "Cluster": True, "DesiredCount": False}


def test_what_certainly_is_empty() -> None:
    nothing = {"Ref": "AWS::NoValue"}
    one = service({"LoadBalancers": [nothing], "Tags": {"Ref": "List"}, "PlacementConstraints": []})
    assert all(one[name].empty for name in ("LoadBalancers", "PlacementConstraints", "Role"))
    assert not one["Tags"].empty
