"""The order of listener rules: how specific a route is, and the number that follows from it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # a route says of itself how specific it is, so it stands above this room
    from .routes import Route

# AWS takes 1 to 50000 and asks the lowest first. A route's priority depends on that route alone, so
# that adding a service changes no other one's template. The numbers are dealt out in bands from
# 50000 down: the more specific the conditions, the later the band. Inside its band a route's place
# is a hash of its conditions and of the rule's name. Two routes that meet there are a finding, and
# one of them gets an explicit `priority:`. docs/decisions/0005-rule-priorities.md tells more.
_HIGHEST = 50000


def _widths(*stretches: tuple[int, int]) -> list[int]:
    """Widths of bands, from stretches of them: how many, and how wide each one is."""
    return [width for count, width in stretches for _ in range(count)]


# Whole hosts and short paths, which most routes are, have most of the room. The ranks of a host
# with wildcards and of its path are added up, which keeps the order of what contains what.
_ROWS = (
    # no host: by the path's rank
    _widths((1, 300), (3, 100), (15, 740), (14, 140), (32, 20), (65, 8)),
    # a host with wildcards: by both ranks
    _widths((8, 6), (33, 72), (218, 6)),
    # whole hosts: by the path's rank
    _widths((1, 24_100), (3, 60), (15, 345), (14, 80), (32, 12), (65, 6)),
)
_FIRST = tuple(sum(len(row) for row in _ROWS[:at]) for at in range(len(_ROWS)))
_BANDS = tuple(width for row in _ROWS for width in row)
_ENDS = tuple(accumulate(_BANDS))


def specificity(route: Route) -> tuple[int, int]:
    """How much a request must be like to match: the band, and the number of other conditions.

    It never falls when a condition is made narrower. Of several values the vaguest counts.
    """
    return route.specific


def compute_specificity(asked: Mapping[str, Sequence[str]]) -> tuple[int, int]:
    hosts = asked.get("host-header", ())
    path = min((_rank(one) for one in asked.get("path-pattern", ())), default=0)
    others = min(len(asked.keys() - {"host-header", "path-pattern"}), 3)
    if not hosts:
        return _FIRST[0] + path, others
    if any(has_wildcard(host) for host in hosts):
        return _FIRST[1] + min(_rank(host) for host in hosts) + path, others
    return _FIRST[2] + path, others


def _rank(pattern: str) -> int:
    """How many letters a request must have in common with it; one more where it is whole, so that
    `/a` comes before `/a*`."""
    return len(pattern.replace("*", "")) + (not has_wildcard(pattern))


def has_wildcard(pattern: str) -> bool:
    return "*" in pattern or "?" in pattern


def resolve_priority(route: Route, owner: str = "") -> int:
    """The rule's priority: what the route says, or else its computed place.

    `owner` names the rule. A rule with another name, or in another stack, gets another number, for
    CloudFormation makes it before it takes the old one away, and AWS gives a number only once.
    """
    if route.priority is not None:
        return route.priority
    first, size = _part(route)
    text = json.dumps([owner, route.asked], sort_keys=True)
    digest = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
    return first - digest % size


def find_free_priority(route: Route, taken: Collection[int]) -> int | None:
    """A priority that is as good as the computed one, and that nobody has."""
    first, size = _part(route)
    return next((one for one in range(first, first - size, -1) if one not in taken), None)


def _part(route: Route) -> tuple[int, int]:
    """The part of its band that is for routes with as many other conditions: the highest of its
    numbers, and how many there are."""
    band, others = specificity(route)
    width = _BANDS[band]
    few, more = width // 6, max(width // 24, 1)
    sizes = (width - few - 2 * more, few, more, more)
    return _HIGHEST - (_ENDS[band] - width) - sum(sizes[:others]), sizes[others]
