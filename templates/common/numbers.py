"""Numbers in templates."""

from __future__ import annotations


def round_number(value: float) -> int | float:
    """A whole number without decimals; any other number without rounding errors.

    >>> round_number(5.0), round_number(0.1 + 0.2)
    (5, 0.3)
    """
    return int(value) if value == int(value) else round(value, 9)
