"""What joins say of task definitions and load balancers."""

from __future__ import annotations

from typing import Any

import pytest

from moorage.cfn import ecs
from moorage.cfn.template import Template
from moorage.cfn.view import Resource, View

ELB = "AWS::ElasticLoadBalancingV2::"


def resource(name: str, **resources: tuple[str, dict[str, Any]]) -> Resource:
    """One of some resources, given as types and properties."""
    body = {key: {"Type": kind, "Properties": props} for key, (kind, props) in resources.items()}
    view = View([Template("t", {"Parameters": {"P": {"Type": "String"}}, "Resources": body})], {})
    return view.stacks[0].resources[name]


@pytest.mark.parametrize(
    ("containers", "answers"),
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
def test_who_answers_tcp_on_a_port(containers: Any, answers: bool | None) -> None:
    task = resource("T", T=(ecs.TASK_DEFINITION, {"ContainerDefinitions": containers}))
    assert ecs.accepts_tcp(task, 80) is answers


@pytest.mark.parametrize(
    ("balancer", "protocols", "kind"),
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
def test_the_kind_of_a_load_balancer(
    balancer: dict[str, Any], protocols: list[str], kind: str | None
) -> None:
    listeners = {
        f"L{at}": (ecs.LISTENER, {"LoadBalancerArn": {"Ref": "B"}, "Protocol": one})
        for at, one in enumerate(protocols)
    }
    assert (
        ecs.load_balancer_type(resource("B", B=(ecs.LOAD_BALANCER, balancer), **listeners)) == kind
    )
