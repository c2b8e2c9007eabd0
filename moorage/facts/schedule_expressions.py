"""Regular expressions for the schedules of EventBridge Scheduler.

EventBridge Scheduler user guide, "Schedule types in EventBridge Scheduler"; for the date of a
schedule's start and end, AWS's error message, reproduced by cdk-preflight.
"""

from __future__ import annotations

_MONTHS = "JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC"
_DAYS = "SUN|MON|TUE|WED|THU|FRI|SAT"


def _field(value: str, more: str = "") -> str:
    """`*`, values, ranges, lists and increments."""
    item = rf"(\*|{value}(-{value})?)(/[0-9]+)?"
    return rf"({item}(,{item})*{more})"


_MINUTES, _HOURS = _field("[0-5]?[0-9]"), _field("([01]?[0-9]|2[0-3])")
_DAY_OF_MONTH = _field("(0?[1-9]|[12][0-9]|3[01])", "|[0-9,-]*[LW][0-9,LW-]*")
_MONTH = _field(f"(0?[1-9]|1[0-2]|{_MONTHS})")
_LAST_OR_NTH = f"([1-7]|{_DAYS})(L|#[1-5])"
_DAY_OF_WEEK = _field(f"([1-7]|{_DAYS})", f"|{_LAST_OR_NTH}(,{_LAST_OR_NTH})*|L")
_YEAR = "( +[0-9*,/-]+)?"

CRON = (
    rf"cron\( *{_MINUTES} +{_HOURS} +"
    rf"({_DAY_OF_MONTH} +{_MONTH} +\?|\? +{_MONTH} +{_DAY_OF_WEEK}){_YEAR} *\)"
)
"""Minutes, hours, day of month, month, day of week and year, with `?` for exactly one of the days.
Lower case is also accepted."""
RATE = r"rate\([1-9][0-9]* (minutes?|hours?|days?)\)"
AT = r"at\([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\)"
SCHEDULE = f"(?i:{RATE}|{AT}|{CRON})"
RULE_CRON = r"cron\(\S+ \S+ (\? \S+ \S+|\S+ \S+ \?) \S+\)"
"""A cron expression with the number of fields that rules need, whatever its fields are."""

INSTANT = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z"
"""Start and end of a schedule."""
