"""CodeDeploy applications, deployment groups and deployment configurations for ECS."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.cfn import ecs
from moorage.cfn.nodes import Node
from moorage.cfn.stack import Resource
from moorage.cfn.view import View
from moorage.facts.load_balancing import NLB_PROTOCOLS
from moorage.rules.message_parts import join_and
from moorage.rules.rule import Problem, problem, rule

APPLICATION = "AWS::CodeDeploy::Application"
DEPLOYMENT_CONFIG = "AWS::CodeDeploy::DeploymentConfig"
DEPLOYMENT_GROUP = "AWS::CodeDeploy::DeploymentGroup"


def ecs_deployment_groups(view: View) -> list[Resource]:
    """The deployment groups that are certainly for ECS."""
    return [
        group
        for group in view.resources_of_type(DEPLOYMENT_GROUP)
        if group["ECSServices"].items or _has_ecs_application(group)
    ]


def application_of(group: Resource) -> Resource | None:
    """The application in view that a deployment group belongs to."""
    return ecs.resource_of_type(group["ApplicationName"], APPLICATION)


def _has_ecs_application(group: Resource) -> bool:
    application = application_of(group)
    return application is not None and application["ComputePlatform"].text == "ECS"


def target_group_pairs(group: Resource) -> Node:
    """The pairs of target groups of a deployment group."""
    return group["LoadBalancerInfo"]["TargetGroupPairInfoList"]


def listeners_of_deployment_group(group: Resource) -> list[Node]:
    """The properties that name a deployment group's listeners, production listeners first."""
    return [
        listener
        for route in ("ProdTrafficRoute", "TestTrafficRoute")
        for pair in target_group_pairs(group).items
        for listener in pair[route]["ListenerArns"].items
    ]


# Applications --------------------------------------------------------------------------------


@rule(
    "E9315",
    "A CodeDeploy application with ECS services has another compute platform than ECS.",
    error_messages=(
        "The specification for load balancing in the deployment group is invalid. The "
        "deploymentOption value is set to WITH_TRAFFIC_CONTROL, but either no load balancer was "
        "specified in elbInfoList or no target group was specified in targetGroupInfoList. "
        "(InvalidLoadBalancerInfoException)",
    ),
    fix="Write `ComputePlatform: ECS` in the application.",
    sources=("awsdocs/amazon-ecs-developer-guide#213", "hashicorp/terraform-provider-aws#6803"),
    failure_ids=("cd-application-platform-not-ecs",),
)
def application_not_for_ecs(view: View) -> Iterator[Problem]:
    """The default compute platform of an application is Server. CodeDeploy then rejects a
    deployment group with ECSServices, with an error message about load balancers."""
    applications = dict.fromkeys(
        application_of(group)
        for group in view.resources_of_type(DEPLOYMENT_GROUP)
        if group["ECSServices"].items
    )
    for application in applications:
        if application is None:
            continue
        platform = application["ComputePlatform"]
        if platform.absent or platform.is_none_of("ECS"):
            value = f"{platform.text or 'Server'}{' by default' if platform.absent else ''}"
            yield problem(
                platform,
                f"CodeDeploy application `{application.id}` has the compute platform {value}, and "
                f"CodeDeploy rejects its deployment group with ECSServices",
                "Write `ComputePlatform: ECS`.",
            )


# Deployment groups ---------------------------------------------------------------------------


@rule(
    "E9318",
    "A deployment group for ECS lacks a required property or has one for servers.",
    error_messages=(
        "For ECS deployment group, deploymentType can only be BLUE_GREEN, deploymentOption "
        "WITH_TRAFFIC_CONTROL",
        "For ECS deployment group, blueGreenDeploymentConfiguration must be specified",
        "For ECS deployment group, ecsServices must be specified",
    ),
    fix="Write DeploymentStyle, BlueGreenDeploymentConfiguration and one entry of ECSServices.",
    sources=(
        "hashicorp/terraform-provider-aws#6703",
        "hashicorp/terraform-provider-aws#11885",
        "AWS docs: CreateDeploymentGroup",
    ),
    failure_ids=(
        "cd-deployment-style-missing",
        "cd-blue-green-config-missing",
        "cd-ecs-services-missing",
    ),
)
def incomplete_deployment_group(view: View) -> Iterator[Problem]:
    """For ECS, CodeDeploy only does blue/green deployments with traffic control, of one service for
    each deployment group. The properties that say so are optional for servers and required for ECS.
    GreenFleetProvisioningOption is for servers only."""
    for group in ecs_deployment_groups(view):
        yield from _wrong_deployment_style(group)
        config = group["BlueGreenDeploymentConfiguration"]
        missing = [
            key
            for key in ("DeploymentReadyOption", "TerminateBlueInstancesOnDeploymentSuccess")
            if config[key].absent
        ]
        if missing:
            yield problem(
                config,
                f"Deployment group `{group.id}` is for ECS and lacks {join_and(missing)}",
                f"Write {'them' if len(missing) > 1 else 'it'} in "
                f"BlueGreenDeploymentConfiguration.",
            )
        if config["GreenFleetProvisioningOption"].certainly_present:
            yield problem(
                config["GreenFleetProvisioningOption"],
                f"Deployment group `{group.id}` is for ECS and has GreenFleetProvisioningOption, "
                f"which is for servers only",
                "Remove GreenFleetProvisioningOption.",
            )
        services = group["ECSServices"]
        if services.empty or (len(services.items) > 1 and services.all_known):
            yield problem(
                services,
                f"Deployment group `{group.id}` is for ECS and has {len(services.items) or 'no'} "
                f"services, and CodeDeploy requires exactly one",
                "Write one entry of ECSServices, with ClusterName and ServiceName.",
            )


def _wrong_deployment_style(group: Resource) -> Iterator[Problem]:
    style = group["DeploymentStyle"]
    required = {"DeploymentType": "BLUE_GREEN", "DeploymentOption": "WITH_TRAFFIC_CONTROL"}
    missing = [
        f"`{key}: {value}`"
        for key, value in required.items()
        if style[key].absent or style[key].is_none_of(value)
    ]
    if missing:
        yield problem(
            style,
            f"Deployment group `{group.id}` is for ECS, for which CodeDeploy requires blue/green "
            f"deployments with traffic control",
            f"Write {join_and(missing)} in DeploymentStyle.",
        )


# Deployment configurations -------------------------------------------------------------------


@rule(
    "E9321",
    "A deployment configuration is not for ECS, or does not work with a Network Load Balancer.",
    fix="Write one of CodeDeployDefault.ECS*. For a Network Load Balancer, write "
    "CodeDeployDefault.ECSAllAtOnce.",
    sources=(
        "AWS docs: Working with deployment configurations in CodeDeploy",
        "AWS docs: Blue/green deployment with CodeDeploy (Network Load Balancer considerations)",
    ),
    failure_ids=("cd-deployment-config-not-ecs", "cd-nlb-with-canary"),
)
def unsuitable_deployment_config(view: View) -> Iterator[Problem]:
    """A deployment configuration is for one compute platform. Canary and linear configurations for
    ECS need weighted target groups, which CodeDeploy uses with Application Load Balancers only."""
    for group in ecs_deployment_groups(view):
        config = group["DeploymentConfigName"]
        if not _may_be_for_ecs(config):
            name = config.text or (config.resource.id if config.resource else "this one")
            yield problem(
                config,
                f"Deployment group `{group.id}` is for ECS, and its deployment configuration "
                f"`{name}` is for another compute platform",
                "Write CodeDeployDefault.ECSAllAtOnce, or another one of CodeDeployDefault.ECS*.",
            )
        elif _is_canary_or_linear(config):
            listeners = [node.resource for node in listeners_of_deployment_group(group)]
            if any(listener is not None and _is_nlb_listener(listener) for listener in listeners):
                yield problem(
                    config,
                    f"Deployment group `{group.id}` shifts the traffic of a Network Load Balancer, "
                    f"which CodeDeploy can do only all at once",
                    "Write CodeDeployDefault.ECSAllAtOnce.",
                )


def _may_be_for_ecs(config: Node) -> bool:
    """Whether a configuration is for ECS, as far as it is known. The default one is."""
    resource = ecs.resource_of_type(config, DEPLOYMENT_CONFIG)
    if resource is not None:
        if resource["TrafficRoutingConfig"].present:
            return True  # If it is not for ECS, E9336 finds that.
        platform = resource["ComputePlatform"]
        return platform.present and not platform.is_none_of("ECS")
    predefined = "CodeDeployDefault."
    return not config.choices or any(
        name.startswith(f"{predefined}ECS") or not name.startswith(predefined)
        for name in config.choices
    )


def _is_canary_or_linear(config: Node) -> bool:
    resource = ecs.resource_of_type(config, DEPLOYMENT_CONFIG)
    if resource is not None:
        routing = resource["TrafficRoutingConfig"]["Type"]
        return routing.present and routing.is_none_of("AllAtOnce")
    prefixes = ("CodeDeployDefault.ECSCanary", "CodeDeployDefault.ECSLinear")
    return bool(config.choices) and all(name.startswith(prefixes) for name in config.choices)


def _is_nlb_listener(listener: Resource) -> bool:
    load_balancer = ecs.load_balancer_of(listener)
    if load_balancer is not None:
        return ecs.load_balancer_type(load_balancer) == "network"
    return listener["Protocol"].text in NLB_PROTOCOLS


RULES = (application_not_for_ecs, incomplete_deployment_group, unsuitable_deployment_config)
