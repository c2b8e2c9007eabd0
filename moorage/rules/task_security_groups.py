"""Security groups between tasks and the services that they call."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.cfn import ecs, networks, reachability, task_startup
from moorage.cfn.reachability import ANY_PEER, EGRESS, INGRESS, Peer
from moorage.cfn.view import Resource, View
from moorage.rules.networking import _DOCS
from moorage.rules.rule import Problem, problem, rule
from moorage.rules.security_groups import _named, _rules_of

HTTPS, NFS = (443, 443), (2049, 2049)


@rule(
    "E9705",
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


HTTPS = (443, 443)


@rule(
    "E9710",
    "The security groups of an endpoint do not admit the tasks",
    error_messages=("ResourceInitializationError ... dial tcp 10.0.x.x:443: i/o timeout",),
    fix="Admit the tasks' security group, or their subnets, on TCP 443 in a security group of "
    "the endpoint. An endpoint without SecurityGroupIds is in the VPC's default group, which "
    "admits its own members only.",
    sources=(
        "aws-samples/generative-ai-sagemaker-cdk-demo#4",
        "aws-samples/aws-fargate-pipeline-lambda-autoscaling#3",
        _DOCS,
    ),
    failure_ids=("net-endpoint-security-group-closed",),
)
def endpoint_closed(view: View) -> Iterator[Problem]:
    """An interface endpoint with private DNS takes over the service's name for the whole VPC.
    Where its security group does not let the tasks in on 443, they cannot reach the service at
    all, not even through a NAT gateway."""
    for service in ecs.services(view):
        if not task_startup.is_certainly_on_fargate(service):
            continue
        tasks = reachability.task_peer(service)
        found = (networks.endpoints_of_vpc(tasks.vpc) if tasks.vpc else None) or ()
        ways = {way for _, way in task_startup.subnet_routes(service)}
        needed = {one.service for one in task_startup.required_services(service)}
        for one in found:
            used = one.resource["PrivateDnsEnabled"].flag or ways == {networks.NO_INTERNET_ROUTE}
            if one.is_gateway is not False or one.service not in needed or not used:
                continue
            party = reachability.vpc_endpoint_peer(one.resource)
            groups = reachability.visible_security_groups(party)
            if groups and reachability.allows_ingress(party, "tcp", HTTPS, tasks) is False:
                yield _closed(service, one, groups[0])


def _closed(service: Resource, endpoint: networks.VpcEndpoint, group: Resource) -> Problem:
    own = endpoint.resource["SecurityGroupIds"]
    inline = group["SecurityGroupIngress"]
    is_default = group.type != networks.SECURITY_GROUP
    name = f"{group.id}'s default security group" if is_default else group.id
    return problem(
        own if is_default else inline,
        f"{name}, of {endpoint.resource.id}, does not admit the tasks of {service.id} on TCP 443, "
        f"so they cannot reach {endpoint.service}",
        "Write SecurityGroupIds with a group that admits the tasks on tcp 443."
        if is_default
        else f"Write an ingress rule of {name} for tcp 443 from the tasks' security group.",
    )


@rule(
    "E9715",
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


RULES = (
    tasks_kept_in,
    endpoint_closed,
    file_system_closed,
)
