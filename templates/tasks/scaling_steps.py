"""Step scaling: policies, and the alarms that start them.

The params have values of the metric, but CloudFormation expects distances from the threshold of the
alarm. The steps are computed from the values, so they have no gaps and do not overlap (Application
Auto Scaling API reference, StepAdjustment).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from troposphere import Ref, cloudwatch
from troposphere import applicationautoscaling as aas

from moorage.model import logical_id

from ..common.numbers import round_number
from .scaling_metrics import alarm_metric, find_source
from .scaling_params import Adjustment, Scaling, Steps, group_by_side, kind_of_change

_TYPES = {
    "set": "ExactCapacity",
    "add": "ChangeInCapacity",
    "remove": "ChangeInCapacity",
    "add%": "PercentChangeInCapacity",
    "remove%": "PercentChangeInCapacity",
}
_COMPARISONS = {
    "above": "GreaterThanOrEqualToThreshold",
    "below": "LessThanOrEqualToThreshold",
}


def step_resources(
    scaling: Scaling, cluster: Any
) -> Iterator[aas.ScalingPolicy | cloudwatch.Alarm]:
    """A policy and an alarm for the high values, and for the low values, of each metric."""
    for key, steps in scaling.steps.items():
        metric = alarm_metric(find_source(scaling, key, cluster), cluster)
        for side, numbered in group_by_side(steps):
            title = logical_id(key, side)
            adjustments = [adjustment for _, adjustment in numbered]
            yield _policy(title, steps, side, adjustments)
            yield _alarm(title, key, steps, side, getattr(adjustments[0], side), metric)


def _policy(
    title: str, steps: Steps, side: str, adjustments: Sequence[Adjustment]
) -> aas.ScalingPolicy:
    values = [getattr(adjustment, side) for adjustment in adjustments]
    near, far = ("Lower", "Upper") if side == "above" else ("Upper", "Lower")
    distances = [round_number(value - values[0]) for value in values]
    return aas.ScalingPolicy(
        f"{title}ScalingPolicy",
        PolicyName=title,
        PolicyType="StepScaling",
        ScalingTargetId=Ref("ScalableTarget"),
        StepScalingPolicyConfiguration=aas.StepScalingPolicyConfiguration(
            AdjustmentType=_TYPES[kind_of_change(adjustments[0])],
            Cooldown=steps.cooldown,
            StepAdjustments=[
                aas.StepAdjustment(
                    ScalingAdjustment=_change(adjustment),
                    **{f"MetricInterval{near}Bound": distance},
                    **({f"MetricInterval{far}Bound": end} if end is not None else {}),
                )
                for adjustment, distance, end in zip(
                    adjustments, distances, [*distances[1:], None], strict=True
                )
            ],
        ),
    )


def _change(adjustment: Adjustment) -> int:
    if adjustment.set is not None:
        return adjustment.set
    if adjustment.add is not None:
        return int(adjustment.add.rstrip("%"))
    return -int((adjustment.remove or "").rstrip("%"))


def _alarm(
    title: str, key: str, steps: Steps, side: str, threshold: float, metric: dict[str, Any]
) -> cloudwatch.Alarm:
    return cloudwatch.Alarm(
        f"{title}Alarm",
        AlarmDescription=f"Starts the step scaling of the service: {key} {side} "
        f"{round_number(threshold)}",
        AlarmActions=[Ref(f"{title}ScalingPolicy")],
        ComparisonOperator=_COMPARISONS[side],
        Threshold=round_number(threshold),
        EvaluationPeriods=steps.minutes,
        DatapointsToAlarm=steps.minutes,
        # Without values the load is unknown, so the number of tasks should not change.
        TreatMissingData="missing",
        **metric,
    )
