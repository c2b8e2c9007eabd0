"""The params of a Network Load Balancer."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag

from moorage.facts import resource_ids
from moorage.facts.arn_patterns import arn_pattern
from moorage.model import Base, Environment
from moorage.references import Reference

from ...common.fields import (
    BucketName,
    HostAddress,
    Ipv4Cidr,
    SecurityGroupId,
    StackName,
    Switch,
    UniqueList,
    text,
)
from ...common.references import External, Importable, output_of
from .. import access_logs
from ..alarms import NlbAlarms
from ..alias_records import Alias
from ..shared import IpAddressType, Scheme

LoadBalancerArn = Annotated[
    str,
    text(
        arn_pattern("elasticloadbalancing", "loadbalancer/net/[A-Za-z0-9-]+/[A-Za-z0-9]+"),
        "the ARN of a Network Load Balancer",
        "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/net/edge/0a1b2c3d4e5f6a7b",
    ),
]


AllocationId = Annotated[
    str,
    text(
        resource_ids.ELASTIC_IP,
        "the allocation ID of an Elastic IP",
        "eipalloc-0123456789abcdef0",
    ),
]


def _kind_of_elastic_ips(value: Any) -> str:
    return "created" if isinstance(value, bool) else "existing"


ElasticIps = Annotated[
    Annotated[bool, Tag("created")]
    | Annotated[UniqueList[External[AllocationId]], Tag("existing")],
    Discriminator(_kind_of_elastic_ips),
]
"""`true` for Elastic IPs created by the stack, or allocation IDs of existing ones."""


class AccessLogs(access_logs.AccessLogs):
    """A log of TLS connections in S3."""

    bucket: External[BucketName] | None = Field(
        None,
        description="Name of an existing bucket in the same region. Its policy must allow "
        "`delivery.logs.amazonaws.com` the action `s3:GetBucketAcl`, and `s3:PutObject` on "
        "`<bucket>/<prefix>/AWSLogs/<account>/*`. If the bucket is encrypted with a KMS key, the "
        "key policy must allow log delivery, too. Default: a bucket created by the stack, which "
        "is retained when the stack is deleted.",
    )


class Existing(Base):
    """An existing load balancer."""

    arn: Importable[LoadBalancerArn] = Field(
        description="ARN of the load balancer that listeners are added to."
    )
    security_group: External[SecurityGroupId] | None = Field(
        None,
        description="ID of its security group, if it has one. Services allow traffic from it on "
        "their ports, and add rules for their clients and tasks to it.",
    )
    addresses: UniqueList[Ipv4Cidr] = Field(
        [],
        description="CIDR blocks that contain its private addresses, such as those of its subnets. "
        "Used to allow health checks if it has no security group. Default: the CIDR block of the "
        "network.",
    )
    ip_address_type: IpAddressType = Field("ipv4", description="Its IP address type.")


class Params(Base):
    """A Network Load Balancer, to which services add their listeners."""

    network: StackName | None = Field(
        None, description="Stack of the network. Default: the only network of the environment."
    )
    scheme: Scheme = Field(
        "internet-facing",
        description="`internet-facing` has public addresses in the public subnets, `internal` has "
        "private addresses only. It cannot be changed while services use the load balancer: create "
        "a second one instead.",
    )
    security_group: bool = Field(
        True,
        description="Create a security group, to which services add rules for their clients. With "
        "`false`, every client that can reach the load balancer's addresses can connect, and the "
        "security groups of the tasks restrict clients by their addresses. ELB only accepts "
        "security groups at creation, so it cannot be changed later: create a second load balancer "
        "instead.",
    )
    elastic_ips: ElasticIps = Field(
        False,
        description="Fixed public addresses: `true` for Elastic IPs created by the stack, which "
        "are among its outputs and are deleted with it, or one allocation ID for each public "
        "subnet, in the order of the network's Availability Zones. For `internet-facing` only. It "
        "cannot be changed later: create a second load balancer instead.",
    )
    private_addresses: UniqueList[HostAddress] = Field(
        [],
        description="Fixed private addresses: one IPv4 address from each subnet, in the order of "
        "the network's Availability Zones. For `internal` only. It cannot be changed later: create "
        "a second load balancer instead.",
    )
    ip_address_type: IpAddressType = Field(
        "ipv4",
        description="`dualstack` adds IPv6 addresses; the network needs `ipv6: true`. The load "
        "balancer also gets an IPv6 prefix for source NAT from each subnet, which UDP listeners "
        "need.",
    )
    cross_zone: bool = Field(
        False,
        description="Route requests to tasks in all Availability Zones. With `false`, an address "
        "of the load balancer only routes to tasks in its own zone, so each service needs a task "
        "in every zone: ELB removes the address of a zone without a task from the DNS name, for "
        "all services of the load balancer. AWS charges for traffic between zones.",
    )
    zonal_shift: bool = Field(
        False,
        description="Allow ARC zonal shift and zonal autoshift, which remove an Availability Zone "
        "from the DNS name. Together with `cross_zone: true`, UDP listeners are not possible, and "
        "connections to unhealthy tasks are not terminated.",
    )
    dns_client_affinity: Literal[
        "any_availability_zone", "partial_availability_zone_affinity", "availability_zone_affinity"
    ] = Field(
        "any_availability_zone",
        description="Availability Zone of the addresses that clients in the VPC get from Route 53 "
        "Resolver: any, their own for 85 percent of the queries, or always their own.",
    )
    enforce_security_group_inbound_rules_on_private_link_traffic: Literal["on", "off"] | None = (
        Field(
            None,
            description="Whether the security group's inbound rules apply to clients that connect "
            "through PrivateLink. ELB's default is `on`.",
        )
    )
    deletion_protection: bool = Field(
        False, description="Prevent deletion of the load balancer, and so of the stack."
    )
    access_logs: Switch[AccessLogs] = Field(
        None,
        description="A log in S3 of connections to TLS listeners; ELB logs no others. `true` for a "
        "bucket created by the stack.",
    )
    aliases: list[Alias] = Field([], description="Route 53 alias records for the load balancer.")
    alarms: Switch[NlbAlarms] = Field(
        None,
        description="Alarms that notify a stack of template `notifications`: `true` for all, or a "
        "map of those that differ from the defaults. Alarms of services are set in the services.",
    )
    existing: Existing | None = Field(None, description="Use an existing load balancer.")

    @classmethod
    def from_exports(cls, stack: str, outputs: frozenset[str], env: Environment) -> Self | None:
        if "LoadBalancerArn" not in outputs:
            return None
        has_group = "SecurityGroupId" in outputs
        group = output_of(env, stack, "SecurityGroupId") if has_group else None
        arn = output_of(env, stack, "LoadBalancerArn")
        return cls(existing=Existing(arn=arn, security_group=group))


def is_dualstack(params: Params) -> bool:
    """Whether the load balancer has IPv4 and IPv6 addresses."""
    return params.ip_address_type == "dualstack"


def find_allocation_ids(params: Params) -> list[str | Reference]:
    """The allocation IDs of existing Elastic IPs."""
    return params.elastic_ips if isinstance(params.elastic_ips, list) else []
