"""Schedule expressions and time zones of EventBridge Scheduler.

Forms and ranges: EventBridge Scheduler user guide, "Schedule types in EventBridge Scheduler".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Annotated
from zoneinfo import available_timezones

from pydantic import AfterValidator, WithJsonSchema

from moorage.facts import schedules
from moorage.findings.finding import Path, Problem
from moorage.findings.wording import near, shown
from moorage.model import wrong

from .fields import Duration, format_duration, text


def _check_expression(value: str) -> str:
    words = schedules.cron_words(value)
    if words is not None:
        _check_cron(words, value)
    elif match := schedules.RATE_EXPRESSION.fullmatch(value):
        if (match[1] == "1") == bool(match[3]):
            unit = match[2] if match[1] == "1" else f"{match[2]}s"
            hint = f"Write `rate({match[1]} {unit})`."
            raise wrong("M1507", f"{shown(value)} is not a rate expression", hint)
    elif not schedules.is_at_expression(value):
        if len(words := value.split()) == 5:
            converted = f"cron({' '.join(_convert_to_six_fields(words))})"
            message = f"{shown(value)} has the form of a crontab, which AWS does not accept"
            raise wrong("M1507", message, f"Write `{converted}`. AWS numbers SUN to SAT 1 to 7.")
        hint = "Write `cron(0 3 * * ? *)`, `rate(15 minutes)` or `at(2027-01-31T03:00:00)`."
        raise wrong("M1507", f"{shown(value)} is not a schedule expression", hint)
    return value


def _convert_to_six_fields(words: list[str]) -> list[str]:
    """The six fields of AWS for the five fields of a crontab, which numbers SUN to SAT 0 to 6."""
    minutes, hours, day, month, weekday = words
    if weekday == "*":
        return [minutes, hours, day, month, "?", "*"]
    named = re.sub(
        r"(?<![0-9/])[0-9]", lambda match: schedules.WEEKDAYS[int(match[0]) % 7], weekday
    )
    return [minutes, hours, "?", month, named, "*"]


def _check_cron(words: list[str], value: str) -> None:
    if len(words) == 5:
        hint = f"Write `cron({' '.join(_convert_to_six_fields(words))})`."
        raise wrong("M1507", f"{shown(value)} has five fields; AWS expects six", hint)
    if len(words) != len(schedules.CRON_FIELDS):
        hint = "Write minutes, hours, day of the month, month, day of the week and year."
        message = f"{shown(value)} has {len(words)} fields; AWS expects six"
        raise wrong("M1507", message, hint)
    for word, field in zip(words, schedules.CRON_FIELDS, strict=True):
        if not schedules.is_cron_field(word, field):
            name, low, high, _, _ = field
            hint = f"Write `*`, or numbers from {low} to {high}."
            message = f"{shown(word)} is not a valid value for the {name}"
            raise wrong("M1507", message, hint)
    if not schedules.has_one_day(words):
        message = "Exactly one of the day of the month and the day of the week must be `?`"
        raise wrong("M1507", message, "Write `?` for the one that the schedule does not depend on.")


ScheduleExpression = Annotated[
    str,
    AfterValidator(_check_expression),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": r"^(cron|rate|at)\(.+\)$",
            "examples": ["cron(0 3 * * ? *)", "rate(15 minutes)", "at(2027-01-31T03:00:00)"],
            "takes": "a schedule such as `cron(0 3 * * ? *)`, `rate(15 minutes)` or "
            "`at(2027-01-31T03:00:00)`",
        }
    ),
]
"""A schedule expression of EventBridge Scheduler."""


def _check_bare_cron(value: str) -> str:
    words = value.split()
    if value.startswith("cron("):
        hint = f"Write `{value.removeprefix('cron(').removesuffix(')')}`."
        message = f"{shown(value)} has `cron( )` around the six fields"
        raise wrong("M1507", message, hint)
    if len(words) == 5:
        hint = f"Write `{' '.join(_convert_to_six_fields(words))}`."
        raise wrong("M1507", f"{shown(value)} has five fields; AWS expects six", hint)
    _check_cron(words, value)
    return value


Cron = Annotated[
    str,
    AfterValidator(_check_bare_cron),
    WithJsonSchema(
        {
            "type": "string",
            "examples": ["0 20 * * ? *"],
            "takes": "the six fields of a cron expression, such as `0 20 * * ? *`",
        }
    ),
]
"""The six fields of a cron expression, without `cron( )` around them. Application Auto Scaling has
the same fields as EventBridge Scheduler (its user guide, "Schedule recurring scaling actions using
Application Auto Scaling")."""

TimeZone = Annotated[
    str, text(r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*", "a time zone", "Europe/Berlin")
]


_known_time_zones = cache(available_timezones)  # reads hundreds of files


def time_zone_problems(zone: str, path: Path) -> Iterator[Problem]:
    """A warning for a time zone that is not in the time zone database of this machine.

    It is only a warning because databases differ. On a machine without one, every name passes.
    """
    zones = _known_time_zones()
    if zones and zone not in zones:
        closest = near(zone, zones)
        hint = "Write a time zone, such as `Europe/Berlin`."
        if closest:
            hint = f"Did you mean `{closest}`?"
        message = f"{shown(zone)} is not in the time zone database of this machine"
        yield Problem("M1508", path, message, hint, level="warning")


def _check_window(seconds: int) -> int:
    if seconds % 60 or not 60 <= seconds <= 86_400:
        message = f"`{format_duration(seconds)}` is not a possible flexible time window"
        raise wrong("M1509", message, "Write whole minutes, from `1m` to `1d`.")
    return seconds


FlexibleWindow = Annotated[Duration, AfterValidator(_check_window)]
"""Seconds of a flexible time window: whole minutes, up to a day."""
