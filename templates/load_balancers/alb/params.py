"""The params of an Application Load Balancer."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from moorage.facts.arn_patterns import arn_pattern
from moorage.facts.elb_attributes import LOAD_BALANCER
from moorage.model import Base

from ...common.fields import (
    BucketName,
    OneOrMany,
    SecurityGroupId,
    StackName,
    Switch,
    duration,
    text,
)
from .. import access_logs
from ..alias_records import Alias
from ..certificates import CertificateArn, SslPolicy
from ..clients import Client
from ..shared import IpAddressType, Scheme

ListenerArn = Annotated[
    str,
    text(
        arn_pattern("elasticloadbalancing", r"listener/app/[\w-]+/\w+/\w+"),
        "the ARN of a listener of an Application Load Balancer",
        "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener/app/web/0a1b2c3d/4e5f6a7b",
    ),
]


WebAclArn = Annotated[
    str,
    text(
        arn_pattern("wafv2", r"regional/webacl/[\w-]+/[\w-]+"),
        "the ARN of a regional WAFv2 web ACL",
        "arn:aws:wafv2:eu-central-1:123456789012:regional/webacl/name/0a1b2c3d-0000-4000-8000-000000",
    ),
]


IdleTimeout = Annotated[int, duration(*LOAD_BALANCER["idle_timeout.timeout_seconds"].limits)]


class AccessLogs(access_logs.AccessLogs):
    """A log of all requests, in S3."""

    bucket: BucketName | None = Field(
        None,
        description="Name of a bucket that is there already, in the same region. It must be "
        "encrypted with SSE-S3 (KMS is not possible), and its policy must allow "
        "`logdelivery.elasticloadbalancing.amazonaws.com` the action `s3:PutObject` on "
        "`<bucket>/<prefix>/AWSLogs/<account>/*`. Without a name the stack has a bucket of its "
        "own, which is kept when the stack is deleted.",
    )


class Existing(Base):
    """A listener that is there already."""

    listener: ListenerArn = Field(description="ARN of the listener that services add rules to.")
    security_group: SecurityGroupId = Field(
        description="Id of the load balancer's security group. Services admit it on their ports "
        "and add rules to its egress."
    )
    protocol: Literal["HTTP", "HTTPS"] = Field("HTTPS", description="What the listener speaks.")


class Params(Base):
    """An Application Load Balancer with its listeners."""

    network: StackName | None = Field(
        None, description="Stack of the network it stands in. Needless where there is only one."
    )
    scheme: Scheme = Field(
        "internet-facing",
        description="Whether it has public addresses, in the public subnets, or private ones only. "
        "It cannot be changed while services use the load balancer: make a second one.",
    )
    certificate: OneOrMany[CertificateArn] = Field(
        [],
        description="ARN of a certificate in ACM, in the same region, or in IAM; or a list, of "
        "which the first is the default. With one, HTTPS is served on 443 and HTTP redirects to "
        "it. Without, HTTP is served on 80.",
    )
    ssl_policy: SslPolicy = Field(
        "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09",
        description="ELB's security policy for HTTPS: TLS versions and ciphers. The default is "
        "the one that AWS recommends, with TLS 1.3, 1.2 and post-quantum key exchange.",
    )
    clients: Annotated[list[Client], Field(min_length=1)] | None = Field(
        None,
        description="CIDR blocks and ids of prefix lists that may connect. Default: everybody for "
        "`internet-facing`, the network's own addresses for `internal`. EC2 takes 60 rules per "
        "group unless its quota is raised; a prefix list counts with its maximum size, once for "
        "each of the ports 80 and 443.",
    )
    idle_timeout: IdleTimeout = Field(
        60, description="How long a connection may be silent, `1s` to `4000s`."
    )
    deletion_protection: bool = Field(
        False, description="Refuse deletion, also that of the stack, until this is false again."
    )
    drop_invalid_headers: bool = Field(
        True, description="Remove headers with invalid names instead of passing them on."
    )
    access_logs: Switch[AccessLogs] = Field(
        None, description="A log of all requests in S3; `true` for a bucket of the stack's own."
    )
    web_acl: WebAclArn | None = Field(
        None, description="ARN of a regional WAFv2 web ACL that guards the load balancer."
    )
    aliases: list[Alias] = Field([], description="Route 53 alias records for the load balancer.")
    ip_address_type: IpAddressType = Field(
        "ipv4", description="`dualstack` also serves IPv6, and needs a network with `ipv6: true`."
    )
    authentication: bool = Field(
        False,
        description="Lets the load balancer call identity providers: 443 to anywhere. Needed by "
        "routes with `authenticate`.",
    )
    existing: Existing | None = Field(None, description="Use a listener that is there already.")
