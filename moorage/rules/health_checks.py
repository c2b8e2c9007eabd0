"""Health checks of target groups."""

from __future__ import annotations

import re
from collections.abc import Iterator

from moorage.cfn import ecs
from moorage.cfn.stack import Resource
from moorage.cfn.view import View
from moorage.facts.elb_attributes import APPLICATION, GATEWAY, NETWORK
from moorage.facts.load_balancing import ALB_MATCHER_CODES, NLB_MATCHER_CODES, UDP_PROTOCOLS
from moorage.rules.message_parts import join_or
from moorage.rules.rule import Problem, problem, rule
from moorage.rules.target_groups import HTTP_PROTOCOLS, load_balancer_type_for

_PROTOCOLS = ("TCP", "HTTP", "HTTPS")
"""The protocols of health checks."""

_DEFAULT_TIMEOUT, _DEFAULT_INTERVAL = 5, 30
"""Seconds, for HTTP and HTTPS. Source: AWS docs, CreateTargetGroup."""


# Protocols and ports -------------------------------------------------------------------------


@rule(
    "E9555",
    "A health check has a protocol that its target group does not support.",
    error_messages=("Health check protocol 'UDP' must be one of 'HTTP', 'HTTPS', 'TCP'",),
    fix="Write TCP, HTTP or HTTPS as HealthCheckProtocol, and a HealthCheckPort on which targets "
    "respond with that protocol. For an HTTP or HTTPS target group, write HTTP or HTTPS.",
    sources=(
        "kubernetes-sigs/aws-load-balancer-controller#2144",
        "AWS docs: Network Load Balancers user guide, Health checks for target groups",
        "AWS docs: Elastic Load Balancing API reference, CreateTargetGroup",
    ),
    failure_ids=("tg-udp-health-check-protocol",),
)
def unsupported_health_check_protocol(view: View) -> Iterator[Problem]:
    """Health checks use TCP, HTTP or HTTPS. There are no health checks over UDP, and none over TCP
    for the HTTP and HTTPS target groups of Application Load Balancers. AWS refuses to create the
    target group."""
    for group in view.resources_of_type(ecs.TARGET_GROUP):
        protocol = group["HealthCheckProtocol"]
        is_http = load_balancer_type_for(group) == APPLICATION
        supported = HTTP_PROTOCOLS if is_http else _PROTOCOLS
        if protocol.is_none_of(*supported):
            yield problem(
                protocol,
                f"Target group `{group.id}` has health checks over {protocol.choices[0]}, but AWS "
                f"only supports {join_or(supported)}",
                f"Write {join_or(supported)}.",
            )


_HEALTH_CHECK_SOURCES = (
    "aws/containers-roadmap#850",
    "AWS docs: Network Load Balancers user guide, Health checks for target groups",
    "AWS docs: Amazon ECS developer guide, Troubleshooting service load balancers",
)


def _unmapped_health_checks(
    view: View, *, over_udp: bool
) -> Iterator[tuple[Resource, Resource, Resource, int]]:
    """Services, their task definitions and their target groups with a health check port that no
    container maps for TCP; either those with or those without a UDP protocol."""
    for attachment in ecs.target_group_attachments(view):
        group = ecs.resource_of_type(attachment.target_group, ecs.TARGET_GROUP)
        task = ecs.task_definition_of(attachment.service)
        if group is None or task is None or ecs.network_mode(task) != "awsvpc":
            continue
        if (group["Protocol"].text in UDP_PROTOCOLS) is not over_udp:
            continue
        health_check_port = group["HealthCheckPort"]
        port = health_check_port.number
        is_traffic_port = health_check_port.absent or health_check_port.text == "traffic-port"
        if over_udp and is_traffic_port:
            port = attachment.container_port
        if port is not None and ecs.accepts_tcp(task, port) is False:
            yield attachment.service, task, group, port


@rule(
    "E9558",
    "The health check of a UDP target group has a port that no container listens on for TCP.",
    error_messages=(
        "(service web) (port 514) is unhealthy in (target-group ...) due to (reason Health "
        "checks failed)",
    ),
    fix="Let a container of the task respond on a TCP port, and write that port as "
    "HealthCheckPort.",
    sources=(
        *_HEALTH_CHECK_SOURCES,
        "aws/containers-roadmap#445",
        "kubernetes-sigs/aws-load-balancer-controller#2144",
    ),
    failure_ids=("tg-udp-health-check-on-udp-port", "tg-udp-health-check-port-not-in-task"),
)
def udp_health_check_port_without_tcp(view: View) -> Iterator[Problem]:
    """Health checks use TCP or HTTP for UDP target groups too, by default on the traffic port. If
    no container listens on that port for TCP, every task is unhealthy, and ECS keeps replacing the
    tasks."""
    for service, task, group, port in _unmapped_health_checks(view, over_udp=True):
        yield problem(
            group["HealthCheckPort"],
            f"The health checks of target group `{group.id}` use TCP port {port}, which no "
            f"container of task definition `{task.id}` listens on: the tasks of service "
            f"`{service.id}` are never healthy",
            "Write a TCP port of the containers' PortMappings as HealthCheckPort.",
        )


@rule(
    "W9561",
    "A health check has a port that no container maps.",
    error_messages=(
        "(service web) is unhealthy in (target-group ...) due to (reason Health checks failed)",
    ),
    fix="Write a TCP port that a container of the task maps, or remove HealthCheckPort.",
    sources=(
        *_HEALTH_CHECK_SOURCES[1:],
        "https://repost.aws/knowledge-center/ecs-fargate-health-check-failures",
    ),
    failure_ids=("tg-health-check-port-not-in-task",),
)
def unmapped_health_check_port(view: View) -> Iterator[Problem]:
    """If no container listens on the health check port, for example because it is the listener's
    port, every task is unhealthy, and ECS keeps replacing the tasks. In network mode awsvpc a
    container can listen on a port that it does not map, so this is a warning."""
    for service, task, group, port in _unmapped_health_checks(view, over_udp=False):
        yield problem(
            group["HealthCheckPort"],
            f"The health checks of target group `{group.id}` use port {port}, which no container "
            f"of task definition `{task.id}` maps: unless a container listens on it, the tasks of "
            f"service `{service.id}` are never healthy",
            "Write a TCP port that a container maps, or remove HealthCheckPort to use the traffic "
            "port.",
        )


# Timeouts ------------------------------------------------------------------------------------


@rule(
    "E9564",
    "The timeout of a health check is not shorter than its interval.",
    error_messages=(
        "Health check interval must be greater than the timeout.",
        "Health check timeout '10' must be smaller than the interval '10'",
    ),
    fix="Write a HealthCheckTimeoutSeconds (default 5) that is less than "
    "HealthCheckIntervalSeconds (default 30).",
    sources=(
        "hashicorp/terraform-provider-aws#2366",
        "terraform-linters/tflint-ruleset-aws#404",
        "aws/aws-cdk#16446",
    ),
    failure_ids=(
        "tg-health-check-timeout-not-below-interval",
        "tg-health-check-interval-equals-default-timeout",
    ),
)
def health_check_timeout_too_long(view: View) -> Iterator[Problem]:
    """For an Application Load Balancer the timeout must be less than the interval. As the default
    timeout is five seconds, an interval of five seconds fails without any timeout written."""
    for group in view.resources_of_type(ecs.TARGET_GROUP):
        if load_balancer_type_for(group) != APPLICATION:
            continue
        timeout, interval = group["HealthCheckTimeoutSeconds"], group["HealthCheckIntervalSeconds"]
        timeout_seconds = _DEFAULT_TIMEOUT if timeout.absent else timeout.number
        interval_seconds = _DEFAULT_INTERVAL if interval.absent else interval.number
        if timeout_seconds is None or interval_seconds is None:
            continue
        if timeout_seconds >= interval_seconds:
            yield problem(
                interval if timeout.absent else timeout,
                f"The health check of target group `{group.id}` has a timeout of {timeout_seconds} "
                f"seconds{' by default' if timeout.absent else ''} and an interval of "
                f"{interval_seconds} seconds{' by default' if interval.absent else ''}, and AWS "
                f"requires a shorter timeout",
                f"Write `HealthCheckTimeoutSeconds: {max(2, interval_seconds - 1)}` or less."
                if interval_seconds > 2
                else "Write a longer HealthCheckIntervalSeconds.",
            )


# Paths and codes -----------------------------------------------------------------------------


@rule(
    "E9567",
    "A health check over TCP has a path or a matcher.",
    error_messages=(
        "Health check matchers are not supported for TCP health checks",
        "Health check paths are not supported for TCP health checks",
    ),
    fix="Remove HealthCheckPath and Matcher, or write `HealthCheckProtocol: HTTP`.",
    sources=(
        "awsdocs/aws-cloudformation-user-guide#186",
        "hashicorp/terraform-provider-aws#2170",
    ),
)
def path_with_tcp_health_check(view: View) -> Iterator[Problem]:
    """The health checks of TCP, TLS and UDP target groups use TCP by default, for which AWS rejects
    a path and a matcher. (cfn-lint finds a matcher together with `HealthCheckProtocol: TCP`:
    E3684.)"""
    for group in view.resources_of_type(ecs.TARGET_GROUP):
        if _health_check_protocol(group) != "TCP" or load_balancer_type_for(group) == APPLICATION:
            continue
        is_default = group["HealthCheckProtocol"].absent
        for key in ("HealthCheckPath", "Matcher") if is_default else ("HealthCheckPath",):
            if group[key].present and not group[key].unknown:
                yield problem(
                    group[key],
                    f"The health checks of target group `{group.id}` use TCP"
                    f"{' by default' if is_default else ''}, for which AWS rejects {key}",
                    f"Write `HealthCheckProtocol: HTTP`, or remove {key}.",
                )


def _health_check_protocol(group: Resource) -> str | None:
    """The protocol of a target group's health checks; None if it is not known."""
    protocol = group["HealthCheckProtocol"]
    if protocol.present:
        return protocol.text
    if ecs.target_type(group) not in ("instance", "ip"):
        return None
    kind = load_balancer_type_for(group)
    return "HTTP" if kind == APPLICATION else "TCP" if kind in (NETWORK, GATEWAY) else None


@rule(
    "E9570",
    "The health check of a gRPC target group expects HTTP status codes.",
    error_messages=("Health check matcher GRPC code '200' must be within '0-99' inclusive",),
    fix="Write `Matcher: {GrpcCode: '12'}`, or other gRPC codes from 0 to 99, without HttpCode.",
    sources=(
        "kubernetes-sigs/aws-load-balancer-controller#2804",
        "kubernetes-sigs/aws-load-balancer-controller#1662",
    ),
    failure_ids=("tg-grpc-matcher-http-code",),
)
def http_code_for_grpc(view: View) -> Iterator[Problem]:
    """The health checks of a target group with protocol version GRPC compare gRPC status codes,
    which go from 0 to 99, and not HTTP status codes."""
    for group in view.resources_of_type(ecs.TARGET_GROUP):
        if group["ProtocolVersion"].text != "GRPC":
            continue
        http, grpc = (group.props.at("Matcher", key) for key in ("HttpCode", "GrpcCode"))
        if http.present and not http.unknown:
            yield problem(
                http,
                f"The health check of gRPC target group `{group.id}` has HttpCode, which is for "
                f"HTTP target groups",
                "Write GrpcCode instead, such as `0-99` or `12`.",
            )
        codes = re.findall(r"[0-9]+", grpc.text or "")
        has_http_code = any(len(code) > 2 for code in codes)
        if has_http_code and re.fullmatch(r"[0-9, -]+", grpc.text or ""):
            yield problem(
                grpc,
                f"The health check of target group `{group.id}` has `GrpcCode: {grpc.text}`, and "
                f"gRPC codes are numbers from 0 to 99",
                "Write numbers from 0 to 99, such as `0-99` or `12`.",
            )


@rule(
    "E9539",
    "A health check expects status codes that its load balancer does not accept.",
    error_messages=("Health check matcher HTTP code '600' must be within '200-499' inclusive",),
    fix=f"Write codes from {ALB_MATCHER_CODES[0]} to {ALB_MATCHER_CODES[1]}, or behind a Network "
    f"Load Balancer to {NLB_MATCHER_CODES[1]}.",
    sources=("AWS docs: Elastic Load Balancing API reference, Matcher",),
)
def code_out_of_range(view: View) -> Iterator[Problem]:
    """A matcher lists status codes and ranges of them. Elastic Load Balancing refuses codes that
    are out of the range of the load balancer."""
    ranges = {APPLICATION: ALB_MATCHER_CODES, NETWORK: NLB_MATCHER_CODES}
    for group in view.resources_of_type(ecs.TARGET_GROUP):
        codes = group.props.at("Matcher", "HttpCode")
        kind = load_balancer_type_for(group)
        if kind not in ranges or not re.fullmatch(r"[0-9]{1,5}([,-][0-9]{1,5})*", codes.text or ""):
            continue
        low, high = ranges[kind]
        wrong = [
            code for code in re.findall("[0-9]+", str(codes.text)) if not low <= int(code) <= high
        ]
        if wrong:
            yield problem(
                codes,
                f"The health check of target group `{group.id}` expects the status {wrong[0]}, and "
                f"AWS accepts {low} to {high}",
                f"Write codes from {low} to {high}.",
            )


RULES = (
    code_out_of_range,
    unsupported_health_check_protocol,
    udp_health_check_port_without_tcp,
    unmapped_health_check_port,
    health_check_timeout_too_long,
    path_with_tcp_health_check,
    http_code_for_grpc,
)
