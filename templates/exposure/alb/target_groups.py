"""Target groups of Application Load Balancers, and the params of health checks.

Attribute keys and ranges: Elastic Load Balancing API reference, TargetGroupAttribute. Ranges of
health checks: Elastic Load Balancing API reference, CreateTargetGroup.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BeforeValidator, Field
from troposphere import elasticloadbalancingv2 as elb

from moorage.facts.elb_attributes import TARGET_GROUP
from moorage.facts.load_balancing import (
    HEALTH_CHECK_INTERVAL,
    HEALTH_CHECK_THRESHOLD,
    HEALTH_CHECK_TIMEOUT,
    RESERVED_COOKIE_PREFIX,
)
from moorage.findings.wording import shown
from moorage.model import Base, wrong

from ...common.fields import duration, text
from ...tasks.ports import Port, PortField
from ..health_sidecar.sidecar import Sidecar


def _validate_matcher(value: str) -> str:
    backwards = any(int(low) > int(high) for low, high in re.findall(r"([0-9]+)-([0-9]+)", value))
    if backwards or not re.fullmatch(
        r"[0-9]{1,3}(-[0-9]{1,3})?(,[0-9]{1,3}(-[0-9]{1,3})?)*", value
    ):
        hint = 'Write codes like "200", "200-399" or "200,302".'
        raise wrong("M2421", f"{shown(value)} is not a list or range of status codes", hint)
    return value


def _validate_cookie_name(value: str) -> str:
    """A cookie name of RFC 6265 that Elastic Load Balancing does not reserve (ELB API reference,
    TargetGroupAttribute, stickiness.app_cookie.cookie_name)."""
    if not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", value):
        raise wrong("M2423", f"{shown(value)} is not a cookie name", "Write a name like `session`.")
    if value.startswith(RESERVED_COOKIE_PREFIX):
        hint = "Write another name. For a cookie of the load balancer, remove the key."
        message = f"{shown(value)} is a reserved cookie name: it begins with "
        message += f"`{RESERVED_COOKIE_PREFIX}`"
        raise wrong("M2423", message, hint)
    return value


def _reject_scalar(value: Any) -> Any:
    if isinstance(value, str | bool):
        probes = get_args(Sidecar.model_fields["probe"].annotation)
        probe = value if value in probes else f"{', '.join(probes[:-1])} or {probes[-1]}"
        message = f"{shown(value)} is not a map with the settings of the sidecar"
        raise wrong("M1103", message, f"Write `{{probe: {probe}}}`.")
    return value


HealthCheckPath = Annotated[str, text(r"/\S{0,1023}", "a path", "/healthz")]
CookieName = Annotated[str, AfterValidator(_validate_cookie_name)]


class HealthCheck(Base):
    """The health check of a target group."""

    path: HealthCheckPath | None = Field(
        None,
        description="Path of the request. Default: `/`, or `/AWS.ALB/healthcheck` for gRPC.",
    )
    port: PortField | None = Field(
        None,
        description="TCP port of any container of the task. Default: the port of the target group.",
    )
    protocol: Literal["HTTP", "HTTPS", "TCP"] | None = Field(
        None,
        description="Protocol of the check. Default: that of the target group; for an NLB, TCP.",
    )
    sidecar: Annotated[Sidecar | None, BeforeValidator(_reject_scalar)] = Field(
        None,
        description="NLB: a sidecar that answers the checks while the UDP service answers its "
        "probes.",
    )
    matcher: Annotated[str, AfterValidator(_validate_matcher)] | None = Field(
        None,
        description='Status codes of a healthy task. Default: `"200-399"`, or `"12"` for gRPC.',
    )
    interval: Annotated[int, duration(*HEALTH_CHECK_INTERVAL)] = Field(
        15, description="Time between checks."
    )
    timeout: Annotated[int, duration(*HEALTH_CHECK_TIMEOUT)] = Field(
        5, description="Time after which a check fails."
    )
    healthy_threshold: int = Field(
        2,
        ge=HEALTH_CHECK_THRESHOLD[0],
        le=HEALTH_CHECK_THRESHOLD[1],
        description="Consecutive successful checks until a task is healthy.",
    )
    unhealthy_threshold: int = Field(
        3,
        ge=HEALTH_CHECK_THRESHOLD[0],
        le=HEALTH_CHECK_THRESHOLD[1],
        description="Consecutive failed checks until a task is unhealthy.",
    )


UpToAWeek = Annotated[int, duration(*TARGET_GROUP["stickiness.lb_cookie.duration_seconds"].limits)]


class Stickiness(Base):
    """Sticky sessions: a cookie binds a client to a task."""

    duration: UpToAWeek = Field(86400, description="Duration of a session.")
    app_cookie: CookieName | None = Field(
        None,
        description="Name of a cookie of the application. Default: the load balancer's cookie.",
    )


class TargetGroupSettings(Base):
    """The settings of a target group that a route can have."""

    protocol: Literal["HTTP", "HTTPS"] = Field(
        "HTTP", description="Protocol of the container's port."
    )
    protocol_version: Literal["HTTP1", "HTTP2", "GRPC"] = Field(
        "HTTP1",
        description="Protocol version of the container's port. HTTP2 and gRPC need an HTTPS "
        "listener.",
    )
    health_check: HealthCheck | None = Field(None, description="Health check of the target group.")
    deregistration_delay: Annotated[
        int, duration(*TARGET_GROUP["deregistration_delay.timeout_seconds"].limits)
    ] = Field(60, description="Time for requests in progress to end when a task is deregistered.")
    slow_start: (
        Annotated[int, duration(*TARGET_GROUP["slow_start.duration_seconds"].limits)] | None
    ) = Field(
        None,
        description="Time over which the share of requests of a new task rises to that of the "
        "others.",
    )
    stickiness: Stickiness | None = Field(None, description="Sticky sessions.")
    algorithm: Literal["round_robin", "least_outstanding_requests", "weighted_random"] = Field(
        "round_robin", description="Routing algorithm."
    )


def parse_matcher(matcher: str) -> set[int]:
    """The status codes that a matcher such as `200,301-302` lists."""
    ranges = (part.partition("-") for part in matcher.split(","))
    return {code for low, _, high in ranges for code in range(int(low), int(high or low) + 1)}


def find_health_check_port(settings: TargetGroupSettings, port: Port) -> Port:
    """The port of the health check."""
    check = settings.health_check
    return check.port if check and check.port else port


def target_group(
    title: str,
    settings: TargetGroupSettings,
    port: Port,
    vpc: Any,
    *,
    through_instance: bool = False,
) -> elb.TargetGroup:
    """A target group of IP addresses, for tasks with network interfaces, or of instances, for which
    ECS registers the instance's port of each task.

    It has no name: a resource with a fixed name cannot be replaced, and a change of port or
    protocol replaces the target group.
    """
    check = settings.health_check or HealthCheck.unvalidated()
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


def _attributes(settings: TargetGroupSettings) -> dict[str, str]:
    """All attributes are always written: one that is left out keeps its previous value (Elastic
    Load Balancing API reference, ModifyTargetGroupAttributes)."""
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
