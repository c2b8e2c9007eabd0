"""The patterns that rules have for schedules, against what the params accept."""

from __future__ import annotations

import re
from random import Random

import pytest

from moorage.facts.schedule_expressions import SCHEDULE
from moorage.facts.schedules import is_schedule_expression

FIELDS = (
    ("0", "*", "*/5", "0/15", "5,10", "0-30/5", "05", "0-10,30", "60"),
    ("0", "*", "23", "1-5", "*/2", "08", "24"),
    ("?", "*", "1", "31", "L", "LW", "15W", "1,15", "1-7", "*/2", "32"),
    ("*", "1", "JAN", "1-6", "JAN-MAR", "DEC,JAN", "jan", "13"),
    ("?", "*", "MON-FRI", "2", "6L", "MON#1", "L", "1-5", "MON,WED", "FRIL", "8"),
    ("*", "2027", "2027-2030", "2027/2"),
)
"""Words for each field of a cron expression, with one that is not valid for each but the year."""


def test_rules_and_params_accept_the_same_cron_expressions() -> None:
    draw = Random(0)
    accepted = 0
    for _ in range(20_000):
        text = f"cron({' '.join(map(draw.choice, FIELDS))})"
        is_valid = is_schedule_expression(text)
        assert (re.fullmatch(SCHEDULE, text) is not None) is is_valid, text
        accepted += is_valid
    assert accepted > 100


@pytest.mark.parametrize(
    ("text", "is_valid"),
    [
        ("rate(5 minutes)", True),
        ("rate(1 hour)", True),
        ("rate(0 days)", False),
        ("at(2027-02-28T03:00:00)", True),
        ("at(2027-02-28 03:00:00)", False),
        ("every day", False),
    ],
)
def test_rules_and_params_accept_the_same_rates_and_times(text: str, is_valid: bool) -> None:
    assert is_schedule_expression(text) is is_valid
    assert (re.fullmatch(SCHEDULE, text) is not None) is is_valid
