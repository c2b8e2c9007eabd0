"""Dashboards of CloudWatch: their widgets, and the resource.

Amazon CloudWatch API reference, "Dashboard Body Structure and Syntax".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from troposphere import Ref, Sub, cloudwatch

from moorage.facts.alarm_metrics import METRICS, PERIOD
from moorage.model import logical_id
from moorage.records import record

from .alarms.alarms import Value
from .common.json_text import as_json, exports_in

_COLUMNS, _HEIGHT = 24, 6


@record
class Line:
    """A line of a graph."""

    value: Value
    label: str
    statistic: str | None = None
    """None for the default statistic of the metric."""


@record
class Graph:
    """A graph of metrics."""

    title: str
    lines: tuple[Line, ...] = ()
    searches: tuple[Any, ...] = ()
    """SEARCH expressions; each metric that they find is a line."""


@record
class AlarmStates:
    """The states of alarms, in a row of its own."""

    title: str
    arns: tuple[Any, ...]


Widget = Graph | AlarmStates


def search(metric: str, dimension: str, value: Any) -> Any:
    """A SEARCH expression for a metric of all resources with this value of a dimension. The value
    is text, an import or a part of one (CloudWatch user guide, "CloudWatch search expression
    syntax")."""
    definition = METRICS[metric]
    schema = ",".join((definition.namespace, *definition.dimensions))
    exports = [] if isinstance(value, str) else [*exports_in(value.to_dict())]
    variable = logical_id(exports[0]) if exports else ""
    text = f"${{{variable}}}" if variable else value
    query = f'{{{schema}}} {dimension}="{text}" MetricName="{definition.name}"'
    expression = f"SEARCH('{query}', '{definition.statistic}', {PERIOD})"
    return Sub(expression, **{variable: value}) if variable else expression


def dashboard(widgets: Sequence[Widget]) -> cloudwatch.Dashboard:
    """The dashboard `Dashboard`, named after stack and region.

    A name that CloudFormation generates does not show the stack. A fixed name does no harm here: it
    prevents the replacement of a resource, but only a new name replaces a dashboard. The region is
    in the name because the dashboards of all regions are in one list.
    """
    return cloudwatch.Dashboard(
        "Dashboard",
        DashboardName=Sub("${AWS::StackName}-${AWS::Region}"),
        DashboardBody=as_json({"widgets": list(_position(widgets))}, compact=True),
    )


def _position(widgets: Iterable[Widget]) -> Iterator[dict[str, Any]]:
    """The widgets with their positions: two graphs in a row."""
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
