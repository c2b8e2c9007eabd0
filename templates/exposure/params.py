"""What stands below `expose:`: a way to a service, through an ALB or an NLB."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from moorage.model import Base

from ..common.fields import Cidr, PrefixListId, SecurityGroupId, duration
from ..load_balancers.certificates import CertificateArn, SslPolicy
from .alb.routes import Route


def _kind_of_client(value: Any) -> str:
    if isinstance(value, str) and value.startswith("sg-"):
        return "security group"
    return "prefix list" if isinstance(value, str) and value.startswith("pl-") else "network"


ListenerClient = Annotated[
    Annotated[SecurityGroupId, Tag("security group")]
    | Annotated[PrefixListId, Tag("prefix list")]
    | Annotated[Cidr, Tag("network")],
    Discriminator(_kind_of_client),
]
"""A CIDR block, or the id of a prefix list or of a security group."""


class ListenerSettings(Base):
    """What a route says of a Network Load Balancer's listener."""

    target_port: int | None = Field(
        None, ge=1, le=65535, description="NLB: port of the container, if not the listener's."
    )
    clients: list[ListenerClient] | None = Field(
        None,
        description="NLB: CIDR blocks, prefix lists and security groups that may connect. "
        "Everybody for an internet-facing load balancer, the network's addresses for an internal. "
        "Each is a rule of a security group, which takes 60 unless the quota is raised. `[]` where "
        "the security group of an existing load balancer admits them already.",
    )
    certificate: CertificateArn | None = Field(
        None, description="NLB: ARN of the certificate of a `tls` listener."
    )
    ssl_policy: SslPolicy = Field(
        "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09",
        description="NLB: security policy of a `tls` listener.",
    )
    alpn_policy: (
        Literal["HTTP1Only", "HTTP2Only", "HTTP2Optional", "HTTP2Preferred", "None"] | None
    ) = Field(None, description="NLB: protocols that a `tls` listener offers by ALPN.")
    target_tls: bool = Field(
        False, description="NLB: speak TLS to the container behind a `tls` listener as well."
    )
    proxy_protocol_v2: bool = Field(
        False, description="NLB: tell the container the client's address by proxy protocol 2."
    )
    preserve_client_ip: bool | None = Field(
        None,
        description="NLB: whether packets keep the client's address. They always do for UDP; for "
        "`tcp` and `tls` only if this is true.",
    )
    source_ip_stickiness: bool = Field(
        False, description="NLB: keep a client, by its address, on the task that it reached."
    )
    connection_termination: bool | None = Field(
        None, description="NLB: cut connections when the deregistration delay is over."
    )
    tcp_idle_timeout: Annotated[int, duration(60, 6000)] | None = Field(
        None, description="NLB: how long a TCP connection may be silent; 350s if not said."
    )


class Exposure(Route, ListenerSettings):
    """A way to the service. Through an Application Load Balancer it is a listener rule: which
    requests, and what becomes of them. Through a Network Load Balancer it is a listener.

    All kinds of conditions that are given must hold; of several values of one kind, one must.
    """


class ExposeParams(Base):
    """What a stack that can be reached says of the ways to it."""

    expose: list[Exposure] = Field([], description="Ways that lead to the service.")


STREAM_KEYS = tuple(ListenerSettings.model_fields)
ROUTE_KEYS = tuple(
    key
    for key in Route.model_fields
    if key not in ("via", "container", "port", "health_check", "deregistration_delay")
)
