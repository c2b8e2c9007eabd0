"""The bodies of CloudWatch dashboards: JSON in a text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from moorage.cfn.nodes import Node
from moorage.cfn.stack import Resource
from moorage.cfn.view import View
from moorage.rules.rule import Problem, problem, rule

_DASHBOARD = "AWS::CloudWatch::Dashboard"
_SOURCES = ("Amazon CloudWatch API reference: Dashboard Body Structure and Syntax",)
_UNKNOWN = "730730730"
"""In place of parts that only the deployment knows: valid JSON as a number and in a text."""
_POSITIONS = {"x": (0, 23), "y": (0, None), "width": (1, 24), "height": (1, 1000)}
_SHORT_PERIODS = (1, 5, 10, 20, 30)
Limits = tuple[int, int | None]


def _text(body: Node) -> str:
    return "".join(part if isinstance(part, str) else _UNKNOWN for part in body.parts)


def _is_known(value: object) -> bool:
    return _UNKNOWN not in str(value)


def _bodies(view: View) -> Iterator[tuple[Resource, Node, Any]]:
    """The dashboards, and the contents of their bodies, as far as they are JSON."""
    for dashboard in view.resources_of_type(_DASHBOARD):
        body = dashboard["DashboardBody"]
        try:
            yield dashboard, body, json.loads(_text(body))
        except (ValueError, RecursionError):
            continue


def _widgets(view: View) -> Iterator[tuple[str, Node, dict[str, Any]]]:
    """The widgets with a name for messages, and the property with the body."""
    for dashboard, body, contents in _bodies(view):
        widgets = contents.get("widgets") if isinstance(contents, dict) else None
        for number, widget in enumerate(widgets if isinstance(widgets, list) else (), 1):
            if isinstance(widget, dict):
                yield f"Widget {number} of dashboard `{dashboard.id}`", body, widget


@rule(
    "E9724",
    "The body of a dashboard is not JSON.",
    error_messages=("The field DashboardBody must be a valid JSON object",),
    fix="Write JSON: keys in quotation marks, and no comma after the last entry.",
    sources=_SOURCES,
)
def body_without_json(view: View) -> Iterator[Problem]:
    """CloudWatch refuses a dashboard whose body is not a JSON object."""
    for dashboard in view.resources_of_type(_DASHBOARD):
        body = dashboard["DashboardBody"]
        if body.text is None:
            continue
        try:
            is_object = isinstance(json.loads(body.text), dict)
            where = ""
        except RecursionError:
            continue
        except ValueError as error:
            is_object, where = False, f": {error}"
        if not is_object:
            yield problem(
                body,
                f"The body of dashboard `{dashboard.id}` is not a JSON object{where}",
                "Write JSON: keys in quotation marks, and no comma after the last entry.",
            )


@rule(
    "E9725",
    "A dashboard has no list of widgets.",
    error_messages=("Should have required property 'widgets'", "Should be array"),
    fix="Write `widgets` with a list.",
    sources=_SOURCES,
)
def body_without_widgets(view: View) -> Iterator[Problem]:
    """CloudWatch refuses a body without the array `widgets`."""
    for dashboard, body, contents in _bodies(view):
        if not isinstance(contents, dict):
            continue
        widgets = contents.get("widgets")
        if not isinstance(widgets, list) and _is_known(contents):
            yield problem(
                body,
                f"The body of dashboard `{dashboard.id}` has no list `widgets`",
                "Write `widgets` with a list.",
            )


@rule(
    "E9726",
    "A widget of a dashboard has no type or no properties.",
    error_messages=("Should have required property 'type'",),
    fix="Write `type` and `properties`.",
    sources=_SOURCES,
)
def widget_without_type(view: View) -> Iterator[Problem]:
    """CloudWatch refuses a widget without `type` and `properties`."""
    for name, body, widget in _widgets(view):
        for key in ("type", "properties"):
            if key not in widget and all(map(_is_known, widget)):
                yield problem(body, f"{name} has no `{key}`", f"Write `{key}`.")


@rule(
    "E9727",
    "A widget of a dashboard is outside the grid.",
    error_messages=("Should be <= 23", "Should be >= 0"),
    fix="Write `x` from 0 to 23, `width` from 1 to 24, and `height` from 1 to 1000.",
    sources=_SOURCES,
)
def widget_outside_grid(view: View) -> Iterator[Problem]:
    """A dashboard has 24 columns. CloudWatch refuses positions and sizes that are out of range."""
    for name, body, widget in _widgets(view):
        for key, limits in _POSITIONS.items():
            value = widget.get(key)
            if _is_out_of_range(value, limits):
                low, high = limits
                yield problem(
                    body,
                    f"{name} has `{key}: {value}`",
                    f"Write {low} to {high}." if high else f"Write {low} or more.",
                )


def _is_out_of_range(value: object, limits: Limits) -> bool:
    if not isinstance(value, int) or isinstance(value, bool) or not _is_known(value):
        return False
    low, high = limits
    return value < low or (high is not None and value > high)


@rule(
    "E9728",
    "A widget of a dashboard shows nothing.",
    error_messages=(
        "Should have required property 'markdown'",
        "The metric widget should have specified a region and a data source or an alarm annotation",
    ),
    fix="Write `markdown` of a text, `alarms` of an alarm widget, and `region` with `metrics` of a "
    "metric widget.",
    sources=_SOURCES,
)
def widget_without_contents(view: View) -> Iterator[Problem]:
    """CloudWatch refuses a text without `markdown`, an alarm widget without `alarms`, and a metric
    widget without a region, or without metrics and annotations."""
    for name, body, widget in _widgets(view):
        properties = widget.get("properties")
        if not isinstance(properties, dict) or not all(map(_is_known, properties)):
            continue
        kind = widget.get("type")
        annotations = properties.get("annotations")
        if kind == "metric" and isinstance(annotations, dict) and "alarms" in annotations:
            continue
        needed = {"text": ("markdown",), "alarm": ("alarms",), "metric": ("region",)}
        missing = [key for key in needed.get(str(kind), ()) if key not in properties]
        if kind == "metric" and not {"metrics", "annotations"} & properties.keys():
            missing.append("metrics")
        for key in missing:
            yield problem(body, f"{name} has no `{key}`", f"Write `{key}` in its `properties`.")


@rule(
    "E9729",
    "The period of a widget does not exist.",
    error_messages=("Should be multiple of 60",),
    fix="Write 1, 5, 10, 20, 30 or a multiple of 60.",
    sources=_SOURCES,
)
def widget_with_odd_period(view: View) -> Iterator[Problem]:
    """CloudWatch refuses a period of other than 1, 5, 10, 20, 30 or a multiple of 60 seconds."""
    for name, body, widget in _widgets(view):
        properties = widget.get("properties")
        period = properties.get("period") if isinstance(properties, dict) else None
        if not isinstance(period, int) or isinstance(period, bool) or not _is_known(period):
            continue
        if period not in _SHORT_PERIODS and (period < 1 or period % 60):
            yield problem(
                body,
                f"{name} has a period of {period} seconds",
                "Write 1, 5, 10, 20, 30 or a multiple of 60.",
            )


RULES = (
    body_without_json,
    body_without_widgets,
    widget_without_type,
    widget_outside_grid,
    widget_without_contents,
    widget_with_odd_period,
)
