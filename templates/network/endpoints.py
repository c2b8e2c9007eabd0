"""VPC endpoints of AWS services."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from troposphere import Ref, ec2

from moorage.facts.endpoint_services import GATEWAY_SERVICES, TASK_SERVICES, build_service_name
from moorage.findings.finding import Problem
from moorage.model import Environment, logical_id

from .params import Params
from .subnets import private_route_table
from .zones import Zone


def endpoint_problems(params: Params, region: str) -> Iterator[Problem]:
    if params.endpoints and params.egress != "endpoints":
        hint = "Write `egress: endpoints`, or remove them."
        message = f"With `egress: {params.egress}` no endpoint is made"
        yield Problem("M1220", ("endpoints",), message, hint, because=[("egress",)])
        return
    seen = {_endpoint_id(service) for service in (*TASK_SERVICES, "s3")}
    for index, service in enumerate(params.endpoints):
        path = ("endpoints", index)
        short = _strip_region(service, region)
        if short == service and "amazonaws" in service:
            hint = f"Write only what follows the region, or a name with `.{region}.` in it."
            yield Problem("M1107", path, f"`{service}` is not a service of {region}", hint)
        elif _endpoint_id(short) in seen:
            hint = "Remove it: ECR, logs, Secrets Manager, SSM and S3 have theirs unasked."
            yield Problem("M1220", path, f"There is an endpoint for `{short}` already", hint)
        seen.add(_endpoint_id(short))


def endpoint_resources(params: Params, zones: tuple[Zone, ...], env: Environment) -> Iterator[Any]:
    yield _endpoint_security_group(params)
    for service in ("s3", *TASK_SERVICES, *params.endpoints):
        short = _strip_region(service, env.region)
        name = service if short != service else build_service_name(service, env.region)
        if short in GATEWAY_SERVICES:
            yield ec2.VPCEndpoint(
                _endpoint_id(short),
                VpcId=Ref("Vpc"),
                VpcEndpointType="Gateway",
                ServiceName=name,
                RouteTableIds=[Ref(private_route_table(zone)) for zone in zones],
            )
        else:
            yield ec2.VPCEndpoint(
                _endpoint_id(short),
                VpcId=Ref("Vpc"),
                VpcEndpointType="Interface",
                ServiceName=name,
                PrivateDnsEnabled=True,
                SubnetIds=[Ref(zone.private) for zone in zones],
                SecurityGroupIds=[Ref("EndpointSecurityGroup")],
            )


def _endpoint_id(service: str) -> str:
    return logical_id(service, "Endpoint")


def _strip_region(service: str, region: str) -> str:
    """The service alone, where it was written whole: `sqs` of `com.amazonaws.eu-west-1.sqs`."""
    return service.rpartition(f".{region}.")[2]


def _endpoint_security_group(params: Params) -> ec2.SecurityGroup:
    """HTTPS from the VPC and nothing out: endpoints answer and never call.

    A rule to the loopback address stands for no rule, since a group that is created with none gets
    one that allows everything (CloudFormation reference, AWS::EC2::SecurityGroup).
    """
    return ec2.SecurityGroup(
        "EndpointSecurityGroup",
        GroupDescription="Interface endpoints: HTTPS from the VPC",
        VpcId=Ref("Vpc"),
        SecurityGroupIngress=[
            ec2.SecurityGroupRule(
                Description="HTTPS from the VPC",
                IpProtocol="tcp",
                FromPort=443,
                ToPort=443,
                CidrIp=params.cidr,
            )
        ],
        SecurityGroupEgress=[
            ec2.SecurityGroupRule(
                Description="Nothing goes out", IpProtocol="-1", CidrIp="127.0.0.1/32"
            )
        ],
    )
