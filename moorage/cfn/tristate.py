"""Logic with three values: True, False, and None if only the deployment knows."""

from __future__ import annotations

from collections.abc import Iterable

TriState = bool | None


def any_of(values: Iterable[TriState]) -> TriState:
    """Whether at least one value is True; None if that depends on an unknown one.

    >>> any_of([False, True, None]), any_of([False, None]), any_of([])
    (True, None, False)
    """
    has_unknown = False
    for value in values:
        if value:
            return True
        has_unknown = has_unknown or value is None
    return None if has_unknown else False


def all_of(values: Iterable[TriState]) -> TriState:
    """Whether all values are True; None if that depends on an unknown one.

    >>> all_of([True, False, None]), all_of([True, None]), all_of([])
    (False, None, True)
    """
    has_unknown = False
    for value in values:
        if value is None:
            has_unknown = True
        elif not value:
            return False
    return None if has_unknown else True


def negate(value: TriState) -> TriState:
    """The opposite of a value; None stays None."""
    return None if value is None else not value
