"""Dashboards of CloudWatch: their widgets, and the resource.

Amazon CloudWatch API reference, "Dashboard Body Structure and Syntax".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from troposphere import Ref, Sub, cloudwatch

from moorage.facts.alarm_metrics import METRICS, PERIOD
from moorage.model import logical_id

from .alarms.alarms import Value
from .common.json_text import as_json

_COLUMNS, _HEIGHT = 24, 6


@dataclass(frozen=True)
class Line:
    """A line of a graph."""

    value: Value
    label: str
    statistic: str | None = None
    """None for that of the metric."""


@dataclass(frozen=True)
class Graph:
    """A graph of metrics."""

    title: str
    lines: tuple[Line, ...] = ()
    searches: tuple[Any, ...] = ()
    """Expressions whose results are lines of their own."""


@dataclass(frozen=True)
class AlarmStates:
    """The states of alarms, in a row of its own."""

    title: str
    arns: tuple[Any, ...]


Widget = Graph | AlarmStates


def search(metric: str, dimension: str, value: Any) -> Any:
    """An expression for a metric of all resources of which a dimension has the value: text, or an
    import (CloudWatch user guide, "CloudWatch search expression syntax")."""
    found = METRICS[metric]
    schema = ",".join((found.namespace, *found.dimensions))
    variable = "" if isinstance(value, str) else logical_id(value.to_dict()["Fn::ImportValue"])
    written = f"${{{variable}}}" if variable else value
    query = f'{{{schema}}} {dimension}="{written}" MetricName="{found.name}"'
    expression = f"SEARCH('{query}', '{found.statistic}', {PERIOD})"
    return Sub(expression, **{variable: value}) if variable else expression


def dashboard(widgets: Sequence[Widget]) -> cloudwatch.Dashboard:
    """The dashboard `Dashboard`, named after stack and region.

    CloudFormation would form a name that does not tell the stack. The name does not prevent a
    replacement: nothing but the name itself can cause one. Dashboards of all regions share their
    names.
    """
    return cloudwatch.Dashboard(
        "Dashboard",
        DashboardName=Sub("${AWS::StackName}-${AWS::Region}"),
        DashboardBody=as_json({"widgets": list(_placed(widgets))}, compact=True),
    )


def _placed(widgets: Iterable[Widget]) -> Iterator[dict[str, Any]]:
    """The widgets with their places: two graphs in a row."""
    x = y = 0
    for widget in widgets:
        if isinstance(widget, AlarmStates):
            width, height, kind, properties = _COLUMNS, 2, "alarm", _alarm_properties(widget)
        else:
            width, height, kind = _COLUMNS // 2, _HEIGHT, "metric"
            properties = _graph_properties(widget)
        yield {
            "type": kind,
            "x": x,
            "y": y,
            "width": width,
            "height": height,
            "properties": properties,
        }
        x += width
        if x >= _COLUMNS:
            x, y = 0, y + height


def _alarm_properties(widget: AlarmStates) -> dict[str, Any]:
    return {"title": widget.title, "alarms": list(widget.arns)}


def _graph_properties(graph: Graph) -> dict[str, Any]:
    expressions = [
        [{"expression": expression, "id": f"found{number}", "label": ""}]
        for number, expression in enumerate(graph.searches, 1)
    ]
    return {
        "title": graph.title,
        "region": Ref("AWS::Region"),
        "view": "timeSeries",
        "period": PERIOD,
        "metrics": [*(_metric(line) for line in graph.lines), *expressions],
        "yAxis": {"left": {"min": 0}},
    }


def _metric(line: Line) -> list[Any]:
    metric = METRICS[line.value.metric]
    dimensions = [
        part for pair in zip(metric.dimensions, line.value.dimensions, strict=True) for part in pair
    ]
    rendering = {"label": line.label, "stat": line.statistic or metric.statistic}
    return [metric.namespace, metric.name, *dimensions, rendering]
