"""The VPC and its gateways."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from troposphere import Ref, Tags, ec2

from .params import Params

INTERNET_GATEWAY_ATTACHMENT = "InternetGatewayAttachment"
IPV6_BLOCK = "Ipv6CidrBlock"
"""Logical IDs that other resources depend on."""


def vpc_resources(title: str, params: Params) -> Iterator[Any]:
    """The VPC and its internet gateways; `title` is the VPC's Name tag."""
    # Endpoints with private DNS need both DNS settings (PrivateLink guide, interface endpoints).
    yield ec2.VPC(
        "Vpc",
        CidrBlock=params.cidr,
        EnableDnsSupport=True,
        EnableDnsHostnames=True,
        Tags=Tags(Name=title),
    )
    if params.ipv6:
        yield ec2.VPCCidrBlock(IPV6_BLOCK, VpcId=Ref("Vpc"), AmazonProvidedIpv6CidrBlock=True)
    yield ec2.InternetGateway("InternetGateway")
    yield ec2.VPCGatewayAttachment(
        INTERNET_GATEWAY_ATTACHMENT, VpcId=Ref("Vpc"), InternetGatewayId=Ref("InternetGateway")
    )
    if params.ipv6 and has_nat(params):
        yield ec2.EgressOnlyInternetGateway("EgressOnlyInternetGateway", VpcId=Ref("Vpc"))


def has_nat(params: Params) -> bool:
    """Whether private subnets reach the internet through NAT gateways."""
    return params.egress in ("nat", "nat-per-az")
