from __future__ import annotations

from typing import Any

import pytest

from moorage.cfn import networks
from moorage.cfn.template import Template
from moorage.cfn.view import Resource, View

REF = {"Ref": "Table"}
EVERYWHERE = {"RouteTableId": REF, "DestinationCidrBlock": "0.0.0.0/0"}


def view_of(resources: dict[str, Any], **sections: Any) -> View:
    return View([Template("t", {"Resources": resources, **sections})], {})


def one(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Type": f"AWS::EC2::{kind}", "Properties": properties}


def network(**more: Any) -> dict[str, Any]:
    """A subnet with a route table, in a VPC with an internet gateway."""
    return {
        "Vpc": one("VPC", CidrBlock="10.0.0.0/16"),
        "Subnet": one("Subnet", VpcId={"Ref": "Vpc"}, CidrBlock="10.0.1.0/24"),
        "Table": one("RouteTable", VpcId={"Ref": "Vpc"}),
        "Association": one(
            "SubnetRouteTableAssociation", SubnetId={"Ref": "Subnet"}, RouteTableId=REF
        ),
        "Gateway": one("InternetGateway"),
        "Nat": one("NatGateway", SubnetId={"Ref": "Subnet"}),
        **more,
    }


def resource(view: View, name: str) -> Resource:
    return view.stacks[0].resources[name]


@pytest.mark.parametrize(
    ("route", "way"),
    [
        ({"GatewayId": {"Ref": "Gateway"}}, networks.VIA_INTERNET_GATEWAY),
        ({"GatewayId": "igw-0123456789abcdef0"}, networks.VIA_INTERNET_GATEWAY),
        ({"NatGatewayId": {"Ref": "Nat"}}, networks.VIA_NAT),
        ({"NatGatewayId": {"Ref": "Given"}}, networks.VIA_NAT),
        ({"InstanceId": {"Ref": "Given"}}, networks.VIA_NAT),
        ({"GatewayId": {"Ref": "Given"}}, None),
        ({"TransitGatewayId": "tgw-0123456789abcdef0"}, None),
        ({"DestinationCidrBlock": {"Ref": "Given"}, "GatewayId": {"Ref": "Gateway"}}, None),
        (
            {"DestinationCidrBlock": "10.9.0.0/16", "NatGatewayId": {"Ref": "Nat"}},
            networks.NO_INTERNET_ROUTE,
        ),
        (
            {"RouteTableId": {"Ref": "Given"}, "NatGatewayId": {"Ref": "Nat"}},
            networks.NO_INTERNET_ROUTE,
        ),
        ({"RouteTableId": {"Fn::Unheard": 1}, "NatGatewayId": {"Ref": "Nat"}}, None),
    ],
)
def test_where_the_default_route_leads(route: dict[str, Any], way: str | None) -> None:
    resources = network(Route=one("Route", **{**EVERYWHERE, **route}))
    view = view_of(resources, Parameters={"Given": {"Type": "String"}})
    assert networks.default_route(resource(view, "Subnet")) == way


def test_a_subnet_without_an_association_leads_nowhere() -> None:
    resources = network(Route=one("Route", **EVERYWHERE, GatewayId={"Ref": "Gateway"}))
    del resources["Association"]
    assert (
        networks.default_route(resource(view_of(resources), "Subnet")) == networks.NO_INTERNET_ROUTE
    )


def test_a_custom_resource_may_add_routes() -> None:
    custom = {"Type": "Custom::Routes", "Properties": {"Table": REF}}
    view = view_of(network(Routes=custom))
    assert networks.default_route(resource(view, "Subnet")) is None


def test_a_macro_may_add_routes() -> None:
    view = view_of(network(), Transform="Macro")
    assert networks.default_route(resource(view, "Subnet")) is None


@pytest.mark.parametrize(
    ("name", "service"),
    [
        ("com.amazonaws.eu-west-1.ecr.dkr", "ecr.dkr"),
        ({"Fn::Sub": "com.amazonaws.${AWS::Region}.s3"}, "s3"),
        ({"Fn::Join": [".", ["com.amazonaws", {"Ref": "AWS::Region"}, "logs"]]}, "logs"),
        ("cn.com.amazonaws.cn-north-1.ecr.api", "ecr.api"),
        ({"Fn::Sub": "com.amazonaws.${AWS::Region}.${Given}"}, None),
        ({"Ref": "Given"}, None),
    ],
)
def test_the_service_of_an_endpoint(name: Any, service: str | None) -> None:
    endpoint = one("VPCEndpoint", VpcId={"Ref": "Vpc"}, ServiceName=name)
    view = view_of(network(Endpoint=endpoint), Parameters={"Given": {"Type": "String"}})
    assert [one.service for one in networks.vpc_endpoints(view)] == [service]


def test_endpoints_of_another_vpc_are_not_a_vpc_s() -> None:
    name = "com.amazonaws.eu-west-1.s3"
    view = view_of(
        network(
            Own=one("VPCEndpoint", VpcId={"Ref": "Vpc"}, ServiceName=name),
            Others=one("VPCEndpoint", VpcId={"Ref": "Given"}, ServiceName=name),
        ),
        Parameters={"Given": {"Type": "AWS::EC2::VPC::Id"}},
    )
    found = networks.endpoints_of_vpc(resource(view, "Vpc"))
    assert found is not None
    assert [one.resource.id for one in found] == ["Own"]


@pytest.mark.parametrize(
    ("tables", "truth"), [([REF], True), ([], False), ({"Ref": "Given"}, None)]
)
def test_the_subnets_that_a_gateway_endpoint_serves(tables: Any, truth: bool | None) -> None:
    endpoint = one("VPCEndpoint", ServiceName="com.amazonaws.a.s3", RouteTableIds=tables)
    view = view_of(network(Endpoint=endpoint), Parameters={"Given": {"Type": "List<String>"}})
    only = networks.vpc_endpoints(view)[0]
    assert networks.serves_subnet(only, resource(view, "Subnet")) is truth


@pytest.mark.parametrize(
    ("first", "second", "truth"),
    [
        ("eu-west-1a", "eu-west-1a", True),
        ("eu-west-1a", "eu-west-1b", False),
        ({"Fn::Select": [0, {"Fn::GetAZs": ""}]}, {"Fn::Select": [0, {"Fn::GetAZs": ""}]}, True),
        ({"Fn::Select": [0, {"Fn::GetAZs": ""}]}, {"Fn::Select": [1, {"Fn::GetAZs": ""}]}, False),
        ({"Fn::Select": [0, {"Fn::GetAZs": ""}]}, "eu-west-1a", None),
        ({"Ref": "A"}, {"Ref": "B"}, None),
        (None, None, None),
    ],
)
def test_whether_subnets_lie_in_one_zone(first: Any, second: Any, truth: bool | None) -> None:
    view = view_of(
        {
            "One": one("Subnet", AvailabilityZone=first),
            "Other": one("Subnet", AvailabilityZone=second),
        },
        Parameters={"A": {"Type": "String"}, "B": {"Type": "String"}},
    )
    assert networks.are_in_same_zone(resource(view, "One"), resource(view, "Other")) is truth


def test_name_servers_are_on_and_hostnames_off_where_nothing_is_said() -> None:
    assert networks.dns_settings(resource(view_of(network()), "Vpc")) == (True, False)
