"""Hypothesis with the same examples each time, unless EXPLORE is set in the environment."""

from __future__ import annotations

import os
from functools import partial

from hypothesis import HealthCheck, Phase, settings

deterministic_settings = partial(
    settings,
    deadline=None,  # a shared machine is slow now and then, which says nothing about the code
    derandomize="EXPLORE" not in os.environ,
    database=None,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],  # explaining takes minutes
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
