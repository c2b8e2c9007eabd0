"""Services: properties that exclude or require each other, clusters, ECS Exec and references."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.cfn import ecs
from moorage.cfn.nodes import Node
from moorage.cfn.stack import Resource
from moorage.cfn.values import Attr, Unknown
from moorage.cfn.view import View
from moorage.rules.message_parts import name_container
from moorage.rules.rule import Problem, problem, rule


@rule(
    "E9230",
    "Properties of a service exclude each other, or one of them requires another.",
    error_messages=(
        "Specifying both a launch type and capacity provider strategy is not supported. Remove one "
        "and try again.",
        "You cannot specify an IAM role for services that require a service linked role.",
        "Network Configuration must be provided when networkMode 'awsvpc' is specified.",
    ),
    fix="Remove the property that the message names, or add the missing one.",
    sources=(
        "terraform-aws-modules/terraform-aws-ecs#80",
        "hashicorp/terraform-provider-aws#4657",
        "aws/amazon-ecs-cli#426",
        "PasseiDireto/gh-runner-task-action#8",
    ),
    failure_ids=(
        "svc-launch-type-and-capacity-provider",
        "svc-role-with-awsvpc",
        "svc-network-configuration-missing",
    ),
)
def conflicting_properties(view: View) -> Iterator[Problem]:
    """LaunchType and CapacityProviderStrategy exclude each other. Role is only for services with
    one load balancer and without awsvpc; other services use the service-linked role. The network
    mode awsvpc requires subnets. ECS refuses to create the service."""
    for service in ecs.services(view):
        launch_type, role = service["LaunchType"], service["Role"]
        if launch_type.certainly_present and service["CapacityProviderStrategy"].items:
            yield problem(
                launch_type,
                f"Service `{service.id}` has both LaunchType and CapacityProviderStrategy, and ECS "
                f"accepts only one of them",
                "Remove LaunchType to use the capacity providers.",
            )
        reason = _needs_service_linked_role(service) if _is_set(role) else None
        if reason is not None:
            yield problem(
                role,
                f"Service `{service.id}` has a Role, which ECS rejects for a service with {reason}",
                "Remove Role. ECS uses its service-linked role.",
            )
        subnets = service["NetworkConfiguration"].at("AwsvpcConfiguration", "Subnets")
        if (
            service["NetworkConfiguration"].present  # without it, cfn-lint reports it (E3052)
            and subnets.empty
            and _network_mode(service) == "awsvpc"
            and ecs.deployment_controller(service) in ("ECS", "CODE_DEPLOY")
        ):
            yield problem(
                subnets,
                f"Service `{service.id}` has network mode awsvpc but no subnets",
                "Write Subnets in AwsvpcConfiguration.",
            )


def _is_set(node: Node) -> bool:
    """Whether there certainly is a value that is not empty: a parameter may be."""
    if isinstance(node.value, Unknown):
        return "" in node.value.excluded
    return node.present and node.fully_known


def _network_mode(service: Resource) -> str | None:
    """The network mode of a service's tasks; None if it is not known."""
    task = ecs.task_definition_of(service)
    if task is not None:
        return ecs.network_mode(task)
    return "awsvpc" if ecs.runs_on_fargate(service) else None


def _needs_service_linked_role(service: Resource) -> str | None:
    """Why a service needs the service-linked role."""
    if _network_mode(service) == "awsvpc":
        return "network mode awsvpc"
    if len(service["LoadBalancers"].items) > 1 and service["LoadBalancers"].all_known:
        return "several target groups"
    registries = service["ServiceRegistries"]
    return "service registries" if registries.items and registries.all_known else None


@rule(
    "W9233",
    "A grace period has no effect on a service without health checks.",
    error_messages=(
        "Health check grace period is only valid for services configured to use load balancers",
    ),
    fix="Remove HealthCheckGracePeriodSeconds, or add LoadBalancers.",
    sources=(
        "AWS docs: Amazon ECS API reference, CreateService",
        "aws-cloudformation/cfn-lint#4227",
        "aws-cloudformation/cfn-lint#3612",
        "hashicorp/terraform-provider-aws#31104",
    ),
    failure_ids=("svc-grace-period-without-load-balancer",),
)
def grace_period_without_health_checks(view: View) -> Iterator[Problem]:
    """In the grace period ECS ignores failed health checks of load balancers, VPC Lattice and
    containers. Without any of them it is not used. Until 2024 ECS refused to create such a service;
    since then, such services have been created."""
    for service in ecs.services(view):
        grace_period = service["HealthCheckGracePeriodSeconds"]
        if grace_period.number and _has_no_health_check(service):
            yield problem(
                grace_period,
                f"HealthCheckGracePeriodSeconds has no effect: service `{service.id}` has no "
                f"health checks",
                "Remove HealthCheckGracePeriodSeconds, or add LoadBalancers.",
            )


def _has_no_health_check(service: Resource) -> bool:
    """Whether certainly nothing checks the health of a service's tasks: no load balancer, and
    neither VPC Lattice nor health checks of containers."""
    task = ecs.task_definition_of(service)
    has_own_check = task is None or any(
        container["HealthCheck"].present for container in ecs.containers(task)
    )
    return (
        service["LoadBalancers"].empty
        and service["VpcLatticeConfigurations"].empty
        and ecs.deployment_controller(service) == "ECS"
        and not has_own_check
    )


@rule(
    "W9240",
    "A service without Cluster runs in the cluster named default.",
    error_messages=("ClusterNotFoundException: Cluster not found.",),
    fix="Write Cluster.",
    sources=("AWS docs: CreateService (cluster: if you do not specify one, default is assumed)",),
    failure_ids=("svc-cluster-omitted",),
)
def missing_cluster(view: View) -> Iterator[Problem]:
    """Without Cluster, ECS looks for a cluster with the name `default`, which most accounts do not
    have."""
    for service in ecs.services(view):
        if service["Cluster"].absent:
            cluster = next(view.resources_of_type(ecs.CLUSTER), None)
            yield problem(
                service["Cluster"],
                f"Service `{service.id}` has no Cluster, so ECS looks for a cluster with the name "
                f"`default`",
                f"Write `Cluster: !Ref {cluster.id if cluster else 'Cluster'}`.",
            )


# ECS Exec ------------------------------------------------------------------------------------

_AGENT_DIRECTORIES = ("/var/lib/amazon/ssm", "/var/log/amazon/ssm")
"""Where the agent of ECS Exec writes. Source: AWS docs, Using Amazon ECS Exec."""


@rule(
    "W9260",
    "ECS Exec does not work in a container with a read-only root file system.",
    error_messages=(
        "An error occurred (TargetNotConnectedException) when calling the ExecuteCommand",
    ),
    fix="Mount writable volumes at /var/lib/amazon/ssm and /var/log/amazon/ssm, or remove "
    "ReadonlyRootFilesystem or EnableExecuteCommand.",
    sources=(
        "aws/containers-roadmap#1359",
        "aws-containers/amazon-ecs-exec-checker#21",
        "AWS docs: Using Amazon ECS Exec (considerations)",
    ),
    failure_ids=("svc-exec-with-readonly-root",),
)
def exec_with_readonly_root(view: View) -> Iterator[Problem]:
    """ECS Exec runs an agent inside the container, and the agent writes to the file system of the
    container. With ReadonlyRootFilesystem it stops immediately, and `execute-command` fails."""
    for service in ecs.services(view):
        task = ecs.task_definition_of(service)
        if task is None or not service["EnableExecuteCommand"].flag:
            continue
        for container in ecs.containers(task):
            readonly = container["ReadonlyRootFilesystem"]
            if readonly.flag and not _can_agent_write(container):
                yield problem(
                    readonly,
                    f"ECS Exec of service `{service.id}` does not work in "
                    f"{name_container(container)} of task definition `{task.id}`: its agent cannot "
                    f"write to a read-only root file system",
                    "Mount writable volumes at /var/lib/amazon/ssm and /var/log/amazon/ssm, or "
                    "remove EnableExecuteCommand.",
                )


def _can_agent_write(container: Node) -> bool:
    mount_points = container["MountPoints"]
    if not mount_points.all_known:
        return True
    paths = [
        mount["ContainerPath"].text
        for mount in mount_points.items
        if mount["ReadOnly"].flag is not True
    ]
    known = [f"{path.rstrip('/')}/" for path in paths if path is not None]
    if len(known) != len(paths):
        return True
    return all(
        any(f"{directory}/".startswith(path) for path in known) for directory in _AGENT_DIRECTORIES
    )


# References to services ----------------------------------------------------------------------


@rule(
    "E9270",
    "The ARN of a service, cluster or target group is used in place of its name.",
    fix="Write `!GetAtt <service>.Name` for the name of a service, and `!Ref <cluster>` for the "
    "name of a cluster, and `!GetAtt <target group>.TargetGroupName` for that of a target group. "
    "`!Ref` of a service or a target group is its ARN.",
    sources=(
        "AWS docs: AWS::ECS::Service (return values)",
        "AWS docs: AWS::ElasticLoadBalancingV2::TargetGroup (return values)",
        "AWS docs: CodeDeploy API reference, TargetGroupInfo (name)",
        "AWS docs: AWS::ApplicationAutoScaling::ScalableTarget (ResourceId)",
    ),
    failure_ids=("cd-service-arn-instead-of-name",),
)
def arn_instead_of_name(view: View) -> Iterator[Problem]:
    """CodeDeploy deployment groups, scalable targets, scaling policies and the dimensions of alarms
    need the names of a service and its cluster, and deployment groups those of target groups. With
    an ARN, CodeDeploy and Application Auto Scaling do not find the resource, and an alarm never
    gets any data."""
    for node in _names(view):
        arn = next((part for part in node.parts if isinstance(part, Attr) and _is_arn(part)), None)
        if arn is not None:
            noun, reference = _NAMES[arn.resource.type]
            yield problem(
                node,
                f"The value is the ARN of {noun} `{arn.resource.id}`, and must be its name",
                f"Write `{reference.format(arn.resource.id)}`.",
            )


_NAMES = {
    ecs.SERVICE: ("service", "!GetAtt {}.Name"),
    ecs.CLUSTER: ("cluster", "!Ref {}"),
    ecs.TARGET_GROUP: ("target group", "!GetAtt {}.TargetGroupName"),
}
"""What a resource is called, and how to write its name."""


def _names(view: View) -> Iterator[Node]:
    """The properties that need the name of a service, cluster or target group."""
    for group in view.resources_of_type("AWS::CodeDeploy::DeploymentGroup"):
        for pair in group["LoadBalancerInfo"]["TargetGroupPairInfoList"].items:
            for target_group in pair["TargetGroups"].items:
                yield target_group["Name"]
        for entry in group["ECSServices"].items:
            yield entry["ServiceName"]
            yield entry["ClusterName"]
    auto_scaling = "AWS::ApplicationAutoScaling::"
    for resource in view.resources_of_type(
        f"{auto_scaling}ScalableTarget", f"{auto_scaling}ScalingPolicy"
    ):
        yield resource["ResourceId"]
    for alarm in view.resources_of_type("AWS::CloudWatch::Alarm"):
        metrics = (query["MetricStat"]["Metric"]["Dimensions"] for query in alarm["Metrics"].items)
        for dimensions in (alarm["Dimensions"], *metrics):
            for dimension in dimensions.items:
                if dimension["Name"].text in ("ServiceName", "ClusterName"):
                    yield dimension["Value"]


def _is_arn(value: Attr) -> bool:
    attributes = {
        ecs.SERVICE: ("Ref", "ServiceArn"),
        ecs.CLUSTER: ("Arn",),
        ecs.TARGET_GROUP: ("Ref", "TargetGroupArn"),
    }
    return value.name in attributes.get(value.resource.type, ())


RULES = (
    conflicting_properties,
    grace_period_without_health_checks,
    missing_cluster,
    exec_with_readonly_root,
    arn_instead_of_name,
)
