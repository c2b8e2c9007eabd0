"""Routes of the same listener that conflict, and routes that match all requests of another
route."""

from __future__ import annotations

import re
from ipaddress import ip_network

from moorage.facts.wildcards import wildcard_expression

from .routes import Route
from .specificity import has_wildcard


def find_conflict(route: Route, other: Route) -> tuple[str, str] | None:
    """Why the conditions of two routes of one listener leave open which of them a request matches,
    and what to write; None if they do not."""
    if not route.conditions or not other.conditions:
        return None  # route_problems reports it
    if route.effective_conditions == other.effective_conditions:
        return "matches the same requests", "Change the conditions of one of them."
    hint = "Change the conditions of one of them, or give one a `priority:` (the lowest is first)."
    computed = route.priority is None and other.priority is None
    if computed and route.specificity == other.specificity and overlap(route, other):
        return "matches some of the same requests and is as specific", hint
    return None


def overlap(route: Route, other: Route) -> bool:
    """Whether a request can match both routes: whether values of both overlap, in each kind of
    condition that both have."""
    first, second = route.effective_conditions, other.effective_conditions
    return all(
        any(_values_overlap(kind, left, right) for left in first[kind] for right in second[kind])
        for kind in first.keys() & second.keys()
    )


def _values_overlap(kind: str, left: str, right: str) -> bool:
    """Whether a request can match both values of one kind of condition."""
    if kind == "source-ip":
        networks = ip_network(left), ip_network(right)
        return networks[0].version == networks[1].version and networks[0].overlaps(networks[1])
    if kind == "http-request-method":
        return left == right
    if kind == "query-string":
        left, right = (f"*{text}" if text.startswith("=") else text for text in (left, right))
    return _patterns_overlap(left, right) if has_wildcard(left + right) else left == right


def shadows(route: Route, other: Route) -> bool:
    """Whether `route` matches every request that the narrower `other` matches, so that `other` gets
    none if `route` is evaluated first. False if that is not certain."""
    wide, narrow = route.effective_conditions, other.effective_conditions
    return wide != narrow and all(
        kind in narrow
        and all(any(_covers(kind, value, part) for value in values) for part in narrow[kind])
        for kind, values in wide.items()
    )


def _covers(kind: str, wide: str, narrow: str) -> bool:
    """Whether everything that matches the value `narrow` of a condition matches `wide` too."""
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
    return re.fullmatch(wildcard_expression(wide, single="[^*]"), narrow, re.DOTALL) is not None


def _patterns_overlap(left: str, right: str) -> bool:
    """Whether some text matches both patterns.

    Dynamic programming: `row[n]` says whether some text matches both the part of `left` that has
    been read and the first n characters of `right`.
    """
    if not (_may_begin_alike(left, right) and _may_begin_alike(left[::-1], right[::-1])):
        return False
    row = [not right[:end].strip("*") for end in range(len(right) + 1)]
    for letter in left:
        following = [row[0] and letter == "*"]
        for at, opposite in enumerate(right):
            if "*" in (letter, opposite):
                following.append(row[at + 1] or following[at])
            else:
                following.append(row[at] and (letter == opposite or "?" in (letter, opposite)))
        row = following
    return row[-1]


def _may_begin_alike(left: str, right: str) -> bool:
    """A quick test: whether the characters before the first `*` of both can be the same."""
    for letter, opposite in zip(left, right, strict=False):
        if "*" in (letter, opposite):
            return True
        if letter != opposite and "?" not in (letter, opposite):
            return False
    return True
