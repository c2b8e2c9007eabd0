"""Subnets, routes, VPC endpoints and DNS settings."""

from __future__ import annotations

from typing import Any

import pytest

from moorage.cfn import networks
from moorage.cfn.stack import Resource
from moorage.cfn.template import Template
from moorage.cfn.view import View

TABLE = {"Ref": "Table"}
DEFAULT_ROUTE = {"RouteTableId": TABLE, "DestinationCidrBlock": "0.0.0.0/0"}


def view_of(resources: dict[str, Any], **sections: Any) -> View:
    return View([Template("t", {"Resources": resources, **sections})], {})


def definition(name: str, **properties: Any) -> dict[str, Any]:
    return {"Type": f"AWS::EC2::{name}", "Properties": properties}


def network(**more: Any) -> dict[str, Any]:
    """A subnet with a route table, in a VPC with an internet gateway."""
    return {
        "Vpc": definition("VPC", CidrBlock="10.0.0.0/16"),
        "Subnet": definition("Subnet", VpcId={"Ref": "Vpc"}, CidrBlock="10.0.1.0/24"),
        "Table": definition("RouteTable", VpcId={"Ref": "Vpc"}),
        "Association": definition(
            "SubnetRouteTableAssociation", SubnetId={"Ref": "Subnet"}, RouteTableId=TABLE
        ),
        "Gateway": definition("InternetGateway"),
        "Nat": definition("NatGateway", SubnetId={"Ref": "Subnet"}),
        **more,
    }


def resource(view: View, name: str) -> Resource:
    return view.stacks[0].resources[name]


@pytest.mark.parametrize(
    ("route", "expected"),
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
        ({"RouteTableId": {"Fn::NoSuch": 1}, "NatGatewayId": {"Ref": "Nat"}}, None),
    ],
)
def test_default_route(route: dict[str, Any], expected: str | None) -> None:
    resources = network(Route=definition("Route", **{**DEFAULT_ROUTE, **route}))
    view = view_of(resources, Parameters={"Given": {"Type": "String"}})
    assert networks.default_route(resource(view, "Subnet")) == expected


def test_subnet_without_an_association_has_no_internet_route() -> None:
    resources = network(Route=definition("Route", **DEFAULT_ROUTE, GatewayId={"Ref": "Gateway"}))
    del resources["Association"]
    assert (
        networks.default_route(resource(view_of(resources), "Subnet")) == networks.NO_INTERNET_ROUTE
    )


def test_custom_resource_may_add_routes() -> None:
    custom = {"Type": "Custom::Routes", "Properties": {"Table": TABLE}}
    view = view_of(network(Routes=custom))
    assert networks.default_route(resource(view, "Subnet")) is None


def test_macro_may_add_routes() -> None:
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
def test_service_of_an_endpoint(name: Any, service: str | None) -> None:
    endpoint = definition("VPCEndpoint", VpcId={"Ref": "Vpc"}, ServiceName=name)
    view = view_of(network(Endpoint=endpoint), Parameters={"Given": {"Type": "String"}})
    assert [item.service for item in networks.vpc_endpoints(view)] == [service]


def test_endpoints_of_vpc_leave_out_those_of_another_vpc() -> None:
    name = "com.amazonaws.eu-west-1.s3"
    view = view_of(
        network(
            Included=definition("VPCEndpoint", VpcId={"Ref": "Vpc"}, ServiceName=name),
            OtherVpc=definition("VPCEndpoint", VpcId={"Ref": "Given"}, ServiceName=name),
        ),
        Parameters={"Given": {"Type": "AWS::EC2::VPC::Id"}},
    )
    endpoints = networks.endpoints_of_vpc(resource(view, "Vpc"))
    assert endpoints is not None
    assert [endpoint.resource.id for endpoint in endpoints] == ["Included"]


@pytest.mark.parametrize(
    ("tables", "serves"), [([TABLE], True), ([], False), ({"Ref": "Given"}, None)]
)
def test_serves_subnet(tables: Any, serves: bool | None) -> None:
    endpoint = definition("VPCEndpoint", ServiceName="com.amazonaws.a.s3", RouteTableIds=tables)
    view = view_of(network(Endpoint=endpoint), Parameters={"Given": {"Type": "List<String>"}})
    gateway = networks.vpc_endpoints(view)[0]
    assert networks.serves_subnet(gateway, resource(view, "Subnet")) is serves


@pytest.mark.parametrize(
    ("first", "second", "is_same"),
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
def test_are_in_same_zone(first: Any, second: Any, is_same: bool | None) -> None:
    view = view_of(
        {
            "First": definition("Subnet", AvailabilityZone=first),
            "Second": definition("Subnet", AvailabilityZone=second),
        },
        Parameters={"A": {"Type": "String"}, "B": {"Type": "String"}},
    )
    assert networks.are_in_same_zone(resource(view, "First"), resource(view, "Second")) is is_same


def test_dns_settings_by_default() -> None:
    assert networks.dns_settings(resource(view_of(network()), "Vpc")) == (True, False)
