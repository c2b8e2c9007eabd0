"""Services: what ECS refuses, and what works once and not the next time."""

from __future__ import annotations

import re
from collections.abc import Iterator

from moorage.cfn import ecs
from moorage.cfn.nodes import Node
from moorage.cfn.view import Resource, View
from moorage.rules.rule import Fault, fault, rule

TASK_SET = "AWS::ECS::TaskSet"
ASSOCIATIONS = "AWS::ECS::ClusterCapacityProviderAssociations"
PROVIDER = "AWS::ECS::CapacityProvider"

_RANGE = re.compile(r"(\d+)-(\d+)")


def network_mode(service: Resource) -> str | None:
    """The network mode of a service's tasks; None where it is not known."""
    task = ecs.task_of(service)
    if task is not None:
        return ecs.network_mode(task)
    return "awsvpc" if ecs.runs_on_fargate(service) else None


# The container behind the load balancer ---------------------------------------------------------


@rule(
    "E9373",
    "A service's load balancer names a container or port that its task definition does not have",
    says=(
        "The container app did not have a container port 8080 defined.",
        "The container web does not exist in the task definition.",
    ),
    fix="Write the ContainerName and a ContainerPort of the task definition's PortMappings.",
    sources=("pulumi/pulumi-awsx#1172", "pulumi/pulumi-aws#3095", "aws/amazon-ecs-agent#1276"),
    cases=("svc-container-port-not-in-task", "svc-container-name-not-in-task"),
)
def container_not_in_task(view: View) -> Iterator[Fault]:
    """ECS registers a task's port in the target group by the container's name and port, and looks
    both up in the task definition when the service is created. The port is the container's, not
    the listener's or the target group's."""
    for service in view.of(ecs.SERVICE, TASK_SET):
        task = ecs.task_of(service)
        if task is None or not task["ContainerDefinitions"].all_known:
            continue
        for entry in service["LoadBalancers"].items:
            name, port = entry["ContainerName"], entry["ContainerPort"]
            named = [(one, one["Name"].same(name)) for one in ecs.containers(task)]
            if name.given and named and all(same is False for _, same in named):
                has = ", ".join(one["Name"].text or "?" for one, _ in named)
                yield fault(
                    name,
                    f"{task.id} has no container {name.text or 'of this name'}, and ECS refuses "
                    f"to create {service.id}",
                    f"Write one of the containers that it has: {has}.",
                )
            for container in (one for one, same in named if same):
                if port.given and _lacks(container, port):
                    yield fault(
                        port,
                        f"Container {container['Name'].text or 'in'} of {task.id} has no port "
                        f"mapping for {port.text or 'this port'}, and ECS refuses to create "
                        f"{service.id}",
                        _ports_to_write(container),
                    )


def _lacks(container: Node, port: Node) -> bool:
    """Whether none of a container's port mappings can have a port."""
    mappings = container["PortMappings"]
    return mappings.all_known and not any(_may_have(one, port) for one in mappings.items)


def _may_have(mapping: Node, port: Node) -> bool:
    if mapping["ContainerPort"].present:
        return mapping["ContainerPort"].same(port) is not False
    ports = mapping["ContainerPortRange"]
    match = _RANGE.fullmatch(ports.text or "")
    if match is None or port.number is None:
        return ports.present
    return int(match[1]) <= port.number <= int(match[2])


def _ports_to_write(container: Node) -> str:
    ports = [
        text
        for one in container["PortMappings"].items
        for text in [one["ContainerPort"].text or one["ContainerPortRange"].text]
        if text
    ]
    add = "add the port to the container's PortMappings."
    return f"Write {' or '.join(ports)}, or {add}" if ports else add.capitalize()


# Properties that do not go together -------------------------------------------------------------


@rule(
    "E9374",
    "A service has a property that ECS refuses beside its others",
    says=(
        "Specifying both a launch type and capacity provider strategy is not supported. Remove one "
        "and try again.",
        "Health check grace period is only valid for services configured to use load balancers",
        "You cannot specify an IAM role for services that require a service linked role.",
        "Network Configuration must be provided when networkMode 'awsvpc' is specified.",
    ),
    fix="Remove one of the two.",
    sources=(
        "terraform-aws-modules/terraform-aws-ecs#80",
        "aws-cloudformation/cfn-lint#3612",
        "umotif-public/terraform-aws-ecs-fargate#7",
        "hashicorp/terraform-provider-aws#4657",
        "aws/amazon-ecs-cli#426",
        "PasseiDireto/gh-runner-task-action#8",
    ),
    cases=(
        "svc-launch-type-and-capacity-provider",
        "svc-grace-period-without-load-balancer",
        "svc-role-with-awsvpc",
        "svc-network-configuration-missing",
    ),
)
def refused_together(view: View) -> Iterator[Fault]:
    """Some properties of a service exclude or require each other. A launch type and a strategy of
    capacity providers say the same thing twice; a grace period needs health checks of a load
    balancer; Role is for services from before the service-linked role, with one load balancer and
    without awsvpc; and awsvpc needs subnets."""
    for service in ecs.services(view):
        launch, role = service["LaunchType"], service["Role"]
        if launch.given and service["CapacityProviderStrategy"].items:
            yield fault(
                launch,
                f"{service.id} has a LaunchType and a CapacityProviderStrategy, and ECS takes only "
                f"one of them",
                "Remove LaunchType: the capacity providers decide.",
            )
        grace = service["HealthCheckGracePeriodSeconds"]
        if grace.number and _has_no_health_check(service):
            yield fault(
                grace,
                f"{service.id} has a health check grace period and no load balancer, and ECS "
                f"refuses it",
                "Remove HealthCheckGracePeriodSeconds, or add LoadBalancers.",
            )
        why = _linked_role(service) if role.sure and role.present else None
        if why is not None:
            yield fault(
                role,
                f"{service.id} has a Role and {why}; ECS then uses its service-linked role and "
                f"refuses another",
                "Remove Role.",
            )
        subnets = service["NetworkConfiguration"].at("AwsvpcConfiguration", "Subnets")
        if (
            service["NetworkConfiguration"].present  # without it, cfn-lint says so (E3052)
            and subnets.empty
            and network_mode(service) == "awsvpc"
            and ecs.controller(service) in ("ECS", "CODE_DEPLOY")
        ):
            yield fault(
                subnets,
                f"{service.id} runs tasks in network mode awsvpc and names no subnets for them",
                "Write AwsvpcConfiguration.Subnets.",
            )


def _has_no_health_check(service: Resource) -> bool:
    """Whether nothing certainly checks the health of a service's tasks: no load balancer, nor what
    later versions of ECS also count (VPC Lattice and health checks of containers)."""
    task = ecs.task_of(service)
    checked = any(one["HealthCheck"].present for one in ecs.containers(task)) if task else False
    return (
        service["LoadBalancers"].empty
        and service["VpcLatticeConfigurations"].empty
        and ecs.controller(service) == "ECS"
        and not checked
    )


def _linked_role(service: Resource) -> str | None:
    """Why a service needs the service-linked role."""
    if network_mode(service) == "awsvpc":
        return "its tasks have network mode awsvpc"
    if len(service["LoadBalancers"].items) > 1 and service["LoadBalancers"].all_known:
        return "several target groups"
    registries = service["ServiceRegistries"]
    return "service registries" if registries.items and registries.all_known else None


# Where its tasks run ----------------------------------------------------------------------------


@rule(
    "E9375",
    "A service uses a capacity provider that its cluster does not have",
    says=(
        "The specified capacity provider strategy cannot contain a capacity provider that is not "
        "associated with the cluster. Associate the capacity provider with the cluster or specify "
        "a valid capacity provider and try again.",
    ),
    fix="List the capacity provider in the cluster's CapacityProviders.",
    sources=(
        "dask/dask-cloudprovider#328",
        "AWS docs: Amazon ECS clusters for Fargate (FARGATE and FARGATE_SPOT are in every account, "
        "and must be associated with the cluster)",
    ),
    cases=("svc-capacity-provider-not-on-cluster",),
)
def capacity_provider_not_on_cluster(view: View) -> Iterator[Fault]:
    """A capacity provider, FARGATE and FARGATE_SPOT too, can be used only in the clusters that it
    is associated with, and only once it is: an association that is a resource of its own takes a
    while, and a service does not wait for it by itself."""
    for service in ecs.services(view):
        cluster = ecs.named(service["Cluster"], ecs.CLUSTER)
        if cluster is None or _associated_by_others(cluster):
            continue
        associations = [
            one for one in view.of(ASSOCIATIONS) if ecs.named(one["Cluster"], ecs.CLUSTER)
        ]
        mine = [one for one in associations if one["Cluster"].resource is cluster]
        if any(one["Cluster"].unknown for one in view.of(ASSOCIATIONS)):
            continue
        places = [cluster, *mine]
        if not all(one["CapacityProviders"].all_known for one in places):
            continue
        for item in service["CapacityProviderStrategy"].items:
            provider = item["CapacityProvider"]
            has = [one for one in places if _may_list(one, provider)]
            name = provider.text or (provider.resource.id if provider.resource else None)
            if name is None or _has_own_cluster(provider):
                continue
            if not has:
                yield fault(
                    provider,
                    f"Cluster {cluster.id} is not associated with capacity provider {name}, and "
                    f"ECS refuses to create {service.id}",
                    f"Add {name} to the CapacityProviders of {cluster.id}.",
                )
            elif not any(one is cluster or view.before(one, service) for one in has):
                yield fault(
                    provider,
                    f"Nothing makes {service.id} wait for {has[0].id}, which associates capacity "
                    f"provider {name} with the cluster; before that ECS refuses it",
                    f"Write `DependsOn: {has[0].id}`.",
                )


def _may_list(owner: Resource, provider: Node) -> bool:
    return any(one.same(provider) is not False for one in owner["CapacityProviders"].items)


def _has_own_cluster(provider: Node) -> bool:
    """Managed instances name their cluster themselves."""
    resource = ecs.named(provider, PROVIDER)
    return resource is not None and resource["ClusterName"].present


def _associated_by_others(cluster: Resource) -> bool:
    """Whether a custom resource is given the cluster, and may associate what it likes."""
    custom = (*cluster.view.begins("Custom::"), *cluster.view.begins("AWS::CloudFormation::Custom"))
    return any(cluster.id in one.stack.references(one.id) for one in custom)


@rule(
    "E9381",
    "A service on Fargate asks for what Fargate, or its platform version, does not have",
    says=("Placement constraints are not supported with FARGATE launch type.",),
    fix="Remove what is for EC2 only; leave PlatformVersion out.",
    sources=(
        "GetSimpl/cloudlift#138",
        "aws-cloudformation/cfn-lint#1547",
        "AWS docs: Fargate platform versions; Load balancer types; Amazon EFS volumes",
    ),
    cases=(
        "svc-placement-with-fargate",
        "svc-daemon-with-fargate",
        "svc-platform-version-too-old",
    ),
)
def not_on_fargate(view: View) -> Iterator[Fault]:
    """Fargate places tasks itself, one by one: placement and daemons are for EC2. UDP load
    balancing, EFS, single keys of secrets, Service Connect and sizes of ephemeral storage came with
    platform version 1.4.0."""
    for service in ecs.services(view):
        if not ecs.runs_on_fargate(service):
            continue
        for name in ("PlacementConstraints", "PlacementStrategies"):
            if service[name].items and service[name].all_known:
                yield fault(
                    service[name],
                    f"{service.id} runs on Fargate, and ECS refuses {name} there",
                    f"Remove {name}.",
                )
        scheduling = service["SchedulingStrategy"]
        if scheduling.text == "DAEMON" and service["LaunchType"].absent:  # else cfn-lint says so
            yield fault(
                scheduling,
                f"{service.id} runs on Fargate, where ECS has no daemons",
                "Remove SchedulingStrategy, and write DesiredCount.",
            )
        version = service["PlatformVersion"]
        need = _needs_1_4(service) if _is_before_1_4(version) else None
        if need is not None:
            yield fault(
                version,
                f"{service.id} has {need}, for which platform version {version.text} is too old",
                "Write LATEST, or remove PlatformVersion.",
            )


def _is_before_1_4(version: Node) -> bool:
    numbers = re.fullmatch(r"(\d+)\.(\d+)\.(\d+)", version.text or "")
    return numbers is not None and (int(numbers[1]), int(numbers[2])) < (1, 4)


def _needs_1_4(service: Resource) -> str | None:
    """What a service has that platform version 1.4.0 of Linux is the first to support."""
    task = ecs.task_of(service)
    family = task.props.at("RuntimePlatform", "OperatingSystemFamily") if task else None
    if family is not None and family.present and family.text != "LINUX":
        return None
    for one in ecs.attachments(service.view):
        group = one.target_group.resource if one.service is service else None
        if group is not None and group["Protocol"].text in ("UDP", "TCP_UDP"):
            return f"a {group['Protocol'].text} target group"
    if service.props.at("ServiceConnectConfiguration", "Enabled").flag:
        return "Service Connect"
    if task is None:
        return None
    if task["EphemeralStorage"].present and task["EphemeralStorage"].sure:
        return "ephemeral storage of a size of its own"
    if any(one["EFSVolumeConfiguration"].pairs for one in task["Volumes"].items):
        return "an EFS volume"
    secrets = (one["ValueFrom"] for box in ecs.containers(task) for one in box["Secrets"].items)
    return "a secret's single key" if any(map(_names_json_key, secrets)) else None


def _names_json_key(secret: Node) -> bool:
    """Whether what is taken of a secret is one key: `<arn of the secret>:<key>:<stage>:<version>`,
    where an ARN has seven parts."""
    parts = secret.parts
    if parts and not isinstance(parts[0], str) and secret.resource is None:
        first = getattr(parts[0], "resource", None)
        last = parts[1] if len(parts) > 1 else None
        is_secret = first is not None and first.type == "AWS::SecretsManager::Secret"
        return is_secret and isinstance(last, str) and bool(last.strip(":"))
    text = "".join(one if isinstance(one, str) else "?" for one in parts)
    pieces = text.split(":")
    return ":secretsmanager:" in text and len(pieces) > 7 and bool(pieces[7])


# What is better otherwise -----------------------------------------------------------------------


_SOON = 60
"""Seconds from its start in which a task is stopped unless it is healthy, that many applications
need to start."""


@rule(
    "W9376",
    "A service's tasks are stopped when they are not healthy soon after their start",
    says=("(service web) (task ...) failed ELB health checks in (target-group ...)",),
    fix="Write HealthCheckGracePeriodSeconds, longer than the application's slowest start.",
    sources=(
        "https://repost.aws/knowledge-center/ecs-fargate-health-check-failures",
        "aws-cloudformation/cfn-lint#3612 (the default is 0)",
    ),
    cases=("svc-no-grace-period",),
)
def no_grace_period(view: View) -> Iterator[Fault]:
    """Without a grace period ECS acts on the load balancer's health checks from a task's first
    second. Where they give up within a minute, an application that starts more slowly, on a busy
    day or with a cold cache, is stopped and started for ever. Checks that are left at their
    defaults, a minute and more, are not reported."""
    for service in ecs.services(view):
        grace = service["HealthCheckGracePeriodSeconds"]
        waits = 0 if grace.absent else grace.number
        if waits is None or waits >= 30:
            continue
        times = [
            interval * count
            for one in ecs.attachments(view)
            if one.service is service and one.target_group.resource is not None
            for group in [one.target_group.resource]
            for interval in [group["HealthCheckIntervalSeconds"].number]
            for count in [group["UnhealthyThresholdCount"].number]
            if interval is not None and count is not None
        ]
        if times and max(waits, min(times)) < _SOON:
            yield fault(
                grace,
                f"A task of {service.id} that is not healthy after {max(waits, min(times))} "
                f"seconds is stopped: the health checks give up, and there is "
                + (f"a grace period of {waits} s only" if waits else "no grace period"),
                "Write HealthCheckGracePeriodSeconds: 60, or what the slowest start needs.",
            )


@rule(
    "W9378",
    "A service has a DesiredCount although auto scaling sets it",
    fix="Remove DesiredCount: the service then starts with one task, and auto scaling goes to "
    "MinCapacity at once.",
    sources=("aws/aws-cdk#3919", "aws/containers-roadmap#493", "aws/copilot-cli#4442"),
    cases=("svc-desired-count-with-autoscaling",),
)
def desired_count_with_scaling(view: View) -> Iterator[Fault]:
    """CloudFormation sends DesiredCount with each update of a service. Auto scaling may have gone
    up to a hundred tasks: a deployment of a new image sets it back to the template's two."""
    for service, targets in ecs.scaled(view).items():
        count = service["DesiredCount"]
        if count.number is not None:
            yield fault(
                count,
                f"Each update of {service.id} sets its tasks back to {count.text}, however many "
                f"{targets[0].id} has scaled it to",
                "Remove DesiredCount.",
            )


_AGENT = ("/var/lib/amazon/ssm", "/var/log/amazon/ssm")
"""Where the agent of ECS Exec writes."""


@rule(
    "W9392",
    "ECS Exec does not work in a container with a read-only root",
    says=("An error occurred (TargetNotConnectedException) when calling the ExecuteCommand",),
    fix="Mount writable volumes at /var/lib/amazon/ssm and /var/log/amazon/ssm, or leave one of "
    "the two properties out.",
    sources=(
        "aws/containers-roadmap#1359",
        "aws-containers/amazon-ecs-exec-checker#21",
        "AWS docs: Using Amazon ECS Exec (considerations)",
    ),
    cases=("svc-exec-with-readonly-root",),
)
def exec_with_readonly_root(view: View) -> Iterator[Fault]:
    """ECS Exec runs an agent inside the container, and the agent writes to the container's file
    system. With ReadonlyRootFilesystem it stops at once, and nobody gets a shell."""
    seen: set[tuple[str | int, ...]] = set()
    for service in ecs.services(view):
        task = ecs.task_of(service)
        if task is None or not service["EnableExecuteCommand"].flag:
            continue
        for container in ecs.containers(task):
            readonly = container["ReadonlyRootFilesystem"]
            if readonly.flag and not _agent_may_write(container) and readonly.path not in seen:
                seen.add(readonly.path)
                yield fault(
                    readonly,
                    f"{service.id} enables ECS Exec, whose agent cannot write in container "
                    f"{container['Name'].text or readonly.path[-2]} of {task.id} and stops",
                    "Mount writable volumes at /var/lib/amazon/ssm and /var/log/amazon/ssm, or "
                    "remove EnableExecuteCommand.",
                )


def _agent_may_write(container: Node) -> bool:
    mounts = container["MountPoints"]
    if not mounts.all_known:
        return True
    paths = [one["ContainerPath"] for one in mounts.items if one["ReadOnly"].flag is not True]
    if any(one.text is None for one in paths):
        return True
    inside = [f"{(one.text or '').rstrip('/')}/" for one in paths]
    return all(any(f"{place}/".startswith(one) for one in inside) for place in _AGENT)


@rule(
    "W9393",
    "A service without a cluster runs in the one named default",
    says=("ClusterNotFoundException: Cluster not found.",),
    fix="Write Cluster.",
    sources=("AWS docs: CreateService (cluster: if you do not specify one, default is assumed)",),
    cases=("svc-cluster-omitted",),
)
def no_cluster(view: View) -> Iterator[Fault]:
    """Cluster may be left out; then ECS looks for a cluster with the name `default`, which most
    accounts do not have."""
    for service in ecs.services(view):
        if service["Cluster"].absent:
            own = next(view.of(ecs.CLUSTER), None)
            yield fault(
                service["Cluster"],
                f"{service.id} names no cluster, so ECS looks for one that is named default",
                f"Write `Cluster: !Ref {own.id if own else 'Cluster'}`.",
            )


RULES = (
    container_not_in_task,
    refused_together,
    capacity_provider_not_on_cluster,
    no_grace_period,
    desired_count_with_scaling,
    not_on_fargate,
    exec_with_readonly_root,
    no_cluster,
)
