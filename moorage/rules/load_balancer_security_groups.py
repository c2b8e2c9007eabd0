"""Security groups between clients, load balancers and tasks."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.cfn import ecs, networks, reachability
from moorage.cfn.reachability import ANY_PEER, EGRESS, INGRESS, TargetTraffic
from moorage.cfn.view import Resource, View
from moorage.rules.rule import Problem, problem, rule
from moorage.rules.security_groups import _named, _rules_of


@rule(
    "E9690",
    "The tasks' security groups do not admit their load balancer",
    error_messages=(
        "(service ...) (port ...) is unhealthy in (target-group ...) due to (reason Request timed "
        "out)",
        "Health checks failed",
    ),
    fix="Admit the load balancer's security group on the container's port and on the health "
    "check's; where a Network Load Balancer has none, the addresses of its subnets for health "
    "checks, and the clients' where client addresses are preserved.",
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
def tasks_closed(view: View) -> Iterator[Problem]:
    """Packets that a security group does not admit are dropped without an answer. Health checks
    time out, ECS stops the tasks and starts others, and the deployment never comes to rest; or,
    where only clients are kept out, everything looks well and nobody is served. A health check
    on another port, or over TCP beside UDP traffic, needs a rule of its own."""
    for flow in reachability.find_target_traffic(view):
        closed = reachability.visible_security_groups(flow.target)
        if closed and _admits(flow) is False:
            yield problem(
                _rules_of(closed[0], INGRESS),
                f"{_named(closed)} admits no {_wording(flow)} from {_sender(flow)} "
                f"to the tasks of {flow.attachment.service.id}: {_outcome(flow)}",
                f"Write an ingress rule of {closed[0].id} for {_port(flow)} with {_peer(flow)}.",
            )


def _admits(flow: TargetTraffic) -> bool | None:
    return reachability.allows_ingress(flow.target, flow.protocol, flow.ports, flow.source)


def _wording(flow: TargetTraffic) -> str:
    return f"{'health check' if flow.is_health_check else 'traffic'} on {_port(flow)}"


def _port(flow: TargetTraffic) -> str:
    if flow.ports is None:
        return f"the tasks' {flow.protocol} port"
    first, last = flow.ports
    return f"{flow.protocol} {first if first == last else f'{first}-{last}'}"


def _sender(flow: TargetTraffic) -> str:
    balancer = flow.load_balancer.id
    groups = reachability.visible_security_groups(flow.source)
    if flow.source is not flow.load_balancer_peer:
        return f"the clients of {balancer}, whose own addresses the tasks see"
    if groups:
        return f"{balancer} ({_named(groups)})"
    if not flow.source.security_groups and flow.source.security_groups_known:
        return f"{balancer}, which has no security group and comes by its subnets' addresses"
    return balancer


def _outcome(flow: TargetTraffic) -> str:
    if flow.source is flow.load_balancer_peer:
        return "health checks time out and ECS keeps replacing the tasks"
    return "the stack is created, and what clients send is dropped"


def _peer(flow: TargetTraffic) -> str:
    groups = reachability.visible_security_groups(flow.source)
    if groups and groups[0].type == networks.SECURITY_GROUP:
        return f"`SourceSecurityGroupId: !GetAtt {groups[0].id}.GroupId`"
    if flow.source.is_internet:
        return "the clients' CIDR, such as `CidrIp: 0.0.0.0/0`"
    if not flow.source.security_groups and flow.source.security_groups_known:
        return "the CIDR of the load balancer's subnets, or of the VPC"
    return "the load balancer's security group"


@rule(
    "E9693",
    "The load balancer's security groups do not open a listener's port",
    error_messages=("net::ERR_CONNECTION_TIMED_OUT",),
    fix="Open the listener's port, with its protocol, in a security group of the load balancer.",
    sources=(
        "https://openillumi.com/?p=116266",
        "AWS docs: Security groups for your Application Load Balancer",
    ),
    failure_ids=("sg-lb-listener-port-closed",),
)
def listener_closed(view: View) -> Iterator[Problem]:
    """Clients time out, while all targets are healthy and the stack is green. Common for a
    second listener, or one for tests, whose port the rules of the first do not cover."""
    for listener in view.resources_of_type(ecs.LISTENER):
        balancer = ecs.load_balancer_of(listener)
        port = listener["Port"].number
        if balancer is None or port is None or _takes_private_links(balancer):
            continue
        party = reachability.load_balancer_peer(balancer)
        groups = reachability.visible_security_groups(party)
        if not groups or any(one.type != networks.SECURITY_GROUP for one in groups):
            continue
        for protocol in _transports(listener):
            if reachability.allows_ingress(party, protocol, (port, port), ANY_PEER) is False:
                yield problem(
                    _rules_of(groups[0], INGRESS),
                    f"{_named(groups)} opens no {protocol} {port}, on which {listener.id} of "
                    f"{balancer.id} listens: clients time out",
                    f"Write an ingress rule of {groups[0].id} for {protocol} {port}.",
                )


def _takes_private_links(balancer: Resource) -> bool:
    """Whether traffic may come around the groups, through a VPC endpoint service."""
    enforced = balancer["EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic"]
    return enforced.present and enforced.text != "on"


def _transports(listener: Resource) -> tuple[str, ...]:
    known = {"UDP": ("udp",), "TCP_UDP": ("tcp", "udp")}
    tcp = dict.fromkeys(("HTTP", "HTTPS", "TCP", "TLS"), ("tcp",))
    return {**known, **tcp}.get(listener["Protocol"].text or "", ())


@rule(
    "E9696",
    "The load balancer's security groups let nothing out to the tasks",
    error_messages=("Request timed out", "504 Gateway Time-out"),
    fix="Let the load balancer's security group out to the container's port and to the health "
    "check's, not to the listener's.",
    sources=(
        "pulumi/pulumi-awsx#663",
        "app-sre/qontract-reconcile#1876",
        "aws/aws-cdk#22140",
    ),
    failure_ids=("sg-lb-egress-blocks-target",),
)
def load_balancer_kept_in(view: View) -> Iterator[Problem]:
    """A group with egress rules lets out what they say and nothing else, and a separate
    SecurityGroupEgress takes away the rule that lets everything out. What goes to the tasks goes
    to the container's port: a rule with the listener's port lets nothing reach them, though the
    tasks' own group is open."""
    for flow in reachability.find_target_traffic(view):
        groups = reachability.visible_security_groups(flow.load_balancer_peer)
        if not groups:
            continue
        out = reachability.allows_egress(
            flow.load_balancer_peer, flow.protocol, flow.ports, flow.target
        )
        if out is False:
            target = reachability.visible_security_groups(flow.target)
            peer = (
                f" with `DestinationSecurityGroupId: !GetAtt {target[0].id}.GroupId`"
                if (target and target[0].type == networks.SECURITY_GROUP)
                else ""
            )
            yield problem(
                _rules_of(groups[0], EGRESS),
                f"{_named(groups)} lets no {_wording(flow)} out from {flow.load_balancer.id} to "
                f"the tasks of {flow.attachment.service.id}: targets never become healthy",
                f"Write an egress rule of {groups[0].id} for {_port(flow)}{peer}.",
            )


RULES = (
    tasks_closed,
    listener_closed,
    load_balancer_kept_in,
)
