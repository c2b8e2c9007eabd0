"""Who reaches whom, through security groups."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.cfn import ecs, networks, reachability, task_startup
from moorage.cfn.nodes import Node
from moorage.cfn.reachability import ANYBODY, EGRESS, INGRESS, Flow, Party
from moorage.cfn.view import Resource, View
from moorage.rules.rule import Fault, fault, rule

HTTPS, NFS = (443, 443), (2049, 2049)


@rule(
    "E9341",
    "The tasks' security groups do not admit their load balancer",
    says=(
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
    cases=(
        "sg-task-no-ingress-from-alb",
        "sg-task-ingress-wrong-port",
        "sg-health-check-port-closed",
        "sg-udp-health-check-port-closed",
        "sg-nlb-without-sg-task-allows-only-sg",
        "sg-udp-client-ip-preserved-vpc-cidr-only",
    ),
)
def tasks_closed(view: View) -> Iterator[Fault]:
    """Packets that a security group does not admit are dropped without an answer. Health checks
    time out, ECS stops the tasks and starts others, and the deployment never comes to rest; or,
    where only clients are kept out, everything looks well and nobody is served. A health check
    on another port, or over TCP beside UDP traffic, needs a rule of its own."""
    for flow in reachability.flows(view):
        closed = reachability.groups_in_view(flow.target)
        if closed and _admits(flow) is False:
            yield fault(
                _rules_of(closed[0], INGRESS),
                f"{_named(closed)} admits no {_wording(flow)} from {_sender(flow)} "
                f"to the tasks of {flow.attachment.service.id}: {_outcome(flow)}",
                f"Write an ingress rule of {closed[0].id} for {_port(flow)} with {_peer(flow)}.",
            )


def _admits(flow: Flow) -> bool | None:
    return reachability.admits(flow.target, flow.protocol, flow.ports, flow.source)


def _wording(flow: Flow) -> str:
    return f"{'health check' if flow.is_health_check else 'traffic'} on {_port(flow)}"


def _port(flow: Flow) -> str:
    if flow.ports is None:
        return f"the tasks' {flow.protocol} port"
    first, last = flow.ports
    return f"{flow.protocol} {first if first == last else f'{first}-{last}'}"


def _sender(flow: Flow) -> str:
    balancer = flow.load_balancer.id
    groups = reachability.groups_in_view(flow.source)
    if flow.source is not flow.load_balancer_side:
        return f"the clients of {balancer}, whose own addresses the tasks see"
    if groups:
        return f"{balancer} ({_named(groups)})"
    if not flow.source.groups and flow.source.groups_known:
        return f"{balancer}, which has no security group and comes by its subnets' addresses"
    return balancer


def _outcome(flow: Flow) -> str:
    if flow.source is flow.load_balancer_side:
        return "health checks time out and ECS keeps replacing the tasks"
    return "the stack is created, and what clients send is dropped"


def _peer(flow: Flow) -> str:
    groups = reachability.groups_in_view(flow.source)
    if groups and groups[0].type == networks.GROUP:
        return f"`SourceSecurityGroupId: !GetAtt {groups[0].id}.GroupId`"
    if flow.source.is_internet:
        return "the clients' CIDR, such as `CidrIp: 0.0.0.0/0`"
    if not flow.source.groups and flow.source.groups_known:
        return "the CIDR of the load balancer's subnets, or of the VPC"
    return "the load balancer's security group"


def _named(groups: tuple[Resource, ...]) -> str:
    return " or ".join(
        one.id if one.type == networks.GROUP else f"{one.id}'s default security group"
        for one in groups
    )


def _rules_of(group: Resource, direction: str) -> Node:
    if group.type != networks.GROUP:
        return group.body
    inline = group[f"SecurityGroup{direction}"]
    separate, _ = reachability.rules(group, direction)
    return separate[0] if inline.absent and separate else inline


@rule(
    "E9342",
    "The load balancer's security groups do not open a listener's port",
    says=("net::ERR_CONNECTION_TIMED_OUT",),
    fix="Open the listener's port, with its protocol, in a security group of the load balancer.",
    sources=(
        "https://openillumi.com/?p=116266",
        "AWS docs: Security groups for your Application Load Balancer",
    ),
    cases=("sg-lb-listener-port-closed",),
)
def listener_closed(view: View) -> Iterator[Fault]:
    """Clients time out, while all targets are healthy and the stack is green. Common for a
    second listener, or one for tests, whose port the rules of the first do not cover."""
    for listener in view.of(ecs.LISTENER):
        balancer = ecs.load_balancer_of(listener)
        port = listener["Port"].number
        if balancer is None or port is None or _takes_private_links(balancer):
            continue
        party = reachability.load_balancer_party(balancer)
        groups = reachability.groups_in_view(party)
        if not groups or any(one.type != networks.GROUP for one in groups):
            continue
        for protocol in _transports(listener):
            if reachability.admits(party, protocol, (port, port), ANYBODY) is False:
                yield fault(
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
    "E9343",
    "The load balancer's security groups let nothing out to the tasks",
    says=("Request timed out", "504 Gateway Time-out"),
    fix="Let the load balancer's security group out to the container's port and to the health "
    "check's, not to the listener's.",
    sources=(
        "pulumi/pulumi-awsx#663",
        "app-sre/qontract-reconcile#1876",
        "aws/aws-cdk#22140",
    ),
    cases=("sg-lb-egress-blocks-target",),
)
def load_balancer_kept_in(view: View) -> Iterator[Fault]:
    """A group with egress rules lets out what they say and nothing else, and a separate
    SecurityGroupEgress takes away the rule that lets everything out. What goes to the tasks goes
    to the container's port: a rule with the listener's port lets nothing reach them, though the
    tasks' own group is open."""
    for flow in reachability.flows(view):
        groups = reachability.groups_in_view(flow.load_balancer_side)
        if not groups:
            continue
        out = reachability.lets_out(flow.load_balancer_side, flow.protocol, flow.ports, flow.target)
        if out is False:
            target = reachability.groups_in_view(flow.target)
            peer = (
                f" with `DestinationSecurityGroupId: !GetAtt {target[0].id}.GroupId`"
                if (target and target[0].type == networks.GROUP)
                else ""
            )
            yield fault(
                _rules_of(groups[0], EGRESS),
                f"{_named(groups)} lets no {_wording(flow)} out from {flow.load_balancer.id} to "
                f"the tasks of {flow.attachment.service.id}: targets never become healthy",
                f"Write an egress rule of {groups[0].id} for {_port(flow)}{peer}.",
            )


@rule(
    "E9344",
    "The tasks' security groups let no HTTPS out",
    says=(
        "ResourceInitializationError: unable to pull secrets or registry auth: ... dial tcp ...:"
        "443: i/o timeout. Please check your task network configuration.",
        "CannotPullContainerError",
    ),
    fix="Let TCP 443 out to the internet, or to the endpoints' security group and to the prefix "
    "list of S3.",
    sources=(
        "aws-samples/generative-ai-sagemaker-cdk-demo#4",
        "AWS docs: Amazon ECR interface VPC endpoints (AWS PrivateLink)",
    ),
    cases=("sg-task-egress-without-443",),
)
def tasks_kept_in(view: View) -> Iterator[Fault]:
    """On Fargate images, secrets and logs pass the task's own network interface, so its security
    groups must let HTTPS out. Where endpoints stand for the internet, that is to the endpoints'
    security group, and for the layers of images to the addresses of S3."""
    for service in ecs.services(view):
        tasks = reachability.task_party(service)
        groups = reachability.groups_in_view(tasks)
        if not groups or not task_startup.is_fargate(service):
            continue
        where = _kept_from(service, tasks)
        if where:
            yield fault(
                _rules_of(groups[0], EGRESS),
                f"{_named(groups)} lets no TCP 443 out to {where}, and the tasks of {service.id} "
                "on Fargate pull images, read secrets and write logs over it",
                f"Write an egress rule of {groups[0].id} for tcp 443 to {where}.",
            )


def _kept_from(service: Resource, tasks: Party) -> str | None:
    """What the groups of the tasks certainly keep them from."""
    if reachability.lets_out(tasks, "tcp", HTTPS, ANYBODY) is False:
        return "anywhere"
    ways = {way for _, way in task_startup.routes(service)}
    found = networks.endpoints_in(tasks.vpc) if tasks.vpc is not None else None
    if found is None or not ways:
        return None
    if not found and ways <= {networks.INTERNET, networks.NATTED}:
        internet = Party(is_internet=True)
        return (
            None
            if reachability.lets_out(tasks, "tcp", HTTPS, internet) is not False
            else ("the internet")
        )
    if ways != {networks.NOWHERE}:
        return None
    for need in task_startup.needs(service):
        for endpoint in found:
            if endpoint.service != need.service:
                continue
            to = Party(is_internet=True)
            if endpoint.is_gateway is False:
                to = reachability.endpoint_party(endpoint.resource)
            if reachability.lets_out(tasks, "tcp", HTTPS, to) is False:
                return f"{endpoint.resource.id}, for {need.what}"
    return None


@rule(
    "E9345",
    "The security groups of an EFS mount target do not admit the tasks",
    says=(
        "ResourceInitializationError: failed to invoke EFS utils commands to set up EFS volumes: "
        "... unsuccessful EFS utils command execution; code: 32",
    ),
    fix="Admit the tasks' security group on TCP 2049 in the mount targets' security group, and "
    "let it out there.",
    sources=("aws/containers-roadmap#825", "strongdm/accessbot#282"),
    cases=("sg-efs-2049-closed",),
)
def file_system_closed(view: View) -> Iterator[Fault]:
    """A task mounts its volumes before its containers start. Where NFS, TCP 2049, does not pass
    from the task to the mount target, the mount times out and the task stops."""
    for service in ecs.services(view):
        task = ecs.task_of(service)
        if task is None or not task_startup.is_fargate(service):
            continue
        systems = [
            one.at("EFSVolumeConfiguration", "FilesystemId").resource
            for one in task["Volumes"].items
        ]
        tasks = reachability.task_party(service)
        for mount in view.of("AWS::EFS::MountTarget"):
            system = mount["FileSystemId"].resource
            if system is not None and system in systems:
                listed = mount["SecurityGroups"]
                target = Party(tuple(listed.items), listed.present and listed.all_known)
                yield from _nfs(service, mount, tasks, target)


def _nfs(service: Resource, mount: Resource, tasks: Party, target: Party) -> Iterator[Fault]:
    inside, outside = (reachability.groups_in_view(one) for one in (target, tasks))
    if inside and reachability.admits(target, "tcp", NFS, tasks) is False:
        peer = (
            f"`SourceSecurityGroupId: !GetAtt {outside[0].id}.GroupId`"
            if outside and outside[0].type == networks.GROUP
            else "the tasks' security group"
        )
        yield fault(
            _rules_of(inside[0], INGRESS),
            f"{_named(inside)} of {mount.id} does not admit the tasks of {service.id} on TCP "
            "2049, so their EFS volume is never mounted and they stop",
            f"Write an ingress rule of {inside[0].id} for tcp 2049 with {peer}.",
        )
    elif outside and reachability.lets_out(tasks, "tcp", NFS, target) is False:
        yield fault(
            _rules_of(outside[0], EGRESS),
            f"{_named(outside)} lets no TCP 2049 out from the tasks of {service.id} to "
            f"{mount.id}, so their EFS volume is never mounted and they stop",
            f"Write an egress rule of {outside[0].id} for tcp 2049.",
        )


@rule(
    "E9346",
    "A security group is in another VPC than what it is for",
    says=(
        "Invalid request provided: CreateService error: Security group sg-... does not appear to "
        "belong to the same VPC as the input subnets.",
        "InvalidConfigurationRequest: One or more security groups are invalid",
    ),
    fix="Write the VpcId of the subnets in the security group. Without VpcId it is made in the "
    "account's default VPC, or fails where there is none.",
    sources=("aws/aws-dotnet-deploy#735", "mludvig/aws-ethereum-miner#12"),
    cases=("sg-without-vpc-id",),
)
def group_in_other_vpc(view: View) -> Iterator[Fault]:
    """Without VpcId a security group is made in the default VPC of the account. A service or a
    load balancer takes groups of the VPC of its subnets only."""
    for group in view.of(networks.GROUP):
        own = group["VpcId"]
        for user, vpc in _users(view).get(group, ()):
            if own.absent or _differ(own, vpc):
                made = "made in the default VPC" if own.absent else "in another VPC"
                spelt = f"!Ref {vpc.resource.id}" if vpc.resource else "that of the subnets"
                yield fault(
                    own,
                    f"{group.id} is {made}, while {user.id}, which it is for, is in the VPC of "
                    "its subnets, and AWS refuses the group",
                    f"Write `VpcId: {spelt}`." if vpc.resource else f"Write VpcId: {spelt}.",
                )
                break


def _differ(one: Node, other: Node) -> bool:
    for node, resource in ((one, other.resource), (other, one.resource)):
        if resource is not None:
            return networks.names(node, resource) is False
    return one.same(other) is False


def _users(view: View) -> dict[Resource, list[tuple[Resource, Node]]]:
    """What uses each security group, with a VpcId that says where it does."""
    if "users of groups" not in view.memo:
        found: dict[Resource, list[tuple[Resource, Node]]] = {}
        for user, listed, vpcs in _uses(view):
            for node in listed.items:
                group = reachability.group(node)
                if group is not None:
                    given = [(user, one) for one in vpcs if one.present]
                    found.setdefault(group, []).extend(given)
        view.memo["users of groups"] = found
    users: dict[Resource, list[tuple[Resource, Node]]] = view.memo["users of groups"]
    return users


def _uses(view: View) -> Iterator[tuple[Resource, Node, list[Node]]]:
    for service in ecs.services(view):
        network = service.props.at("NetworkConfiguration", "AwsvpcConfiguration")
        targets = [
            one.target_group.resource for one in ecs.attachments(view) if one.service is service
        ]
        vpcs = [one["VpcId"] for one in networks.subnets(network["Subnets"])]
        vpcs += [one["VpcId"] for one in targets if one is not None]
        yield service, network["SecurityGroups"], vpcs
    for balancer in view.of(ecs.LOAD_BALANCER):
        subnets = networks.subnets_of_load_balancer(balancer) or ()
        vpcs = [one["VpcId"] for one in subnets] or _targets_vpcs(view, balancer)
        yield balancer, balancer["SecurityGroups"], vpcs
    for endpoint in view.of(networks.ENDPOINT):
        yield endpoint, endpoint["SecurityGroupIds"], [endpoint["VpcId"]]
    for mount in view.of("AWS::EFS::MountTarget"):
        subnet = mount["SubnetId"].resource
        yield mount, mount["SecurityGroups"], [subnet["VpcId"]] if subnet else []


def _targets_vpcs(view: View, balancer: Resource) -> list[Node]:
    return [
        group["VpcId"]
        for group in view.of(ecs.TARGET_GROUP)
        if balancer in ecs.load_balancers_of(view, group)
    ]


RULES = (
    tasks_closed,
    listener_closed,
    load_balancer_kept_in,
    tasks_kept_in,
    file_system_closed,
    group_in_other_vpc,
)
