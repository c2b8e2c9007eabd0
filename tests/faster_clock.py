"""A clock for commands that ask AWS again after seconds: here its answers are final at once."""

from __future__ import annotations

import time

from moorage.deploy.clock import Clock

FASTER = 10
"""How many seconds of the clock pass in a second."""

FASTER_CLOCK = Clock(
    lambda: time.monotonic() * FASTER, lambda seconds: time.sleep(seconds / FASTER)
)
