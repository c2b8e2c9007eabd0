"""Target groups: load balancers, targets and attributes."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.cfn import ecs, networks
from moorage.cfn.view import Resource, View
from moorage.facts import elb_attributes
from moorage.facts.elb_attributes import APPLICATION, GATEWAY, LAMBDA, NETWORK, STICKINESS_TYPES
from moorage.rules.elb_attribute_checks import find_invalid_values, find_unsupported_keys
from moorage.rules.listeners import _together
from moorage.rules.rule import Problem, problem, rule


@rule(
    "E9530",
    "No listener forwards to a service's target group",
    error_messages=(
        "The target group with targetGroupArn arn:aws:elasticloadbalancing:... does not have an "
        "associated load balancer.",
    ),
    fix="Forward to the target group in a listener's DefaultActions or in a listener rule, or take "
    "it out of the service.",
    sources=("aws/aws-cdk#34290", "umotif-public/terraform-aws-ecs-fargate#43"),
    failure_ids=("ord-target-group-without-listener",),
)
def target_group_without_listener(view: View) -> Iterator[Problem]:
    """A service names a target group that no listener and no rule forwards to, as happens when
    the listener becomes a redirect to HTTPS and the forwarding goes with it. Such a target group
    belongs to no load balancer, and ECS refuses the service."""
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
                f"No listener and no rule forwards to {group.id}, and ECS refuses a target group "
                f"without a load balancer",
                f"Forward to {group.id} in a listener's DefaultActions or in a listener rule.",
            )


@rule(
    "E9533",
    "A target group is behind two load balancers",
    error_messages=(
        "The following target groups cannot be associated with more than one load balancer: "
        "arn:...",
    ),
    fix="Give each load balancer a target group of its own; a service can be in several.",
    sources=(
        "aws/aws-cdk#15233",
        "aws-cloudformation/cloudformation-coverage-roadmap#780",
    ),
    failure_ids=("lb-target-group-on-two-load-balancers",),
)
def target_group_of_two(view: View) -> Iterator[Problem]:
    """A target group belongs to the load balancer whose listener forwarded to it first. A listener
    of another load balancer that does so too fails, while a second listener or a rule of the same
    one is fine."""
    firsts: dict[Resource, tuple[Resource, Resource]] = {}
    for forwarder in view.resources_of_type(ecs.LISTENER, ecs.LISTENER_RULE):
        balancer = ecs.load_balancer_of(forwarder)
        if balancer is None:
            continue
        for node in ecs.forwarded_target_groups(forwarder):
            group = ecs.resource_of_type(node, ecs.TARGET_GROUP)
            if group is None:
                continue
            first, first_balancer = firsts.setdefault(group, (forwarder, balancer))
            if first_balancer is not balancer and _together(first, forwarder):
                yield problem(
                    node,
                    f"{forwarder.id} on {balancer.id} forwards to {group.id}, which belongs to "
                    f"{first_balancer.id} already: AWS allows one load balancer",
                    "Make a second target group for this load balancer.",
                )


@rule(
    "E9540",
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
    "E9545",
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


_HTTP = ("HTTP", "HTTPS")


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


_ATTRIBUTES = "AWS docs: Elastic Load Balancing API reference, TargetGroupAttribute"


@rule(
    "E9585",
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


_DATAGRAMS = ("UDP", "TCP_UDP", "QUIC", "TCP_QUIC")


@rule(
    "E9588",
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
    target_group_without_listener,
    target_group_of_two,
    target_type,
    target_group_without_vpc,
    target_group_attribute_key,
    target_group_attribute_value,
)
