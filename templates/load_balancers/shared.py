"""What Application and Network Load Balancers have in common.

Logical IDs are the same in both: `LoadBalancer` and `SecurityGroup`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from troposphere import GetAtt, Output, Ref, ec2
from troposphere import elasticloadbalancingv2 as elb

from moorage.findings.finding import Problem
from moorage.model import Base, Environment

from .. import network
from ..common.exports import export_output
from .clients import all_addresses

Scheme = Literal["internet-facing", "internal"]
IpAddressType = Literal["ipv4", "dualstack"]


# What can be wrong ---------------------------------------------------------------------------


def existing_problems(params: Base, *, beside: frozenset[str] = frozenset()) -> Iterator[Problem]:
    """Keys that change nothing where the load balancer exists; those in `beside` still do."""
    others = sorted(params.model_fields_set - {"existing"} - beside)
    if others:
        hint = "Remove what stands beside it, or remove `existing:` to have the load balancer made."
        message = f"`existing` stands beside {', '.join(others)}, which would change nothing"
        yield Problem("M1108", ("existing",), message, hint)


def ipv6_problems(
    ip_address_type: IpAddressType, name: str, stack: network.Params
) -> Iterator[Problem]:
    """A load balancer with IPv6 addresses in a network that has none."""
    ipv6 = stack.existing.ipv6 if stack.existing else stack.ipv6
    if ip_address_type == "dualstack" and not ipv6:
        message = f"`dualstack` needs IPv6 addresses, and the network `{name}` has none"
        where = f"below `existing:` of `{name}`, if it is so" if stack.existing else f"in `{name}`"
        hint = f"Write `ipv6: true` {where}, or `ip_address_type: ipv4` here."
        yield Problem("M1108", ("ip_address_type",), message, hint, because=[("network",)])


# What follows from the scheme ----------------------------------------------------------------


def find_subnets(scheme: Scheme, home: network.Handle) -> tuple[Any, ...]:
    """The subnets that the load balancer stands in."""
    if scheme == "internet-facing":
        return home.public_subnets
    return home.private_subnets or home.public_subnets


def find_subnet_cidrs(scheme: Scheme, home: network.Handle) -> tuple[str, ...] | None:
    """The IPv4 blocks of these subnets; None where an existing network does not tell."""
    return home.public_cidrs if scheme == "internet-facing" else home.private_cidrs


def resolve_default_clients(
    scheme: Scheme, ip_address_type: IpAddressType, home: network.Handle | None
) -> tuple[str, ...] | None:
    """Who may connect where nobody is named: everybody, or the network's own IPv4 addresses.

    None where an internal load balancer's network does not tell its addresses.
    """
    if scheme == "internal":
        return (home.cidr,) if home and home.cidr else None
    return all_addresses(dualstack=ip_address_type == "dualstack")


# Resources and outputs -----------------------------------------------------------------------


def load_balancer_attributes(values: Mapping[str, Any]) -> list[elb.LoadBalancerAttributes]:
    """The attributes as the load balancer takes them; true and false become words."""
    return [
        elb.LoadBalancerAttributes(Key=key, Value=_word(value)) for key, value in values.items()
    ]


def _word(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value


def load_balancer_security_group(
    name: str,
    home: network.Handle,
    env: Environment,
    *,
    ingress: Sequence[ec2.SecurityGroupRule] = (),
    egress: Sequence[ec2.SecurityGroupRule] = (),
) -> ec2.SecurityGroup:
    """The security group of the load balancer `name`; without egress, nothing is let out."""
    optional = {"SecurityGroupIngress": list(ingress)} if ingress else {}
    return ec2.SecurityGroup(
        "SecurityGroup",
        GroupDescription=f"{env.app} {env.name}: load balancer {name}",
        VpcId=home.vpc_id,
        **optional,
        SecurityGroupEgress=list(egress) or [_to_nowhere()],
    )


def _to_nowhere() -> ec2.SecurityGroupRule:
    """A group without egress rules would get one that allows everything.

    CloudFormation template reference, AWS::EC2::SecurityGroup, "Remove the default rule".
    """
    return ec2.SecurityGroupRule(
        Description="Nowhere: services open their own ports",
        IpProtocol="-1",
        CidrIp="127.0.0.1/32",
    )


def load_balancer_outputs(name: str, env: Environment, *, security_group: bool) -> Iterator[Output]:
    """What every load balancer exports."""
    values = {
        "LoadBalancerArn": (Ref("LoadBalancer"), "ARN of the load balancer"),
        "LoadBalancerFullName": (
            GetAtt("LoadBalancer", "LoadBalancerFullName"),
            "Name of the load balancer in metrics",
        ),
        "DnsName": (GetAtt("LoadBalancer", "DNSName"), "DNS name of the load balancer"),
        "CanonicalHostedZoneId": (
            GetAtt("LoadBalancer", "CanonicalHostedZoneID"),
            "Hosted zone of the DNS name, for alias records",
        ),
    }
    if security_group:
        group = GetAtt("SecurityGroup", "GroupId")
        values["SecurityGroupId"] = (group, "Id of the load balancer's security group")
    for output, (value, description) in values.items():
        yield export_output(env, name, output, value, description)
