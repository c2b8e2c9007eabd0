"""The time, as an argument: tests pass a clock that does not wait."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Clock:
    """Seconds since any fixed moment, and a way to wait for some of them."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


_clock = Clock()


def get_clock() -> Clock:
    """The clock of the commands of this process."""
    return _clock


def set_clock(clock: Clock) -> None:
    """Sets the clock of the commands that start after this in the process."""
    global _clock
    _clock = clock
