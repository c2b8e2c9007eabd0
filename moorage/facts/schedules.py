"""Schedule expressions of EventBridge Scheduler; Application Auto Scaling has the same fields.

EventBridge Scheduler user guide, "Schedule types in EventBridge Scheduler"; Application Auto
Scaling user guide, "Schedule recurring scaling actions using Application Auto Scaling".
"""

from __future__ import annotations

import re
from calendar import monthrange

_MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
WEEKDAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]

_AT_EXPRESSION = re.compile(
    r"at\(([12][0-9]{3})-(0[1-9]|1[0-2])-([0-9][0-9])T([01][0-9]|2[0-3])(:[0-5][0-9]){2}\)"
)
RATE_EXPRESSION = re.compile(r"rate\(([1-9][0-9]{0,8}) (minute|hour|day)(s?)\)")
"""The number, the unit, and its plural."""

CronField = tuple[str, int, int, list[str], str]
CRON_FIELDS: tuple[CronField, ...] = (
    ("minutes", 0, 59, [], ""),
    ("hours", 0, 23, [], ""),
    ("day of the month", 1, 31, [], r"\?|L|LW|([1-9]|[12][0-9]|3[01])W"),
    ("month", 1, 12, _MONTHS, ""),
    ("day of the week", 1, 7, WEEKDAYS, r"\?|L|([1-7]|[A-Z]{3})(L|#[1-5])"),
    ("year", 1970, 2199, [], ""),
)
"""Each field of a cron expression: name, least and greatest number, names for the numbers, and a
pattern of further forms."""


def is_at_expression(text: str) -> bool:
    """Whether a text is a valid `at(...)`.

    >>> is_at_expression("at(2027-02-28T03:00:00)"), is_at_expression("at(2027-02-29T03:00:00)")
    (True, False)
    """
    match = _AT_EXPRESSION.fullmatch(text)
    return match is not None and _is_date(*match.groups()[:3])


def cron_words(text: str) -> list[str] | None:
    """The fields of a `cron(...)`; None for any other text.

    >>> cron_words("cron(0 3 * * ? *)")
    ['0', '3', '*', '*', '?', '*']
    """
    is_cron = text.startswith("cron(") and text.endswith(")")
    return text[len("cron(") : -1].split() if is_cron else None


def is_cron_field(word: str, field: CronField) -> bool:
    """Whether a word is valid in a field.

    >>> is_cron_field("MON-FRI", CRON_FIELDS[4]), is_cron_field("60", CRON_FIELDS[0])
    (True, False)
    """
    _, low, high, names, extra_forms = field

    def number(text: str) -> int | None:
        if re.fullmatch(r"[0-9]{1,4}", text):
            return int(text)
        return low + names.index(text) if text in names else None

    def is_part(part: str) -> bool:
        body, slash, step = part.partition("/")
        if slash and not re.fullmatch(r"[1-9][0-9]{0,3}", step):
            return False
        if body == "*":
            return True
        ends = [number(end) for end in body.split("-")]
        return len(ends) <= 2 and all(end is not None and low <= end <= high for end in ends)

    return bool(extra_forms and re.fullmatch(extra_forms, word)) or all(
        map(is_part, word.split(","))
    )


def has_one_day(words: list[str]) -> bool:
    """Whether exactly one of the day of the month and the day of the week is `?`."""
    return (words[2] == "?") != (words[4] == "?")


def is_schedule_expression(text: str) -> bool:
    """Whether EventBridge Scheduler accepts an expression.

    >>> is_schedule_expression("rate(5 minutes)"), is_schedule_expression("cron(0 3 * * *)")
    (True, False)
    """
    words = cron_words(text)
    if words is None:
        return bool(RATE_EXPRESSION.fullmatch(text)) or is_at_expression(text)
    return (
        len(words) == len(CRON_FIELDS)
        and all(map(is_cron_field, (word.upper() for word in words), CRON_FIELDS))
        and has_one_day(words)
    )


def _is_date(year: str, month: str, day: str) -> bool:
    return 1 <= int(day) <= monthrange(int(year), int(month))[1]
