"""Security groups between tasks, the AWS services that they call, and EFS mount targets."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.cfn import ecs, lifecycle, networks, peers, reachability, task_startup
from moorage.cfn.peers import ANY_PEER, Peer
from moorage.cfn.security_group_rules import EGRESS, INGRESS
from moorage.cfn.stack import Resource
from moorage.cfn.view import View
from moorage.facts.network_file_systems import NFS_PORT
from moorage.rules.networking import ENDPOINTS_PAGE
from moorage.rules.rule import Problem, problem, rule
from moorage.rules.security_groups import (
    describe_groups,
    hint_for_rule,
    reference_to_group,
    rules_property,
)

_HTTPS, _NFS = (443, 443), (NFS_PORT, NFS_PORT)
_INTERNET = Peer(is_internet=True)


# HTTPS ---------------------------------------------------------------------------------------


@rule(
    "E9705",
    "The tasks' security groups do not allow HTTPS to the AWS services that the tasks call.",
    error_messages=(
        "ResourceInitializationError: unable to pull secrets or registry auth: ... dial tcp ...:"
        "443: i/o timeout. Please check your task network configuration.",
        "CannotPullContainerError",
    ),
    fix="Add egress rules for tcp 443 to the tasks' security group: to the internet, or to the "
    "endpoints' security group and the prefix list of S3.",
    sources=(
        "aws-samples/generative-ai-sagemaker-cdk-demo#4",
        "AWS docs: Amazon ECR interface VPC endpoints (AWS PrivateLink)",
    ),
    failure_ids=("sg-task-egress-without-443",),
)
def https_blocked_by_task_security_group(view: View) -> Iterator[Problem]:
    """On Fargate, images are pulled, secrets read and logs written over the network interface of
    the task, so its security groups must allow HTTPS. With VPC endpoints the destinations are the
    endpoints' security group and, for the layers of images, the addresses of S3."""
    for service in ecs.services(view):
        tasks = peers.task_peer(service)
        groups = peers.visible_security_groups(tasks)
        if not groups or not task_startup.is_certainly_on_fargate(service):
            continue
        blocked = _blocked_destination(service, tasks, groups[0])
        if blocked:
            destination, peer = blocked
            yield problem(
                rules_property(groups[0], EGRESS),
                f"The tasks of service `{service.id}` cannot pull images, read secrets or write "
                f"logs: {describe_groups(groups)} does not allow tcp 443{destination}",
                hint_for_rule(groups[0], EGRESS, "tcp 443", peer),
            )


def _blocked_destination(service: Resource, tasks: Peer, group: Resource) -> tuple[str, str] | None:
    """What the tasks' security groups certainly block, for the message and for the hint."""
    if reachability.allows_egress(tasks, "tcp", _HTTPS, ANY_PEER) is False:
        return (
            " to any address",
            "to what they use: the VPC endpoints, or the registry and AWS services",
        )
    routes = {route for _, route in task_startup.subnet_routes(service)}
    endpoints = networks.endpoints_of_vpc(tasks.vpc) if tasks.vpc is not None else None
    if endpoints is None or not routes:
        return None
    if not endpoints and routes <= {networks.VIA_INTERNET_GATEWAY, networks.VIA_NAT}:
        if reachability.allows_egress(tasks, "tcp", _HTTPS, _INTERNET) is not False:
            return None
        return " to the internet", "to the registry and the AWS services that they use"
    if routes != {networks.NO_INTERNET_ROUTE}:
        return None
    return _blocked_endpoint_destination(service, tasks, group, endpoints)


def _blocked_endpoint_destination(
    service: Resource, tasks: Peer, group: Resource, endpoints: tuple[networks.VpcEndpoint, ...]
) -> tuple[str, str] | None:
    """The first endpoint of a required service that the tasks' security groups block."""
    for required in task_startup.required_services(service):
        for endpoint in endpoints:
            if endpoint.service != required.service:
                continue
            # The addresses behind a gateway endpoint are public ones.
            peer, hint = _INTERNET, f"with the DestinationPrefixListId of {required.service}"
            if endpoint.is_gateway is False:
                peer = peers.vpc_endpoint_peer(endpoint.resource)
                reference = reference_to_group(peer, group)
                hint = (
                    f"with `DestinationSecurityGroupId: {reference}`"
                    if reference
                    else f"to the security group of `{endpoint.resource.id}`"
                )
            if reachability.allows_egress(tasks, "tcp", _HTTPS, peer) is False:
                name = endpoint.resource.id
                return f" to VPC endpoint `{name}`, for {required.description}", hint
    return None


@rule(
    "E9710",
    "The security groups of a VPC endpoint do not allow HTTPS from the tasks.",
    error_messages=("ResourceInitializationError ... dial tcp 10.0.x.x:443: i/o timeout",),
    fix="Add an ingress rule for tcp 443 from the tasks' security group to a security group of the "
    "endpoint. An endpoint without SecurityGroupIds has the default security group of the VPC, "
    "which only allows its own members.",
    sources=(
        "aws-samples/generative-ai-sagemaker-cdk-demo#4",
        "aws-samples/aws-fargate-pipeline-lambda-autoscaling#3",
        ENDPOINTS_PAGE,
    ),
    failure_ids=("net-endpoint-security-group-closed",),
)
def endpoint_blocked_by_security_group(view: View) -> Iterator[Problem]:
    """An interface endpoint with private DNS resolves the domain name of its service in the whole
    VPC. If its security groups do not allow tcp 443 from the tasks, the tasks cannot reach the
    service at all, not even through a NAT gateway."""
    for service in ecs.services(view):
        if not task_startup.is_certainly_on_fargate(service):
            continue
        tasks = peers.task_peer(service)
        endpoints = (networks.endpoints_of_vpc(tasks.vpc) if tasks.vpc else None) or ()
        routes = {route for _, route in task_startup.subnet_routes(service)}
        required = {need.service for need in task_startup.required_services(service)}
        for endpoint in endpoints:
            is_used = endpoint.resource["PrivateDnsEnabled"].flag or routes == {
                networks.NO_INTERNET_ROUTE
            }
            if endpoint.is_gateway is not False or not is_used:
                continue
            if endpoint.service not in required:
                continue
            peer = peers.vpc_endpoint_peer(endpoint.resource)
            groups = peers.visible_security_groups(peer)
            if groups and reachability.allows_ingress(peer, "tcp", _HTTPS, tasks) is False:
                yield _blocked_endpoint(service, tasks, endpoint, groups[0])


def _blocked_endpoint(
    service: Resource, tasks: Peer, endpoint: networks.VpcEndpoint, group: Resource
) -> Problem:
    is_default = group.type != networks.SECURITY_GROUP
    reference = reference_to_group(tasks, endpoint.resource if is_default else group)
    source = (
        f"with `SourceSecurityGroupId: {reference}`"
        if reference
        else "from the tasks' security group"
    )
    return problem(
        endpoint.resource["SecurityGroupIds"] if is_default else group["SecurityGroupIngress"],
        f"The tasks of service `{service.id}` cannot reach {endpoint.service}: VPC endpoint "
        f"`{endpoint.resource.id}` ({describe_groups((group,))}) does not allow tcp 443 from them",
        f"Write SecurityGroupIds with a security group that has an ingress rule for tcp 443 "
        f"{source}."
        if is_default
        else hint_for_rule(group, INGRESS, "tcp 443", source),
    )


# NFS -----------------------------------------------------------------------------------------


@rule(
    "E9715",
    "The security groups of tasks and EFS mount targets do not allow NFS between them.",
    error_messages=(
        "ResourceInitializationError: failed to invoke EFS utils commands to set up EFS volumes: "
        "... unsuccessful EFS utils command execution; code: 32",
    ),
    fix="Add an ingress rule for tcp 2049 from the tasks' security group to the mount targets' "
    "security group, and an egress rule for it to the tasks' security group.",
    sources=("aws/containers-roadmap#825", "strongdm/accessbot#282"),
    failure_ids=("sg-efs-2049-closed",),
)
def nfs_blocked_by_security_group(view: View) -> Iterator[Problem]:
    """A task mounts its volumes before its containers start. If the security groups do not allow
    NFS (tcp 2049) from the task to the mount target, the mount times out and the task stops."""
    for service in ecs.services(view):
        task = ecs.task_definition_of(service)
        if task is None or not task_startup.is_certainly_on_fargate(service):
            continue
        for mount_target in lifecycle.mount_targets(service):
            yield from _blocked_nfs(service, mount_target)


def _blocked_nfs(service: Resource, mount_target: Resource) -> Iterator[Problem]:
    tasks = peers.task_peer(service)
    listed = mount_target["SecurityGroups"]
    target = Peer(tuple(listed.items), listed.present and listed.all_known)
    target_groups = peers.visible_security_groups(target)
    task_groups = peers.visible_security_groups(tasks)
    subject = f"The tasks of service `{service.id}` cannot mount their EFS volume, and stop"
    if target_groups and reachability.allows_ingress(target, "tcp", _NFS, tasks) is False:
        reference = reference_to_group(tasks, target_groups[0])
        yield problem(
            rules_property(target_groups[0], INGRESS),
            f"{subject}: mount target `{mount_target.id}` ({describe_groups(target_groups)}) does "
            f"not allow tcp {NFS_PORT} from them",
            hint_for_rule(
                target_groups[0],
                INGRESS,
                f"tcp {NFS_PORT}",
                f"with `SourceSecurityGroupId: {reference}`"
                if reference
                else "from the tasks' security group",
            ),
        )
    elif task_groups and reachability.allows_egress(tasks, "tcp", _NFS, target) is False:
        reference = reference_to_group(target, task_groups[0])
        yield problem(
            rules_property(task_groups[0], EGRESS),
            f"{subject}: {describe_groups(task_groups)} does not allow tcp {NFS_PORT} to mount "
            f"target `{mount_target.id}`",
            hint_for_rule(
                task_groups[0],
                EGRESS,
                f"tcp {NFS_PORT}",
                f"with `DestinationSecurityGroupId: {reference}`"
                if reference
                else "to the mount target's security group",
            ),
        )


RULES = (
    https_blocked_by_task_security_group,
    endpoint_blocked_by_security_group,
    nfs_blocked_by_security_group,
)
