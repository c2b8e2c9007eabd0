"""Deletes what moto's own models of CloudFormation types leave behind, and so its VPC cannot be
deleted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moorage.deploy.rehearsal.resources import Api


def delete_route_table(api: Api, identity: str) -> None:
    """With its associations, which do not remember their IDs."""
    ec2 = api("ec2")
    table = ec2.describe_route_tables(RouteTableIds=[identity])["RouteTables"][0]
    for association in table["Associations"]:
        if not association["Main"]:
            ec2.disassociate_route_table(AssociationId=association["RouteTableAssociationId"])
    ec2.delete_route_table(RouteTableId=identity)


def delete_internet_gateway(api: Api, identity: str) -> None:
    """With its attachments."""
    ec2 = api("ec2")
    (gateway,) = ec2.describe_internet_gateways(InternetGatewayIds=[identity])["InternetGateways"]
    for attachment in gateway["Attachments"]:
        ec2.detach_internet_gateway(InternetGatewayId=identity, VpcId=attachment["VpcId"])
    ec2.delete_internet_gateway(InternetGatewayId=identity)


def keep(api: Api, identity: str) -> None:
    """Deleted with what it belongs to."""


DELETIONS: dict[str, Callable[[Api, str], Any]] = {
    "AWS::EC2::InternetGateway": delete_internet_gateway,
    "AWS::EC2::NatGateway": lambda api, name: api("ec2").delete_nat_gateway(NatGatewayId=name),
    "AWS::EC2::Route": keep,
    "AWS::EC2::RouteTable": delete_route_table,
    "AWS::EC2::SubnetRouteTableAssociation": keep,
    "AWS::EC2::VPCEndpoint": lambda api, name: api("ec2").delete_vpc_endpoints(
        VpcEndpointIds=[name]
    ),
    "AWS::EC2::VPCGatewayAttachment": keep,
}
