"""Target groups: load balancers, target types, required properties and attributes."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.cfn import ecs, networks
from moorage.cfn.nodes import Node
from moorage.cfn.stack import Resource
from moorage.cfn.view import View
from moorage.facts import elb_attributes
from moorage.facts.elb_attributes import APPLICATION, GATEWAY, LAMBDA, NETWORK, STICKINESS_TYPES
from moorage.facts.load_balancing import (
    ALGORITHM_WITHOUT_STICKINESS,
    ALGORITHMS_WITHOUT_SLOW_START,
    NLB_PROTOCOLS,
    UDP_PROTOCOLS,
)
from moorage.rules.elb_attribute_checks import find_invalid_values, find_unsupported_keys
from moorage.rules.listeners import exist_together
from moorage.rules.message_parts import join_and, join_or, quote
from moorage.rules.rule import Problem, problem, rule

HTTP_PROTOCOLS = ("HTTP", "HTTPS")

_ATTRIBUTES = "AWS docs: Elastic Load Balancing API reference, TargetGroupAttribute"


def load_balancer_type_for(group: Resource) -> str | None:
    """The type of load balancer that a target group is for, by its protocol; `lambda` for a target
    group of a Lambda function, None if it is not known."""
    if ecs.target_type(group) == "lambda":
        return LAMBDA
    protocol = group["Protocol"].text
    if protocol in HTTP_PROTOCOLS:
        return APPLICATION
    if protocol in NLB_PROTOCOLS:
        return NETWORK
    return GATEWAY if protocol == "GENEVE" else None


# Load balancers ------------------------------------------------------------------------------


@rule(
    "E9530",
    "No listener forwards to the target group of a service.",
    error_messages=(
        "The target group with targetGroupArn arn:aws:elasticloadbalancing:... does not have an "
        "associated load balancer.",
    ),
    fix="Forward to the target group in DefaultActions of a listener or in a listener rule, or "
    "remove it from LoadBalancers of the service.",
    sources=("aws/aws-cdk#34290", "umotif-public/terraform-aws-ecs-fargate#43"),
    failure_ids=("ord-target-group-without-listener",),
)
def target_group_without_listener(view: View) -> Iterator[Problem]:
    """A target group belongs to a load balancer only if a listener or listener rule forwards to it.
    ECS refuses to create a service whose target group has no load balancer. It happens, for
    example, when the default action of a listener becomes a redirect to HTTPS."""
    if not ecs.are_all_forwards_known(view) or any(
        stack.template.is_generated for stack in view.stacks
    ):
        return
    for attachment in ecs.target_group_attachments(view):
        group = ecs.resource_of_type(attachment.target_group, ecs.TARGET_GROUP)
        if (
            group
            and not ecs.find_forwarders(view, group)
            and not networks.may_be_modified_elsewhere(group)
        ):
            yield problem(
                attachment.target_group,
                f"No listener or listener rule forwards to target group `{group.id}`, and ECS "
                f"refuses to create service `{attachment.service.id}`",
                f"Forward to `{group.id}` in DefaultActions of a listener or in a listener rule.",
            )


@rule(
    "E9533",
    "Listeners of two load balancers forward to the same target group.",
    error_messages=(
        "The following target groups cannot be associated with more than one load balancer: "
        "arn:...",
    ),
    fix="Create a target group for each load balancer. A service can have several target groups.",
    sources=(
        "aws/aws-cdk#15233",
        "aws-cloudformation/cloudformation-coverage-roadmap#780",
    ),
    failure_ids=("lb-target-group-on-two-load-balancers",),
)
def target_group_of_two_load_balancers(view: View) -> Iterator[Problem]:
    """A target group belongs to the load balancer of the first listener that forwards to it. AWS
    refuses to create a listener of another load balancer that forwards to it too. Several listeners
    and rules of one load balancer can forward to it."""
    first_forwarders: dict[Resource, tuple[Resource, Resource]] = {}
    for forwarder in view.resources_of_type(ecs.LISTENER, ecs.LISTENER_RULE):
        load_balancer = ecs.load_balancer_of(forwarder)
        if load_balancer is None:
            continue
        for node in ecs.forwarded_target_groups(forwarder):
            group = ecs.resource_of_type(node, ecs.TARGET_GROUP)
            if group is None:
                continue
            first, owner = first_forwarders.setdefault(group, (forwarder, load_balancer))
            if owner is not load_balancer and exist_together(first, forwarder):
                yield problem(
                    node,
                    f"`{forwarder.id}` of load balancer `{load_balancer.id}` forwards to target "
                    f"group `{group.id}`, which belongs to load balancer `{owner.id}`, and AWS "
                    f"rejects it",
                    f"Create another target group for `{load_balancer.id}`.",
                )


# Targets -------------------------------------------------------------------------------------


@rule(
    "E9540",
    "The target type of a service's target group does not match the network mode of its tasks.",
    error_messages=(
        "The provided target group arn:... has target type instance, which is incompatible with "
        "the awsvpc network mode specified in the task definition.",
        "The provided target group arn:... has target type ip, which is incompatible with the "
        "bridge network mode specified in the task definition.",
    ),
    fix="Write `TargetType: ip` for tasks in network mode awsvpc, which is required on Fargate. "
    "Write `TargetType: instance`, the default, for tasks in other network modes.",
    sources=(
        "riboseinc/terraform-aws-ecs-gitlab#5",
        "hashicorp/terraform-provider-aws#11723",
        "hashicorp/terraform-provider-aws#12252",
        "aws/aws-cdk#915",
        "AWS docs: Amazon ECS developer guide, Load balancer types",
    ),
    failure_ids=("tg-target-type-instance-with-awsvpc", "tg-target-type-omitted"),
)
def wrong_target_type(view: View) -> Iterator[Problem]:
    """ECS registers tasks in network mode awsvpc by their IP addresses, and other tasks by their
    container instances. It refuses to create a service whose target group has the other target
    type."""
    for attachment in ecs.target_group_attachments(view):
        service = attachment.service
        group = ecs.resource_of_type(attachment.target_group, ecs.TARGET_GROUP)
        if group is None:
            continue
        mode = _network_mode(service)
        target_type = group["TargetType"]
        message = (
            f"Target group `{group.id}` has target type "
            f"{target_type.choices[0] if target_type.choices else 'instance'}"
            f"{' by default' if target_type.absent else ''}, which ECS rejects for service "
            f"`{service.id}`, as its tasks have network mode {mode}"
        )
        if mode == "awsvpc" and (target_type.absent or target_type.is_none_of("ip")):
            yield problem(target_type, message, "Write `TargetType: ip`.")
        elif mode in ("bridge", "host") and target_type.text == "ip" and not _on_fargate(service):
            yield problem(
                target_type,
                message,
                "Write `TargetType: instance`, or `NetworkMode: awsvpc` in the task definition.",
            )


def _network_mode(service: Resource) -> str | None:
    """The network mode of a service's tasks; None if it is not known."""
    task = ecs.task_definition_of(service)
    mode = ecs.network_mode(task) if task is not None else None
    return "awsvpc" if mode is None and ecs.runs_on_fargate(service) else mode


def _on_fargate(service: Resource) -> bool:
    """Whether a service runs on Fargate; then its network mode is wrong, not its target type."""
    task = ecs.task_definition_of(service)
    return bool(ecs.runs_on_fargate(service) or (task is not None and ecs.is_for_fargate(task)))


@rule(
    "E9545",
    "A target group without target type lacks VpcId, Port or Protocol.",
    error_messages=("A VPC ID must be specified",),
    fix="Write VpcId, Port and Protocol.",
    sources=("AWS docs: Elastic Load Balancing API reference, CreateTargetGroup",),
)
def target_group_without_vpc(view: View) -> Iterator[Problem]:
    """The default target type is `instance`, for which AWS requires a VPC, a port and a protocol.
    (cfn-lint finds missing properties of target groups with a TargetType: E3681.)"""
    for group in view.resources_of_type(ecs.TARGET_GROUP):
        missing = [key for key in ("VpcId", "Port", "Protocol") if group[key].absent]
        has_include = any(key.startswith("Fn::") for key, _ in group.props.entries)
        if missing and group["TargetType"].absent and not has_include:
            yield problem(
                group[missing[0]],
                f"Target group `{group.id}` has no {join_or(missing)}, which AWS requires for the "
                f"default target type `instance`",
                f"Write {join_and(missing)}.",
            )


# Attributes ----------------------------------------------------------------------------------


def _describe(group: Resource) -> str:
    """A target group with its protocol, as the beginning of a message."""
    if ecs.target_type(group) == "lambda":
        return f"Target group `{group.id}` of a Lambda function"
    return f"Target group `{group.id}` with protocol {group['Protocol'].text}"


@rule(
    "E9585",
    "A target group has an attribute that its protocol does not support.",
    error_messages=("The provided target group attribute is not supported",),
    fix="Remove the attribute. Load balancing algorithms, slow start and cookie stickiness are for "
    "HTTP and HTTPS. Proxy protocol, client IP preservation and connection termination are for the "
    "protocols of Network Load Balancers.",
    sources=(
        "hashicorp/terraform-provider-aws#12726",
        "hashicorp/terraform-provider-aws#15295",
        _ATTRIBUTES,
    ),
    failure_ids=("tg-attribute-alb-only-on-nlb",),
)
def unsupported_target_group_attribute(view: View) -> Iterator[Problem]:
    """A target group supports the attributes for the type of load balancer that its protocol is
    for. AWS rejects any other attribute, even with a value that disables it."""
    for group in view.resources_of_type(ecs.TARGET_GROUP):
        items = group["TargetGroupAttributes"].items
        kind = load_balancer_type_for(group) if items else None
        if kind is not None:
            table = elb_attributes.TARGET_GROUP
            yield from find_unsupported_keys(items, table, kind, _describe(group))


@rule(
    "E9588",
    "An attribute of a target group has an invalid value.",
    error_messages=(
        "Stickiness type 'lb_cookie' is not supported for target groups with the TCP protocol",
    ),
    fix="Write a value that the attribute accepts for the protocol of the target group.",
    sources=(
        "ansible/ansible#67993",
        "hashicorp/terraform-provider-aws#15603",
        "hashicorp/terraform-provider-aws#14556",
        "AWS docs: Network Load Balancers user guide, Edit target group attributes",
        _ATTRIBUTES,
    ),
    failure_ids=("tg-stickiness-lb-cookie-on-nlb", "tg-preserve-client-ip-off-for-udp"),
)
def invalid_target_group_attribute(view: View) -> Iterator[Problem]:
    """Which values an attribute accepts depends on the protocol of the target group. HTTP and HTTPS
    have cookie stickiness, the protocols of Network Load Balancers source IP stickiness, and TLS
    none; a wrong stickiness type is rejected even if stickiness is disabled. For UDP, client IP
    preservation cannot be disabled. The threshold for DNS failover is at least that for routing to
    all targets."""
    for group in view.resources_of_type(ecs.TARGET_GROUP):
        items = group["TargetGroupAttributes"].items
        kind = load_balancer_type_for(group) if items else None
        if kind is not None:
            yield from find_invalid_values(items, elb_attributes.TARGET_GROUP, kind)
            attributes = ecs.attributes(group, "TargetGroupAttributes")
            yield from _invalid_for_protocol(group, kind, attributes)
            yield from _invalid_thresholds(group, attributes)


def _invalid_for_protocol(
    group: Resource, kind: str, attributes: dict[str, Node]
) -> Iterator[Problem]:
    owner, protocol = _describe(group), group["Protocol"].text
    stickiness_type = attributes.get("stickiness.type")
    stickiness = attributes.get("stickiness.enabled")
    preserve_client_ip = attributes.get("preserve_client_ip.enabled")
    if stickiness_type is not None and stickiness_type.is_none_of(*STICKINESS_TYPES[kind]):
        yield problem(
            stickiness_type,
            f"{owner} does not support stickiness of type `{stickiness_type.choices[0]}`",
            f"Write {join_or(quote(STICKINESS_TYPES[kind]))}.",
        )
    if stickiness is not None and stickiness.flag and protocol == "TLS":
        yield problem(stickiness, f"{owner} does not support stickiness", "Write `false`.")
    if (
        preserve_client_ip is not None
        and preserve_client_ip.flag is False
        and protocol in UDP_PROTOCOLS
    ):
        yield problem(
            preserve_client_ip,
            f"{owner} does not support disabling client IP preservation",
            "Remove the attribute, or write `true`.",
        )


def _invalid_thresholds(group: Resource, attributes: dict[str, Node]) -> Iterator[Problem]:
    """DNS failover must not happen later than routing to all targets."""
    for unit in ("count", "percentage"):
        failover, routing = (
            attributes.get(f"target_group_health.{name}.minimum_healthy_targets.{unit}")
            for name in ("dns_failover", "unhealthy_state_routing")
        )
        least = routing.number if routing else None
        number = failover.number if failover else None
        if failover and least is not None and number is not None and number < least:
            yield problem(
                failover,
                f"Target group `{group.id}` has a threshold of {number} for DNS failover, which is "
                f"lower than that for routing to all targets, {least}",
                f"Write {least} or more.",
            )


@rule(
    "E9592",
    "Attributes of a target group exclude each other.",
    error_messages=(
        "You cannot have both stickiness and weighted random algorithm enabled on the same target "
        "group.",
    ),
    fix="Write `round_robin`, which can be combined with slow start and with stickiness, or "
    "disable both.",
    sources=(
        "hashicorp/terraform-provider-aws#35083",
        "AWS docs: Application Load Balancers user guide, Edit target group attributes",
        _ATTRIBUTES,
    ),
)
def conflicting_target_group_attributes(view: View) -> Iterator[Problem]:
    """The algorithm `weighted_random` can be combined neither with stickiness nor with slow start,
    `least_outstanding_requests` not with slow start. AWS rejects the target group."""
    for group in view.resources_of_type(ecs.TARGET_GROUP):
        attributes = ecs.attributes(group, "TargetGroupAttributes")
        algorithm = attributes.get("load_balancing.algorithm.type")
        stickiness = attributes.get("stickiness.enabled")
        slow_start = attributes.get("slow_start.duration_seconds")
        if algorithm is None:
            continue
        if slow_start and slow_start.number and algorithm.text in ALGORITHMS_WITHOUT_SLOW_START:
            yield _report_conflict(group, slow_start, "slow start", algorithm, "Write `0`")
        if stickiness and stickiness.flag and algorithm.text == ALGORITHM_WITHOUT_STICKINESS:
            yield _report_conflict(group, stickiness, "stickiness", algorithm, "Write `false`")


def _report_conflict(
    group: Resource, node: Node, feature: str, algorithm: Node, hint: str
) -> Problem:
    return problem(
        node,
        f"Target group `{group.id}` has {feature} and the algorithm `{algorithm.text}`, which "
        f"exclude each other",
        f"{hint}, or another load_balancing.algorithm.type, such as `round_robin`.",
    )


RULES = (
    target_group_without_listener,
    target_group_of_two_load_balancers,
    wrong_target_type,
    target_group_without_vpc,
    unsupported_target_group_attribute,
    invalid_target_group_attribute,
    conflicting_target_group_attributes,
)
