"""Health checks of target groups."""

from __future__ import annotations

import re
from collections.abc import Iterator

from moorage.cfn import ecs
from moorage.cfn.view import Resource, View
from moorage.facts.elb_attributes import APPLICATION, GATEWAY, NETWORK
from moorage.rules.rule import Problem, problem, rule
from moorage.rules.target_groups import _DATAGRAMS, _HTTP, _family

_CHECKS = ("TCP", "HTTP", "HTTPS")


@rule(
    "E9555",
    "Health is checked by a protocol that there are no health checks for",
    error_messages=("Health check protocol 'UDP' must be one of 'HTTP', 'HTTPS', 'TCP'",),
    fix="Check by TCP, HTTP or HTTPS, on a port where something answers that; by HTTP or HTTPS "
    "for a target group that speaks one of them.",
    sources=(
        "kubernetes-sigs/aws-load-balancer-controller#2144",
        "AWS docs: Network Load Balancers user guide, Health checks for target groups",
        "AWS docs: Elastic Load Balancing API reference, CreateTargetGroup",
    ),
    failure_ids=("tg-udp-health-check-protocol",),
)
def health_check_protocol(view: View) -> Iterator[Problem]:
    """Load balancers connect, or ask by HTTP or HTTPS. They don't send a datagram to see whether
    an answer comes, and creating a target group that wants it fails. An Application Load Balancer
    does not check by a mere connection either."""
    for group in view.resources_of_type(ecs.TARGET_GROUP):
        given = group["HealthCheckProtocol"]
        takes = _HTTP if _family(group) == APPLICATION else _CHECKS
        if given.is_none_of(*takes):
            yield problem(
                given,
                f"{group.id} cannot be checked by {given.choices[0]}: AWS takes "
                f"{', '.join(takes)} here",
                f"Write one of {', '.join(takes)}.",
            )


_UNANSWERED = (
    "aws/containers-roadmap#850",
    "AWS docs: Network Load Balancers user guide, Health checks for target groups",
    "AWS docs: Amazon ECS developer guide, Troubleshooting service load balancers",
)


def _unanswered(
    view: View, *, datagrams: bool
) -> Iterator[tuple[ecs.TargetGroupAttachment, Resource, int]]:
    """Target groups of services whose health is checked on a port that no container of the task
    takes TCP on, with that port."""
    for attachment in ecs.target_group_attachments(view):
        group = ecs.resource_of_type(attachment.target_group, ecs.TARGET_GROUP)
        task = ecs.task_definition_of(attachment.service)
        if group is None or task is None or ecs.network_mode(task) != "awsvpc":
            continue
        if (group["Protocol"].text in _DATAGRAMS) is not datagrams:
            continue
        given = group["HealthCheckPort"]
        port = given.number
        if datagrams and (given.absent or given.text == "traffic-port"):
            port = attachment.container_port
        if port is not None and ecs.accepts_tcp(task, port) is False:
            yield attachment, group, port


@rule(
    "E9558",
    "A UDP service's health is checked where nothing listens on TCP",
    error_messages=(
        "(service web) (port 514) is unhealthy in (target-group ...) due to (reason Health "
        "checks failed)",
    ),
    fix="Let a container of the task answer on a TCP port, and write that port as "
    "`HealthCheckPort`.",
    sources=(
        *_UNANSWERED,
        "aws/containers-roadmap#445",
        "kubernetes-sigs/aws-load-balancer-controller#2144",
    ),
    failure_ids=("tg-udp-health-check-on-udp-port", "tg-udp-health-check-port-not-in-task"),
)
def udp_health_port(view: View) -> Iterator[Problem]:
    """Health is checked over TCP or HTTP, for UDP too, and on the port of the traffic if nothing
    else is said. Where no container listens on TCP there, every task is unhealthy, ECS replaces it,
    and the next one too."""
    for attachment, group, port in _unanswered(view, datagrams=True):
        task = ecs.task_definition_of(attachment.service)
        assert task is not None
        yield problem(
            group["HealthCheckPort"],
            f"{group.id} is checked over TCP on port {port}, where no container of {task.id} "
            f"listens: all tasks of {attachment.service.id} are unhealthy and replaced for ever",
            "Write as `HealthCheckPort` a TCP port that a container of the task maps.",
        )


@rule(
    "W9561",
    "Health is checked on a port that no container has",
    error_messages=(
        "(service web) is unhealthy in (target-group ...) due to (reason Health checks failed)",
    ),
    fix="Write a TCP port that a container of the task maps, or leave `HealthCheckPort` out.",
    sources=(
        *_UNANSWERED[1:],
        "https://repost.aws/knowledge-center/ecs-fargate-health-check-failures",
    ),
    failure_ids=("tg-health-check-port-not-in-task",),
)
def health_port(view: View) -> Iterator[Problem]:
    """A port left over from another service, or the listener's in place of the container's:
    nothing answers there, every task is unhealthy, and ECS replaces them without end. In awsvpc
    a container may listen on a port that it does not map: hence a warning."""
    for attachment, group, port in _unanswered(view, datagrams=False):
        task = ecs.task_definition_of(attachment.service)
        assert task is not None
        yield problem(
            group["HealthCheckPort"],
            f"{group.id} is checked on port {port}, which no container of {task.id} maps: unless "
            f"one listens there all the same, all tasks of {attachment.service.id} are unhealthy "
            f"and replaced for ever",
            "Write a TCP port that a container of the task maps, or leave it out for the port of "
            "the traffic.",
        )


@rule(
    "E9564",
    "A health check may take as long as the time between two",
    error_messages=(
        "Health check interval must be greater than the timeout.",
        "Health check timeout '10' must be smaller than the interval '10'",
    ),
    fix="Let HealthCheckTimeoutSeconds (5 if not written) be less than HealthCheckIntervalSeconds "
    "(30 if not written).",
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
def health_check_timeout(view: View) -> Iterator[Problem]:
    """A check of an Application Load Balancer has to be over before the next one begins. It may
    take five seconds where nothing is said, so that an interval of five fails by itself."""
    for group in view.resources_of_type(ecs.TARGET_GROUP):
        if _family(group) != APPLICATION:
            continue
        timeout, interval = (group[f"HealthCheck{what}Seconds"] for what in ("Timeout", "Interval"))
        longest = 5 if timeout.absent else timeout.number
        between = 30 if interval.absent else interval.number
        if longest is not None and between is not None and longest >= between:
            yield problem(
                interval if timeout.absent else timeout,
                f"{group.id} is checked every {between} seconds, and a check may take {longest}"
                f"{', as nothing else is said' if timeout.absent else ''}: AWS refuses that",
                f"Write `HealthCheckTimeoutSeconds: {max(2, between - 1)}` or less."
                if between > 2
                else "Write a longer interval.",
            )


def _check(group: Resource) -> str | None:
    """The protocol that health is checked by; None where it is not known. A target group of an
    ALB is checked by HTTP or HTTPS, whatever it speaks."""
    given = group["HealthCheckProtocol"]
    if given.present:
        return given.text
    if ecs.target_type(group) not in ("instance", "ip"):
        return None
    family = _family(group)
    return "HTTP" if family == APPLICATION else "TCP" if family in (NETWORK, GATEWAY) else None


@rule(
    "E9567",
    "A health check over TCP is given what belongs to HTTP",
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
def path_on_tcp(view: View) -> Iterator[Problem]:
    """A target group that speaks TCP, TLS or UDP is checked by a connection where nothing else is
    said, and a path or a status means nothing then: AWS refuses it. (A matcher beside a written
    `HealthCheckProtocol: TCP` is found by cfn-lint: E3684.)"""
    for group in view.resources_of_type(ecs.TARGET_GROUP):
        if _check(group) != "TCP" or _family(group) == APPLICATION:
            continue
        by_default = group["HealthCheckProtocol"].absent
        for key in ("HealthCheckPath", "Matcher") if by_default else ("HealthCheckPath",):
            node = group[key]
            if node.present and not node.unknown:
                why = ", as nothing else is said" if by_default else ""
                yield problem(
                    node,
                    f"{group.id} is checked by TCP{why}, and AWS refuses {key} then",
                    "Write `HealthCheckProtocol: HTTP`, or remove it.",
                )


@rule(
    "E9570",
    "A gRPC target group looks for a status of HTTP",
    error_messages=("Health check matcher GRPC code '200' must be within '0-99' inclusive",),
    fix="Write `Matcher: {GrpcCode: 12}` or other gRPC codes, of 0 to 99, and no `HttpCode`.",
    sources=(
        "kubernetes-sigs/aws-load-balancer-controller#2804",
        "kubernetes-sigs/aws-load-balancer-controller#1662",
    ),
    failure_ids=("tg-grpc-matcher-http-code",),
)
def grpc_matcher(view: View) -> Iterator[Problem]:
    """gRPC has status codes of its own, from 0 to 99, and a target group with that protocol version
    is checked by them."""
    for group in view.resources_of_type(ecs.TARGET_GROUP):
        if group["ProtocolVersion"].text != "GRPC":
            continue
        http, grpc = (group.props.at("Matcher", key) for key in ("HttpCode", "GrpcCode"))
        if http.present and not http.unknown:
            yield problem(
                http,
                f"{group.id} speaks gRPC, and its health check looks for a status of HTTP",
                "Write `GrpcCode` instead, such as '0-99' or '12'.",
            )
        above = [code for code in re.findall(r"[0-9]+", grpc.text or "") if len(code) > 2]
        if above and re.fullmatch(r"[0-9, -]+", grpc.text or ""):
            yield problem(
                grpc,
                f"gRPC has the codes 0 to 99, and AWS refuses `{grpc.text}`",
                "Write one of those, such as '0-99' or '12'.",
            )


RULES = (
    health_check_protocol,
    udp_health_port,
    health_port,
    health_check_timeout,
    path_on_tcp,
    grpc_matcher,
)
