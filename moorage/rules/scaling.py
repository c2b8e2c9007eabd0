"""Auto scaling of services."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from itertools import pairwise

from moorage.cfn import ecs
from moorage.cfn.nodes import Node
from moorage.cfn.stack import Resource
from moorage.cfn.values import OneOf, Unknown
from moorage.cfn.view import View
from moorage.facts.ecs_deployments import TRAFFIC_SHIFTING
from moorage.rules.rule import Problem, problem, rule


@rule(
    "W9900",
    "A service with auto scaling has a DesiredCount.",
    fix="Remove DesiredCount. The service then starts with one task, and auto scaling immediately "
    "raises that to MinCapacity.",
    sources=("aws/aws-cdk#3919", "aws/containers-roadmap#493", "aws/copilot-cli#4442"),
    failure_ids=("svc-desired-count-with-autoscaling",),
)
def desired_count_with_auto_scaling(view: View) -> Iterator[Problem]:
    """CloudFormation sends DesiredCount with each update of a service. If auto scaling has raised
    the number of tasks to a hundred, the deployment of a new image sets it back to the two of the
    template."""
    for service, targets in ecs.scalable_targets_by_service(view).items():
        count = service["DesiredCount"]
        value = count.text if count.number is not None else _name_parameter(count)
        if value is not None:
            yield problem(
                count,
                f"Each update of service `{service.id}` sets its number of tasks to {value}, even "
                f"if scalable target `{targets[0].id}` has scaled it",
                "Remove DesiredCount.",
            )


def _name_parameter(count: Node) -> str | None:
    """The parameter with a default value that a count comes from. An update keeps the parameter's
    value. Without a default value, the deployment may look up the number of tasks first."""
    value = count.value
    if not isinstance(value, Unknown | OneOf) or value.default is None:
        return None
    owner, _, name = value.token.partition(":")
    is_parameter = owner == count.stack.name and name in count.stack.template.parameters
    return f"the parameter `{name}`" if is_parameter else None


# Capacities ----------------------------------------------------------------------------------


@rule(
    "E9903",
    "MinCapacity of a scalable target is above its MaxCapacity.",
    error_messages=("(in substance) Maximum capacity cannot be less than minimum capacity",),
    fix="Write a MinCapacity that is not above MaxCapacity.",
    sources=("AWS docs: Application Auto Scaling API reference, RegisterScalableTarget",),
    failure_ids=("as-min-above-max",),
)
def minimum_above_maximum(view: View) -> Iterator[Problem]:
    """Application Auto Scaling keeps the number of tasks between MinCapacity and MaxCapacity, and
    refuses a scalable target or a scheduled action in which the minimum is above the maximum."""
    for target in view.resources_of_type(ecs.SCALABLE_TARGET):
        actions = (item["ScalableTargetAction"] for item in target["ScheduledActions"].items)
        for owner in (target.props, *actions):
            low, high = owner["MinCapacity"], owner["MaxCapacity"]
            if low.number is not None and high.number is not None and low.number > high.number:
                yield problem(
                    low,
                    f"Scalable target `{target.id}` has a MinCapacity of {low.number}, which is "
                    f"above its MaxCapacity of {high.number}",
                    f"Write a MinCapacity of at most {high.number}, or a higher MaxCapacity.",
                )


# Policies ------------------------------------------------------------------------------------

_GROUP_POLICY = "AWS::AutoScaling::ScalingPolicy"
_GROUP_SCHEDULE = "AWS::AutoScaling::ScheduledAction"
_REQUESTS = "ALBRequestCountPerTarget"

Range = tuple[Decimal, Decimal]
"""The bounds of a step; infinite where the step has none."""


@rule(
    "E9906",
    "The ranges of a step scaling policy have a gap, or overlap.",
    error_messages=(
        "(in substance) The ranges of your step adjustments can't overlap or have a gap",
    ),
    fix="Let each step begin where the one before it ends. Leave out the lower bound of the first "
    "step if it is below 0, and the upper bound of the last step if it is above 0.",
    sources=(
        "hashicorp/terraform-provider-aws#29413",
        "AWS docs: Application Auto Scaling API reference, StepAdjustment",
    ),
    failure_ids=("as-steps-with-a-gap",),
)
def steps_with_a_gap(view: View) -> Iterator[Problem]:
    """The bounds of a step are distances from the threshold of the alarm. Each step must begin
    where the one before it ends, and the step that is farthest from the threshold must have no
    outer bound. Application Auto Scaling refuses other policies."""
    for policy in view.resources_of_type(ecs.SCALING_POLICY, _GROUP_POLICY):
        is_of_group = policy.type == _GROUP_POLICY
        owner = policy.props if is_of_group else policy["StepScalingPolicyConfiguration"]
        steps = owner["StepAdjustments"]
        ranges = [_read_range(step) for step in steps.items]
        known = [(bounds, step) for bounds, step in zip(ranges, steps.items, strict=True) if bounds]
        if not steps.all_known or len(known) < len(ranges):
            continue
        known.sort(key=lambda item: item[0])
        for (before, _), (after, step) in pairwise(known):
            low, high = sorted((before[1], after[0]))
            if low != high:
                fault = "a gap" if before[1] < after[0] else "an overlap"
                yield problem(
                    step,
                    f"The steps of scaling policy `{policy.id}` have {fault} between "
                    f"{_format_bound(low)} and {_format_bound(high)}",
                    "Let this step begin where the one before it ends.",
                )
        if known:
            yield from _bounded_ends(policy, known)


def _bounded_ends(policy: Resource, steps: list[tuple[Range, Node]]) -> Iterator[Problem]:
    """The outermost steps, which must have no bound on the far side of the threshold."""
    (first, first_step), (last, last_step) = steps[0], steps[-1]
    for value, key, step in (
        (first[0], "MetricIntervalLowerBound", first_step),
        (last[1], "MetricIntervalUpperBound", last_step),
    ):
        is_beyond = value < 0 if key == "MetricIntervalLowerBound" else value > 0
        if value.is_finite() and is_beyond:
            yield problem(
                step[key],
                f"The outermost step of scaling policy `{policy.id}` ends at "
                f"{_format_bound(value)}, and Application Auto Scaling requires that it has no "
                f"outer bound",
                f"Remove {key} from this step.",
            )


def _read_range(step: Node) -> Range | None:
    low = _parse_bound(step["MetricIntervalLowerBound"], Decimal("-Infinity"))
    high = _parse_bound(step["MetricIntervalUpperBound"], Decimal("Infinity"))
    return None if low is None or high is None else (low, high)


def _parse_bound(node: Node, default: Decimal) -> Decimal | None:
    if node.absent:
        return default
    try:
        bound = Decimal((node.text or "")[:30])
    except InvalidOperation:
        return None
    return bound if bound.is_finite() else None


def _format_bound(bound: Decimal) -> str:
    return f"{bound.normalize():f}" if bound.is_finite() else "infinity"


@rule(
    "E9909",
    "A ResourceLabel does not match the metric of a scaling policy.",
    error_messages=(
        "(in substance) A ResourceLabel can't be specified for the metric type "
        "ECSServiceAverageCPUUtilization",
    ),
    fix="Remove ResourceLabel, or with ALBRequestCountPerTarget write the final parts of the ARNs "
    "of the load balancer and the target group: `app/<name>/<id>/targetgroup/<name>/<id>`.",
    sources=(
        "AWS docs: Application Auto Scaling API reference, PredefinedMetricSpecification "
        "(ResourceLabel)",
    ),
    failure_ids=("as-label-on-a-cpu-metric",),
)
def misplaced_resource_label(view: View) -> Iterator[Problem]:
    """ALBRequestCountPerTarget is the metric of one target group, which the label names. The other
    predefined metrics are those of the service or the group, for which AWS refuses a label."""
    for policy in view.resources_of_type(ecs.SCALING_POLICY, _GROUP_POLICY):
        is_of_group = policy.type == _GROUP_POLICY
        key = f"TargetTracking{'' if is_of_group else 'ScalingPolicy'}Configuration"
        metric = policy[key]["PredefinedMetricSpecification"]
        name, label = metric["PredefinedMetricType"], metric["ResourceLabel"]
        if name.is_none_of(_REQUESTS) and label.certainly_present:
            yield problem(
                label,
                f"Scaling policy `{policy.id}` has a ResourceLabel, which AWS refuses for "
                f"{name.choices[0]}",
                "Remove ResourceLabel.",
            )
        elif name.text == _REQUESTS and label.absent:
            yield problem(
                metric,
                f"Scaling policy `{policy.id}` scales by {_REQUESTS} without a ResourceLabel, "
                f"which names the target group",
                "Write `ResourceLabel: app/<name>/<id>/targetgroup/<name>/<id>`.",
            )


@rule(
    "W9910",
    "A service whose deployments shift traffic scales by the requests to one target group.",
    fix="Scale by CPU, or by a customized metric: the sum of RequestCountPerTarget of both target "
    "groups.",
    sources=(
        "AWS docs: ECS developer guide, Use a target metric to scale Amazon ECS services (the "
        "metric ALBRequestCountPerTarget is not supported for blue/green deployments)",
    ),
)
def requests_to_one_of_two_target_groups(view: View) -> Iterator[Problem]:
    """ALBRequestCountPerTarget is the metric of one target group. With the strategies BLUE_GREEN,
    LINEAR and CANARY, and with CodeDeploy, each deployment moves the requests to the other one. The
    metric then has no data, and the policy no longer scales."""
    for service, targets in ecs.scalable_targets_by_service(view).items():
        strategy = service["DeploymentConfiguration"]["Strategy"].text
        if strategy not in TRAFFIC_SHIFTING and ecs.deployment_controller(service) != "CODE_DEPLOY":
            continue
        for policy in view.resources_of_type(ecs.SCALING_POLICY):
            settings = policy["TargetTrackingScalingPolicyConfiguration"]
            metric = settings["PredefinedMetricSpecification"]["PredefinedMetricType"]
            if policy["ScalingTargetId"].resource in targets and metric.text == _REQUESTS:
                yield problem(
                    metric,
                    f"Scaling policy `{policy.id}` follows the requests to one target group, and "
                    f"each deployment of service `{service.id}` moves them to another",
                    "Scale by ECSServiceAverageCPUUtilization, or by a "
                    "CustomizedMetricSpecification with the sum of RequestCountPerTarget of both "
                    "target groups.",
                )


# Services and alarms -------------------------------------------------------------------------


@rule(
    "E9722",
    "Auto scaling of a service that cannot be scaled.",
    error_messages=(
        "The daemon scheduling strategy does not support a desired count for services",
    ),
    fix="Remove the scalable target.",
    sources=(
        "Amazon ECS developer guide: Amazon ECS service deployment controllers and strategies",
        "Amazon ECS developer guide: Deploy Amazon ECS services using a third-party controller",
    ),
)
def scaling_of_service_without_count(view: View) -> Iterator[Problem]:
    """A service with `SchedulingStrategy: DAEMON` runs one task on each instance, and the number of
    tasks of a service with the deployment controller EXTERNAL belongs to its task sets. Service
    auto scaling supports neither."""
    for service, targets in ecs.scalable_targets_by_service(view).items():
        if service["SchedulingStrategy"].text == "DAEMON":
            reason = "`SchedulingStrategy: DAEMON`"
        elif ecs.deployment_controller(service) == "EXTERNAL":
            reason = "the deployment controller `EXTERNAL`"
        else:
            continue
        for target in targets:
            yield problem(
                target["ResourceId"],
                f"Scalable target `{target.id}` scales service `{service.id}`, which has {reason} "
                f"and cannot be scaled",
                "Remove the scalable target.",
            )


_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.000)?Z")


@rule(
    "E9723",
    "A scheduled action ends before it starts.",
    error_messages=("Given end time must be after start time",),
    fix="Write an `EndTime` after the `StartTime`.",
    sources=(
        "Amazon EC2 Auto Scaling API reference: PutScheduledUpdateGroupAction, EndTime",
        "Application Auto Scaling API reference: PutScheduledAction, EndTime",
    ),
)
def end_before_start(view: View) -> Iterator[Problem]:
    """The end of a scheduled action must be after its start."""
    actions = [
        (target, action)
        for target in view.resources_of_type(ecs.SCALABLE_TARGET)
        for action in target["ScheduledActions"].items
    ]
    actions += [
        (it, it.props) for it in view.resources_of_type("AWS::AutoScaling::ScheduledAction")
    ]
    for owner, action in actions:
        start, end = (action[key].text or "" for key in ("StartTime", "EndTime"))
        if _TIME.fullmatch(start) and _TIME.fullmatch(end) and end[:19] <= start[:19]:
            yield problem(
                action["EndTime"],
                f"A scheduled action of `{owner.id}` ends at {end}, and starts at {start}",
                "Write an `EndTime` after the `StartTime`.",
            )


RULES = (
    end_before_start,
    scaling_of_service_without_count,
    desired_count_with_auto_scaling,
    minimum_above_maximum,
    steps_with_a_gap,
    misplaced_resource_label,
    requests_to_one_of_two_target_groups,
)
