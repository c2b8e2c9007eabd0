"""Scaling of services and workers.

Most problems are in problems/scaling.yaml, whole templates are under tests/golden.
"""

from __future__ import annotations

from typing import Any

import pytest
from service_stacks import WEB, built
from stack_bodies import build_bodies, service


def build(kind: str, **params: Any) -> dict[str, Any]:
    """The properties of the resources of a stack `jobs` of that kind, by logical ID."""
    jobs = {**service(**params), "template": kind}
    cluster = {"container_insights": "on"}
    resources = build_bodies(cluster=cluster, jobs=jobs)["jobs"]["Resources"]
    return {
        logical_id: resource.get("Properties", {}) for logical_id, resource in resources.items()
    }


@pytest.mark.parametrize("kind", ["worker", "service"])
def test_a_scaled_service_has_no_desired_count(kind: str) -> None:
    assert build(kind, desired_count=3)["Service"]["DesiredCount"] == 3
    scaled = build(kind, scaling={"max": 9, "cpu": 60})
    assert "DesiredCount" not in scaled["Service"]
    assert scaled["ScalableTarget"]["ResourceId"] == {
        "Fn::Sub": [
            "service/${Cluster}/${Service.Name}",
            {"Cluster": {"Fn::ImportValue": "shop-dev-cluster-ClusterName"}},
        ]
    }
    assert "RoleARN" not in scaled["ScalableTarget"]


def test_the_backlog_counts_messages_in_flight() -> None:
    resources = build("worker", scaling={"min": 2, "max": 9, "backlog_per_task": 10})
    tracking = resources["BacklogScalingPolicy"]["TargetTrackingScalingPolicyConfiguration"]
    *metrics, result = tracking["CustomizedMetricSpecification"]["Metrics"]
    names = {metric["Id"]: metric["MetricStat"]["Metric"]["MetricName"] for metric in metrics}
    assert names == {
        "visible": "ApproximateNumberOfMessagesVisible",
        "in_flight": "ApproximateNumberOfMessagesNotVisible",
        "running": "RunningTaskCount",
    }
    assert result["Expression"] == "SUM([FILL(visible, 0), FILL(in_flight, 0)]) / running"
    assert [metric["ReturnData"] for metric in (*metrics, result)] == [False, False, False, True]
    assert "WakeAlarm" not in resources


def test_with_a_minimum_of_0_the_first_message_starts_a_task() -> None:
    resources = build("worker", scaling={"min": 0, "max": 9, "backlog_per_task": 10})
    tracking = resources["BacklogScalingPolicy"]["TargetTrackingScalingPolicyConfiguration"]
    expression = tracking["CustomizedMetricSpecification"]["Metrics"][-1]["Expression"]
    assert expression.endswith(" / IF(FILL(running, 0) < 1, 1, running)")
    alarm = resources["WakeAlarm"]
    assert alarm["AlarmActions"] == [{"Ref": "WakeScalingPolicy"}]
    step = resources["WakeScalingPolicy"]["StepScalingPolicyConfiguration"]
    assert step["AdjustmentType"] == "ChangeInCapacity"
    assert [adjustment["ScalingAdjustment"] for adjustment in step["StepAdjustments"]] == [1]
    assert step["Cooldown"] == 300
    periods = {alarm["EvaluationPeriods"], alarm["DatapointsToAlarm"]}
    assert periods == {3}, "the latest minutes of a metric that arrives late are filled with 0"


def _steps(resources: dict[str, Any], title: str) -> dict[str, Any]:
    configuration: dict[str, Any] = resources[f"{title}ScalingPolicy"][
        "StepScalingPolicyConfiguration"
    ]
    return configuration


@pytest.mark.parametrize(
    ("value", "change"),
    [(69, None), (70, 1), (89.9, 1), (90, 3), (500, 3), (31, None), (30, -1), (11, -1), (10, -2)],
)
def test_steps_change_the_tasks_at_the_values_that_are_written(value: float, change: Any) -> None:
    """As Application Auto Scaling does: it adds the bounds to the threshold of the alarm. A lower
    bound belongs to the step at high values, an upper one at low values."""
    adjustments = [
        {"above": 90, "add": 3},
        {"below": 30, "remove": 1},
        {"above": 70, "add": 1},
        {"below": 10, "remove": 2},
    ]
    scaling = {"max": 9, "steps": {"cpu": {"adjustments": adjustments}}}
    resources = build("service", scaling=scaling)
    found = []
    for side, sign in (("Above", 1), ("Below", -1)):
        threshold = resources[f"Cpu{side}Alarm"]["Threshold"]
        near, far = ("Lower", "Upper") if sign > 0 else ("Upper", "Lower")
        for step in _steps(resources, f"Cpu{side}")["StepAdjustments"]:
            start = sign * (threshold + step[f"MetricInterval{near}Bound"])
            end = step.get(f"MetricInterval{far}Bound")
            is_before = end is None or sign * value < sign * (threshold + end)
            if start <= sign * value and is_before:
                found.append(step["ScalingAdjustment"])
    assert found == ([] if change is None else [change])


def test_the_alarm_of_steps_starts_them_after_the_minutes() -> None:
    steps = {"minutes": 2, "cooldown": "1m", "adjustments": [{"above": 80, "add": "50%"}]}
    resources = build("worker", scaling={"max": 9, "steps": {"memory": steps}})
    alarm = resources["MemoryAboveAlarm"]
    assert alarm["AlarmActions"] == [{"Ref": "MemoryAboveScalingPolicy"}]
    assert (alarm["Period"], alarm["EvaluationPeriods"], alarm["DatapointsToAlarm"]) == (60, 2, 2)
    assert alarm["MetricName"] == "MemoryUtilization"
    configuration = _steps(resources, "MemoryAbove")
    assert configuration["AdjustmentType"] == "PercentChangeInCapacity"
    assert configuration["Cooldown"] == 60
    assert [step["ScalingAdjustment"] for step in configuration["StepAdjustments"]] == [50]


def test_a_metric_per_task_is_divided_by_the_running_tasks() -> None:
    metric = {"namespace": "Shop", "metric": "Jobs", "per_task": True, "target": 20}
    resources = build("worker", scaling={"max": 9, "metrics": {"open-jobs": metric}})
    tracking = resources["OpenJobsMetricScalingPolicy"]["TargetTrackingScalingPolicyConfiguration"]
    assert tracking["TargetValue"] == 20
    load, running, result = tracking["CustomizedMetricSpecification"]["Metrics"]
    assert load["MetricStat"]["Stat"] == "Average"
    assert running["MetricStat"]["Metric"]["MetricName"] == "RunningTaskCount"
    assert result == {"Id": "load_per_task", "Expression": "load / running", "ReturnData": True}


def test_a_metric_of_the_service_has_its_names_as_dimensions() -> None:
    metric = {"namespace": "ECS/ContainerInsights", "metric": "NetworkRxBytes", "of_service": True}
    scaling = {"max": 9, "metrics": {"net": metric | {"target": 1.5, "statistic": "maximum"}}}
    tracking = build("service", scaling=scaling)["NetMetricScalingPolicy"][
        "TargetTrackingScalingPolicyConfiguration"
    ]
    specification = tracking["CustomizedMetricSpecification"]
    assert tracking["TargetValue"] == 1.5
    assert specification["Statistic"] == "Maximum"
    assert specification["Dimensions"] == [
        {"Name": "ClusterName", "Value": {"Fn::ImportValue": "shop-dev-cluster-ClusterName"}},
        {"Name": "ServiceName", "Value": {"Fn::GetAtt": ["Service", "Name"]}},
    ]


def test_a_schedule_changes_the_bounds_in_its_time_zone() -> None:
    night = {"cron": "0 20 * * ? *", "time_zone": "Europe/Berlin", "min": 0, "max": 0}
    day = {"cron": "0 6 ? * MON-FRI *", "min": 1, "max": 4}
    scaling = {"min": 1, "max": 4, "schedule": {"night": night, "day": day}}
    target = build("worker", scaling=scaling)["ScalableTarget"]
    assert (target["MinCapacity"], target["MaxCapacity"]) == (1, 4)
    assert {action["ScheduledActionName"]: action for action in target["ScheduledActions"]} == {
        "night": {
            "ScheduledActionName": "night",
            "Schedule": "cron(0 20 * * ? *)",
            "Timezone": "Europe/Berlin",
            "ScalableTargetAction": {"MinCapacity": 0, "MaxCapacity": 0},
        },
        "day": {
            "ScheduledActionName": "day",
            "Schedule": "cron(0 6 ? * MON-FRI *)",
            "Timezone": "UTC",
            "ScalableTargetAction": {"MinCapacity": 1, "MaxCapacity": 4},
        },
    }


def test_a_forecast_respects_the_maximum_unless_it_may_exceed_it() -> None:
    for more, breach in (
        ({}, {"MaxCapacityBreachBehavior": "HonorMaxCapacity"}),
        (
            {"above_max": 0},
            {"MaxCapacityBreachBehavior": "IncreaseMaxCapacity", "MaxCapacityBuffer": 0},
        ),
    ):
        predictive = {"metric": "memory", "target": 55, **more}
        resources = build("service", scaling={"max": 9, "memory": 60, "predictive": predictive})
        policy = resources["PredictiveScalingPolicy"]
        assert policy["PolicyType"] == "PredictiveScaling"
        assert policy["PredictiveScalingPolicyConfiguration"] == {
            "MetricSpecifications": [
                {
                    "TargetValue": 55,
                    "PredefinedMetricPairSpecification": {
                        "PredefinedMetricType": "ECSServiceMemoryUtilization"
                    },
                }
            ],
            "Mode": "ForecastAndScale",
            "SchedulingBufferTime": 300,
            **breach,
        }


@pytest.mark.parametrize(
    ("metrics", "actions", "path"),
    [(50, 200, None), (51, 0, "scaling.metrics"), (0, 201, "scaling.schedule")],
)
def test_policies_and_scheduled_actions_are_limited(
    metrics: int, actions: int, path: str | None
) -> None:
    metric = {"metric": "Lag", "namespace": "Shop", "target": 20}
    scaling = {
        "max": 9,
        "metrics": {f"lag{number}": metric for number in range(metrics)},
        "schedule": {
            f"at{number}": {"cron": "0 6 * * ? *", "min": 1 + number % 2, "max": 9}
            for number in range(actions)
        },
    }
    _, findings = built(
        {"web": {"template": "service", "containers": {"web": WEB}, "scaling": scaling}}
    )
    found = [(finding.code, ".".join(map(str, finding.path[2:]))) for finding in findings]
    assert found == ([("M3260", path)] if path else [])
