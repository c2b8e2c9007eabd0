"""Limits of the filter policy of an SNS subscription.

Amazon SNS developer guide, "Filter policy constraints in Amazon SNS" (read on 2026-11-27).
"""

from __future__ import annotations

MAX_KEYS = 5
"""Keys at the top of a filter policy."""
MAX_COMBINATIONS = 150
"""Product of the numbers of values of all keys; the number of a nested key counts once for each
level that the key is deep."""
