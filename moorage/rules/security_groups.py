"""Who reaches whom, through security groups."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.cfn import ecs, networks, reachability, task_startup
from moorage.cfn.nodes import Node
from moorage.cfn.reachability import ANY_PEER, EGRESS, INGRESS, Peer, TargetTraffic
from moorage.cfn.view import Resource, View
from moorage.rules.rule import Problem, problem, rule

HTTPS, NFS = (443, 443), (2049, 2049)


@rule(
    "E9341",
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


def _named(groups: tuple[Resource, ...]) -> str:
    return " or ".join(
        one.id if one.type == networks.SECURITY_GROUP else f"{one.id}'s default security group"
        for one in groups
    )


def _rules_of(group: Resource, direction: str) -> Node:
    if group.type != networks.SECURITY_GROUP:
        return group.body
    inline = group[f"SecurityGroup{direction}"]
    separate, _ = reachability.security_group_rules(group, direction)
    return separate[0] if inline.absent and separate else inline


@rule(
    "E9342",
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
    "E9343",
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


@rule(
    "E9344",
    "The tasks' security groups let no HTTPS out",
    error_messages=(
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
    failure_ids=("sg-task-egress-without-443",),
)
def tasks_kept_in(view: View) -> Iterator[Problem]:
    """On Fargate images, secrets and logs pass the task's own network interface, so its security
    groups must let HTTPS out. Where endpoints stand for the internet, that is to the endpoints'
    security group, and for the layers of images to the addresses of S3."""
    for service in ecs.services(view):
        tasks = reachability.task_peer(service)
        groups = reachability.visible_security_groups(tasks)
        if not groups or not task_startup.is_certainly_on_fargate(service):
            continue
        where = _kept_from(service, tasks)
        if where:
            yield problem(
                _rules_of(groups[0], EGRESS),
                f"{_named(groups)} lets no TCP 443 out to {where}, and the tasks of {service.id} "
                "on Fargate pull images, read secrets and write logs over it",
                f"Write an egress rule of {groups[0].id} for tcp 443 to {where}.",
            )


def _kept_from(service: Resource, tasks: Peer) -> str | None:
    """What the groups of the tasks certainly keep them from."""
    if reachability.allows_egress(tasks, "tcp", HTTPS, ANY_PEER) is False:
        return "anywhere"
    ways = {way for _, way in task_startup.subnet_routes(service)}
    found = networks.endpoints_of_vpc(tasks.vpc) if tasks.vpc is not None else None
    if found is None or not ways:
        return None
    if not found and ways <= {networks.VIA_INTERNET_GATEWAY, networks.VIA_NAT}:
        internet = Peer(is_internet=True)
        return (
            None
            if reachability.allows_egress(tasks, "tcp", HTTPS, internet) is not False
            else ("the internet")
        )
    if ways != {networks.NO_INTERNET_ROUTE}:
        return None
    for need in task_startup.required_services(service):
        for endpoint in found:
            if endpoint.service != need.service:
                continue
            to = Peer(is_internet=True)
            if endpoint.is_gateway is False:
                to = reachability.vpc_endpoint_peer(endpoint.resource)
            if reachability.allows_egress(tasks, "tcp", HTTPS, to) is False:
                return f"{endpoint.resource.id}, for {need.description}"
    return None


@rule(
    "E9345",
    "The security groups of an EFS mount target do not admit the tasks",
    error_messages=(
        "ResourceInitializationError: failed to invoke EFS utils commands to set up EFS volumes: "
        "... unsuccessful EFS utils command execution; code: 32",
    ),
    fix="Admit the tasks' security group on TCP 2049 in the mount targets' security group, and "
    "let it out there.",
    sources=("aws/containers-roadmap#825", "strongdm/accessbot#282"),
    failure_ids=("sg-efs-2049-closed",),
)
def file_system_closed(view: View) -> Iterator[Problem]:
    """A task mounts its volumes before its containers start. Where NFS, TCP 2049, does not pass
    from the task to the mount target, the mount times out and the task stops."""
    for service in ecs.services(view):
        task = ecs.task_definition_of(service)
        if task is None or not task_startup.is_certainly_on_fargate(service):
            continue
        systems = [
            one.at("EFSVolumeConfiguration", "FilesystemId").resource
            for one in task["Volumes"].items
        ]
        tasks = reachability.task_peer(service)
        for mount in view.resources_of_type("AWS::EFS::MountTarget"):
            system = mount["FileSystemId"].resource
            if system is not None and system in systems:
                listed = mount["SecurityGroups"]
                target = Peer(tuple(listed.items), listed.present and listed.all_known)
                yield from _nfs(service, mount, tasks, target)


def _nfs(service: Resource, mount: Resource, tasks: Peer, target: Peer) -> Iterator[Problem]:
    inside, outside = (reachability.visible_security_groups(one) for one in (target, tasks))
    if inside and reachability.allows_ingress(target, "tcp", NFS, tasks) is False:
        peer = (
            f"`SourceSecurityGroupId: !GetAtt {outside[0].id}.GroupId`"
            if outside and outside[0].type == networks.SECURITY_GROUP
            else "the tasks' security group"
        )
        yield problem(
            _rules_of(inside[0], INGRESS),
            f"{_named(inside)} of {mount.id} does not admit the tasks of {service.id} on TCP "
            "2049, so their EFS volume is never mounted and they stop",
            f"Write an ingress rule of {inside[0].id} for tcp 2049 with {peer}.",
        )
    elif outside and reachability.allows_egress(tasks, "tcp", NFS, target) is False:
        yield problem(
            _rules_of(outside[0], EGRESS),
            f"{_named(outside)} lets no TCP 2049 out from the tasks of {service.id} to "
            f"{mount.id}, so their EFS volume is never mounted and they stop",
            f"Write an egress rule of {outside[0].id} for tcp 2049.",
        )


@rule(
    "E9346",
    "A security group is in another VPC than what it is for",
    error_messages=(
        "Invalid request provided: CreateService error: Security group sg-... does not appear to "
        "belong to the same VPC as the input subnets.",
        "InvalidConfigurationRequest: One or more security groups are invalid",
    ),
    fix="Write the VpcId of the subnets in the security group. Without VpcId it is made in the "
    "account's default VPC, or fails where there is none.",
    sources=("aws/aws-dotnet-deploy#735", "mludvig/aws-ethereum-miner#12"),
    failure_ids=("sg-without-vpc-id",),
)
def group_in_other_vpc(view: View) -> Iterator[Problem]:
    """Without VpcId a security group is made in the default VPC of the account. A service or a
    load balancer takes groups of the VPC of its subnets only."""
    for group in view.resources_of_type(networks.SECURITY_GROUP):
        own = group["VpcId"]
        for user, vpc in _users(view).get(group, ()):
            if own.absent or _differ(own, vpc):
                made = "made in the default VPC" if own.absent else "in another VPC"
                spelt = f"!Ref {vpc.resource.id}" if vpc.resource else "that of the subnets"
                yield problem(
                    own,
                    f"{group.id} is {made}, while {user.id}, which it is for, is in the VPC of "
                    "its subnets, and AWS refuses the group",
                    f"Write `VpcId: {spelt}`." if vpc.resource else f"Write VpcId: {spelt}.",
                )
                break


def _differ(one: Node, other: Node) -> bool:
    for node, resource in ((one, other.resource), (other, one.resource)):
        if resource is not None:
            return networks.refers_to(node, resource) is False
    return one.is_same_as(other) is False


def _users(view: View) -> dict[Resource, list[tuple[Resource, Node]]]:
    """What uses each security group, with a VpcId that says where it does."""
    if "users of groups" not in view.cache:
        found: dict[Resource, list[tuple[Resource, Node]]] = {}
        for user, listed, vpcs in _uses(view):
            for node in listed.items:
                group = reachability.find_security_group(node)
                if group is not None:
                    given = [(user, one) for one in vpcs if one.present]
                    found.setdefault(group, []).extend(given)
        view.cache["users of groups"] = found
    users: dict[Resource, list[tuple[Resource, Node]]] = view.cache["users of groups"]
    return users


def _uses(view: View) -> Iterator[tuple[Resource, Node, list[Node]]]:
    for service in ecs.services(view):
        network = service.props.at("NetworkConfiguration", "AwsvpcConfiguration")
        targets = [
            one.target_group.resource
            for one in ecs.target_group_attachments(view)
            if one.service is service
        ]
        vpcs = [one["VpcId"] for one in networks.find_subnets(network["Subnets"])]
        vpcs += [one["VpcId"] for one in targets if one is not None]
        yield service, network["SecurityGroups"], vpcs
    for balancer in view.resources_of_type(ecs.LOAD_BALANCER):
        subnets = networks.subnets_of_load_balancer(balancer) or ()
        vpcs = [one["VpcId"] for one in subnets] or _targets_vpcs(view, balancer)
        yield balancer, balancer["SecurityGroups"], vpcs
    for endpoint in view.resources_of_type(networks.VPC_ENDPOINT):
        yield endpoint, endpoint["SecurityGroupIds"], [endpoint["VpcId"]]
    for mount in view.resources_of_type("AWS::EFS::MountTarget"):
        subnet = mount["SubnetId"].resource
        yield mount, mount["SecurityGroups"], [subnet["VpcId"]] if subnet else []


def _targets_vpcs(view: View, balancer: Resource) -> list[Node]:
    return [
        group["VpcId"]
        for group in view.resources_of_type(ecs.TARGET_GROUP)
        if balancer in ecs.load_balancers_of_target_group(view, group)
    ]


RULES = (
    tasks_closed,
    listener_closed,
    load_balancer_kept_in,
    tasks_kept_in,
    file_system_closed,
    group_in_other_vpc,
)
