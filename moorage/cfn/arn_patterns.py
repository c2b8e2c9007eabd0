"""Whether patterns of an IAM policy, with `*` and `?`, match an ARN with placeholders."""

from __future__ import annotations

import re
import sys
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import product

from moorage.cfn.arns import Arns, Placeholder, placeholder_kind
from moorage.cfn.tristate import TriState, any_of
from moorage.facts.wildcards import wildcard_expression
from moorage.records import record

_LONG_PLACEHOLDERS = f"{chr(Placeholder.ANYTHING)}-{chr(Placeholder.CHARACTER - 1)}"
"""Placeholders that may stand for more than one character, as a range of a regular expression."""

_FIRST = chr(Placeholder.ANYTHING)
_FIELD = f"[^:*?{_FIRST}-{chr(Placeholder.WORD - 1)}]*+:"
"""A field of an ARN without anything that can stand for a colon."""
_BEGINNING = re.compile(f"(?:{_FIELD}){{5}}([^*?{_FIRST}-{chr(sys.maxunicode)}]*+)")
"""An ARN up to the first wildcard or placeholder in what it names. Two that match begin the same
there."""


class ArnPatterns:
    """Patterns of ARNs, each given by its possible values.

    An ARN is compared only with those that begin as it does, so that among many patterns a look-up
    takes hardly longer than among few.
    """

    def __init__(self, patterns: Iterable[Arns], *, aws_managed: bool = False) -> None:
        """`aws_managed`: the patterns are from an AWS managed policy, and no stack has a name that
        matches them by chance."""
        self._aws_managed = aws_managed
        self._all = dict.fromkeys(patterns)
        self._others = dict.fromkeys(pattern for pattern in self._all if not pattern)
        """Those whose beginning is not known."""
        self._by_beginning: dict[str, dict[Arns, None]] = {}
        for pattern in self._all:
            for value in pattern:
                found = _BEGINNING.match(value)
                among = self._by_beginning.setdefault(found[1], {}) if found else self._others
                among[pattern] = None
        self._beginnings = sorted(self._by_beginning)

    def match(self, texts: Arns) -> TriState:
        """Whether one of the patterns matches a text, given by its possible values. None if that
        depends on placeholders."""
        if len(texts) == 1 and texts in self._all:
            return True
        return any_of(
            _matches(pattern, texts, self._aws_managed) for pattern in self._similar(texts)
        )

    def _similar(self, texts: Arns) -> Iterable[Arns]:
        """The patterns that can match."""
        similar = dict(self._others)
        for text in texts:
            found = _BEGINNING.match(text)
            if found is None:
                return self._all
            for end in range(len(found[1]) + 1):
                similar |= self._by_beginning.get(found[1][:end], {})
            if found.end() < len(text):
                for longer in self._longer(found[1]):
                    similar |= self._by_beginning[longer]
        return similar if texts else self._all

    def _longer(self, beginning: str) -> Sequence[str]:
        """The beginnings of patterns that begin with another one."""
        length = len(beginning)
        first = bisect_left(self._beginnings, beginning)
        end = bisect_right(self._beginnings, beginning, first, key=lambda each: each[:length])
        return self._beginnings[first:end]


def _matches(patterns: Arns, texts: Arns, aws_managed: bool) -> TriState:
    """Whether a pattern matches a text, each given by its possible values."""
    pairs = list(product(patterns, texts))
    if not pairs:
        return None
    if all(_always_matches(pattern, text) for pattern, text in pairs):
        return True
    can_match = any(_can_match(pattern, text, aws_managed) for pattern, text in pairs)
    return None if can_match else False


_MAX_STEPS = 4_000_000


@lru_cache(maxsize=4096)
def _always_matches(pattern: str, text: str) -> bool:
    """Whether a pattern matches a text whatever the placeholders stand for."""
    if "?" in pattern:
        expression = wildcard_expression(pattern, single=f"[^{_LONG_PLACEHOLDERS}]")
        return re.fullmatch(expression, text, re.DOTALL) is not None
    first, *rest = pattern.split("*")
    if not rest:
        return pattern == text
    start, end = len(first), len(text) - len(rest[-1])
    if start > end or not text.startswith(first) or not text.endswith(rest[-1]):
        return False
    for literal in rest[:-1]:
        index = text.find(literal, start, end)
        if index < 0:
            return False
        start = index + len(literal)
    return True


@record
class _Unit:
    """A character of a pattern or a text, or a placeholder or wildcard."""

    literal: str = ""
    """The character; empty for a placeholder or wildcard."""
    kind: Placeholder | None = None
    """What a placeholder stands for; ANYTHING for a wildcard, too."""
    name: str = ""
    """Identifies a placeholder for a unique name."""
    repeats: bool = False
    """Whether it stands for any number of characters, even none."""


@lru_cache(maxsize=4096)
def _can_match(pattern: str, text: str, aws_managed: bool) -> bool:
    """Whether a pattern matches a text for some values of the placeholders: whether there is a
    text that both match when both are read as patterns."""
    left, right = _parse_units(pattern, wildcards=True), _parse_units(text, wildcards=False)
    if len(left) * len(right) > _MAX_STEPS:
        return True  # far longer than an ARN can be
    seen: set[tuple[int, int]] = set()
    todo = [(0, 0)]
    while todo:
        position = todo.pop()
        if position in seen:
            continue
        seen.add(position)
        i, j = position
        if i == len(left) and j == len(right):
            return True
        left_repeats = i < len(left) and left[i].repeats
        right_repeats = j < len(right) and right[j].repeats
        if left_repeats:
            todo.append((i + 1, j))
        if right_repeats:
            todo.append((i, j + 1))
        if i < len(left) and j < len(right) and _can_be_equal(left[i], right[j], aws_managed):
            todo.append((i if left_repeats else i + 1, j if right_repeats else j + 1))
    return False


def _parse_units(text: str, *, wildcards: bool) -> list[_Unit]:
    return [unit for character in text for unit in _units_of(character, wildcards)]


@lru_cache(maxsize=4096)
def _units_of(character: str, wildcards: bool) -> tuple[_Unit, ...]:
    kind = placeholder_kind(character)
    if wildcards and character in "*?":
        return (_Unit(kind=Placeholder.ANYTHING, repeats=character == "*"),)
    if kind is None:
        return (_Unit(character),)
    if kind is Placeholder.CHARACTER:
        return (_Unit(kind=Placeholder.WORD),)
    if kind is Placeholder.ANYTHING:
        return (_Unit(kind=kind, repeats=True),)
    # At least one character.
    kind = Placeholder.ANYTHING if kind is Placeholder.RETURN_VALUE else kind
    name = character if kind is Placeholder.UNIQUE_NAME else ""
    return (_Unit(kind=kind, name=name), _Unit(kind=kind, name=name, repeats=True))


def _can_be_equal(left: _Unit, right: _Unit, aws_managed: bool) -> bool:
    """Whether the same character can be in both places."""
    if Placeholder.ANYTHING in (left.kind, right.kind):
        return True
    if left.kind is None and right.kind is None:
        return left.literal == right.literal
    if left.kind is right.kind:
        return left.name == right.name
    if left.kind is not None and right.kind is not None:
        return True
    kind, literal = left.kind or right.kind, left.literal or right.literal
    return literal not in ":/*" and not (aws_managed and kind is Placeholder.STACK_NAME)
