"""Changes that ECS and CodeDeploy refuse or revert, or that interrupt traffic."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.cfn import ecs
from moorage.cfn.changes import Comparison, ResourcePair
from moorage.cfn.stack import Resource
from moorage.cfn.value_comparison import comparable_value
from moorage.cfn.view import View
from moorage.update.effect import Effect
from moorage.update.traffic_shifting import has_weights_by_parameter

_UPDATABLE_WITH_CODE_DEPLOY = frozenset(
    {
        "DeploymentConfiguration",
        "DesiredCount",
        "EnableECSManagedTags",
        "HealthCheckGracePeriodSeconds",
        "PlacementConstraints",
        "PlacementStrategies",
        "PropagateTags",
        "Tags",
    }
)
"""Properties that can change in a service with the CODE_DEPLOY controller (ECS API reference,
UpdateService)."""


_ASSOCIATIONS = "AWS::ECS::ClusterCapacityProviderAssociations"


def find_service_effects(change: Comparison) -> Iterator[Effect]:
    """Yields changes that ECS and CodeDeploy refuse, and changes that affect traffic."""
    yield from _removed_target_containers(change)
    yield from _capacity_providers_in_use(change)
    yield from _code_deploy_services(change)
    yield from _changes_with_hook_deployment(change)
    yield from _reset_traffic(change)


def _removed_target_containers(change: Comparison) -> Iterator[Effect]:
    """Services whose target group names a container that the new task definition does not have."""
    for attachment in ecs.target_group_attachments(change.new):
        service, name = attachment.service, attachment.container_name
        before = change.find_old_version(service)
        old_task = ecs.task_definition_of(before) if before is not None else None
        task = ecs.task_definition_of(service)
        if name is None or old_task is None or task is None or not _are_names_known(task):
            continue
        if (
            ecs.find_container(old_task, name) is not None
            and ecs.find_container(task, name) is None
        ):
            yield Effect(
                "M1404",
                "error",
                attachment.entry["ContainerName"],
                f"The container `{name}` is removed from the task definition, but {service.id} "
                "still registers it in a target group. ECS reports that the container does not "
                "exist in the task definition",
                "Change ContainerName in the service's LoadBalancers in the same update.",
            )


def _are_names_known(task: Resource) -> bool:
    definitions = task["ContainerDefinitions"]
    return definitions.all_known and all(item["Name"].text for item in definitions.items)


def _capacity_providers_in_use(change: Comparison) -> Iterator[Effect]:
    """Capacity providers that are removed from a cluster while a service uses them."""
    order = {stack.name: index for index, stack in enumerate(change.new.stacks)}
    for pair in change.pairs:
        before, after = pair.old["CapacityProviders"], pair.new["CapacityProviders"]
        if pair.new.type not in (ecs.CLUSTER, _ASSOCIATIONS) or not after.all_known:
            continue
        removed = {comparable_value(provider) for provider in before.items} - {
            comparable_value(provider) for provider in after.items
        }
        cluster = pair.old if pair.old.type == ecs.CLUSTER else pair.old["Cluster"].resource
        users = [
            service
            for service in ecs.services(change.old)
            if cluster is not None and service["Cluster"].resource is cluster
            if order.get(service.stack.name, len(order)) >= order[pair.new.stack.name]
            for item in service["CapacityProviderStrategy"].items
            if comparable_value(item["CapacityProvider"]) in removed
        ]
        if users:
            moved = any(resource.type == _ASSOCIATIONS for resource in change.added)
            names = ", ".join(dict.fromkeys(f"{user.id} of `{user.stack.name}`" for user in users))
            yield Effect(
                "M1406" if moved else "M1404",
                "warning" if moved else "error",
                after,
                f"A capacity provider that {names} uses is removed from {pair.new.id}. ECS reports "
                '"The specified capacity provider is in use and cannot be removed"'
                + (" if this change comes before the new association" if moved else ""),
                "Keep it, or first deploy an update in which the service uses another capacity "
                "provider.",
            )


def _code_deploy_services(change: Comparison) -> Iterator[Effect]:
    for pair in change.pairs:
        if pair.new.type != ecs.SERVICE or pair.new in change.replacements:
            continue
        controller = ecs.deployment_controller(pair.new)
        if ecs.deployment_controller(pair.old) != controller:
            yield from _changed_controller(pair)
            continue
        if controller != "CODE_DEPLOY":
            continue
        task = ecs.task_definition_of(pair.new)
        changed = [key for key in pair.changed_properties if key not in _UPDATABLE_WITH_CODE_DEPLOY]
        is_reference = pair.new["TaskDefinition"].resource is not None  # and not a family name
        if is_reference and task in change.replacements and "TaskDefinition" not in changed:
            changed.append("TaskDefinition")
        if pair.changed_properties and not changed:
            yield Effect(
                "M1406",
                "warning",
                pair.new[pair.changed_properties[0]],
                f"{pair.changed_properties[0]} of {pair.new.id} changes. CloudFormation also "
                "sends the template's task definition, which ECS refuses once CodeDeploy has "
                "deployed another revision",
                "If ECS refuses the update, change the property with `aws ecs update-service`.",
            )
        for key in changed:
            yield Effect(
                "M1404",
                "error",
                pair.new[key],
                f"{key} of {pair.new.id} changes, which ECS refuses for a service with the "
                'CODE_DEPLOY controller: "Use AWS CodeDeploy to trigger a new deployment"',
                "Keep the old value, and deploy the change through CodeDeploy.",
            )


def _changed_controller(pair: ResourcePair) -> Iterator[Effect]:
    """A service whose deployment controller changes to or from CODE_DEPLOY."""
    old, new = map(ecs.deployment_controller, (pair.old, pair.new))
    if new == "CODE_DEPLOY":
        yield Effect(
            "M1404",
            "error",
            pair.new["DeploymentController"],
            f"{pair.new.id} gets the deployment controller CODE_DEPLOY. CloudFormation sends the "
            "task definition in the same request, which ECS then refuses: "
            '"Unable to update task definition on services with a CODE_DEPLOY deployment '
            'controller"',
            "Create a service with another logical ID, and remove this one afterwards.",
        )
    elif old == "CODE_DEPLOY" and new == "ECS":
        yield Effect(
            "M1406",
            "warning",
            pair.new["DeploymentController"],
            f"{pair.new.id} changes from CODE_DEPLOY to the deployment controller ECS, which ECS "
            "refuses while a deployment runs or several task sets exist. The listener may forward "
            "to the other target group since the last deployment",
            "Wait for CodeDeploy to remove the old task set, and forward to the target group that "
            "has tasks.",
        )


def _changes_with_hook_deployment(change: Comparison) -> Iterator[Effect]:
    """With the AWS::CodeDeployBlueGreen hook, a new task definition must be the only change."""
    kinds = ("AWS::ECS::TaskDefinition", "AWS::ECS::TaskSet")
    for _, stack in change.stack_pairs:
        if "AWS::CodeDeployBlueGreen" not in str(stack.template.body.get("Transform")):
            continue
        pairs = [
            pair for pair in change.pairs if pair.new.stack is stack and pair.changed_properties
        ]
        deploys = [pair for pair in pairs if pair.new.type in kinds]
        other_pairs = [pair for pair in pairs if pair.new.type not in kinds]
        if deploys and other_pairs:
            yield Effect(
                "M1404",
                "error",
                other_pairs[0].new.body,
                f"{other_pairs[0].new.id} changes in the same update as {deploys[0].new.id}. "
                'The hook reports "Additional resource diff other than Amazon ECS application '
                'related resource update is detected"',
                "Change the task definition in a separate update.",
            )


def _reset_traffic(change: Comparison) -> Iterator[Effect]:
    """Listeners and rules that would be reset to target groups that a deployment has replaced."""
    switched = {**_blue_green(change.new), **_code_deploy_routes(change.new)}
    before = {**_blue_green(change.old), **_code_deploy_routes(change.old)}
    for pair in change.pairs:
        deployer = switched.get(pair.new) if pair.old in before else None
        actions = "DefaultActions" if pair.new.type == ecs.LISTENER else "Actions"
        if not deployer or not pair.changed_properties or pair.new in change.replacements:
            continue
        changed = actions if actions in pair.changed_properties else pair.changed_properties[0]
        if has_weights_by_parameter(pair.new):
            yield Effect(
                "M1406",
                "info",
                pair.new[changed],
                f"{deployer} may have switched the target groups of {pair.new.id} since. Its "
                "weights come from a parameter, which must name the target group in use",
                "Deploy with deploy.sh, which sets the parameter, and not with the deployment mode "
                "REVERT_DRIFT.",
            )
        else:
            yield Effect(
                "M1406",
                "warning",
                pair.new[changed],
                f"{deployer} may have switched the target groups of {pair.new.id} since. An "
                "update resets them to those of the template, so traffic can go to a target group "
                "without tasks",
                "Deploy this change separately, while the template's target group is the live one.",
            )


def _blue_green(view: View) -> dict[Resource, str]:
    rules = {}
    for service in ecs.services(view):
        for entry in service["LoadBalancers"].items:
            for key in ("ProductionListenerRule", "TestListenerRule"):
                rule = entry.at("AdvancedConfiguration", key).resource
                if rule is not None:
                    rules[rule] = f"The deployment of {service.id}"
    return rules


def _code_deploy_routes(view: View) -> dict[Resource, str]:
    """The listeners of deployment groups, and the rules that forward to their target groups."""
    routes = {}
    rules = view.resources_of_type(ecs.LISTENER_RULE)
    forwarders = [(rule, ecs.forwarded_target_groups(rule)) for rule in rules]
    for group in view.resources_of_type("AWS::CodeDeploy::DeploymentGroup"):
        for pair in group.props.at("LoadBalancerInfo", "TargetGroupPairInfoList").items:
            for key in ("ProdTrafficRoute", "TestTrafficRoute"):
                for arn in pair.at(key, "ListenerArns").items:
                    if arn.resource is not None and arn.resource.type == ecs.LISTENER:
                        routes[arn.resource] = "CodeDeploy"
            names = {item["Name"].resource for item in pair["TargetGroups"].items} - {None}
            for rule, nodes in forwarders:
                if names & {node.resource for node in nodes}:
                    routes[rule] = "CodeDeploy"
    return routes
