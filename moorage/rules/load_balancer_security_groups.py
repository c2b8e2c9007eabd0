"""Security groups between clients, load balancers and tasks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from moorage.cfn import (
    ecs,
    networks,
    peers,
    reachability,
    security_group_rules,
    target_traffic,
)
from moorage.cfn.peers import ANY_PEER
from moorage.cfn.security_group_rules import EGRESS, INGRESS
from moorage.cfn.stack import Resource
from moorage.cfn.target_traffic import TargetTraffic
from moorage.cfn.view import View
from moorage.rules.rule import Problem, problem, rule
from moorage.rules.security_groups import (
    describe_groups,
    hint_for_rule,
    reference_to_group,
    rules_property,
)


@rule(
    "E9690",
    "The tasks' security groups do not allow traffic from their load balancer.",
    error_messages=(
        "(service ...) (port ...) is unhealthy in (target-group ...) due to (reason Request timed "
        "out)",
        "Health checks failed",
    ),
    fix="Allow the load balancer's security group on the container port and on the health check "
    "port. If a Network Load Balancer has no security group, allow the addresses of its subnets "
    "for health checks, and those of the clients if client IP preservation is on.",
    sources=(
        "https://repost.aws/knowledge-center/ecs-fargate-health-check-failures",
        "aws/aws-cdk#1490",
        "aws/aws-cdk#18093",
        "AWS docs: Edit target group attributes for your Network Load Balancer",
    ),
    failure_ids=(
        "sg-task-no-ingress-from-alb",
        "sg-task-ingress-wrong-port",
        "sg-health-check-port-closed",
        "sg-udp-health-check-port-closed",
        "sg-nlb-without-sg-task-allows-only-sg",
        "sg-udp-client-ip-preserved-vpc-cidr-only",
    ),
)
def health_check_blocked_by_security_group(view: View) -> Iterator[Problem]:
    """Security groups drop traffic that they do not allow. Health checks time out, and ECS stops
    the tasks and starts others again and again. If only the traffic of clients is not allowed, the
    tasks are healthy and clients get no response. A health check on another port, or over TCP for a
    UDP target group, needs another ingress rule."""
    for traffic in target_traffic.find_target_traffic(view):
        groups = peers.visible_security_groups(traffic.target)
        allowed = groups and reachability.allows_ingress(
            traffic.target, traffic.protocol, traffic.ports, traffic.source
        )
        if groups and allowed is False:
            yield problem(
                rules_property(groups[0], INGRESS),
                f"{_capitalize(describe_groups(groups))} does not allow "
                f"{_describe_traffic(traffic)} from {_describe_source(traffic)} to the tasks of "
                f"service `{traffic.attachment.service.id}`: {_consequence(traffic)}",
                hint_for_rule(
                    groups[0], INGRESS, _describe_port(traffic), _source_hint(traffic, groups[0])
                ),
            )


def _capitalize(text: str) -> str:
    return text[:1].upper() + text[1:]


def _describe_traffic(traffic: TargetTraffic) -> str:
    kind = "health checks" if traffic.is_health_check else "traffic"
    return f"{kind} on {_describe_port(traffic)}"


def _describe_port(traffic: TargetTraffic) -> str:
    if traffic.ports is None:
        return f"the {traffic.protocol} port of the tasks"
    first, last = traffic.ports
    return f"{traffic.protocol} {first if first == last else f'{first}-{last}'}"


def _is_from_load_balancer(traffic: TargetTraffic) -> bool:
    return traffic.source is traffic.load_balancer_peer


def _has_no_security_group(traffic: TargetTraffic) -> bool:
    return not traffic.source.security_groups and traffic.source.security_groups_known


def _describe_source(traffic: TargetTraffic) -> str:
    load_balancer = f"load balancer `{traffic.load_balancer.id}`"
    if not _is_from_load_balancer(traffic):
        return f"the clients of {load_balancer} (it preserves client IP addresses)"
    groups = peers.visible_security_groups(traffic.source)
    if groups:
        return f"{load_balancer} ({describe_groups(groups)})"
    if _has_no_security_group(traffic):
        return f"{load_balancer} (it has no security group)"
    return load_balancer


def _consequence(traffic: TargetTraffic) -> str:
    if _is_from_load_balancer(traffic):
        return "health checks time out, and ECS keeps replacing the tasks"
    return "the stack is created, but the traffic of clients is dropped"


def _source_hint(traffic: TargetTraffic, group: Resource) -> str:
    reference = reference_to_group(traffic.source, group)
    if reference:
        return f"with `SourceSecurityGroupId: {reference}`"
    if traffic.source.is_internet:
        return "from the CIDR blocks of the clients"
    if _has_no_security_group(traffic):
        return "from the CIDR blocks of the load balancer's subnets"
    return "from the load balancer's security group"


@rule(
    "E9693",
    "The load balancer's security groups do not allow the port of a listener.",
    error_messages=("net::ERR_CONNECTION_TIMED_OUT",),
    fix="Add an ingress rule for the port and protocol of the listener to a security group of the "
    "load balancer.",
    sources=(
        "https://openillumi.com/?p=116266",
        "AWS docs: Security groups for your Application Load Balancer",
    ),
    failure_ids=("sg-lb-listener-port-closed",),
)
def listener_port_blocked_by_security_group(view: View) -> Iterator[Problem]:
    """Clients time out although the stack is created and all targets are healthy. It often happens
    to a second listener, such as a test listener, on another port than the first one."""
    for listener in view.resources_of_type(ecs.LISTENER):
        load_balancer = ecs.load_balancer_of(listener)
        port = listener["Port"].number
        if load_balancer is None or port is None or _accepts_private_link(load_balancer):
            continue
        peer = peers.load_balancer_peer(load_balancer)
        groups = peers.visible_security_groups(peer)
        if not groups or any(group.type != networks.SECURITY_GROUP for group in groups):
            continue
        if any(map(_is_closed_on_purpose, groups)):
            continue
        for protocol in _transport_protocols(listener):
            if reachability.allows_ingress(peer, protocol, (port, port), ANY_PEER) is False:
                yield problem(
                    rules_property(groups[0], INGRESS),
                    f"{_capitalize(describe_groups(groups))} of load balancer "
                    f"`{load_balancer.id}` does not allow {protocol} {port} of listener "
                    f"`{listener.id}`, so clients time out",
                    hint_for_rule(
                        groups[0],
                        INGRESS,
                        f"{protocol} {port}",
                        "from the CIDR blocks or security groups of its clients",
                    ),
                )


def _is_closed_on_purpose(group: Resource) -> bool:
    """Whether a group without ingress rules says so: it has an empty list, or rules that are only
    there under another condition. Whoever deploys the template chooses that."""
    if security_group_rules.rules_of_security_group(group, INGRESS).rules:
        return False
    inline = group["SecurityGroupIngress"]
    if isinstance(inline.value, list) or "Fn::If" in str(inline.raw):
        return True
    resources = group.stack.template.body["Resources"].values()
    return any(
        body["Type"] == f"{networks.SECURITY_GROUP}Ingress"
        and "Condition" in body
        and f"'{group.id}'" in str(body.get("Properties"))
        for body in resources
        if isinstance(body, Mapping) and "Type" in body
    )


def _accepts_private_link(load_balancer: Resource) -> bool:
    """Whether traffic through a VPC endpoint service may bypass the security groups."""
    enforced = load_balancer["EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic"]
    return enforced.present and enforced.text != "on"


def _transport_protocols(listener: Resource) -> tuple[str, ...]:
    protocol = listener["Protocol"].text or ""
    if protocol in ("HTTP", "HTTPS", "TCP", "TLS"):
        return ("tcp",)
    return {"UDP": ("udp",), "TCP_UDP": ("tcp", "udp")}.get(protocol, ())


@rule(
    "E9696",
    "The load balancer's security groups do not allow traffic to the tasks.",
    error_messages=("Request timed out", "504 Gateway Time-out"),
    fix="Add an egress rule for the container port, and one for the health check port, to the load "
    "balancer's security group. The listener's port does not matter.",
    sources=(
        "pulumi/pulumi-awsx#663",
        "app-sre/qontract-reconcile#1876",
        "aws/aws-cdk#22140",
    ),
    failure_ids=("sg-lb-egress-blocks-target",),
)
def target_blocked_by_load_balancer_security_group(view: View) -> Iterator[Problem]:
    """A security group with egress rules allows no other outbound traffic, and the first separate
    SecurityGroupEgress removes the default rule that allows everything. The load balancer connects
    to the container port: an egress rule for the listener's port is not enough, even if the tasks'
    security group allows the traffic."""
    for traffic in target_traffic.find_target_traffic(view):
        groups = peers.visible_security_groups(traffic.load_balancer_peer)
        allowed = groups and reachability.allows_egress(
            traffic.load_balancer_peer, traffic.protocol, traffic.ports, traffic.target
        )
        if groups and allowed is False:
            reference = reference_to_group(traffic.target, groups[0])
            yield problem(
                rules_property(groups[0], EGRESS),
                f"{_capitalize(describe_groups(groups))} of load balancer "
                f"`{traffic.load_balancer.id}` does not allow {_describe_traffic(traffic)} to the "
                f"tasks of service `{traffic.attachment.service.id}`, so they never become healthy",
                hint_for_rule(
                    groups[0],
                    EGRESS,
                    _describe_port(traffic),
                    f"with `DestinationSecurityGroupId: {reference}`"
                    if reference
                    else "to the tasks",
                ),
            )


RULES = (
    health_check_blocked_by_security_group,
    listener_port_blocked_by_security_group,
    target_blocked_by_load_balancer_security_group,
)
