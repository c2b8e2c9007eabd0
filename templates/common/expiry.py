"""The age at which S3 deletes objects."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

from moorage.facts.api_types import MAX_INTEGER
from moorage.model import wrong

from .fields import Duration, format_duration

_DAY = 86_400


def _check_whole_days(seconds: int) -> int:
    if seconds > MAX_INTEGER * _DAY:
        message = f"`{format_duration(seconds)}` is out of range"
        raise wrong("M1105", message, f"Write at most `{MAX_INTEGER}d`.")
    if not seconds or seconds % _DAY:
        message = f"`{format_duration(seconds)}` is not a number of whole days"
        raise wrong("M2321", message, "Write whole days, such as `90d`.")
    return seconds


Expiry = Annotated[Duration, AfterValidator(_check_whole_days)]
"""Seconds that are whole days, written as `90d`."""
