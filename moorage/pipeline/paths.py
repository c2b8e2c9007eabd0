"""Paths in the data as it was written, and in what is left of it."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any

from moorage.findings.finding import Path


def written(path: Path, data: Any, gone: Set[Path]) -> Path:
    """A path in the pruned data as a path in the file.

    Steps that are in neither (pydantic also names the members of a union) are left out.
    """
    result: Path = ()
    for step in path:
        if isinstance(data, Mapping) and step in data:
            data = data[step]
        elif isinstance(data, list) and isinstance(step, int):
            kept = [index for index in range(len(data)) if (*result, index) not in gone]
            if step >= len(kept):
                continue
            step = kept[step]
            data = data[step]
        else:
            continue
        result = (*result, step)
    return result


def at(data: Any, path: Path) -> Any:
    """The value at a path that is there."""
    for step in path:
        data = data[step]
    return data
