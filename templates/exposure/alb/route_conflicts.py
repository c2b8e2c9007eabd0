"""Routes of one listener beside each other: which cannot both stand, and which hides another."""

from __future__ import annotations

import re
from collections.abc import Collection
from ipaddress import ip_network

from .priorities import find_free_priority, has_wildcard, resolve_priority, specificity
from .routes import Route, find_conditions


def find_conflict(
    one: Route, other: Route, numbers: tuple[int, int] | None = None, taken: Collection[int] = ()
) -> tuple[str, str] | None:
    """Why two routes of one listener cannot both stand, and what to do about it.

    `numbers` are their priorities, `taken` those of all routes of the listener.
    """
    hint = "Change one's conditions, or give one a `priority:` (the lowest is first)."
    if not find_conditions(one) or not find_conditions(other):
        return None  # which is a finding of its own
    if one.asked == other.asked:
        return "takes the same requests", "Change the conditions of one of them."
    if one.priority is None and other.priority is None and _as_specific(one, other):
        return "takes some of the same requests and is as specific", hint
    mine, its = numbers or (resolve_priority(one), resolve_priority(other))
    if mine == its:
        free = find_free_priority(one, {mine, *taken})
        what = f"Write `priority: {free}`, which is free and keeps the order, at the one of the two"
        hint = f"{what} that is not deployed yet." if free else hint
        return f"has the same priority, {mine},", hint
    return None


def can_conflict(one: Route, other: Route) -> bool:
    """Whether it is worth a closer look: computed priorities of different bands never meet."""
    chosen = one.priority is not None or other.priority is not None
    return chosen or specificity(one) == specificity(other)


def _as_specific(one: Route, other: Route) -> bool:
    """Whether nothing but chance would say which of two routes takes a request."""
    return specificity(one) == specificity(other) and _overlap(one, other)


def _overlap(one: Route, other: Route) -> bool:
    """Whether a request can match both: every kind of condition that both have must allow it."""
    mine, theirs = one.asked, other.asked
    return all(
        any(_meet(kind, value, its) for value in mine[kind] for its in theirs[kind])
        for kind in mine.keys() & theirs.keys()
    )


def _meet(kind: str, one: str, other: str) -> bool:
    """Whether something matches two values of one kind of condition."""
    if kind == "source-ip":
        networks = ip_network(one), ip_network(other)
        return networks[0].version == networks[1].version and networks[0].overlaps(networks[1])
    if kind == "http-request-method":
        return one == other
    if kind == "query-string":
        one, other = (f"*{text}" if text.startswith("=") else text for text in (one, other))
    return _patterns_meet(one, other) if has_wildcard(one + other) else one == other


def shadows(one: Route, other: Route) -> bool:
    """Whether one route takes all requests that are meant for a narrower one, where it is asked
    first. Only what is certain counts."""
    mine, theirs = one.asked, other.asked
    return mine != theirs and all(
        kind in theirs
        and all(any(_covers(kind, value, its) for value in values) for its in theirs[kind])
        for kind, values in mine.items()
    )


def _covers(kind: str, wide: str, narrow: str) -> bool:
    """Whether all that matches one value of a condition matches another one too."""
    if kind == "source-ip":
        outer, inner = ip_network(wide), ip_network(narrow)
        return (
            outer.version == inner.version
            and outer.prefixlen <= inner.prefixlen
            and outer.overlaps(inner)
        )
    if kind == "http-request-method":
        return wide == narrow
    wide = f"*{wide}" if kind == "query-string" and wide.startswith("=") else wide
    letters = {"*": ".*", "?": "[^*]"}
    pattern = "".join(letters.get(letter) or re.escape(letter) for letter in wide)
    return re.fullmatch(pattern, narrow, re.DOTALL) is not None


def _patterns_meet(one: str, other: str) -> bool:
    """Whether some text matches two patterns: the beginnings that can be alike, row by row."""
    row = [not other[:end].strip("*") for end in range(len(other) + 1)]
    for letter in one:
        following = [row[0] and letter == "*"]
        for at, its in enumerate(other):
            if "*" in (letter, its):
                following.append(row[at + 1] or following[at])
            else:
                following.append(row[at] and (letter == its or "?" in (letter, its)))
        row = following
    return row[-1]
