"""Target groups and listeners of CodeDeploy deployment groups for ECS."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.cfn import ecs
from moorage.cfn.nodes import Node
from moorage.cfn.stack import Resource
from moorage.cfn.view import View
from moorage.rules.codedeploy import (
    ecs_deployment_groups,
    listeners_of_deployment_group,
    target_group_pairs,
)
from moorage.rules.rule import Problem, problem, rule


@rule(
    "E9325",
    "The target groups, listeners and service of a deployment group do not belong together.",
    error_messages=(
        "A deployment group associated with an application that uses the ECS compute platform must "
        "contain a valid pair of target groups that identify a load balancer.",
        "Primary taskset target group must be behind listener",
    ),
    fix="Name two different target groups, of which one is the target group of the service, and "
    "listeners of the load balancer that forwards to them.",
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
def inconsistent_target_groups(view: View) -> Iterator[Problem]:
    """CodeDeploy starts the new tasks in the target group of the pair that the service does not
    use, and then points the production listener to it. So it needs two target groups, one of which
    the service uses and the production listener forwards to, behind one load balancer."""
    for group in ecs_deployment_groups(view):
        pairs = target_group_pairs(group)
        if pairs.empty or (len(pairs.items) > 1 and pairs.all_known):
            yield problem(
                pairs,
                f"Deployment group `{group.id}` is for ECS and has {len(pairs.items) or 'no'} "
                f"pairs of target groups, and CodeDeploy requires exactly one",
                "Write one entry of TargetGroupPairInfoList, with ProdTrafficRoute and two "
                "TargetGroups.",
            )
            continue
        for pair in pairs.items:
            if not pair.unknown and pair["TargetGroups"].all_known:
                yield from _problems_of_pair(group, pair)


def _problems_of_pair(group: Resource, pair: Node) -> Iterator[Problem]:
    names = [target_group["Name"] for target_group in pair["TargetGroups"].items]
    are_equal = len(names) == 2 and _are_same_target_group(*names)
    if are_equal and names[0].raw == names[1].raw:
        return  # cfn-lint reports it: E3037
    if are_equal or len(names) != 2:
        yield problem(
            pair["TargetGroups"],
            f"Deployment group `{group.id}` does not have two different target groups, which "
            f"CodeDeploy requires",
            "Write two TargetGroups: that of the service, and one for the new tasks.",
        )
        return
    target_groups = [_find_target_group(name) for name in names]
    production_problem = next(_production_problems(group, pair, target_groups), None)
    if production_problem is not None:
        yield production_problem
    else:
        yield from _load_balancer_problems(group, target_groups)


def _are_same_target_group(first: Node, second: Node) -> bool:
    target_group = _find_target_group(first)
    return bool(first.is_same_as(second)) or (
        target_group is not None and target_group is _find_target_group(second)
    )


def _production_problems(
    group: Resource, pair: Node, target_groups: list[Resource | None]
) -> Iterator[Problem]:
    """The service's target group is not in the pair, or not behind the production listener."""
    in_use = _target_group_of_service(group)
    if in_use is None:
        return
    if None not in target_groups and in_use not in target_groups:
        yield problem(
            pair["TargetGroups"],
            f"Deployment group `{group.id}` does not name `{in_use.id}`, the target group of its "
            f"service, so the first deployment fails",
            f"Write `Name: !GetAtt {in_use.id}.TargetGroupName` for one of the two.",
        )
    for node in pair["ProdTrafficRoute"]["ListenerArns"].items:
        listener = ecs.resource_of_type(node, ecs.LISTENER)
        if listener is not None and _never_forwards_to(listener, in_use):
            yield problem(
                node,
                f"Production listener `{listener.id}` does not forward to `{in_use.id}`, the "
                f"target group of the service, which CodeDeploy requires",
                f"Forward to `{in_use.id}` in `{listener.id}`.",
            )


def _load_balancer_problems(
    group: Resource, target_groups: list[Resource | None]
) -> Iterator[Problem]:
    """The first listener, or the target groups, of another load balancer than the first one."""
    first: Resource | None = None
    for node in listeners_of_deployment_group(group):
        listener = ecs.resource_of_type(node, ecs.LISTENER)
        load_balancer = ecs.load_balancer_of(listener) if listener else None
        if listener is None or load_balancer is None:
            continue
        first = first or load_balancer
        if load_balancer is not first:
            yield problem(
                node,
                f"Listener `{listener.id}` belongs to load balancer `{load_balancer.id}` and the "
                f"production listener to `{first.id}`, and CodeDeploy requires one load balancer",
                f"Write a listener of `{first.id}`.",
            )
            return
    for target_group in target_groups:
        load_balancers = (
            ecs.load_balancers_of_target_group(group.view, target_group) if target_group else []
        )
        if target_group and first and load_balancers and first not in load_balancers:
            yield problem(
                target_group_pairs(group),
                f"Target group `{target_group.id}` belongs to load balancer "
                f"`{load_balancers[0].id}` and the listeners to `{first.id}`, and CodeDeploy "
                f"requires one load balancer",
                f"Write a target group of `{first.id}`.",
            )


def _find_target_group(name: Node) -> Resource | None:
    """The target group in view with the name that a deployment group gives."""
    if name.resource is not None:
        return ecs.resource_of_type(name, ecs.TARGET_GROUP)
    if not name.text:
        return None
    target_groups = name.stack.view.resources_of_type(ecs.TARGET_GROUP)
    return next((group for group in target_groups if group["Name"].text == name.text), None)


def _target_group_of_service(group: Resource) -> Resource | None:
    """The target group of the service that a deployment group deploys."""
    for entry in group["ECSServices"].items:
        service = _find_service(entry["ServiceName"])
        entries = service["LoadBalancers"].items if service else ()
        if entries:
            return ecs.resource_of_type(entries[0]["TargetGroupArn"], ecs.TARGET_GROUP)
    return None


def _find_service(name: Node) -> Resource | None:
    service = ecs.resource_of_type(name, ecs.SERVICE)
    if service is not None or not name.text:
        return service
    services = ecs.services(name.stack.view)
    return next((service for service in services if service["ServiceName"].text == name.text), None)


def _never_forwards_to(listener: Resource, target_group: Resource) -> bool:
    """Whether a listener and its rules certainly do not forward to a target group."""
    rules = [
        listener_rule
        for listener_rule in listener.view.resources_of_type(ecs.LISTENER_RULE)
        if listener_rule["ListenerArn"].resource in (listener, None)
    ]
    forwarders = (listener, *rules)
    forwards = [node for forwarder in forwarders for node in ecs.forwarded_target_groups(forwarder)]
    return all(ecs.actions(forwarder).all_known for forwarder in forwarders) and all(
        node.resource is not None and node.resource is not target_group for node in forwards
    )


RULES = (inconsistent_target_groups,)
