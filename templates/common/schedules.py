"""When something runs: the expressions and time zones of EventBridge Scheduler.

Forms and ranges: EventBridge Scheduler user guide, "Schedule types in EventBridge Scheduler".
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterator
from typing import Annotated
from zoneinfo import available_timezones

from pydantic import AfterValidator, WithJsonSchema

from moorage.findings.finding import Path, Problem
from moorage.findings.wording import near, shown
from moorage.model import wrong

from .fields import Duration, format_duration

_MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
_DAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]
_AT = re.compile(r"at\(([12]\d{3})-(0[1-9]|1[0-2])-(\d\d)T([01]\d|2[0-3])(:[0-5]\d){2}\)")
_RATE = re.compile(r"rate\(([1-9]\d{0,8}) (minute|hour|day)(s?)\)")

_Field = tuple[str, int, int, list[str], str]
_FIELDS: tuple[_Field, ...] = (
    ("minutes", 0, 59, [], ""),
    ("hours", 0, 23, [], ""),
    ("day of the month", 1, 31, [], r"\?|L|LW|([1-9]|[12]\d|3[01])W"),
    ("month", 1, 12, _MONTHS, ""),
    ("day of the week", 1, 7, _DAYS, r"\?|L|([1-7]|[A-Z]{3})(L|#[1-5])"),
    ("year", 1970, 2199, [], ""),
)
"""Each field of a cron expression: its name, bounds, names for numbers, and other forms."""


def _expression(value: str) -> str:
    if value.startswith("cron(") and value.endswith(")"):
        _cron(value[5:-1].split(), value)
    elif match := _RATE.fullmatch(value):
        if (match[1] == "1") == bool(match[3]):
            right = f"rate({match[1]} {match[2]}{'' if match[1] == '1' else 's'})"
            raise wrong("M1107", f"{shown(value)} is not a rate", f"Write `{right}`.")
    elif not ((match := _AT.fullmatch(value)) and _is_day(*match.groups()[:3])):
        if len(words := value.split()) == 5:
            hint = f"Write `cron({' '.join(_six(words))})`: days of the week begin with SUN as 1."
            raise wrong(
                "M1107", f"{shown(value)} is cron's own form, which AWS does not take", hint
            )
        hint = "Write `cron(0 3 * * ? *)`, `rate(15 minutes)` or `at(2027-01-31T03:00:00)`."
        raise wrong("M1107", f"{shown(value)} is not a schedule", hint)
    return value


def _is_day(year: str, month: str, day: str) -> bool:
    return 1 <= int(day) <= monthrange(int(year), int(month))[1]


def _six(words: list[str]) -> list[str]:
    """Five fields of cron's own form as AWS's six."""
    minutes, hours, day, month, weekday = words
    if weekday == "*":
        return [minutes, hours, day, month, "?", "*"]
    named = re.sub(r"(?<![\d/])\d", lambda found: _DAYS[int(found[0]) % 7], weekday)
    return [minutes, hours, "?", month, named, "*"]


def _cron(words: list[str], value: str) -> None:
    if len(words) == 5:
        hint = f"Write `cron({' '.join(_six(words))})`."
        raise wrong("M1107", f"{shown(value)} has five fields, and AWS's form has six", hint)
    if len(words) != len(_FIELDS):
        hint = "Write minutes, hours, day of the month, month, day of the week and year."
        raise wrong("M1107", f"{shown(value)} does not have six fields", hint)
    for word, field in zip(words, _FIELDS, strict=True):
        if not _is_field(word, field):
            name, low, high, _, _ = field
            hint = f"Write `*`, or what is from {low} to {high}."
            raise wrong("M1107", f"{shown(word)} cannot be the {name} of a schedule", hint)
    if (words[2] == "?") == (words[4] == "?"):
        message = "One of the day of the month and the day of the week must be `?`, not both"
        raise wrong("M1107", message, "Write `?` for the one that does not matter.")


def _is_field(word: str, field: _Field) -> bool:
    _, low, high, names, others = field

    def number(text: str) -> int | None:
        known = names.index(text) + (low if names else 0) if text in names else None
        return int(text) if re.fullmatch(r"\d{1,4}", text) else known

    def is_part(part: str) -> bool:
        body, slash, step = part.partition("/")
        if slash and not re.fullmatch(r"[1-9]\d{0,3}", step):
            return False
        if body == "*":
            return True
        ends = [number(end) for end in body.split("-")]
        return len(ends) <= 2 and all(end is not None and low <= end <= high for end in ends)

    return bool(others and re.fullmatch(others, word)) or all(map(is_part, word.split(",")))


Expression = Annotated[
    str,
    AfterValidator(_expression),
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
"""A schedule as EventBridge Scheduler takes it."""


def zone_problems(zone: str, path: Path) -> Iterator[Problem]:
    """A time zone that this machine does not know. Machines know different ones, some none."""
    known = available_timezones()
    if known and zone not in known:
        meant = near(zone, known)
        hint = f"Did you mean `{meant}`?" if meant else "Write one like `Europe/Berlin`."
        message = f"{shown(zone)} is not a time zone that is known here"
        yield Problem("M1104", path, message, hint, level="warning")


def _whole_minutes(seconds: int) -> int:
    if seconds % 60 or not 60 <= seconds <= 86_400:
        message = f"A window cannot be `{format_duration(seconds)}`"
        raise wrong("M1105", message, "Write 1m to 1d, in whole minutes.")
    return seconds


Window = Annotated[Duration, AfterValidator(_whole_minutes)]
"""Seconds that make whole minutes, up to a day."""
