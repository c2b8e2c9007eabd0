"""Target groups: who can be in them, how their health is checked, and their attributes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from moorage.cfn import ecs
from moorage.cfn.view import Resource, View
from moorage.facts import elb_attributes
from moorage.facts.elb_attributes import APPLICATION, GATEWAY, LAMBDA, NETWORK, STICKINESS_TYPES
from moorage.rules.elb_attribute_checks import find_invalid_values, find_unsupported_keys
from moorage.rules.rule import Problem, problem, rule

_HTTP = ("HTTP", "HTTPS")
_DATAGRAMS = ("UDP", "TCP_UDP", "QUIC", "TCP_QUIC")
_CHECKS = ("TCP", "HTTP", "HTTPS")


def _family(group: Resource) -> str | None:
    """The kind of load balancer that a target group is for, by its protocol."""
    if ecs.target_type(group) == "lambda":
        return LAMBDA
    protocol = group["Protocol"].text
    if protocol in _HTTP:
        return APPLICATION
    if protocol in ecs.NLB_PROTOCOLS:
        return NETWORK
    return GATEWAY if protocol == "GENEVE" else None


def _speaks(group: Resource) -> str:
    """What a target group is, for a message."""
    if ecs.target_type(group) == "lambda":
        return f"{group.id}, a target group of a function,"
    return f"{group.id}, a target group that speaks {group['Protocol'].text},"


# Targets -------------------------------------------------------------------------------------


@rule(
    "E9330",
    "A service's target group takes other targets than its tasks are",
    error_messages=(
        "The provided target group arn:... has target type instance, which is incompatible with "
        "the awsvpc network mode specified in the task definition.",
        "The provided target group arn:... has target type ip, which is incompatible with the "
        "bridge network mode specified in the task definition.",
    ),
    fix="Write `TargetType: ip` for tasks with network mode awsvpc, as all on Fargate are, and "
    "`TargetType: instance` for the others. Without a target type it is `instance`.",
    sources=(
        "riboseinc/terraform-aws-ecs-gitlab#5",
        "hashicorp/terraform-provider-aws#11723",
        "hashicorp/terraform-provider-aws#12252",
        "aws/aws-cdk#915",
        "AWS docs: Amazon ECS developer guide, Load balancer types",
    ),
    failure_ids=("tg-target-type-instance-with-awsvpc", "tg-target-type-omitted"),
)
def target_type(view: View) -> Iterator[Problem]:
    """Tasks with network mode awsvpc have addresses of their own and are registered by them; the
    others are reached through the instance that they run on. ECS refuses to create a service whose
    target group takes the other kind."""
    for attachment in ecs.target_group_attachments(view):
        service, group = (
            attachment.service,
            ecs.resource_of_type(attachment.target_group, ecs.TARGET_GROUP),
        )
        if group is None:
            continue
        task = ecs.task_definition_of(service)
        mode = ecs.network_mode(task) if task is not None else None
        if mode is None and ecs.runs_on_fargate(service):
            mode = "awsvpc"
        given = group["TargetType"]
        if mode == "awsvpc" and (given.absent or given.is_none_of("ip")):
            says = (
                "has no target type, which makes it `instance`,"
                if given.absent
                else (f"has the target type `{given.choices[0]}`,")
            )
            yield problem(
                given,
                f"{group.id} {says} and ECS refuses it for {service.id}, whose tasks have network "
                f"mode awsvpc",
                "Write `TargetType: ip`.",
            )
        elif mode in ("bridge", "host") and given.text == "ip" and not _on_fargate(service):
            yield problem(
                given,
                f"{group.id} has the target type `ip`, and ECS refuses it for {service.id}, whose "
                f"tasks have network mode {mode}",
                "Write `TargetType: instance`, or `NetworkMode: awsvpc` in the task definition.",
            )


def _on_fargate(service: Resource) -> bool:
    """Whether its tasks run on Fargate; then their network mode is what is wrong."""
    task = ecs.task_definition_of(service)
    return bool(ecs.runs_on_fargate(service) or (task is not None and ecs.is_for_fargate(task)))


@rule(
    "E9339",
    "A target group without a target type has no VPC",
    error_messages=("A VPC ID must be specified",),
    fix="Write `VpcId`, `Port` and `Protocol`.",
    sources=("AWS docs: Elastic Load Balancing API reference, CreateTargetGroup",),
)
def target_group_without_vpc(view: View) -> Iterator[Problem]:
    """A target group holds instances unless it says otherwise, and they have a VPC, a port and a
    protocol. (With a target type written, cfn-lint finds what is missing: E3681.)"""
    for group in view.resources_of_type(ecs.TARGET_GROUP):
        missing = [key for key in ("VpcId", "Port", "Protocol") if group[key].absent]
        included = any(key.startswith("Fn::") for key, _ in group.props.entries)
        if missing and group["TargetType"].absent and not included:
            yield problem(
                group[missing[0]],
                f"{group.id} has no {' and no '.join(missing)}, and AWS refuses that for "
                f"instances, which it takes without a target type",
                f"Write `{'` and `'.join(missing)}`.",
            )


# Health checks -------------------------------------------------------------------------------


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
    "E9331",
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
    "E9332",
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
    "W9333",
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
    "E9336",
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


@rule(
    "E9337",
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


@rule(
    "E9338",
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


# Attributes ----------------------------------------------------------------------------------

_ATTRIBUTES = "AWS docs: Elastic Load Balancing API reference, TargetGroupAttribute"


@rule(
    "E9334",
    "A target group has an attribute that its protocol does not have",
    error_messages=("The provided target group attribute is not supported",),
    fix="Remove the attribute. Algorithms, slow start and cookies are for HTTP and HTTPS; proxy "
    "protocol, client IP preservation and connection termination for the protocols of Network "
    "Load Balancers.",
    sources=(
        "hashicorp/terraform-provider-aws#12726",
        "hashicorp/terraform-provider-aws#15295",
        _ATTRIBUTES,
    ),
    failure_ids=("tg-attribute-alb-only-on-nlb",),
)
def target_group_attribute_key(view: View) -> Iterator[Problem]:
    """A target group has the attributes of the type of load balancer that its protocol is for. One
    of another type is refused, even if it says that nothing is wanted."""
    for group in view.resources_of_type(ecs.TARGET_GROUP):
        items = group["TargetGroupAttributes"].items
        family = _family(group) if items else None
        if family is not None:
            yield from find_unsupported_keys(
                items, elb_attributes.TARGET_GROUP, family, _speaks(group)
            )


@rule(
    "E9335",
    "An attribute of a target group has a value that it does not take",
    error_messages=(
        "Stickiness type 'lb_cookie' is not supported for target groups with the TCP protocol",
    ),
    fix="Write a value that the attribute takes with the target group's protocol.",
    sources=(
        "ansible/ansible#67993",
        "hashicorp/terraform-provider-aws#15603",
        "hashicorp/terraform-provider-aws#14556",
        "AWS docs: Network Load Balancers user guide, Edit target group attributes",
        _ATTRIBUTES,
    ),
    failure_ids=("tg-stickiness-lb-cookie-on-nlb", "tg-preserve-client-ip-off-for-udp"),
)
def target_group_attribute_value(view: View) -> Iterator[Problem]:
    """Elastic Load Balancing judges attributes by the target group's protocol: cookies keep clients
    on a target for HTTP, their address does for the protocols of Network Load Balancers (wrong even
    where stickiness is off), and none is for TLS; clients' addresses are always kept for UDP."""
    for group in view.resources_of_type(ecs.TARGET_GROUP):
        items = group["TargetGroupAttributes"].items
        family = _family(group) if items else None
        if family is None:
            continue
        yield from find_invalid_values(items, elb_attributes.TARGET_GROUP, family)
        protocol, attributes = (
            group["Protocol"].text,
            ecs.attributes(group, "TargetGroupAttributes"),
        )
        kind, sticky, keeps = (
            attributes.get(key)
            for key in ("stickiness.type", "stickiness.enabled", "preserve_client_ip.enabled")
        )
        if kind is not None and kind.is_none_of(*STICKINESS_TYPES[family]):
            yield problem(
                kind,
                f"{_speaks(group)} does not take stickiness by `{kind.choices[0]}`",
                f"Write {' or '.join(f'`{one}`' for one in STICKINESS_TYPES[family])}.",
            )
        if sticky is not None and sticky.flag and protocol == "TLS":
            yield problem(sticky, f"{_speaks(group)} has no stickiness", "Write `false`.")
        if keeps is not None and keeps.flag is False and protocol in _DATAGRAMS:
            yield problem(
                keeps,
                f"{_speaks(group)} always keeps the addresses of clients",
                "Remove it, or write `true`.",
            )


RULES = (
    target_type,
    health_check_protocol,
    udp_health_port,
    health_port,
    target_group_attribute_key,
    target_group_attribute_value,
    health_check_timeout,
    grpc_matcher,
    path_on_tcp,
    target_group_without_vpc,
)
