"""The time, as an argument: tests pass a clock that does not wait."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextvars import ContextVar

from moorage.records import record


@record
class Clock:
    """Seconds since any fixed moment, and a way to wait for some of them."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


_REAL = Clock()
CLOCK = ContextVar("clock", default=_REAL)
"""The clock of commands."""
