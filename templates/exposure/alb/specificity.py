"""How specific the conditions of a listener rule are.

docs/decisions/0005-rule-priorities.md has the reasons.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate

Conditions = Mapping[str, Sequence[str]]
"""Values by the kind of condition: `host-header`, `path-pattern`, ..."""

BAND_COUNTS = (
    130,  # no host: a band for each rank that a path of at most 128 characters can have
    259,  # a host with wildcards: the sum of the ranks of the host and of the path
    130,  # a host without wildcards: the rank of the path
)
"""Number of bands for each kind of host, in ascending order."""
_NO_HOST, _WILDCARD_HOST, _EXACT_HOST = accumulate(BAND_COUNTS[:-1], initial=0)


def compute_specificity(conditions: Conditions) -> tuple[int, int]:
    """The band of the conditions, and the number of conditions other than host and path, at most 3.

    The pair never decreases when a condition becomes narrower. Of several values, the least
    specific one determines the rank. The ranks of a wildcard host and of a path are added, so a
    pattern has at least the rank of each pattern that contains it.
    """
    hosts = conditions.get("host-header", ())
    path = min((_rank_pattern(path) for path in conditions.get("path-pattern", ())), default=0)
    count = min(len(conditions.keys() - {"host-header", "path-pattern"}), 3)
    if not hosts:
        return _NO_HOST + path, count
    if any(has_wildcard(host) for host in hosts):
        return _WILDCARD_HOST + min(_rank_pattern(host) for host in hosts) + path, count
    return _EXACT_HOST + path, count


def _rank_pattern(pattern: str) -> int:
    """The number of characters that a request must match, plus one for a pattern without wildcards,
    so that `/a` ranks above `/a*`."""
    return len(pattern.replace("*", "")) + (not has_wildcard(pattern))


def has_wildcard(pattern: str) -> bool:
    """Whether a pattern contains `*` or `?`."""
    return "*" in pattern or "?" in pattern
