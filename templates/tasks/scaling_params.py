"""Params of `scaling:`, for services and workers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema

from moorage.facts import scaling as facts
from moorage.facts.api_types import MAX_INTEGER
from moorage.facts.quotas import TASKS_PER_SERVICE
from moorage.findings.finding import Path
from moorage.findings.wording import shown
from moorage.model import Base, wrong

from ..common.fields import duration, text
from ..common.schedules import Cron, TimeZone

Key = Annotated[str, text(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", "a name in lower case", "night")]
"""The name of a metric, or of a scheduled action."""

Cooldown = Annotated[int, duration(0, MAX_INTEGER)]

_Name = Annotated[str, Field(min_length=1, max_length=facts.MAX_METRIC_NAME)]
_Value = Annotated[str, Field(min_length=1, max_length=facts.MAX_DIMENSION_VALUE)]

Statistic = Literal["average", "sum", "minimum", "maximum", "sample_count"]
"""How CloudWatch combines the values of a minute."""


def _parse_milliseconds(value: Any) -> int:
    match = re.fullmatch(r"([1-9][0-9]{0,8})(ms|s)", value) if isinstance(value, str) else None
    if not match:
        hint = "Write a whole number with its unit: `300ms` or `2s`."
        raise wrong("M1500", f"{shown(value)} is not a duration", hint)
    return int(match[1]) * (1000 if match[2] == "s" else 1)


Milliseconds = Annotated[
    int,
    BeforeValidator(_parse_milliseconds),
    PlainSerializer(lambda value: f"{value}ms", when_used="json"),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": "^[1-9][0-9]{0,8}(ms|s)$",
            "examples": ["300ms"],
            "takes": "a duration such as `300ms` or `2s`",
        }
    ),
]
"""Milliseconds, written with a unit: `300ms`, `2s`."""


def _check_change(value: Any) -> Any:
    is_count = isinstance(value, int) and not isinstance(value, bool) and value >= 1
    if is_count or (isinstance(value, str) and re.fullmatch("[1-9][0-9]{0,3}%", value)):
        return str(value)
    message = f"{shown(value)} is neither a number of tasks nor a percentage of them"
    raise wrong("M1503", message, "Write for example `2` or `50%`.")


Change = Annotated[
    str,
    BeforeValidator(_check_change),
    PlainSerializer(lambda value: value if "%" in value else int(value), when_used="json"),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 1},
                {"type": "string", "pattern": "^[1-9][0-9]{0,3}%$"},
            ],
            "takes": "a number of tasks such as `2`, or a percentage of them such as `50%`",
        }
    ),
]
"""How many tasks are added or removed: `2`, or `50%` of the current number of tasks."""


class Metric(Base):
    """A metric in CloudWatch that has a value for every minute."""

    namespace: _Name = Field(description="Namespace of the metric, such as `Shop`.")
    metric: _Name = Field(description="Name of the metric.")
    dimensions: Annotated[dict[_Name, _Value], Field(max_length=facts.MAX_METRIC_DIMENSIONS)] = (
        Field({}, description="Dimensions of the metric: exactly those with which it is published.")
    )
    of_service: bool = Field(
        False,
        description="Add the dimensions `ClusterName` and `ServiceName` with the names of this "
        "service, for metrics such as those of Container Insights.",
    )
    statistic: Statistic = Field(
        "average", description="How CloudWatch combines the values of a minute."
    )
    per_task: bool = Field(
        False,
        description="Divide the metric by the number of running tasks, if it is for the load of "
        "all tasks together. Needs `container_insights` in the cluster, which counts the tasks.",
    )
    target: float | None = Field(
        None,
        gt=0,
        description="Target value. The metric must fall if tasks are added while the load stays "
        "the same. Without a target, the metric is for `steps:`.",
    )


class Adjustment(Base):
    """A change of the number of tasks while a metric is in a range."""

    above: float | None = Field(
        None, description="At this value and above, up to the next higher `above`."
    )
    below: float | None = Field(
        None, description="At this value and below, down to the next lower `below`."
    )
    add: Change | None = Field(None, description="How many tasks to add.")
    remove: Change | None = Field(None, description="How many tasks to remove.")
    set: int | None = Field(
        None, ge=0, le=TASKS_PER_SERVICE.value, description="New number of tasks."
    )


class Steps(Base):
    """Step scaling by one metric."""

    adjustments: Annotated[list[Adjustment], Field(min_length=1)] = Field(
        description="Ranges of the metric, and the changes in them. Between the highest `below` "
        "and the lowest `above` nothing changes."
    )
    minutes: int = Field(
        3,
        ge=1,
        le=facts.MAX_ALARM_MINUTES,
        description="Number of consecutive minutes in which the metric must be in a range.",
    )
    cooldown: Cooldown = Field(300, description="Time from an adjustment to the next one.")


class ScheduledAction(Base):
    """New bounds for the number of tasks. They apply until another action changes them."""

    cron: Cron = Field(
        description="When: minutes, hours, day of the month, month, day of the week and year, such "
        "as `0 20 * * ? *`."
    )
    time_zone: TimeZone = Field(
        "UTC", description="Time zone of `cron`, including its daylight saving time."
    )
    min: int = Field(
        ge=0, le=TASKS_PER_SERVICE.value, description="Minimum number of tasks from then on."
    )
    max: int = Field(
        ge=0, le=TASKS_PER_SERVICE.value, description="Maximum number of tasks from then on."
    )


class Predictive(Base):
    """Adds tasks before the load that a forecast from past weeks expects. It never removes tasks,
    so it needs a target in addition. A new service has no forecast for 24 hours."""

    metric: Literal["cpu", "memory"] = Field(description="Metric of the forecast.")
    target: int = Field(ge=1, le=100, description="Target for the average utilization, in percent.")
    mode: Literal["forecast_and_scale", "forecast_only"] = Field(
        "forecast_and_scale",
        description="`forecast_only` shows the forecast in the console and starts no tasks.",
    )
    start_before: Annotated[int, duration(0, facts.MAX_SCHEDULING_BUFFER - 1)] = Field(
        300, description="How long before the hour of a forecast tasks start."
    )
    above_max: int | None = Field(
        None,
        ge=0,
        le=100,
        description="If the forecast is near `max` or above it, let the number of tasks exceed "
        "`max`: up to the forecast and this percentage of it. Default: `max` is the limit.",
    )


class Scaling(Base):
    """Scales the number of tasks. With several targets, the one that needs the most tasks
    decides."""

    min: int = Field(1, ge=1, le=TASKS_PER_SERVICE.value, description="Minimum number of tasks.")
    max: int = Field(ge=1, le=TASKS_PER_SERVICE.value, description="Maximum number of tasks.")
    cpu: int | None = Field(
        None, ge=1, le=100, description="Target for the average CPU utilization, in percent."
    )
    memory: int | None = Field(
        None, ge=1, le=100, description="Target for the average memory utilization, in percent."
    )
    scale_out_cooldown: Cooldown | None = Field(
        None, description="Time after tasks were added before more are added; 5m by default."
    )
    scale_in_cooldown: Cooldown | None = Field(
        None, description="Time after tasks were removed before more are removed; 5m by default."
    )
    metrics: dict[Key, Metric] = Field(
        {}, description="Other CloudWatch metrics, by names of your choice."
    )
    steps: dict[Key, Steps] = Field(
        {},
        description="Step scaling: numbers of tasks to add or remove at certain values of a "
        "metric. The keys are `cpu`, `memory` or names of `metrics`.",
    )
    schedule: dict[Key, ScheduledAction] = Field(
        {},
        description="Scheduled actions, by names of your choice, which change `min` and `max`. An "
        "action applies until the next one, so there are at least two.",
    )
    predictive: Predictive | None = Field(
        None, description="Start tasks before the load that a forecast expects."
    )


def group_by_side(steps: Steps) -> Iterator[tuple[str, list[tuple[int, Adjustment]]]]:
    """The adjustments with `above`, and those with `below`, with their indexes. The one whose value
    is reached first comes first. Only for adjustments that are complete."""
    numbered = list(enumerate(steps.adjustments))
    for side, sign in (("above", 1), ("below", -1)):
        group = [(index, item) for index, item in numbered if getattr(item, side) is not None]
        if group:
            yield side, sorted(group, key=lambda pair: sign * getattr(pair[1], side))


def kind_of_change(adjustment: Adjustment) -> str:
    """`add`, `remove` or `set`; with a `%` for a percentage."""
    name = next(key for key in ("add", "remove", "set") if getattr(adjustment, key) is not None)
    return name + ("%" if "%" in str(getattr(adjustment, name)) else "")


def minimum_task_count(scaling: Scaling | None, count: int) -> tuple[int, Path]:
    """The smallest number of tasks that the service has, and the path where it is set."""
    return (scaling.min, ("scaling", "min")) if scaling else (count, ("desired_count",))


def desired_count_property(scaling: Scaling | None, count: int) -> dict[str, int]:
    """The DesiredCount property of an ECS service, which a scaled service does not have."""
    return {} if scaling else {"DesiredCount": count}
