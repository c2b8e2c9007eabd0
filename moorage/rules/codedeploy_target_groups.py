"""The target groups and listeners of CodeDeploy deployment groups for ECS."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.cfn import ecs
from moorage.cfn.nodes import Node
from moorage.cfn.view import Resource, View
from moorage.rules.codedeploy import _listeners, _pairs, ecs_deployment_groups
from moorage.rules.rule import Problem, problem, rule


@rule(
    "E9325",
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


RULES = (pair_does_not_fit,)
