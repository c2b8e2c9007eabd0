"""Changes that send production traffic to a target group without tasks, of services whose
deployments shift traffic between two target groups."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.cfn import ecs
from moorage.cfn.changes import Comparison
from moorage.cfn.nodes import Node
from moorage.cfn.view import Resource
from moorage.update.effect import Effect

_PARTS = ("AlternateTargetGroupArn", "ProductionListenerRule")


def find_release_effects(change: Comparison) -> Iterator[Effect]:
    """Yields target groups, rules and listeners that are new while the service shifts traffic, and
    services that stop to have two target groups."""
    for service in ecs.services(change.new):
        before = change.find_old_version(service)
        if before is None or service in change.replacements or not _pairs(before):
            continue
        entries = _pairs(service)
        if not entries and service["LoadBalancers"].items:
            yield Effect(
                "M1406",
                "warning",
                service["LoadBalancers"],
                f"{service.id} loses its alternate target groups. If one of them is in production, "
                "traffic goes to a target group without tasks",
                "Deploy this while the primary target groups are in production: the parameters of "
                "the stack say which are. Otherwise write "
                "`release: {alternate_target_groups: true}`.",
            )
        for entry in entries:
            for node in _references(entry):
                if (part := node.resource) and _is_new(part, change):
                    yield _new_part(service, part, node)


def _pairs(service: Resource) -> list[Node]:
    entries = service["LoadBalancers"].items
    return [entry for entry in entries if entry["AdvancedConfiguration"].present]


def _references(entry: Node) -> list[Node]:
    advanced = entry["AdvancedConfiguration"]
    return [entry["TargetGroupArn"], *(advanced[part] for part in _PARTS)]


def _is_new(resource: Resource, change: Comparison) -> bool:
    return resource in change.added or resource in change.replacements


def _new_part(service: Resource, part: Resource, node: Node) -> Effect:
    return Effect(
        "M1406",
        "error",
        node,
        f"{part.id} is new, while deployments of {service.id} shift traffic. CloudFormation "
        "changes rules and target groups before the service, so for a time production traffic "
        "goes to a target group without tasks",
        "First deploy `release: rolling`, then this change, then the strategy; or create a second "
        "service.",
    )


def keeps_weights(rule: Resource) -> bool:
    """Whether parameters set the weights of a rule or listener, so that an update with deploy.sh
    writes those that are there."""
    actions = "DefaultActions" if rule.type == ecs.LISTENER else "Actions"
    weights = [
        group["Weight"].raw
        for action in rule[actions].items
        for group in action.at("ForwardConfig", "TargetGroups").items
    ]
    return bool(weights) and all("Fn::If" in str(weight) for weight in weights)
