"""How services are deployed: how many tasks at a time, by which controller, in which way."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.cfn import ecs
from moorage.cfn.nodes import Node
from moorage.cfn.view import Resource, View
from moorage.rules.rule import Problem, problem, rule


@rule(
    "E9377",
    "A service's percentages leave no room to replace a task",
    error_messages=(
        "service X was unable to stop or start tasks during a deployment because of the service "
        "deployment configuration. Update the minimumHealthyPercent or maximumPercent value and "
        "try again.",
    ),
    fix="Write MaximumPercent: 200, or a MinimumHealthyPercent that lets a task be stopped first.",
    sources=(
        "pipe-cd/pipecd#2729",
        "GovWifi/govwifi-terraform#1011",
        "AWS docs: Service definition parameters (the upper limit is rounded down, the lower up)",
    ),
    failure_ids=("svc-min-100-max-100", "svc-max-percent-rounds-down-for-one-task"),
)
def no_room(view: View) -> Iterator[Problem]:
    """During a deployment ECS runs at most MaximumPercent of the desired tasks, rounded down, and
    at least MinimumHealthyPercent, rounded up. Where the one allows no task more and the other no
    task less, the first deployment works and every later one hangs: 150 per cent of one task is
    one."""
    for service in ecs.services(view):
        configuration = service["DeploymentConfiguration"]
        strategy = configuration["Strategy"]
        if (
            ecs.deployment_controller(service) != "ECS"
            or not (strategy.absent or strategy.text == "ROLLING")
            or not (
                service["SchedulingStrategy"].absent
                or service["SchedulingStrategy"].text == "REPLICA"
            )
        ):
            continue
        most = _percent(configuration["MaximumPercent"], 200)
        least = _percent(configuration["MinimumHealthyPercent"], 100)
        if most is None or least is None:
            continue
        count = _least_count(service)
        always = most <= 100 <= least
        if always or (count and count * most // 100 <= count <= -(-count * least // 100)):
            of = "any number of tasks" if always else _tasks(count)
            at = "MaximumPercent"
            if configuration[at].absent or (most >= 200 and not always):
                at = "MinimumHealthyPercent"
            yield problem(
                configuration[at],
                f"Of {of}, {service.id} may start none more (at most {most} %, rounded down) and "
                f"stop none (at least {least} %, rounded up): every deployment but the first hangs",
                "Write MaximumPercent: 200, or MinimumHealthyPercent: 0 where a pause is fine.",
            )


def _percent(given: Node, default: int) -> int | None:
    return default if given.absent else given.number


def _tasks(count: int | None) -> str:
    return "one task" if count == 1 else f"{count} tasks"


def _least_count(service: Resource) -> int | None:
    """The least number of tasks of a service; None where it is not known."""
    targets = ecs.scalable_targets_by_service(service.view).get(service, [])
    if targets:
        counts = [one["MinCapacity"].number for one in targets]
        known = [one for one in counts if one is not None]
        return min(known) if len(known) == len(counts) else None
    count = service["DesiredCount"]
    return 1 if count.absent else count.number


@rule(
    "E9379",
    "A service asks for what its deployment controller does not have",
    error_messages=(
        "DeploymentCircuitBreaker can only be used with the ECS deployment controller",
    ),
    fix="Remove it, or leave the DeploymentController at ECS.",
    sources=(
        "cloudposse/terraform-aws-ecs-alb-service-task#165",
        "aws/aws-cdk#12719",
        "pipe-cd/pipecd#4900",
        "AWS docs: Deployment circuit breaker; Service Connect (considerations)",
    ),
    failure_ids=("svc-circuit-breaker-with-code-deploy", "svc-connect-with-code-deploy"),
)
def not_with_controller(view: View) -> Iterator[Problem]:
    """The circuit breaker and Service Connect belong to the deployments that ECS itself does. With
    CODE_DEPLOY, failed deployments are rolled back by the deployment group."""
    for service in ecs.services(view):
        controller = ecs.deployment_controller(service)
        if controller not in ("CODE_DEPLOY", "EXTERNAL"):
            continue
        breaker = service["DeploymentConfiguration"]["DeploymentCircuitBreaker"]
        if breaker["Enable"].flag:
            yield problem(
                breaker,
                f"{service.id} is deployed by {controller}, and ECS takes a deployment circuit "
                f"breaker only with the controller ECS",
                "Remove DeploymentCircuitBreaker. With CODE_DEPLOY, write AutoRollbackConfiguration"
                " on the deployment group.",
            )
        connect = service["ServiceConnectConfiguration"]
        if connect["Enabled"].flag:
            yield problem(
                connect,
                f"{service.id} is deployed by {controller}, and Service Connect works only with "
                f"the controller ECS",
                "Remove ServiceConnectConfiguration, or the DeploymentController.",
            )


@rule(
    "E9380",
    "A service has more or fewer target groups than ECS takes",
    fix="Use five target groups at most; with CODE_DEPLOY, exactly one.",
    sources=(
        "AWS docs: Registering multiple target groups with a service",
        "AWS docs: Blue/green deployment with CodeDeploy",
    ),
    failure_ids=("svc-more-than-five-target-groups", "cd-several-target-groups-on-service"),
)
def number_of_target_groups(view: View) -> Iterator[Problem]:
    """A service has five target groups at most, and with the controller CODE_DEPLOY exactly one:
    CodeDeploy adds the other of its pair by itself."""
    for service in ecs.services(view):
        balancers = service["LoadBalancers"]
        count = sum(bool(one.entries) for one in balancers.items)
        controller = ecs.deployment_controller(service)
        if controller == "CODE_DEPLOY" and (count > 1 or balancers.empty):
            yield problem(
                balancers,
                f"{service.id} is deployed by CodeDeploy and has {count or 'no'} target groups; "
                f"ECS refuses anything but one",
                "Leave the target group that the production listener forwards to."
                if count
                else "Write LoadBalancers with the target group that the production listener "
                "forwards to.",
            )
        elif count > 5:
            yield problem(
                balancers,
                f"{service.id} has {count} target groups, and ECS takes five",
                "Split the service, or let listeners share a target group.",
            )


# Blue/green by ECS itself -----------------------------------------------------------------------


_SHIFTING = ("BLUE_GREEN", "LINEAR", "CANARY")
_NEEDS = ("AlternateTargetGroupArn", "ProductionListenerRule", "RoleArn")


@rule(
    "E9382",
    "A service that shifts traffic between two target groups is not told how",
    fix="Write AdvancedConfiguration on each of LoadBalancers: AlternateTargetGroupArn, "
    "ProductionListenerRule, RoleArn; and both target groups into the rule's forward action.",
    sources=(
        "cloudposse/terraform-aws-ecs-alb-service-task#277",
        "AWS docs: Required resources for Amazon ECS blue/green deployments",
    ),
    failure_ids=("svc-native-blue-green-without-advanced-configuration",),
)
def shifts_traffic_nowhere(view: View) -> Iterator[Problem]:
    """With the strategies BLUE_GREEN, LINEAR and CANARY, ECS starts new tasks in a second target
    group and moves the production rule's weights over. It needs the second group, the rule and a
    role that may change it, and is to be the controller itself."""
    for service in ecs.services(view):
        strategy = service["DeploymentConfiguration"]["Strategy"]
        if not strategy.choices or not set(strategy.choices) <= set(_SHIFTING):
            continue
        named = strategy.choices[0]
        controller = service["DeploymentController"]["Type"]
        if controller.is_none_of("ECS"):
            yield problem(
                strategy,
                f"{service.id} has the strategy {named}, which only the controller ECS has, and "
                f"is deployed by {controller.choices[0]}",
                "Remove DeploymentController, or the Strategy.",
            )
            continue
        for entry in service["LoadBalancers"].items:
            advanced = entry["AdvancedConfiguration"]
            missing = [one for one in _NEEDS if advanced[one].absent]
            if missing and not entry.unknown:
                yield problem(
                    advanced[missing[0]] if advanced.present else advanced,
                    f"{service.id} has the strategy {named}, and its load balancer does not name "
                    f"{', '.join(missing)}; ECS refuses that",
                    f"Write AdvancedConfiguration with {', '.join(missing)}.",
                )
            elif not entry.unknown:
                yield from _not_in_rule(service, entry)


def _not_in_rule(service: Resource, entry: Node) -> Iterator[Problem]:
    """The target group that the production rule in sight does not forward to."""
    advanced = entry["AdvancedConfiguration"]
    rule_ = ecs.resource_of_type(advanced["ProductionListenerRule"], ecs.LISTENER_RULE)
    if rule_ is None or not rule_["Actions"].all_known:
        return
    forwards = ecs.forwarded_target_groups(rule_)
    for node in (entry["TargetGroupArn"], advanced["AlternateTargetGroupArn"]):
        if node.resource and all(one.is_same_as(node) is False for one in forwards):
            yield problem(
                advanced["ProductionListenerRule"],
                f"{rule_.id} does not forward to {node.resource.id}, so {service.id} cannot shift "
                f"traffic by it",
                f"Write both target groups into the ForwardConfig of {rule_.id}, with weights.",
            )


RULES = (no_room, not_with_controller, number_of_target_groups, shifts_traffic_nowhere)
