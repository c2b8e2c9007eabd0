"""Resources and checks that Application and Network Load Balancers have in common. Their logical
IDs are the same in both: `LoadBalancer` and `SecurityGroup`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from troposphere import GetAtt, Join, Output, Ref, Select, Split, ec2
from troposphere import elasticloadbalancingv2 as elb

from moorage.findings.finding import Problem
from moorage.model import Base, Environment
from moorage.references import Reference

from .. import network
from ..common.exports import export_output
from ..common.security_groups import no_egress_rule
from .clients import all_addresses

Scheme = Literal["internet-facing", "internal"]
IpAddressType = Literal["ipv4", "dualstack"]


class LoadBalancedParams(Base):
    """Params of a stack with tasks behind load balancers."""

    def listener_protocols(self, via: str) -> list[str | None]:
        """Protocols of the listeners that the stack adds to the load balancer of that name; None
        for a listener without a port."""
        return []

    def route_hosts(self, via: str) -> list[list[str]]:
        """The host patterns of each route that the stack adds to the load balancer of that name;
        an empty list for a route that is for every host."""
        return []


# Problems ------------------------------------------------------------------------------------


def existing_problems(params: Base, *, used: frozenset[str] = frozenset()) -> Iterator[Problem]:
    """Keys that have no effect with `existing:`; those in `used` have an effect."""
    unused = [f"`{key}`" for key in sorted(params.model_fields_set - {"existing"} - used)]
    if unused:
        keys, have = ", ".join(unused), "has" if len(unused) == 1 else "have"
        message = f"{keys} {have} no effect on an existing load balancer"
        hint = f"Remove {keys}, or remove `existing:` to create a load balancer."
        yield Problem("M2300", ("existing",), message, hint)


def ipv6_problems(
    ip_address_type: IpAddressType, name: str, stack: network.Params
) -> Iterator[Problem]:
    """A `dualstack` load balancer in a network without IPv6 addresses."""
    ipv6 = stack.existing.ipv6 if stack.existing else stack.ipv6
    if ip_address_type == "dualstack" and not ipv6:
        message = f"`dualstack` needs IPv6 addresses, and the network `{name}` has none"
        if stack.existing:
            message = f"`dualstack` needs IPv6 addresses, and the network `{name}` declares none"
            hint = (
                f"If it has some, write `ipv6: true` below `existing:` of `{name}`. Otherwise"
                " write `ip_address_type: ipv4`."
            )
        else:
            hint = f"Write `ipv6: true` in `{name}`, or `ip_address_type: ipv4` here."
        yield Problem("M2303", ("ip_address_type",), message, hint, because=[("network",)])


# Values that depend on the scheme ------------------------------------------------------------


def find_subnets(scheme: Scheme, network_handle: network.Handle) -> tuple[Any, ...]:
    """The subnets of the load balancer: public ones for `internet-facing`; private ones for
    `internal`, or public ones if the network has no private ones."""
    if scheme == "internet-facing":
        return network_handle.public_subnets
    return network_handle.private_subnets or network_handle.public_subnets


def find_subnet_cidrs(scheme: Scheme, network_handle: network.Handle) -> tuple[str, ...] | None:
    """The IPv4 blocks of the subnets of the load balancer; None for an existing network."""
    return (
        network_handle.public_cidrs if scheme == "internet-facing" else network_handle.private_cidrs
    )


def resolve_default_clients(
    scheme: Scheme, ip_address_type: IpAddressType, network_handle: network.Handle | None
) -> tuple[str, ...] | None:
    """The clients that are allowed to connect by default: all addresses, or for an internal load
    balancer the network's IPv4 addresses; None if these are unknown."""
    if scheme == "internal":
        return (network_handle.cidr,) if network_handle and network_handle.cidr else None
    return all_addresses(dualstack=ip_address_type == "dualstack")


def full_name_of(arn: str | Reference) -> Any:
    """The name of a load balancer in CloudWatch, from its ARN or that of one of its listeners
    (Elastic Load Balancing user guides, "CloudWatch metrics for your ... Load Balancer").

    >>> full_name_of("arn:aws:elasticloadbalancing:eu-west-1:1:loadbalancer/net/edge/0a1b")
    'net/edge/0a1b'
    """
    if isinstance(arn, str):
        return "/".join(arn.split("/")[1:4])
    return Join("/", [Select(index, Split("/", arn)) for index in (1, 2, 3)])


# Resources and outputs -----------------------------------------------------------------------


def load_balancer_attributes(values: Mapping[str, Any]) -> list[elb.LoadBalancerAttributes]:
    """The `LoadBalancerAttributes`; booleans become `true` and `false`."""
    return [
        elb.LoadBalancerAttributes(Key=key, Value=_attribute_value(value))
        for key, value in values.items()
    ]


def _attribute_value(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value


def load_balancer_security_group(
    name: str,
    network_handle: network.Handle,
    env: Environment,
    *,
    ingress: Sequence[ec2.SecurityGroupRule] = (),
    egress: Sequence[ec2.SecurityGroupRule] = (),
) -> ec2.SecurityGroup:
    """The security group of the load balancer `name`; without `egress` it allows no outbound
    traffic."""
    optional = {"SecurityGroupIngress": list(ingress)} if ingress else {}
    return ec2.SecurityGroup(
        "SecurityGroup",
        GroupDescription=f"{env.app} {env.name}: load balancer {name}",
        VpcId=network_handle.vpc_id,
        **optional,
        SecurityGroupEgress=list(egress)
        or [no_egress_rule("No egress: services add rules for their ports")],
    )


def load_balancer_outputs(name: str, env: Environment, *, security_group: bool) -> Iterator[Output]:
    """The outputs of every load balancer."""
    values = {
        "LoadBalancerArn": (Ref("LoadBalancer"), "ARN of the load balancer"),
        "LoadBalancerFullName": (
            GetAtt("LoadBalancer", "LoadBalancerFullName"),
            "LoadBalancer dimension of CloudWatch metrics",
        ),
        "DnsName": (GetAtt("LoadBalancer", "DNSName"), "DNS name of the load balancer"),
        "CanonicalHostedZoneId": (
            GetAtt("LoadBalancer", "CanonicalHostedZoneID"),
            "Hosted zone of the DNS name, for alias records",
        ),
    }
    if security_group:
        group = GetAtt("SecurityGroup", "GroupId")
        values["SecurityGroupId"] = (group, "ID of the load balancer's security group")
    for output, (value, description) in values.items():
        yield export_output(env, name, output, value, description)
