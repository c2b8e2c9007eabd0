"""The params of an Application Load Balancer."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field

from moorage.facts.arn_patterns import arn_pattern
from moorage.facts.elb_attributes import LOAD_BALANCER
from moorage.model import Base, Environment

from ...common.fields import (
    BucketName,
    OneOrMany,
    SecurityGroupId,
    StackName,
    Switch,
    duration,
    text,
)
from ...common.references import External, Importable, output_of
from .. import access_logs
from ..alarms import AlbAlarms
from ..alias_records import Alias
from ..certificates import CertificateArn, SslPolicy
from ..clients import Client
from ..shared import IpAddressType, Scheme

ListenerArn = Annotated[
    str,
    text(
        arn_pattern("elasticloadbalancing", "listener/app/[A-Za-z0-9-]+(/[A-Za-z0-9]+){2}"),
        "the ARN of a listener of an Application Load Balancer",
        "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener/app/web/0a1b2c3d/4e5f6a7b",
    ),
]


WebAclArn = Annotated[
    str,
    text(
        arn_pattern("wafv2", "regional/webacl/[A-Za-z0-9_-]+/[A-Za-z0-9_-]+"),
        "the ARN of a regional WAFv2 web ACL",
        "arn:aws:wafv2:eu-central-1:123456789012:regional/webacl/name/0a1b2c3d-0000-4000-8000-000000",
    ),
]


IdleTimeout = Annotated[int, duration(*LOAD_BALANCER["idle_timeout.timeout_seconds"].limits)]


class AccessLogs(access_logs.AccessLogs):
    """A log of all requests in S3."""

    bucket: External[BucketName] | None = Field(
        None,
        description="Name of an existing bucket in the same region. It must be encrypted with "
        "SSE-S3 (KMS keys are not supported), and its policy must allow "
        "`logdelivery.elasticloadbalancing.amazonaws.com` the action `s3:PutObject` on "
        "`<bucket>/<prefix>/AWSLogs/<account>/*`. Default: a bucket created by the stack, which is "
        "retained when the stack is deleted.",
    )


class Existing(Base):
    """An existing listener."""

    listener: Importable[ListenerArn] = Field(
        description="ARN of the listener that services add rules to. A build does not know the "
        "priorities of rules that other environments have there. If AWS refuses one because it is "
        "in use, write another `priority` in the route."
    )
    security_group: External[SecurityGroupId] = Field(
        description="ID of the load balancer's security group. Services allow traffic from it on "
        "their ports, and add outbound rules to it."
    )
    protocol: Literal["HTTP", "HTTPS"] = Field("HTTPS", description="Protocol of the listener.")


class Params(Base):
    """An Application Load Balancer with its listeners."""

    network: StackName | None = Field(
        None, description="Stack of the network. Default: the only network of the environment."
    )
    scheme: Scheme = Field(
        "internet-facing",
        description="`internet-facing` has public addresses in the public subnets, `internal` has "
        "private addresses only. It cannot be changed while services use the load balancer: create "
        "a second one instead.",
    )
    certificate: OneOrMany[External[CertificateArn]] = Field(
        [],
        description="ARN of a certificate in ACM in the same region, or in IAM; or a list, of "
        "which the first is the default. With a certificate, an HTTPS listener on port 443 "
        "forwards requests and the HTTP listener on port 80 redirects to it. Without one, the "
        "HTTP listener forwards requests; write `[]` if that is intended.",
    )
    ssl_policy: SslPolicy = Field(
        "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09",
        description="Security policy of the HTTPS listener: TLS versions and ciphers. The default "
        "is the one that AWS recommends, with TLS 1.3, TLS 1.2 and post-quantum key exchange.",
    )
    clients: Annotated[list[Client], Field(min_length=1)] | None = Field(
        None,
        description="CIDR blocks and IDs of prefix lists that are allowed to connect. Default: all "
        "addresses for `internet-facing`, the network's IPv4 addresses for `internal`. The quota "
        "is 60 inbound rules for each security group; a prefix list counts as its maximum number "
        "of entries, once for each of the ports 80 and 443.",
    )
    idle_timeout: IdleTimeout = Field(
        60, description="Time after which a connection without traffic is closed."
    )
    deletion_protection: bool = Field(
        False, description="Prevent deletion of the load balancer, and so of the stack."
    )
    drop_invalid_headers: bool = Field(
        True, description="Remove headers with invalid names from requests."
    )
    access_logs: Switch[AccessLogs] = Field(
        None, description="A log of all requests in S3; `true` for a bucket created by the stack."
    )
    web_acl: External[WebAclArn] | None = Field(
        None, description="ARN of a regional WAFv2 web ACL to associate with the load balancer."
    )
    aliases: list[Alias] = Field([], description="Route 53 alias records for the load balancer.")
    ip_address_type: IpAddressType = Field(
        "ipv4", description="`dualstack` adds IPv6 addresses; the network needs `ipv6: true`."
    )
    authentication: bool = Field(
        False,
        description="Allow the load balancer to connect to identity providers: port 443 of all "
        "IPv4 addresses. Required by routes with `authenticate`.",
    )
    alarms: Switch[AlbAlarms] = Field(
        None,
        description="Alarms that notify a stack of template `notifications`: `true` for all, or a "
        "map of those that differ from the defaults. Alarms of services are set in the services.",
    )
    existing: Existing | None = Field(None, description="Use an existing listener.")

    @classmethod
    def from_exports(cls, stack: str, outputs: frozenset[str], env: Environment) -> Self | None:
        is_https = "HttpsListenerArn" in outputs
        listener = "HttpsListenerArn" if is_https else "HttpListenerArn"
        if not outputs.issuperset({listener, "SecurityGroupId"}):
            return None
        existing = Existing(
            listener=output_of(env, stack, listener),
            security_group=output_of(env, stack, "SecurityGroupId"),
            protocol="HTTPS" if is_https else "HTTP",
        )
        return cls(existing=existing)
