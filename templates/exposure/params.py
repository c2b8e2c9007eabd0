"""An entry of `expose:`, through an Application or a Network Load Balancer."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from moorage.facts.elb_attributes import LISTENER
from moorage.model import Base

from ..common.fields import duration
from ..common.references import External
from ..common.security_groups import Peer
from ..load_balancers.certificates import CertificateArn, SslPolicy
from ..load_balancers.shared import LoadBalancedParams
from .alb.routes import Route


class ListenerSettings(Base):
    """Settings of a listener of a Network Load Balancer."""

    target_port: int | None = Field(
        None, ge=1, le=65535, description="NLB: port of the container, if not that of the listener."
    )
    clients: list[Peer] | None = Field(
        None,
        description="NLB: CIDR blocks, prefix lists and security groups that are allowed to "
        "connect. Default for an internal load balancer: the addresses of the network. Default for "
        "an internet-facing one: everyone, with a warning if the port is not `tls`; write "
        "`[0.0.0.0/0]` if that is intended. Each client is a rule of a security group, whose quota "
        "is 60. Write `[]` if the security group of an existing load balancer allows the clients "
        "already.",
    )
    certificate: External[CertificateArn] | None = Field(
        None, description="NLB: ARN of the certificate of a `tls` listener."
    )
    ssl_policy: SslPolicy = Field(
        "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09",
        description="NLB: security policy of a `tls` listener.",
    )
    alpn_policy: (
        Literal["HTTP1Only", "HTTP2Only", "HTTP2Optional", "HTTP2Preferred", "None"] | None
    ) = Field(None, description="NLB: ALPN policy of a `tls` listener.")
    target_tls: bool = Field(
        False, description="NLB: use TLS also between a `tls` listener and the container."
    )
    proxy_protocol_v2: bool = Field(
        False, description="NLB: send the IP address of the client by proxy protocol version 2."
    )
    preserve_client_ip: bool | None = Field(
        None,
        description="NLB: whether packets keep the IP address of the client. UDP packets always "
        "do, those of `tcp` and `tls` only if this is true.",
    )
    source_ip_stickiness: bool = Field(
        False, description="NLB: send packets of a client IP address to the same task."
    )
    connection_termination: bool | None = Field(
        None, description="NLB: close connections at the end of the deregistration delay."
    )
    tcp_idle_timeout: (
        Annotated[int, duration(*LISTENER["tcp.idle_timeout.seconds"].limits)] | None
    ) = Field(None, description="NLB: idle timeout of TCP connections; 350s by default.")


class ExposeEntry(Route, ListenerSettings):
    """Traffic that a load balancer sends to the service. Through an Application Load Balancer it is
    a listener rule with conditions and an action, through a Network Load Balancer a listener.

    A request must match a value of each kind of condition that is set.
    """


class ExposeParams(LoadBalancedParams):
    """How a service is reached."""

    expose: list[ExposeEntry] = Field(
        [], description="Traffic that load balancers send to the service."
    )

    def route_hosts(self, via: str) -> list[list[str]]:
        return [list(entry.hosts) for entry in self.expose if entry.via == via]

    def listener_protocols(self, via: str) -> list[str | None]:
        entries = [entry for entry in self.expose if entry.via == via]
        return [entry.port.protocol if entry.port else None for entry in entries]


NLB_KEYS = tuple(ListenerSettings.model_fields)
ALB_KEYS = tuple(
    key
    for key in Route.model_fields
    if key not in ("via", "container", "port", "health_check", "deregistration_delay")
)
