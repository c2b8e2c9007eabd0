"""How fast the alarms that end a deployment go off, and which failures they detect."""

from __future__ import annotations

from collections.abc import Iterable

from moorage.cfn.nodes import Node
from moorage.cfn.stack import Resource
from moorage.estimate.numbers import number
from moorage.facts.deployment_timing import BLIND_METRICS, UNHEALTHY_METRIC
from moorage.records import record

_UNKNOWN = 180
"""Seconds that an alarm needs that is not in the templates."""


@record
class AlarmDelays:
    """Seconds that the alarms need to go off, without the delay of metrics; None if no alarm
    detects such a failure."""

    slowest: int | None = None
    """The slowest of all alarms."""
    errors: int | None = None
    """The fastest alarm that detects answers with errors."""
    unhealthy: int | None = None
    """The fastest alarm that detects targets that fail their health checks."""


def read_alarms(names: Iterable[Node]) -> AlarmDelays:
    """Reads the alarms to which a deployment refers."""
    alarms = [(_seconds(name), _metrics(name)) for name in names]
    return AlarmDelays(
        max((seconds for seconds, _ in alarms), default=None),
        min((seconds for seconds, metrics in alarms if _detects_errors(metrics)), default=None),
        min((seconds for seconds, metrics in alarms if UNHEALTHY_METRIC in metrics), default=None),
    )


def _detects_errors(metrics: frozenset[str]) -> bool:
    """Whether an alarm detects errors; an alarm with unknown metrics is assumed to."""
    return not metrics or not metrics <= BLIND_METRICS


def _alarm(name: Node) -> Resource | None:
    alarm = name.resource
    return alarm if alarm is not None and alarm.type == "AWS::CloudWatch::Alarm" else None


def _metrics(name: Node) -> frozenset[str]:
    alarm = _alarm(name)
    if alarm is None:
        return frozenset()
    nodes = [item.at("MetricStat", "Metric", "MetricName") for item in alarm["Metrics"].items]
    return frozenset(node.text for node in (alarm["MetricName"], *nodes) if node.text)


def _seconds(name: Node) -> int:
    """Period times data points."""
    alarm = _alarm(name)
    if alarm is None:
        return _UNKNOWN
    periods = [number(item.at("MetricStat", "Period"), 60) for item in alarm["Metrics"].items]
    period = max(periods, default=number(alarm["Period"], 60))
    return period * number(alarm["DatapointsToAlarm"], number(alarm["EvaluationPeriods"], 1))
