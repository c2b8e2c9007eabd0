"""Services: what ECS refuses, and what works once and not the next time."""

from __future__ import annotations

import re
from collections.abc import Iterator

from moorage.cfn import ecs
from moorage.cfn.nodes import Node
from moorage.cfn.values import OneOf, Unknown
from moorage.cfn.view import Resource, View
from moorage.rules.rule import Problem, problem, rule

TASK_SET = "AWS::ECS::TaskSet"

_RANGE = re.compile(r"(\d{1,5})-(\d{1,5})")


def network_mode_of_service(service: Resource) -> str | None:
    """The network mode of a service's tasks; None where it is not known."""
    task = ecs.task_definition_of(service)
    if task is not None:
        return ecs.network_mode(task)
    return "awsvpc" if ecs.runs_on_fargate(service) else None


# The container behind the load balancer ---------------------------------------------------------


@rule(
    "E9373",
    "A service's load balancer names a container or port that its task definition does not have",
    error_messages=(
        "The container app did not have a container port 8080 defined.",
        "The container web does not exist in the task definition.",
    ),
    fix="Write the ContainerName and a ContainerPort of the task definition's PortMappings.",
    sources=("pulumi/pulumi-awsx#1172", "pulumi/pulumi-aws#3095", "aws/amazon-ecs-agent#1276"),
    failure_ids=("svc-container-port-not-in-task", "svc-container-name-not-in-task"),
)
def container_not_in_task(view: View) -> Iterator[Problem]:
    """ECS registers a task's port in the target group by the container's name and port, and looks
    both up in the task definition when the service is created. The port is the container's, not
    the listener's or the target group's."""
    for service in view.resources_of_type(ecs.SERVICE, TASK_SET):
        task = ecs.task_definition_of(service)
        if task is None or not task["ContainerDefinitions"].all_known:
            continue
        for entry in service["LoadBalancers"].items:
            name, port = entry["ContainerName"], entry["ContainerPort"]
            named = [(one, one["Name"].is_same_as(name)) for one in ecs.containers(task)]
            if name.certainly_present and named and all(same is False for _, same in named):
                has = ", ".join(one["Name"].text or "?" for one, _ in named)
                yield problem(
                    name,
                    f"{task.id} has no container {name.text or 'of this name'}, and ECS refuses "
                    f"to create {service.id}",
                    f"Write one of the containers that it has: {has}.",
                )
            alike = [one for one, same in named if same]
            for container in alike if len(alike) == 1 else ():
                if port.certainly_present and _lacks(container, port):
                    yield problem(
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
        return mapping["ContainerPort"].is_same_as(port) is not False
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
    error_messages=(
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
    failure_ids=(
        "svc-launch-type-and-capacity-provider",
        "svc-grace-period-without-load-balancer",
        "svc-role-with-awsvpc",
        "svc-network-configuration-missing",
    ),
)
def refused_together(view: View) -> Iterator[Problem]:
    """Some properties of a service exclude or require each other. A launch type and a strategy of
    capacity providers say the same thing twice; a grace period needs health checks of a load
    balancer; Role is for services from before the service-linked role, with one load balancer and
    without awsvpc; and awsvpc needs subnets."""
    for service in ecs.services(view):
        launch, role = service["LaunchType"], service["Role"]
        if launch.certainly_present and service["CapacityProviderStrategy"].items:
            yield problem(
                launch,
                f"{service.id} has a LaunchType and a CapacityProviderStrategy, and ECS takes only "
                f"one of them",
                "Remove LaunchType: the capacity providers decide.",
            )
        grace = service["HealthCheckGracePeriodSeconds"]
        if grace.number and _has_no_health_check(service):
            yield problem(
                grace,
                f"{service.id} has a health check grace period and no load balancer, and ECS "
                f"refuses it",
                "Remove HealthCheckGracePeriodSeconds, or add LoadBalancers.",
            )
        why = _linked_role(service) if role.fully_known and role.present else None
        if why is not None:
            yield problem(
                role,
                f"{service.id} has a Role and {why}; ECS then uses its service-linked role and "
                f"refuses another",
                "Remove Role.",
            )
        subnets = service["NetworkConfiguration"].at("AwsvpcConfiguration", "Subnets")
        if (
            service["NetworkConfiguration"].present  # without it, cfn-lint says so (E3052)
            and subnets.empty
            and network_mode_of_service(service) == "awsvpc"
            and ecs.deployment_controller(service) in ("ECS", "CODE_DEPLOY")
        ):
            yield problem(
                subnets,
                f"{service.id} runs tasks in network mode awsvpc and names no subnets for them",
                "Write AwsvpcConfiguration.Subnets.",
            )


def _has_no_health_check(service: Resource) -> bool:
    """Whether nothing certainly checks the health of a service's tasks: no load balancer, nor what
    later versions of ECS also count (VPC Lattice and health checks of containers)."""
    task = ecs.task_definition_of(service)
    checked = task is None or any(one["HealthCheck"].present for one in ecs.containers(task))
    return (
        service["LoadBalancers"].empty
        and service["VpcLatticeConfigurations"].empty
        and ecs.deployment_controller(service) == "ECS"
        and not checked
    )


def _linked_role(service: Resource) -> str | None:
    """Why a service needs the service-linked role."""
    if network_mode_of_service(service) == "awsvpc":
        return "its tasks have network mode awsvpc"
    if len(service["LoadBalancers"].items) > 1 and service["LoadBalancers"].all_known:
        return "several target groups"
    registries = service["ServiceRegistries"]
    return "service registries" if registries.items and registries.all_known else None


# What is better otherwise -----------------------------------------------------------------------


_SOON = 60
"""Seconds from its start in which a task is stopped unless it is healthy, that many applications
need to start."""


@rule(
    "W9376",
    "A service's tasks are stopped when they are not healthy soon after their start",
    error_messages=("(service web) (task ...) failed ELB health checks in (target-group ...)",),
    fix="Write HealthCheckGracePeriodSeconds, longer than the application's slowest start.",
    sources=(
        "https://repost.aws/knowledge-center/ecs-fargate-health-check-failures",
        "aws-cloudformation/cfn-lint#3612 (the default is 0)",
    ),
    failure_ids=("svc-no-grace-period",),
)
def no_grace_period(view: View) -> Iterator[Problem]:
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
            for entry in service["LoadBalancers"].items
            for group in [ecs.resource_of_type(entry["TargetGroupArn"], ecs.TARGET_GROUP)]
            if group is not None
            for interval in [group["HealthCheckIntervalSeconds"].number]
            for count in [group["UnhealthyThresholdCount"].number]
            if interval is not None and count is not None
        ]
        if times and max(waits, min(times)) < _SOON:
            yield problem(
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
    failure_ids=("svc-desired-count-with-autoscaling",),
)
def desired_count_with_scaling(view: View) -> Iterator[Problem]:
    """CloudFormation sends DesiredCount with each update of a service. Auto scaling may have gone
    up to a hundred tasks: a deployment of a new image sets it back to the template's two."""
    for service, targets in ecs.scalable_targets_by_service(view).items():
        count = service["DesiredCount"]
        said = count.text if count.number is not None else _parameter(count)
        if said is not None:
            yield problem(
                count,
                f"Each update of {service.id} sets its tasks back to {said}, however many "
                f"{targets[0].id} has scaled it to",
                "Remove DesiredCount.",
            )


def _parameter(count: Node) -> str | None:
    """What a count is called that a parameter gives, whose value an update keeps. Where it has no
    default, whoever deploys may well ask first how many tasks there are."""
    value = count.value
    if not isinstance(value, Unknown | OneOf) or value.default is None:
        return None
    kind, _, name = value.token.partition(":")
    known = kind == count.stack.name and name in count.stack.template.parameters
    return f"the parameter {name}" if known else None


_AGENT = ("/var/lib/amazon/ssm", "/var/log/amazon/ssm")
"""Where the agent of ECS Exec writes."""


@rule(
    "W9392",
    "ECS Exec does not work in a container with a read-only root",
    error_messages=(
        "An error occurred (TargetNotConnectedException) when calling the ExecuteCommand",
    ),
    fix="Mount writable volumes at /var/lib/amazon/ssm and /var/log/amazon/ssm, or leave one of "
    "the two properties out.",
    sources=(
        "aws/containers-roadmap#1359",
        "aws-containers/amazon-ecs-exec-checker#21",
        "AWS docs: Using Amazon ECS Exec (considerations)",
    ),
    failure_ids=("svc-exec-with-readonly-root",),
)
def exec_with_readonly_root(view: View) -> Iterator[Problem]:
    """ECS Exec runs an agent inside the container, and the agent writes to the container's file
    system. With ReadonlyRootFilesystem it stops at once, and nobody gets a shell."""
    for service in ecs.services(view):
        task = ecs.task_definition_of(service)
        if task is None or not service["EnableExecuteCommand"].flag:
            continue
        for container in ecs.containers(task):
            readonly = container["ReadonlyRootFilesystem"]
            if readonly.flag and not _agent_may_write(container):
                yield problem(
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
    error_messages=("ClusterNotFoundException: Cluster not found.",),
    fix="Write Cluster.",
    sources=("AWS docs: CreateService (cluster: if you do not specify one, default is assumed)",),
    failure_ids=("svc-cluster-omitted",),
)
def no_cluster(view: View) -> Iterator[Problem]:
    """Cluster may be left out; then ECS looks for a cluster with the name `default`, which most
    accounts do not have."""
    for service in ecs.services(view):
        if service["Cluster"].absent:
            own = next(view.resources_of_type(ecs.CLUSTER), None)
            yield problem(
                service["Cluster"],
                f"{service.id} names no cluster, so ECS looks for one that is named default",
                f"Write `Cluster: !Ref {own.id if own else 'Cluster'}`.",
            )


RULES = (
    container_not_in_task,
    refused_together,
    no_grace_period,
    desired_count_with_scaling,
    exec_with_readonly_root,
    no_cluster,
)
