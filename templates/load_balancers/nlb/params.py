"""The params of a Network Load Balancer."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from moorage.facts.arn_patterns import arn_pattern
from moorage.model import Base

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
from .. import access_logs
from ..alias_records import Alias
from ..shared import IpAddressType, Scheme

LoadBalancerArn = Annotated[
    str,
    text(
        arn_pattern("elasticloadbalancing", r"loadbalancer/net/[\w-]+/\w+"),
        "the ARN of a Network Load Balancer",
        "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/net/edge/0a1b2c3d4e5f6a7b",
    ),
]


AllocationId = Annotated[
    str,
    text(
        r"eipalloc-[0-9a-f]{8,17}",
        "the allocation id of an Elastic IP",
        "eipalloc-0123456789abcdef0",
    ),
]


def _kind_of_elastic_ips(value: Any) -> str:
    return "made" if isinstance(value, bool) else "named"


ElasticIps = Annotated[
    Annotated[bool, Tag("made")] | Annotated[UniqueList[AllocationId], Tag("named")],
    Discriminator(_kind_of_elastic_ips),
]
"""`true` for addresses of the stack's own, or allocation ids."""


class AccessLogs(access_logs.AccessLogs):
    """A log of TLS connections, in S3."""

    bucket: BucketName | None = Field(
        None,
        description="Name of a bucket that is there already, in the same region. Its policy must "
        "allow `delivery.logs.amazonaws.com` the actions `s3:GetBucketAcl` and, on "
        "`<bucket>/<prefix>/AWSLogs/<account>/*`, `s3:PutObject`; so must the policy of its KMS "
        "key, where it has one. Without a name the stack has a bucket of its own, which is kept "
        "when the stack is deleted.",
    )


class Existing(Base):
    """A load balancer that is there already."""

    arn: LoadBalancerArn = Field(description="ARN of the load balancer that gets the listeners.")
    security_group: SecurityGroupId | None = Field(
        None,
        description="Id of its security group, where it has one. Services admit it on their "
        "ports, and add rules for their clients and their tasks to it.",
    )
    addresses: UniqueList[Ipv4Cidr] = Field(
        [],
        description="CIDR blocks of its private addresses, such as those of its subnets. Where it "
        "has no security group, services admit its health checks by them. Default: the network's "
        "own addresses.",
    )
    ip_address_type: IpAddressType = Field("ipv4", description="What addresses it has.")


class Params(Base):
    """A Network Load Balancer, to which services bring their listeners."""

    network: StackName | None = Field(
        None, description="Stack of the network it stands in. Needless where there is only one."
    )
    scheme: Scheme = Field(
        "internet-facing",
        description="Whether it has public addresses, in the public subnets, or private ones only. "
        "It cannot be changed while services use the load balancer: make a second one.",
    )
    security_group: bool = Field(
        True,
        description="A security group, which services open for their clients. ELB takes one at "
        "creation or never. With `false` everybody who reaches the load balancer's addresses can "
        "use it, and tasks judge by the addresses of clients. It cannot be changed later: make a "
        "second load balancer.",
    )
    elastic_ips: ElasticIps = Field(
        False,
        description="Fixed public addresses: `true` for Elastic IPs of the stack's own, which go "
        "with it and are among its outputs, or one allocation id for each public subnet, in the "
        "order of the network's zones. For `internet-facing` only, and from creation on: for "
        "other addresses make a second load balancer.",
    )
    private_addresses: UniqueList[HostAddress] = Field(
        [],
        description="Fixed private addresses: one IPv4 address from each subnet, in the order of "
        "the network's zones. For `internal` only, and from creation on: for other addresses "
        "make a second load balancer.",
    )
    ip_address_type: IpAddressType = Field(
        "ipv4",
        description="`dualstack` also serves IPv6, and needs a network with `ipv6: true`. Each "
        "subnet then gives the load balancer a prefix of IPv6 addresses for source NAT, which UDP "
        "listeners need.",
    )
    cross_zone: bool = Field(
        False,
        description="Whether each zone's address leads to tasks in all zones, or to those of its "
        "own. Where it is false, each service needs a task in every zone: an address without one "
        "is dead, and ELB takes it out of the DNS name for all services of the load balancer. AWS "
        "charges for traffic between zones.",
    )
    zonal_shift: bool = Field(
        False,
        description="Lets ARC take a zone out of the DNS name, by hand or by itself. With "
        "`cross_zone: true` it has no UDP listeners, and leaves connections to tasks that became "
        "unhealthy alone.",
    )
    dns_client_affinity: Literal[
        "any_availability_zone", "partial_availability_zone_affinity", "availability_zone_affinity"
    ] = Field(
        "any_availability_zone",
        description="Which zone's address clients in the VPC get from Route 53 Resolver: any, "
        "their own for 85 percent of the queries, or always their own.",
    )
    enforce_security_group_inbound_rules_on_private_link_traffic: Literal["on", "off"] | None = (
        Field(
            None,
            description="Whether the security group's inbound rules also hold for clients that "
            "come by PrivateLink. ELB's default is `on`.",
        )
    )
    deletion_protection: bool = Field(
        False, description="Refuse deletion, also that of the stack, until this is false again."
    )
    access_logs: Switch[AccessLogs] = Field(
        None,
        description="A log in S3 of the connections to TLS listeners; ELB writes none for the "
        "others. `true` for a bucket of the stack's own.",
    )
    aliases: list[Alias] = Field([], description="Route 53 alias records for the load balancer.")
    existing: Existing | None = Field(None, description="Use one that is there already.")


def is_dualstack(params: Params) -> bool:
    return params.ip_address_type == "dualstack"


def find_allocation_ids(params: Params) -> list[str]:
    return params.elastic_ips if isinstance(params.elastic_ips, list) else []
