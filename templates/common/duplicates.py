"""Values that stand twice, or become the same logical ID."""

from __future__ import annotations

from collections.abc import Iterator, Sequence


def find_repeats(values: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Where a value stands that stood before, and where it stood first."""
    for index, value in enumerate(values):
        first = values.index(value)
        if first != index:
            yield index, first


def describe_conflict(one: str, other: str) -> str:
    """What is wrong with two values of which only one can be."""
    if one == other:
        return f"`{one}` stands twice"
    return f"`{one}` and `{other}` become the same logical ID"
