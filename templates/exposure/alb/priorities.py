"""The priority of a listener rule, computed from the conditions of its route.

Elastic Load Balancing accepts priorities from 1 to 50000 and evaluates the lowest first. A priority
depends on its own route only, so that adding a service changes no other service's template. The
numbers are divided into bands from 50000 down: the more specific the conditions, the lower the
numbers of the band. Within the band the number is a hash of the conditions and of the rule's name.
`assigned_priorities` has what happens if two routes get the same number.
docs/decisions/0005-rule-priorities.md and 0050-recorded-priorities.md have the reasons.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
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


def find_range(route: Route) -> range:
    """The numbers of the route's part of its band, from the highest down. Any of them keeps the
    order of evaluation.

    Each band has four parts: for routes with 0, 1, 2, and 3 or more conditions other than host and
    path.
    """
    band, condition_count = route.specificity
    width = _BAND_WIDTHS[band]
    one_width, more_width = width // 6, max(width // 24, 1)
    sizes = (width - one_width - 2 * more_width, one_width, more_width, more_width)
    first = _HIGHEST - (_BAND_ENDS[band] - width) - sum(sizes[:condition_count])
    return range(first, first - sizes[condition_count], -1)


def compute_priority(route: Route, rule_name: str = "") -> int:
    """The number that the rule gets if no other rule of the listener has or gets it.

    A rule with another `rule_name` gets another number, because CloudFormation creates a renamed
    rule before it deletes the old one, and no two rules of a listener can have the same priority.
    """
    return choose_number(find_range(route), route, rule_name)


def other_priorities(route: Route, rule_name: str) -> Iterator[int]:
    """All numbers of the route's part, in the order in which they are tried if the computed one is
    not free. They begin at a second hash, so that they hardly depend on the other routes."""
    numbers = find_range(route)
    start = numbers.index(choose_number(numbers, route, rule_name, 2))
    yield from numbers[start:]
    yield from numbers[:start]


def choose_number(numbers: range, route: Route, rule_name: str, *attempt: int) -> int:
    """One of the numbers, by a hash of the rule and of the attempt."""
    text = json.dumps([rule_name, route.effective_conditions, *attempt], sort_keys=True)
    digest = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
    return numbers[digest % len(numbers)]
