"""Durations in whole days."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.findings.finding import Path, Problem

from .fields import format_duration

DAY = 86_400
"""Seconds."""


def whole_days_problems(seconds: int, path: Path) -> Iterator[Problem]:
    """Reports a duration that is not a number of whole days."""
    if seconds % DAY:
        message = f"`{format_duration(seconds)}` is not a number of days"
        yield Problem("M3659", path, message, f"Write whole days, such as `{seconds // DAY}d`.")
