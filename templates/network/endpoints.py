"""VPC endpoints of AWS services, for private subnets without a route to the internet."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from awacs.aws import Action, Allow, Condition, Principal, Statement, StringEquals
from troposphere import AccountId, Ref, Sub, ec2

from moorage.facts.endpoint_services import (
    GATEWAY_SERVICES,
    SERVICES_WITH_POLICY,
    TASK_SERVICES,
    build_service_name,
)
from moorage.findings.finding import Problem
from moorage.model import Environment, logical_id

from ..common.iam import policy
from ..common.security_groups import no_egress_rule
from .network_zones import Zone
from .params import Params


def endpoint_problems(params: Params, region: str) -> Iterator[Problem]:
    """Problems of `endpoints:` and `endpoint_access:`."""
    if params.egress != "endpoints":
        message = f"With `egress: {params.egress}` the stack creates no endpoints"
        is_set = {"endpoints": params.endpoints, "endpoint_access": params.endpoint_access != "any"}
        for key in (key for key, value in is_set.items() if value):
            hint = f"Write `egress: endpoints`, or remove `{key}`."
            yield Problem("M2009", (key,), message, hint, because=[("egress",)])
        return
    created = {_endpoint_id(service) for service in ("s3", *TASK_SERVICES)}
    listed: set[str] = set()
    for index, name in enumerate(params.endpoints):
        path = ("endpoints", index)
        service = _strip_region(name, region)
        endpoint = _endpoint_id(service)
        if service == name and "amazonaws" in name:
            hint = f"Write only the service, such as `sqs`, or a full name with `.{region}.` in it."
            yield Problem("M2011", path, f"`{name}` is not a service of {region}", hint)
        elif endpoint in created:
            message = f"The stack always creates the endpoint of `{service}`"
            yield Problem("M2012", path, message, f"Remove `{name}`.")
        elif endpoint in listed:
            message = f"The endpoint of `{service}` is listed twice"
            yield Problem("M2012", path, message, f"Remove `{name}`.")
        listed.add(endpoint)


def endpoint_resources(params: Params, zones: tuple[Zone, ...], env: Environment) -> Iterator[Any]:
    """The endpoints that tasks need and those that the params list, and their security group."""
    yield _endpoint_security_group(params)
    for name in ("s3", *TASK_SERVICES, *params.endpoints):
        service = _strip_region(name, env.region)
        full_name = name if service != name else build_service_name(service, env.region)
        if env.targets is not None and len(env.targets.regions) > 1:
            full_name = Sub(full_name.replace(f".{env.region}.", ".${AWS::Region}."))
        if service in GATEWAY_SERVICES:
            yield ec2.VPCEndpoint(
                _endpoint_id(service),
                VpcId=Ref("Vpc"),
                VpcEndpointType="Gateway",
                ServiceName=full_name,
                RouteTableIds=[Ref(zone.private_route_table) for zone in zones],
            )
        else:
            yield ec2.VPCEndpoint(
                _endpoint_id(service),
                VpcId=Ref("Vpc"),
                VpcEndpointType="Interface",
                ServiceName=full_name,
                PrivateDnsEnabled=True,
                SubnetIds=[Ref(zone.private_subnet) for zone in zones],
                SecurityGroupIds=[Ref("EndpointSecurityGroup")],
                **_endpoint_policy(service, params),
            )


def _endpoint_policy(service: str, params: Params) -> dict[str, Any]:
    """A policy that allows everything to principals of this account. Without it an endpoint accepts
    any credentials, so that a compromised task could send data to another account."""
    if params.endpoint_access == "any" or service not in SERVICES_WITH_POLICY:
        return {}
    statement = Statement(
        Sid="OwnAccount",
        Effect=Allow,
        Principal=Principal("*"),
        Action=[Action("*")],
        Resource=["*"],
        Condition=Condition(StringEquals({"aws:PrincipalAccount": AccountId})),
    )
    return {"PolicyDocument": policy([statement])}


def _endpoint_id(service: str) -> str:
    return logical_id(service, "Endpoint")


def _strip_region(service: str, region: str) -> str:
    """The service in the full name of an endpoint service: `sqs` of `com.amazonaws.eu-west-1.sqs`.

    Any other text is returned unchanged.
    """
    return service.rpartition(f".{region}.")[2]


def _endpoint_security_group(params: Params) -> ec2.SecurityGroup:
    """A security group that allows HTTPS from the VPC, and nothing outbound."""
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
        SecurityGroupEgress=[no_egress_rule("No egress")],
    )
