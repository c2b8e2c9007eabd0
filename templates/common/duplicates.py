"""Values that occur twice in a list, or that result in the same logical ID."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from moorage.findings.finding import Path, Problem
from moorage.model import logical_id


def find_repeats(values: Sequence[str]) -> Iterator[tuple[int, int]]:
    """The index of each value that occurred before, and the index of its first occurrence."""
    for index, value in enumerate(values):
        first = values.index(value)
        if first != index:
            yield index, first


def describe_conflict(value: str, first: str) -> str:
    """The message for two values that result in the same logical ID."""
    if value == first:
        return f"The list contains `{value}` twice"
    return f"`{value}` and `{first}` result in the same logical ID"


def logical_id_problems(names: Sequence[str], path: Path) -> Iterator[Problem]:
    """Names of stacks that result in the same logical ID. `path` is the map that they are keys
    of."""
    for index, first in find_repeats([logical_id(name) for name in names]):
        message = describe_conflict(names[index], names[first])
        because = [(*path, names[first])]
        hint = "Rename one of the two stacks."
        yield Problem("M1302", (*path, names[index]), message, hint, because=because)
