"""Answers that may be unknown."""

from __future__ import annotations

from collections.abc import Iterable

TriState = bool | None


def any_of(truths: Iterable[TriState]) -> TriState:
    unsure = False
    for truth in truths:
        if truth:
            return True
        unsure = unsure or truth is None
    return None if unsure else False


def all_of(truths: Iterable[TriState]) -> TriState:
    found = any_of(None if truth is None else not truth for truth in truths)
    return None if found is None else not found
