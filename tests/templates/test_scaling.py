"""Scaling of services and workers.

Problems are in tests/errors/scaling, whole templates are under tests/golden.
"""

from __future__ import annotations

from typing import Any

import pytest
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
