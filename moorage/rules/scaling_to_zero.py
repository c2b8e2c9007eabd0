"""Services that scale to no tasks and never start one again."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.cfn import ecs
from moorage.cfn.stack import Resource
from moorage.cfn.view import View
from moorage.facts.scaling import UTILIZATION_METRICS
from moorage.rules.rule import Problem, problem, rule


@rule(
    "W9239",
    "A service scales to no tasks by metrics that come from its tasks.",
    fix="Write a MinCapacity of 1 or more, or scale by a metric that exists without tasks, such as "
    "the number of messages in a queue.",
    sources=("AWS docs: ECS developer guide, Amazon ECS CloudWatch metrics",),
)
def no_metric_without_tasks(view: View) -> Iterator[Problem]:
    """The CPU and memory utilization of a service are measured in its tasks. Without a task there
    is no value, and nothing scales the service out again."""
    policies = list(view.resources_of_type(ecs.SCALING_POLICY))
    if any(policy["ScalingTargetId"].resource is None for policy in policies):
        return
    for targets in ecs.scalable_targets_by_service(view).values():
        for target in targets:
            own = [policy for policy in policies if policy["ScalingTargetId"].resource is target]
            low = target["MinCapacity"]
            if low.number != 0 or target["ScheduledActions"].present or not own:
                continue
            if all(map(_is_measured_in_tasks, own)):
                yield problem(
                    low,
                    f"Scalable target `{target.id}` allows no tasks, and its policies follow "
                    "metrics that do not exist without tasks, so the service never starts again",
                    "Write a MinCapacity of 1 or more.",
                )


def _is_measured_in_tasks(policy: Resource) -> bool:
    settings = policy["TargetTrackingScalingPolicyConfiguration"]
    metric = settings["PredefinedMetricSpecification"]["PredefinedMetricType"]
    return metric.text in UTILIZATION_METRICS


RULES = (no_metric_without_tasks,)
