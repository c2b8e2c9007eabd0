"""Target groups of Application Load Balancers: where requests go, and how health is judged.

Attribute keys and ranges: Elastic Load Balancing API reference, TargetGroupAttribute. Ranges of
health checks: the same, CreateTargetGroup.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BeforeValidator, Field
from troposphere import elasticloadbalancingv2 as elb

from moorage.findings.wording import shown
from moorage.model import Base, wrong

from ...common.fields import duration, text
from ...tasks.containers import Port, PortField
from ..health_sidecar.sidecar import Sidecar


def _matcher(value: str) -> str:
    backwards = any(int(low) > int(high) for low, high in re.findall(r"(\d+)-(\d+)", value))
    if backwards or not re.fullmatch(r"\d{1,3}(-\d{1,3})?(,\d{1,3}(-\d{1,3})?)*", value):
        hint = 'Write "200", "200-399" or "200,302".'
        raise wrong("M1107", f"{shown(value)} names no status", hint)
    return value


def _cookie(value: str) -> str:
    """A name as RFC 6265 has it; Elastic Load Balancing keeps some for itself."""
    if not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", value):
        raise wrong("M1107", f"{shown(value)} cannot name a cookie", "Write one like `session`.")
    if value.startswith("AWSALB"):
        hint = "Name a cookie that the application sets, or leave it out for the balancer's own."
        raise wrong("M1107", f"{shown(value)} is a cookie of the load balancer's", hint)
    return value


def _not_a_word(value: Any) -> Any:
    if isinstance(value, str | bool):
        probes = get_args(Sidecar.model_fields["probe"].annotation)
        probe = value if value in probes else f"{', '.join(probes[:-1])} or {probes[-1]}"
        raise wrong("M1103", f"{shown(value)} is no sidecar", f"Write `{{probe: {probe}}}`.")
    return value


CheckedPath = Annotated[str, text(r"/\S{0,1023}", "a path", "/healthz")]
CookieName = Annotated[str, AfterValidator(_cookie)]


class HealthCheck(Base):
    """How a load balancer judges the health of a task."""

    path: CheckedPath | None = Field(
        None,
        description="Path that is asked: `/`, or `/AWS.ALB/healthcheck` for gRPC.",
    )
    port: PortField | None = Field(
        None, description="Port that is asked, if another one: of any container of the task."
    )
    protocol: Literal["HTTP", "HTTPS", "TCP"] | None = Field(
        None, description="Protocol it is asked by, if another one. NLB: TCP if not said."
    )
    sidecar: Annotated[Sidecar | None, BeforeValidator(_not_a_word)] = Field(
        None, description="NLB: a container that answers while the UDP service answers a probe."
    )
    matcher: Annotated[str, AfterValidator(_matcher)] | None = Field(
        None, description='Status that means healthy: `"200-399"`; for gRPC `"12"`.'
    )
    interval: Annotated[int, duration(5, 300)] = Field(15, description="Time between checks.")
    timeout: Annotated[int, duration(2, 120)] = Field(5, description="Time that a check may take.")
    healthy_threshold: int = Field(2, ge=2, le=10, description="Successes that mean healthy.")
    unhealthy_threshold: int = Field(3, ge=2, le=10, description="Failures that mean unhealthy.")


UpToAWeek = Annotated[int, duration(1, 604800)]


class Stickiness(Base):
    """Keeps a client on the task that answered it first, by a cookie."""

    duration: UpToAWeek = Field(86400, description="How long.")
    app_cookie: CookieName | None = Field(
        None, description="The application's own cookie to follow; without it the balancer's."
    )


class TargetSettings(Base):
    """What a route says of its target group."""

    protocol: Literal["HTTP", "HTTPS"] = Field(
        "HTTP", description="What the container speaks on this port."
    )
    protocol_version: Literal["HTTP1", "HTTP2", "GRPC"] = Field(
        "HTTP1", description="Version of HTTP towards the container. gRPC needs HTTPS before it."
    )
    health_check: HealthCheck | None = Field(None, description="How its health is judged.")
    deregistration_delay: Annotated[int, duration(0, 3600)] = Field(
        60, description="Time that requests under way have when a task is taken out."
    )
    slow_start: Annotated[int, duration(30, 900)] | None = Field(
        None, description="Time over which a new task gets more and more requests."
    )
    stickiness: Stickiness | None = Field(None, description="Keep a client on its task.")
    algorithm: Literal["round_robin", "least_outstanding_requests", "weighted_random"] = Field(
        "round_robin", description="How a task is chosen."
    )


def health_port(settings: TargetSettings, port: Port) -> Port:
    """The port that the load balancer asks."""
    check = settings.health_check
    return check.port if check and check.port else port


def target_group(
    title: str, settings: TargetSettings, port: Port, vpc: Any, *, through_instance: bool = False
) -> elb.TargetGroup:
    """A target group of addresses, as tasks with addresses of their own need it, or of instances,
    where ECS puts the port of each task in. Nameless: a name blocks its replacement, which a change
    of port or protocol needs."""
    check = settings.health_check or HealthCheck()
    grpc = settings.protocol_version == "GRPC"
    path = check.path or ("/AWS.ALB/healthcheck" if grpc else "/")
    matcher = check.matcher or ("12" if grpc else "200-399")
    return elb.TargetGroup(
        title,
        TargetType="instance" if through_instance else "ip",
        VpcId=vpc,
        Port=port.number,
        Protocol=settings.protocol,
        ProtocolVersion=settings.protocol_version,
        HealthCheckEnabled=True,
        HealthCheckProtocol=check.protocol or settings.protocol,
        HealthCheckPort=str(check.port) if check.port else "traffic-port",
        HealthCheckPath=path,
        HealthCheckIntervalSeconds=check.interval,
        HealthCheckTimeoutSeconds=check.timeout,
        HealthyThresholdCount=check.healthy_threshold,
        UnhealthyThresholdCount=check.unhealthy_threshold,
        Matcher=elb.Matcher(GrpcCode=matcher) if grpc else elb.Matcher(HttpCode=matcher),
        TargetGroupAttributes=[
            elb.TargetGroupAttribute(Key=key, Value=value)
            for key, value in _attributes(settings).items()
        ],
    )


def _attributes(settings: TargetSettings) -> dict[str, str]:
    """All of them always: one that is left out keeps the value it had (Elastic Load Balancing API
    reference, ModifyTargetGroupAttributes), so that what is removed here would go on there."""
    return {
        "deregistration_delay.timeout_seconds": str(settings.deregistration_delay),
        "load_balancing.algorithm.type": settings.algorithm,
        "slow_start.duration_seconds": str(settings.slow_start or 0),
        **_stickiness(settings.stickiness),
    }


def _stickiness(stickiness: Stickiness | None) -> dict[str, str]:
    if stickiness is None:
        return {"stickiness.enabled": "false"}
    cookie = stickiness.app_cookie
    kind = "app_cookie" if cookie else "lb_cookie"
    return {
        "stickiness.enabled": "true",
        "stickiness.type": kind,
        **({"stickiness.app_cookie.cookie_name": cookie} if cookie else {}),
        f"stickiness.{kind}.duration_seconds": str(stickiness.duration),
    }
