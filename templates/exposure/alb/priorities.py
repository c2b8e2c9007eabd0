"""The priority of a listener rule, computed from the conditions of its route.

Elastic Load Balancing accepts priorities from 1 to 50000 and evaluates the lowest first. A priority
depends on its own route only, so that adding a service changes no other service's template. The
numbers are divided into bands from 50000 down: the more specific the conditions, the lower the
numbers of the band. Within the band the number is a hash of the conditions and of the rule's name.
Two routes that get the same number are a finding, and one of them needs an explicit `priority:`.
docs/decisions/0005-rule-priorities.md has the reasons.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from itertools import accumulate

from moorage.facts.quotas import LISTENER_RULE_PRIORITIES

from .routes import Route
from .specificity import BAND_COUNTS

_HIGHEST = LISTENER_RULE_PRIORITIES[1]


def _repeat_widths(*groups: tuple[int, int]) -> list[int]:
    """The widths of consecutive bands, from groups of (number of bands, width of each)."""
    return [width for count, width in groups for _ in range(count)]


# The most common routes have a host without wildcards and a short path, so these bands are the
# widest. The widths must not change: that would renumber deployed rules.
_WIDTHS_BY_HOST = (
    _repeat_widths((1, 300), (3, 100), (15, 740), (14, 140), (32, 20), (65, 8)),
    _repeat_widths((8, 6), (33, 72), (218, 6)),
    _repeat_widths((1, 24_100), (3, 60), (15, 345), (14, 80), (32, 12), (65, 6)),
)
assert tuple(len(widths) for widths in _WIDTHS_BY_HOST) == BAND_COUNTS
_BAND_WIDTHS = tuple(width for widths in _WIDTHS_BY_HOST for width in widths)
_BAND_ENDS = tuple(accumulate(_BAND_WIDTHS))


def resolve_priority(route: Route, rule_name: str = "") -> int:
    """The rule's priority: the one in the params, or the computed one.

    A rule with another `rule_name` gets another number, because CloudFormation creates a renamed
    rule before it deletes the old one, and no two rules of a listener can have the same priority.
    """
    if route.priority is not None:
        return route.priority
    first, size = _find_range(route)
    text = json.dumps([rule_name, route.effective_conditions], sort_keys=True)
    digest = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
    return first - digest % size


def find_free_priority(route: Route, used: Collection[int]) -> int | None:
    """A priority of the route's range that is not in `used`. Any number of that range keeps the
    order of evaluation. None if all are used."""
    first, size = _find_range(route)
    numbers = range(first, first - size, -1)
    return next((number for number in numbers if number not in used), None)


def _find_range(route: Route) -> tuple[int, int]:
    """The highest number of the route's range and the range's size.

    Each band has four ranges: for routes with 0, 1, 2, and 3 or more conditions other than host and
    path.
    """
    band, condition_count = route.specificity
    width = _BAND_WIDTHS[band]
    one_width, more_width = width // 6, max(width // 24, 1)
    sizes = (width - one_width - 2 * more_width, one_width, more_width, more_width)
    first = _HIGHEST - (_BAND_ENDS[band] - width) - sum(sizes[:condition_count])
    return first, sizes[condition_count]
