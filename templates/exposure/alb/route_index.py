"""An index of routes by the values of their conditions. With it, a route is compared only with the
few of thousands of routes that may match the same requests."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from ipaddress import ip_network
from itertools import chain

from .routes import Route

_END = "\0"
"""Marks the end of a value without wildcards, so that it is not the prefix of a longer text."""
_LAST_CHARACTER = "\U0010ffff"


class RouteIndex:
    """Finds the routes that may match the same requests as a given one."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self._all = range(len(routes))
        entries: dict[tuple[str, str], list[tuple[str, int]]] = {}
        owners: dict[str, set[int]] = {}
        for position, route in enumerate(routes):
            for kind, values in route.effective_conditions.items():
                owners.setdefault(kind, set()).add(position)
                for end, texts in _fixed_texts(kind, values):
                    pairs = entries.setdefault((kind, end), [])
                    pairs.extend((text, position) for text in texts)
        self._by_text = {key: _TextIndex(pairs) for key, pairs in entries.items()}
        self._without = {
            kind: [position for position in self._all if position not in owned]
            for kind, owned in owners.items()
        }

    def find_similar(self, route: Route) -> set[int]:
        """The positions of all routes that can match the same request as `route`, and of some that
        cannot.

        If two routes match the same request, their values overlap in each kind of condition that
        both have. So it is enough to look at one kind: that with the fewest candidates.
        """
        best: Iterable[int] = self._all
        least = len(self._all)
        for kind, values in route.effective_conditions.items():
            for end, texts in _fixed_texts(kind, values):
                if (kind, end) in self._by_text:
                    similar = [*self._by_text[kind, end].find(texts), self._without[kind]]
                    count = sum(map(len, similar))
                    if count < least:
                        best, least = chain.from_iterable(similar), count
        return set(best)


class _TextIndex:
    """Finds the texts that begin with another text, or that another text begins with."""

    def __init__(self, entries: Iterable[tuple[str, int]]) -> None:
        ordered = sorted(entries)
        self._texts = [text for text, _ in ordered]
        self._positions = [position for _, position in ordered]
        self._lengths = sorted({len(text) for text in self._texts})

    def find(self, texts: Iterable[str]) -> Iterator[Sequence[int]]:
        """The positions of the matches of each text."""
        for text in texts:
            yield self._between(text, text + _LAST_CHARACTER)
            for length in self._lengths[: bisect_left(self._lengths, len(text))]:
                yield self._between(text[:length], text[:length] + _END)

    def _between(self, first: str, end: str) -> Sequence[int]:
        return self._positions[bisect_left(self._texts, first) : bisect_left(self._texts, end)]


def _fixed_texts(kind: str, values: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """The fixed text before the first wildcard of each value of a condition, and, reversed, that
    after the last wildcard. For a CIDR block it is the fixed bits."""
    if kind == "source-ip":
        yield "begin", [_fixed_bits(value) for value in values]
        return
    if kind == "query-string":
        values = [f"*{value}" if value.startswith("=") else value for value in values]
    yield "begin", [_fixed_beginning(value) for value in values]
    yield "end", [_fixed_beginning(value[::-1]) for value in values]


def _fixed_beginning(pattern: str) -> str:
    fixed = re.split(r"[*?]", pattern, maxsplit=1)[0]
    return fixed if len(fixed) < len(pattern) else pattern + _END


def _fixed_bits(block: str) -> str:
    network = ip_network(block)
    bits = f"{int(network.network_address):0{network.max_prefixlen}b}"
    return f"IPv{network.version} {bits[: network.prefixlen]}"
