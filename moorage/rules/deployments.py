"""Deployments by the ECS controller: rolling updates, and blue/green, linear and canary."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.cfn import ecs
from moorage.cfn.nodes import Node
from moorage.cfn.stack import Resource
from moorage.cfn.view import View
from moorage.facts.ecs_deployments import TRAFFIC_SHIFTING
from moorage.rules.message_parts import join_and
from moorage.rules.rule import Problem, problem, rule


@rule(
    "E9290",
    "MinimumHealthyPercent and MaximumPercent do not let ECS replace a task.",
    error_messages=(
        "service X was unable to stop or start tasks during a deployment because of the service "
        "deployment configuration. Update the minimumHealthyPercent or maximumPercent value and "
        "try again.",
    ),
    fix="Write `MaximumPercent: 200`, or a MinimumHealthyPercent that allows a task to be stopped.",
    sources=(
        "pipe-cd/pipecd#2729",
        "GovWifi/govwifi-terraform#1011",
        "AWS docs: Service definition parameters (the upper limit is rounded down, the lower up)",
    ),
    failure_ids=("svc-min-100-max-100", "svc-max-percent-rounds-down-for-one-task"),
)
def stuck_rolling_update(view: View) -> Iterator[Problem]:
    """During a deployment ECS runs at most MaximumPercent of the desired tasks, rounded down, and
    at least MinimumHealthyPercent, rounded up. If that allows neither one more task nor one less,
    the first deployment succeeds and every later one hangs. An example is one task with a
    MaximumPercent of 150, which is one task when rounded down."""
    for service in ecs.services(view):
        if not _is_rolling(service):
            continue
        configuration = service["DeploymentConfiguration"]
        maximum = _read_percent(configuration["MaximumPercent"], 200)
        minimum = _read_percent(configuration["MinimumHealthyPercent"], 100)
        if maximum is None or minimum is None:
            continue
        count = _minimum_count(service)
        for_any_count = maximum <= 100 <= minimum
        if for_any_count or (
            count and count * maximum // 100 <= count <= -(-count * minimum // 100)
        ):
            key = "MaximumPercent"
            if configuration[key].absent or (maximum >= 200 and not for_any_count):
                key = "MinimumHealthyPercent"
            tasks = "" if for_any_count else f" of {count} task{'' if count == 1 else 's'}"
            yield problem(
                configuration[key],
                f"Every deployment of service `{service.id}` after the first one hangs: with at "
                f"most {maximum}%{tasks} (rounded down) and at least {minimum}% (rounded up), ECS "
                f"can neither start nor stop a task",
                "Write `MaximumPercent: 200`, or `MinimumHealthyPercent: 0` if the service can be "
                "down during a deployment.",
            )


def _is_rolling(service: Resource) -> bool:
    strategy = service["DeploymentConfiguration"]["Strategy"]
    scheduling = service["SchedulingStrategy"]
    return (
        ecs.deployment_controller(service) == "ECS"
        and (strategy.absent or strategy.text == "ROLLING")
        and (scheduling.absent or scheduling.text == "REPLICA")
    )


def _read_percent(node: Node, default: int) -> int | None:
    return default if node.absent else node.number


def _minimum_count(service: Resource) -> int | None:
    """The smallest number of tasks of a service; None if it is not known."""
    targets = ecs.scalable_targets_by_service(service.view).get(service, [])
    if targets:
        counts = [target["MinCapacity"].number for target in targets]
        known = [count for count in counts if count is not None]
        return min(known) if len(known) == len(counts) else None
    count = service["DesiredCount"]
    return 1 if count.absent else count.number


@rule(
    "E9295",
    "A service uses a feature that its deployment controller does not support.",
    error_messages=(
        "DeploymentCircuitBreaker can only be used with the ECS deployment controller",
    ),
    fix="Remove the feature, or remove DeploymentController, whose default is ECS.",
    sources=(
        "cloudposse/terraform-aws-ecs-alb-service-task#165",
        "aws/aws-cdk#12719",
        "pipe-cd/pipecd#4900",
        "AWS docs: Deployment circuit breaker; Service Connect (considerations)",
    ),
    failure_ids=("svc-circuit-breaker-with-code-deploy", "svc-connect-with-code-deploy"),
)
def unsupported_by_controller(view: View) -> Iterator[Problem]:
    """The deployment circuit breaker and Service Connect work only with the deployment controller
    ECS. With CODE_DEPLOY, the deployment group rolls failed deployments back."""
    for service in ecs.services(view):
        controller = ecs.deployment_controller(service)
        if controller not in ("CODE_DEPLOY", "EXTERNAL"):
            continue
        breaker = service["DeploymentConfiguration"]["DeploymentCircuitBreaker"]
        if breaker["Enable"].flag:
            rollback = " For rollbacks, write AutoRollbackConfiguration in the deployment group."
            yield problem(
                breaker,
                f"Service `{service.id}` has the deployment controller {controller}, with which "
                f"ECS rejects a deployment circuit breaker",
                "Remove DeploymentCircuitBreaker."
                + (rollback if controller == "CODE_DEPLOY" else ""),
            )
        connect = service["ServiceConnectConfiguration"]
        if connect["Enabled"].flag:
            yield problem(
                connect,
                f"Service `{service.id}` has the deployment controller {controller}, with which "
                f"ECS rejects Service Connect",
                "Remove ServiceConnectConfiguration or DeploymentController.",
            )


# Blue/green, linear and canary ---------------------------------------------------------------

_REQUIRED = ("AlternateTargetGroupArn", "ProductionListenerRule", "RoleArn")


@rule(
    "E9300",
    "A service with a blue/green, linear or canary strategy lacks a property that this requires.",
    fix="Write AlternateTargetGroupArn, ProductionListenerRule and RoleArn in "
    "AdvancedConfiguration of each entry of LoadBalancers, and both target groups in the forward "
    "action of the listener rule.",
    sources=(
        "cloudposse/terraform-aws-ecs-alb-service-task#277",
        "AWS docs: Required resources for Amazon ECS blue/green deployments",
        "AWS docs: Troubleshooting Amazon ECS blue/green deployments",
    ),
    failure_ids=("svc-native-blue-green-without-advanced-configuration",),
)
def incomplete_traffic_shifting(view: View) -> Iterator[Problem]:
    """With the strategies BLUE_GREEN, LINEAR and CANARY, ECS starts the new tasks in a second
    target group and changes the weights of the production listener rule. It needs the second target
    group, the listener rule, a role with permission to change the rule, and the deployment
    controller ECS."""
    for service in ecs.services(view):
        strategy = service["DeploymentConfiguration"]["Strategy"]
        if not strategy.choices or not set(strategy.choices) <= set(TRAFFIC_SHIFTING):
            continue
        name = strategy.choices[0]
        controller = service["DeploymentController"]["Type"]
        if controller.is_none_of("ECS"):
            yield problem(
                strategy,
                f"Service `{service.id}` has the strategy {name} and the deployment controller "
                f"{controller.choices[0]}, and only the controller ECS supports that strategy",
                "Remove DeploymentController or Strategy.",
            )
            continue
        for entry in service["LoadBalancers"].items:
            if entry.unknown:
                continue
            advanced = entry["AdvancedConfiguration"]
            missing = [key for key in _REQUIRED if advanced[key].absent]
            if missing:
                yield problem(
                    advanced[missing[0]] if advanced.present else advanced,
                    f"Service `{service.id}` has the strategy {name}, for which ECS requires "
                    f"{join_and(missing)} in LoadBalancers",
                    f"Write {'them' if len(missing) > 1 else 'it'} in AdvancedConfiguration of the "
                    f"entry.",
                )
            else:
                yield from _target_group_not_in_rule(service, entry)


def _target_group_not_in_rule(service: Resource, entry: Node) -> Iterator[Problem]:
    """A target group to which neither the production listener rule nor the test listener rule
    forwards. Each group must be in one of them (AWS docs, "Troubleshooting Amazon ECS blue/green
    deployments")."""
    advanced = entry["AdvancedConfiguration"]
    rules = [
        ecs.resource_of_type(advanced[key], ecs.LISTENER_RULE)
        for key in ("ProductionListenerRule", "TestListenerRule")
        if advanced[key].present
    ]
    known = [rule for rule in rules if rule is not None and rule["Actions"].all_known]
    if len(known) < len(rules):
        return
    listener_rule = known[0]
    forwards = [node for rule in known for node in ecs.forwarded_target_groups(rule)]
    for node in (entry["TargetGroupArn"], advanced["AlternateTargetGroupArn"]):
        if node.resource and all(forward.is_same_as(node) is False for forward in forwards):
            yield problem(
                advanced["ProductionListenerRule"],
                f"Listener rule `{listener_rule.id}` does not forward to target group "
                f"`{node.resource.id}`, so ECS cannot shift the traffic of service `{service.id}`",
                f"Write both target groups, with weights, in ForwardConfig of "
                f"`{listener_rule.id}`.",
            )


RULES = (stuck_rolling_update, unsupported_by_controller, incomplete_traffic_shifting)
