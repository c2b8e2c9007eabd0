"""Hypothesis settings with the same examples each time, unless the variable EXPLORE is set."""

from __future__ import annotations

import os
from functools import partial

from hypothesis import HealthCheck, Phase, settings

deterministic_settings = partial(
    settings,
    deadline=None,  # a busy machine is slow at times, which shows nothing about the code
    derandomize="EXPLORE" not in os.environ,
    database=None,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],  # the explain phase takes minutes
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
