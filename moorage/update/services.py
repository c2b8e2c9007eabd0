"""What ECS and CodeDeploy refuse to change, undo, or do too early."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.cfn import ecs
from moorage.cfn.changes import Comparison
from moorage.cfn.value_comparison import comparable_value
from moorage.cfn.view import Resource
from moorage.update.effect import Effect

_CODE_DEPLOY_TAKES = frozenset(
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
"""What may change in a service that CodeDeploy deploys (ECS API reference, UpdateService)."""


_ASSOCIATIONS = "AWS::ECS::ClusterCapacityProviderAssociations"


def find_service_effects(change: Comparison) -> Iterator[Effect]:
    """What ECS and CodeDeploy refuse, and what a deployment notices."""
    yield from _renamed_containers(change)
    yield from _capacity_in_use(change)
    yield from _code_deploy_services(change)
    yield from _mixed(change)
    yield from _put_back(change)
    yield from _first_listeners(change)
    yield from _emptied(change)


def _renamed_containers(change: Comparison) -> Iterator[Effect]:
    """Services whose target group leads to a container that the new task definition lacks."""
    for attachment in ecs.target_group_attachments(change.new):
        service, name = attachment.service, attachment.container_name
        before = change.find_old_version(service)
        was = ecs.task_definition_of(before) if before is not None else None
        task = ecs.task_definition_of(service)
        if (
            name is None
            or was is None
            or task is None
            or not task["ContainerDefinitions"].fully_known
        ):
            continue
        if ecs.find_container(was, name) is not None and ecs.find_container(task, name) is None:
            yield Effect(
                "M1404",
                "error",
                attachment.entry["ContainerName"],
                f"The container `{name}` goes from the task definition, and {service.id} still "
                "sends to it. ECS says that the container does not exist in the task definition",
                "Change the name in the service's LoadBalancers in the same update.",
            )


def _capacity_in_use(change: Comparison) -> Iterator[Effect]:
    """Capacity providers that a cluster loses while a service uses them."""
    order = {stack.name: at for at, stack in enumerate(change.new.stacks)}
    for pair in change.pairs:
        before, after = pair.old["CapacityProviders"], pair.new["CapacityProviders"]
        if pair.new.type not in (ecs.CLUSTER, _ASSOCIATIONS) or not after.all_known:
            continue
        lost = {comparable_value(one) for one in before.items} - {
            comparable_value(one) for one in after.items
        }
        cluster = pair.old if pair.old.type == ecs.CLUSTER else pair.old["Cluster"].resource
        users = [
            service
            for service in ecs.services(change.old)
            if cluster is not None and service["Cluster"].resource is cluster
            if order.get(service.stack.name, len(order)) >= order[pair.new.stack.name]
            for one in service["CapacityProviderStrategy"].items
            if comparable_value(one["CapacityProvider"]) in lost
        ]
        if users:
            elsewhere = any(one.type == _ASSOCIATIONS for one in change.added)
            names = ", ".join(dict.fromkeys(f"{one.id} of `{one.stack.name}`" for one in users))
            yield Effect(
                "M1406" if elsewhere else "M1404",
                "warning" if elsewhere else "error",
                after,
                f"A capacity provider that {names} uses leaves {pair.new.id}. ECS says "
                '"The specified capacity provider is in use and cannot be removed"'
                + (", if it hears of this before the new associations" if elsewhere else ""),
                "Keep it, or let the service use another in an update before this one.",
            )


def _code_deploy_services(change: Comparison) -> Iterator[Effect]:
    for pair in change.pairs:
        controller = pair.new.props.at("DeploymentController", "Type").text
        if pair.new.type != ecs.SERVICE or pair.new in change.replacements:
            continue
        if controller != "CODE_DEPLOY":
            continue
        task = ecs.task_definition_of(pair.new)
        changed = [key for key in pair.changed_properties if key not in _CODE_DEPLOY_TAKES]
        if task in change.replacements and "TaskDefinition" not in changed:
            changed.append("TaskDefinition")
        if pair.changed_properties and not changed:
            yield Effect(
                "M1406",
                "warning",
                pair.new[pair.changed_properties[0]],
                f"{pair.changed_properties[0]} of {pair.new.id} changes. CloudFormation sends the "
                "task definition of the template along, which ECS refuses once CodeDeploy has "
                "deployed another",
                "If it is refused, change it with `aws ecs update-service`.",
            )
        for key in changed:
            yield Effect(
                "M1404",
                "error",
                pair.new[key],
                f"{key} of {pair.new.id} changes, which ECS refuses for a service that CodeDeploy "
                'deploys: "Use AWS CodeDeploy to trigger a new deployment"',
                "Leave the property as it is, and deploy through CodeDeploy.",
            )


def _mixed(change: Comparison) -> Iterator[Effect]:
    """Under the CodeDeploy hook, a new task definition must be the only change."""
    kinds = ("AWS::ECS::TaskDefinition", "AWS::ECS::TaskSet")
    for _, stack in change.stack_pairs:
        if "AWS::CodeDeployBlueGreen" not in str(stack.template.body.get("Transform")):
            continue
        pairs = [one for one in change.pairs if one.new.stack is stack and one.changed_properties]
        deploys = [one for one in pairs if one.new.type in kinds]
        others = [one for one in pairs if one.new.type not in kinds]
        if deploys and others:
            yield Effect(
                "M1404",
                "error",
                others[0].new.body,
                f"{others[0].new.id} changes together with {deploys[0].new.id}. CodeDeploy's hook "
                'says "Additional resource diff other than Amazon ECS application related resource '
                'update is detected"',
                "Change the task definition in an update of its own.",
            )


def _put_back(change: Comparison) -> Iterator[Effect]:
    """Listeners and rules that a deployment switches and an update would switch back."""
    switched = {**_blue_green(change), **_code_deploy_routes(change)}
    for pair in change.pairs:
        who = switched.get(pair.new)
        actions = "DefaultActions" if pair.new.type == ecs.LISTENER else "Actions"
        if who and pair.changed_properties and pair.new not in change.replacements:
            yield Effect(
                "M1406",
                "warning",
                pair.new[actions]
                if actions in pair.changed_properties
                else pair.new[pair.changed_properties[0]],
                f"{who} has switched {pair.new.id} since, and an update of it puts the target "
                "groups back as the template has them: traffic may go where no task is",
                "Change it by itself, when the template's target group is the live one.",
            )


def _blue_green(change: Comparison) -> dict[Resource, str]:
    found = {}
    for service in ecs.services(change.new):
        for entry in service["LoadBalancers"].items:
            for key in ("ProductionListenerRule", "TestListenerRule"):
                rule = entry.at("AdvancedConfiguration", key).resource
                if rule is not None:
                    found[rule] = f"The deployment of {service.id}"
    return found


def _code_deploy_routes(change: Comparison) -> dict[Resource, str]:
    found = {}
    for group in change.new.resources_of_type("AWS::CodeDeploy::DeploymentGroup"):
        for pair in group.props.at("LoadBalancerInfo", "TargetGroupPairInfoList").items:
            for key in ("ProdTrafficRoute", "TestTrafficRoute"):
                for arn in pair.at(key, "ListenerArns").items:
                    if arn.resource is not None:
                        found[arn.resource] = "CodeDeploy"
    return found


def _first_listeners(change: Comparison) -> Iterator[Effect]:
    """Services that exist and get a target group whose listener comes in the same update."""
    added = set(change.added)
    for attachment in ecs.target_group_attachments(change.new):
        if (
            change.find_old_version(attachment.service) is None
            or attachment.service in change.replacements
        ):
            continue
        group = attachment.target_group.resource
        if group in added and all(one in added for one in ecs.find_forwarders(change.new, group)):
            yield Effect(
                "M1406",
                "warning",
                attachment.target_group,
                f"{attachment.service.id} runs already and gets {group.id} in the update that "
                "makes it. People report that ECS then says the target group has no associated "
                "load balancer",
                "If it is refused, deploy the listener first and the service after it.",
            )


def _emptied(change: Comparison) -> Iterator[Effect]:
    """Listeners and rules that stay and lead to new target groups only."""
    for pair in change.pairs:
        if (
            pair.new.type not in (ecs.LISTENER, ecs.LISTENER_RULE)
            or pair.new in change.replacements
        ):
            continue
        nodes = ecs.forwarded_target_groups(pair.new)
        groups = [ecs.resource_of_type(one, ecs.TARGET_GROUP) for one in nodes]
        before = [
            ecs.resource_of_type(one, ecs.TARGET_GROUP)
            for one in ecs.forwarded_target_groups(pair.old)
        ]
        new = bool(groups) and all(one in change.added for one in groups)
        if new and before and all(one in change.removed for one in before):
            yield Effect(
                "M1406",
                "warning",
                nodes[0],
                f"{pair.new.id} leads to {groups[0].id if groups[0] else 'the new one'} at "
                "once, which is empty until the service's new tasks are there: nobody answers "
                "meanwhile",
                "Do it when that does no harm.",
            )
