"""Blue/green deployments by CodeDeploy's deployment groups."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.cfn import ecs
from moorage.cfn.nodes import Node
from moorage.cfn.values import Attr
from moorage.cfn.view import Resource, View
from moorage.rules.rule import Problem, problem, rule

APPLICATION = "AWS::CodeDeploy::Application"
CONFIG = "AWS::CodeDeploy::DeploymentConfig"
DEPLOYMENT_GROUP = "AWS::CodeDeploy::DeploymentGroup"

_OF_NETWORK = {"TCP", "TLS", "UDP", "TCP_UDP", "QUIC", "TCP_QUIC"}
"""Protocols that only the listeners of a Network Load Balancer have."""


# A deployment group for ECS ---------------------------------------------------------------------


def ecs_deployment_groups(view: View) -> list[Resource]:
    """The deployment groups that are certainly for ECS."""
    return [
        one
        for one in view.resources_of_type(DEPLOYMENT_GROUP)
        if one["ECSServices"].items or _is_of_ecs(one)
    ]


def application_of(group: Resource) -> Resource | None:
    return ecs.resource_of_type(group["ApplicationName"], APPLICATION)


def _is_of_ecs(group: Resource) -> bool:
    owner = application_of(group)
    return owner is not None and owner["ComputePlatform"].text == "ECS"


@rule(
    "E9394",
    "An ARN stands where a name is wanted",
    fix="Write `!GetAtt Service.Name` for a service. `!Ref` of a service is its ARN, of a cluster "
    "its name.",
    sources=(
        "AWS docs: AWS::ECS::Service (return values)",
        "AWS docs: AWS::ApplicationAutoScaling::ScalableTarget (ResourceId)",
    ),
    failure_ids=("cd-service-arn-instead-of-name",),
)
def arn_for_name(view: View) -> Iterator[Problem]:
    """Deployment groups, targets of auto scaling and the dimensions of alarms take the names of a
    service and its cluster. With an ARN nothing of that name is found; an alarm never gets any
    data and stays silent."""
    places = [
        node
        for group in view.resources_of_type(DEPLOYMENT_GROUP)
        for one in group["ECSServices"].items
        for node in (one["ServiceName"], one["ClusterName"])
    ]
    scaling = "AWS::ApplicationAutoScaling::"
    places += [
        one["ResourceId"]
        for one in view.resources_of_type(f"{scaling}ScalableTarget", f"{scaling}ScalingPolicy")
    ]
    for alarm in view.resources_of_type("AWS::CloudWatch::Alarm"):
        metrics = (one["MetricStat"]["Metric"]["Dimensions"] for one in alarm["Metrics"].items)
        for dimensions in (alarm["Dimensions"], *metrics):
            places += [
                one["Value"]
                for one in dimensions.items
                if one["Name"].text in ("ServiceName", "ClusterName")
            ]
    for node in places:
        found = next((one for one in node.parts if isinstance(one, Attr) and _is_arn(one)), None)
        if found is not None:
            of = found.resource
            right = f"!GetAtt {of.id}.Name" if of.type == ecs.SERVICE else f"!Ref {of.id}"
            yield problem(
                node, f"This is the ARN of {of.id}, and its name is wanted", f"Write `{right}`."
            )


def _is_arn(value: Attr) -> bool:
    arns = {ecs.SERVICE: ("Ref", "ServiceArn"), ecs.CLUSTER: ("Arn",)}
    return value.name in arns.get(value.resource.type, ())


@rule(
    "E9395",
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


@rule(
    "E9396",
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


@rule(
    "E9397",
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


# The pair of target groups ----------------------------------------------------------------------


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


@rule(
    "E9398",
    "A deployment group's target groups, listeners and service do not belong together",
    error_messages=(
        "A deployment group associated with an application that uses the ECS compute platform must "
        "contain a valid pair of target groups that identify a load balancer.",
        "Primary taskset target group must be behind listener",
    ),
    fix="Name two different target groups, one of them the service's own, and listeners of the one "
    "load balancer that forwards to them.",
    sources=(
        "YumaInaura/YumaInaura#3421",
        "awsdocs/amazon-ecs-developer-guide#213",
        "AWS docs: Blue/green deployment with CodeDeploy (required parameters)",
    ),
    failure_ids=(
        "cd-single-target-group",
        "cd-same-target-group-twice",
        "cd-service-target-group-not-in-pair",
        "cd-test-listener-on-other-load-balancer",
    ),
)
def pair_does_not_fit(view: View) -> Iterator[Problem]:
    """CodeDeploy starts the new tasks in the one target group of a pair that the service does not
    use, and points the production listener to it. So there are two of them, the service's own is
    one of them and is what production forwards to, and all is behind one load balancer."""
    for group in ecs_deployment_groups(view):
        pairs = _pairs(group)
        if pairs.empty or (len(pairs.items) > 1 and pairs.all_known):
            yield problem(
                pairs,
                f"{group.id} is for ECS and has {len(pairs.items) or 'no'} pairs of target groups; "
                f"it needs one",
                "Write one TargetGroupPairInfoList entry with ProdTrafficRoute and two "
                "TargetGroups.",
            )
            continue
        for pair in pairs.items:
            if pair.unknown or not pair["TargetGroups"].all_known:
                continue
            names = [one["Name"] for one in pair["TargetGroups"].items]
            twins = len(names) == 2 and _are_one(*names)
            literally = twins and names[0].raw == names[1].raw  # cfn-lint says so (E3037)
            if (len(names) != 2 or twins) and not literally:
                yield problem(
                    pair["TargetGroups"],
                    f"{group.id} needs a pair of two different target groups, and CodeDeploy "
                    f"refuses anything else",
                    "Write two TargetGroups: the service's own, and one for the new tasks.",
                )
            elif not literally:
                yield from _strangers(group, pair, names)


def _are_one(name: Node, other: Node) -> bool:
    found = _target_group(name)
    return bool(name.is_same_as(other)) or (found is not None and found is _target_group(other))


def _strangers(group: Resource, pair: Node, names: list[Node]) -> Iterator[Problem]:
    """What of a pair does not belong to the rest."""
    own = _target_group_of(group)
    found = [_target_group(one) for one in names]
    if own is not None and None not in found and own not in found:
        yield problem(
            pair["TargetGroups"],
            f"{group.id} does not name {own.id}, the target group that its service is created "
            f"with, and the first deployment fails",
            f"Write `Name: !GetAtt {own.id}.TargetGroupName` for one of the two.",
        )
        return
    production = pair["ProdTrafficRoute"]["ListenerArns"]
    for node in production.items:
        listener = ecs.resource_of_type(node, ecs.LISTENER)
        if own is not None and listener is not None and _leads_elsewhere(listener, own):
            yield problem(
                node,
                f"{listener.id} does not forward to {own.id}, the target group of the service, so "
                f"CodeDeploy does not find the service behind it",
                f"Let {listener.id} forward to {own.id}.",
            )
            return
    yield from _several_load_balancers(group, found)


def _several_load_balancers(group: Resource, targets: list[Resource | None]) -> Iterator[Problem]:
    """The first listener, or the target group, that belongs to another load balancer."""
    first: Resource | None = None
    for node in _listeners(group):
        listener = ecs.resource_of_type(node, ecs.LISTENER)
        owner = ecs.load_balancer_of(listener) if listener else None
        first = first or owner
        if owner is not None and listener is not None and owner is not first:
            yield problem(
                node,
                f"{listener.id} belongs to {owner.id} and production to "
                f"{first.id if first else 'another'}; CodeDeploy needs both on one load balancer",
                f"Write a listener of {first.id if first else 'the load balancer'}.",
            )
            return
    for target in targets:
        owners = ecs.load_balancers_of_target_group(group.view, target) if target else []
        if target is not None and first is not None and owners and first not in owners:
            yield problem(
                _pairs(group),
                f"{target.id} belongs to {owners[0].id} and the listeners to {first.id}; "
                f"CodeDeploy needs all on one load balancer",
                f"Write a target group that {first.id} forwards to.",
            )


def _target_group(name: Node) -> Resource | None:
    """The target group of a name that a deployment group gives."""
    if name.resource is not None:
        return ecs.resource_of_type(name, ecs.TARGET_GROUP)
    known = (one for one in name.stack.view.resources_of_type(ecs.TARGET_GROUP) if name.text)
    return next((one for one in known if one["Name"].text == name.text), None)


def _target_group_of(group: Resource) -> Resource | None:
    """The target group of the service that a group deploys."""
    for entry in group["ECSServices"].items:
        name = entry["ServiceName"]
        service = ecs.resource_of_type(name, ecs.SERVICE) or next(
            (
                one
                for one in ecs.services(group.view)
                if name.text and one["ServiceName"].text == name.text
            ),
            None,
        )
        balancers = service["LoadBalancers"].items if service else ()
        if balancers:
            return ecs.resource_of_type(balancers[0]["TargetGroupArn"], ecs.TARGET_GROUP)
    return None


def _leads_elsewhere(listener: Resource, target: Resource) -> bool:
    """Whether a listener and its rules certainly forward, and never to a target group."""
    view = listener.view
    rules = [
        one
        for one in view.resources_of_type(ecs.LISTENER_RULE)
        if one["ListenerArn"].resource in (listener, None)
    ]
    forwards = [node for one in (listener, *rules) for node in ecs.forwarded_target_groups(one)]
    known = all(ecs.actions(one).all_known for one in (listener, *rules))
    return known and all(
        node.resource is not None and node.resource is not target for node in forwards
    )


RULES = (
    arn_for_name,
    application_not_ecs,
    group_lacks,
    config_does_not_fit,
    pair_does_not_fit,
)
