"""Services, task definitions, load balancers, and scaling of services."""

from __future__ import annotations

from typing import Any

import pytest

from moorage.cfn import ecs
from moorage.cfn.stack import Resource
from moorage.cfn.template import Template
from moorage.cfn.view import View


def resource(name: str, **resources: tuple[str, dict[str, Any]]) -> Resource:
    """The resource of that name in a template with these types and properties."""
    body = {
        key: {"Type": resource_type, "Properties": properties}
        for key, (resource_type, properties) in resources.items()
    }
    view = View([Template("t", {"Parameters": {"P": {"Type": "String"}}, "Resources": body})], {})
    return view.stacks[0].resources[name]


@pytest.mark.parametrize(
    ("containers", "accepts"),
    [
        ([{"PortMappings": [{"ContainerPort": 80}]}], True),
        ([{"PortMappings": [{"ContainerPort": "80", "Protocol": "tcp"}]}], True),
        ([{"PortMappings": [{"ContainerPort": 80, "Protocol": "udp"}]}], False),
        ([{}], False),
        ([{}, {"PortMappings": [{"ContainerPort": 80}]}], True),
        ([{"PortMappings": [{"ContainerPort": {"Ref": "P"}}]}], None),
        ([{"PortMappings": [{"ContainerPort": {"Ref": "P"}, "Protocol": "udp"}]}], False),
        ([{"PortMappings": [{"ContainerPortRange": "70-90"}]}], None),
        ([{"PortMappings": [{"ContainerPort": 80, "Protocol": {"Ref": "P"}}]}], None),
        ([{"PortMappings": {"Ref": "P"}}], None),
        ([{"Ref": "P"}], None),
        ({"Ref": "P"}, None),
        ([], None),
    ],
)
def test_accepts_tcp_depends_on_port_mappings(containers: Any, accepts: bool | None) -> None:
    task = resource("T", T=(ecs.TASK_DEFINITION, {"ContainerDefinitions": containers}))
    assert ecs.accepts_tcp(task, 80) is accepts


@pytest.mark.parametrize(
    ("properties", "protocols", "expected"),
    [
        ({}, [], "application"),
        ({"Type": "network"}, ["HTTP"], "network"),
        ({"Type": {"Ref": "P"}}, ["TCP"], None),
        ({}, ["HTTP"], "application"),
        ({}, ["TCP", "UDP"], None),
        ({}, ["TCP", "HTTP"], "application"),
        ({"SubnetMappings": [{"SubnetId": "s", "AllocationId": "e"}]}, [], None),
        ({"SubnetMappings": [{"SubnetId": "s", "AllocationId": "e"}]}, ["HTTP"], "application"),
    ],
)
def test_load_balancer_type(
    properties: dict[str, Any], protocols: list[str], expected: str | None
) -> None:
    listeners = {
        f"L{index}": (ecs.LISTENER, {"LoadBalancerArn": {"Ref": "B"}, "Protocol": protocol})
        for index, protocol in enumerate(protocols)
    }
    load_balancer = resource("B", B=(ecs.LOAD_BALANCER, properties), **listeners)
    assert ecs.load_balancer_type(load_balancer) == expected


@pytest.mark.parametrize(
    ("properties", "controller"),
    [
        ({}, "ECS"),
        ({"DeploymentController": {"Type": "CODE_DEPLOY"}}, "CODE_DEPLOY"),
        ({"DeploymentController": {"Type": {"Ref": "P"}}}, None),
        ({"DeploymentController": {"Ref": "P"}}, None),
        ({"DeploymentController": ["EXTERNAL"]}, "ECS"),
    ],
)
def test_deployment_controller(properties: dict[str, Any], controller: str | None) -> None:
    service = resource("S", S=(ecs.SERVICE, properties))
    assert ecs.deployment_controller(service) == controller


@pytest.mark.parametrize(
    ("resource_id", "is_scaled"),
    [
        ({"Fn::Sub": "service/main/${S.Name}"}, True),
        ({"Fn::Join": ["/", ["service", {"Ref": "P"}, {"Fn::GetAtt": "S.Name"}]]}, True),
        ("service/main/shop", True),
        ({"Fn::Sub": "service/${P}/shop"}, True),
        ("service/main/workshop", False),
        ({"Ref": "P"}, False),
    ],
)
def test_scalable_targets_by_service(resource_id: Any, is_scaled: bool) -> None:
    service = resource(
        "S",
        S=(ecs.SERVICE, {"ServiceName": "shop"}),
        Target=(ecs.SCALABLE_TARGET, {"ResourceId": resource_id}),
    )
    assert (service in ecs.scalable_targets_by_service(service.view)) == is_scaled


@pytest.mark.parametrize(
    ("resource_id", "is_found"),
    [
        ({"Fn::Sub": "service/${Cluster}/${S.Name}"}, True),
        ({"Fn::Sub": "service/${Cluster}/web-${AWS::StackName}"}, True),
        ("service/main/web", False),
        ({"Fn::Sub": "service/${Cluster}/${P}"}, False),
        ({"Ref": "P"}, False),
        (["service"], False),
        (None, False),
    ],
)
def test_scaled_service_is_found_by_its_name(resource_id: Any, is_found: bool) -> None:
    service = resource(
        "S",
        Cluster=(ecs.CLUSTER, {}),
        S=(ecs.SERVICE, {"ServiceName": {"Fn::Sub": "web-${AWS::StackName}"}}),
        Target=(ecs.SCALABLE_TARGET, {"ResourceId": resource_id}),
    )
    target = service.stack.resources["Target"]
    assert (ecs.find_scaled_service(target["ResourceId"]) is service) == is_found


def test_scaled_service_is_not_one_with_the_same_name_in_another_cluster() -> None:
    target = resource(
        "Target",
        S=(ecs.SERVICE, {"ServiceName": "web", "Cluster": "test"}),
        Target=(ecs.SCALABLE_TARGET, {"ResourceId": "service/main/web"}),
    )
    assert ecs.find_scaled_service(target["ResourceId"]) is None


@pytest.mark.parametrize(("named", "found"), [("shop-web", True), ("shop", False), ("", False)])
def test_a_service_can_name_the_family_of_its_task_definition(named: str, found: bool) -> None:
    tasks = {"T": (ecs.TASK_DEFINITION, {"Family": "shop-web"})}
    service = resource("S", S=(ecs.SERVICE, {"TaskDefinition": named}), **tasks)
    task = ecs.task_definition_of(service)
    assert (task is not None and task.id == "T") is found
