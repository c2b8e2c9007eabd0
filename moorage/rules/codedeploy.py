"""CodeDeploy applications, deployment groups and deployment configurations for ECS."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.cfn import ecs
from moorage.cfn.nodes import Node
from moorage.cfn.view import Resource, View
from moorage.rules.rule import Problem, problem, rule
from moorage.rules.services import DEPLOYMENT_GROUP

APPLICATION = "AWS::CodeDeploy::Application"


def application_of(group: Resource) -> Resource | None:
    return ecs.resource_of_type(group["ApplicationName"], APPLICATION)


@rule(
    "E9315",
    "A CodeDeploy application of ECS services is not one for ECS",
    error_messages=(
        "The specification for load balancing in the deployment group is invalid. The "
        "deploymentOption value is set to WITH_TRAFFIC_CONTROL, but either no load balancer was "
        "specified in elbInfoList or no target group was specified in targetGroupInfoList. "
        "(InvalidLoadBalancerInfoException)",
    ),
    fix="Write `ComputePlatform: ECS` on the application.",
    sources=("awsdocs/amazon-ecs-developer-guide#213", "hashicorp/terraform-provider-aws#6803"),
    failure_ids=("cd-application-platform-not-ecs",),
)
def application_not_ecs(view: View) -> Iterator[Problem]:
    """An application is for servers unless it says otherwise. A deployment group with ECSServices
    is then refused, with a message about load balancers."""
    owners = dict.fromkeys(
        application_of(one)
        for one in view.resources_of_type(DEPLOYMENT_GROUP)
        if one["ECSServices"].items
    )
    for owner in owners:
        if owner is None:
            continue
        platform = owner["ComputePlatform"]
        if platform.absent or platform.is_none_of("ECS"):
            yield problem(
                platform,
                f"{owner.id} is an application for {platform.text or 'Server'}, and its deployment "
                f"group is for a service of ECS: CodeDeploy refuses the group",
                "Write `ComputePlatform: ECS`.",
            )


def ecs_deployment_groups(view: View) -> list[Resource]:
    """The deployment groups that are certainly for ECS."""
    return [
        one
        for one in view.resources_of_type(DEPLOYMENT_GROUP)
        if one["ECSServices"].items or _is_of_ecs(one)
    ]


def _is_of_ecs(group: Resource) -> bool:
    owner = application_of(group)
    return owner is not None and owner["ComputePlatform"].text == "ECS"


@rule(
    "E9318",
    "A deployment group lacks what one for ECS must have",
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
def group_lacks(view: View) -> Iterator[Problem]:
    """What is optional for servers is not for ECS, whose deployments are blue/green with traffic
    control and of one service. How green instances are provided is for servers only."""
    for group in ecs_deployment_groups(view):
        style, config = group["DeploymentStyle"], group["BlueGreenDeploymentConfiguration"]
        wrong = [
            f"{key}: {wanted}"
            for key, wanted in (
                ("DeploymentType", "BLUE_GREEN"),
                ("DeploymentOption", "WITH_TRAFFIC_CONTROL"),
            )
            if style[key].absent or style[key].is_none_of(wanted)
        ]
        if wrong:
            yield problem(
                style,
                f"{group.id} is for ECS, where deployments are blue/green with traffic control "
                f"only; the default is in place and without",
                f"Write {' and '.join(wrong)}.",
            )
        missing = [
            key
            for key in ("DeploymentReadyOption", "TerminateBlueInstancesOnDeploymentSuccess")
            if config[key].absent
        ]
        if missing:
            yield problem(
                config,
                f"{group.id} is for ECS and does not say when traffic moves and what becomes of "
                f"the old tasks",
                f"Write {' and '.join(missing)} in BlueGreenDeploymentConfiguration.",
            )
        if config["GreenFleetProvisioningOption"].certainly_present:
            yield problem(
                config["GreenFleetProvisioningOption"],
                f"{group.id} is for ECS, and GreenFleetProvisioningOption is for servers only",
                "Remove GreenFleetProvisioningOption.",
            )
        services = group["ECSServices"]
        if services.empty or (len(services.items) > 1 and services.all_known):
            yield problem(
                services,
                f"{group.id} is for ECS and names {len(services.items) or 'no'} services; a "
                f"deployment group is for one",
                "Write one ECSServices entry, with ClusterName and ServiceName.",
            )


CONFIG = "AWS::CodeDeploy::DeploymentConfig"


_OF_NETWORK = {"TCP", "TLS", "UDP", "TCP_UDP", "QUIC", "TCP_QUIC"}
"""Protocols that only the listeners of a Network Load Balancer have."""


@rule(
    "E9321",
    "A deployment configuration does not fit a service of ECS or its load balancer",
    fix="Use one of CodeDeployDefault.ECS...; behind a Network Load Balancer "
    "CodeDeployDefault.ECSAllAtOnce.",
    sources=(
        "AWS docs: Working with deployment configurations in CodeDeploy",
        "AWS docs: Blue/green deployment with CodeDeploy (Network Load Balancer considerations)",
    ),
    failure_ids=("cd-deployment-config-not-ecs", "cd-nlb-with-canary"),
)
def config_does_not_fit(view: View) -> Iterator[Problem]:
    """Deployment configurations are for one compute platform each. Those for ECS that shift traffic
    step by step need weighted target groups, which CodeDeploy uses with Application Load Balancers
    only."""
    for group in ecs_deployment_groups(view):
        config = group["DeploymentConfigName"]
        if not _is_for_ecs(config):
            yield problem(
                config,
                f"{group.id} is for ECS, and {config.text or _id(config)} is a configuration for "
                f"another compute platform",
                "Write CodeDeployDefault.ECSAllAtOnce or another CodeDeployDefault.ECS....",
            )
        elif _is_step_by_step(config):
            listeners = [one.resource for one in _listeners(group)]
            if any(one is not None and _is_network(one) for one in listeners):
                yield problem(
                    config,
                    f"{group.id} shifts traffic of a Network Load Balancer, which CodeDeploy does "
                    f"all at once only",
                    "Write CodeDeployDefault.ECSAllAtOnce.",
                )


def _id(node: Node) -> str:
    return node.resource.id if node.resource else "this"


def _is_for_ecs(config: Node) -> bool:
    """Whether a configuration is for ECS, as far as is known. The default is."""
    own = ecs.resource_of_type(config, CONFIG)
    if own is not None:
        platform = own["ComputePlatform"]
        return platform.present and not platform.is_none_of("ECS")
    predefined = "CodeDeployDefault."
    return not config.choices or any(
        one.startswith(f"{predefined}ECS") or not one.startswith(predefined)
        for one in config.choices
    )


def _is_step_by_step(config: Node) -> bool:
    own = ecs.resource_of_type(config, CONFIG)
    if own is not None:
        kind = own["TrafficRoutingConfig"]["Type"]
        return kind.present and kind.is_none_of("AllAtOnce")
    steps = ("CodeDeployDefault.ECSCanary", "CodeDeployDefault.ECSLinear")
    return bool(config.choices) and all(one.startswith(steps) for one in config.choices)


def _is_network(listener: Resource) -> bool:
    owner = ecs.load_balancer_of(listener)
    if owner is not None:
        return ecs.load_balancer_type(owner) == "network"
    return listener["Protocol"].text in _OF_NETWORK


def _pairs(group: Resource) -> Node:
    return group["LoadBalancerInfo"]["TargetGroupPairInfoList"]


def _listeners(group: Resource) -> list[Node]:
    """The properties that name a group's listeners, those of production first."""
    return [
        listener
        for route in ("ProdTrafficRoute", "TestTrafficRoute")
        for pair in _pairs(group).items
        for listener in pair[route]["ListenerArns"].items
    ]


RULES = (
    application_not_ecs,
    group_lacks,
    config_does_not_fit,
)
