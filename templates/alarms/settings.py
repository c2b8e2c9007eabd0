"""Params of alarms: when each goes off."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, WithJsonSchema
from pydantic import create_model as create_pydantic_model

from moorage.facts.alarm_metrics import PERIOD
from moorage.findings.wording import shown
from moorage.model import Base, wrong
from moorage.records import record

from ..common.fields import Duration, duration, format_duration

_MAX_MINUTES = 60


def _parse_percentage(value: Any) -> float:
    text = value if isinstance(value, str) else ""
    if not re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,2})?%", text) or float(text[:-1]) > 100:
        hint = "Write a number from 0 to 100 with its unit, such as `5%`."
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 100:
            hint = f"Add the unit: `{value}%`."
        raise wrong("M3401", f"{shown(value)} is not a percentage", hint)
    return float(text[:-1])


def format_percentage(value: float) -> str:
    """A percentage as it is written in params.

    >>> format_percentage(5.0), format_percentage(0.5)
    ('5%', '0.5%')
    """
    return f"{value:g}%"


Percentage = Annotated[
    float,
    BeforeValidator(_parse_percentage),
    PlainSerializer(format_percentage, when_used="json"),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": r"^[0-9]{1,3}(\.[0-9]{1,2})?%$",
            "takes": "a percentage such as `5%`",
        }
    ),
]
"""A number from 0 to 100, written with `%`."""


def _parse_response_time(value: Any) -> float:
    match = re.fullmatch(r"([0-9]{1,6})(ms|s)", value) if isinstance(value, str) else None
    if not match:
        hint = "Write a whole number with its unit: `500ms` or `2s`."
        raise wrong("M1500", f"{shown(value)} is not a duration", hint)
    return int(match[1]) / (1000 if match[2] == "ms" else 1)


def format_response_time(seconds: float) -> str:
    """A response time as it is written in params.

    >>> format_response_time(0.5), format_response_time(2.0)
    ('500ms', '2s')
    """
    return f"{seconds:g}s" if seconds == int(seconds) else f"{seconds * 1000:g}ms"


ResponseTime = Annotated[
    float,
    BeforeValidator(_parse_response_time),
    PlainSerializer(format_response_time, when_used="json"),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": "^[0-9]{1,6}(ms|s)$",
            "takes": "a duration such as `500ms` or `2s`",
        }
    ),
]
"""Seconds, written as milliseconds or seconds."""


def _check_minutes(seconds: int) -> int:
    if seconds % PERIOD:
        message = f"`{format_duration(seconds)}` is not a number of whole minutes"
        minutes = format_duration((seconds // PERIOD + 1) * PERIOD)
        raise wrong("M3402", message, f"Write whole minutes, such as `{minutes}`.")
    return seconds


_For = Annotated[int, duration(PERIOD, _MAX_MINUTES * PERIOD), AfterValidator(_check_minutes)]
_FOR_FIELD = Field(
    None,
    description="Time for which the condition must hold, in a window that is two minutes longer.",
)

# `for` is a keyword of Python, so a class cannot declare a field of that name.
if TYPE_CHECKING:
    _AlarmBase = Base
else:
    _AlarmBase = create_pydantic_model(
        "_AlarmBase", __base__=Base, **{"for": (_For | None, _FOR_FIELD)}
    )


class Alarm(_AlarmBase):
    """When an alarm goes off."""


class PercentageAlarm(_AlarmBase):
    """When an alarm for a percentage goes off."""

    above: Percentage | None = Field(None, description="Goes off above this percentage.")


class CountAlarm(_AlarmBase):
    """When an alarm for a number goes off."""

    above: int | None = Field(None, ge=0, le=10**9, description="Goes off above this number.")


class LatencyAlarm(_AlarmBase):
    """When an alarm for response times goes off."""

    above: ResponseTime | None = Field(
        None, description="Goes off if the slowest 5 percent of responses take longer than this."
    )


class AgeAlarm(_AlarmBase):
    """When an alarm for the age of messages goes off."""

    above: Duration | None = Field(
        None, description="Goes off if the oldest message is older than this."
    )


class Thresholds(Base):
    """Default thresholds of alarms."""

    target_5xx: PercentageAlarm | None = Field(None, description="As in a service.")
    connection_errors: PercentageAlarm | None = Field(None, description="As in a service.")
    latency: LatencyAlarm | None = Field(None, description="As in a service.")
    unhealthy_hosts: CountAlarm | None = Field(None, description="As in a service.")
    no_healthy_host: Alarm | None = Field(None, description="As in a service.")
    cpu: PercentageAlarm | None = Field(None, description="As in a service.")
    memory: PercentageAlarm | None = Field(None, description="As in a service.")
    tasks_missing: Alarm | None = Field(None, description="As in a service.")
    dead_letters: CountAlarm | None = Field(None, description="As in a worker.")
    oldest_message: AgeAlarm | None = Field(None, description="As in a worker.")
    load_balancer_5xx: PercentageAlarm | None = Field(None, description="As in an ALB.")
    rejected_connections: CountAlarm | None = Field(None, description="As in an ALB.")
    port_allocation_errors: CountAlarm | None = Field(None, description="As in an NLB.")


@record
class Threshold:
    """When an alarm goes off: above a value, for a number of minutes."""

    above: float
    """In the unit of the metric."""
    minutes: int


DEFAULTS: Mapping[str, Threshold] = {
    "target_5xx": Threshold(5, 3),
    "connection_errors": Threshold(5, 3),
    "latency": Threshold(1, 5),
    "unhealthy_hosts": Threshold(0, 5),
    "no_healthy_host": Threshold(0, 2),
    "cpu": Threshold(90, 10),
    "memory": Threshold(90, 10),
    "tasks_missing": Threshold(0, 10),
    "dead_letters": Threshold(0, 1),
    "oldest_message": Threshold(900, 5),
    "load_balancer_5xx": Threshold(1, 3),
    "rejected_connections": Threshold(0, 1),
    "port_allocation_errors": Threshold(0, 1),
}
"""Moorage's defaults. Only `no_healthy_host` goes off below its value."""


def resolve_threshold(name: str, params: Base, shared: Thresholds | None) -> Threshold | None:
    """When the alarm `name` goes off; None if it is turned off. `params` have precedence over
    `shared`, the thresholds of the notifications, and these over the defaults."""
    own = getattr(params, name)
    if own is None:
        return None
    default = DEFAULTS[name]
    settings = [own, getattr(shared, name)] if shared and getattr(shared, name) else [own]
    above = [getattr(each, "above", None) for each in settings]
    seconds = [getattr(each, "for") for each in settings]
    return Threshold(
        next((value for value in above if value is not None), default.above),
        next((value // PERIOD for value in seconds if value is not None), default.minutes),
    )
