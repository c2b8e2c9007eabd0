"""Paths in the data of a file, and in the same data after invalid parts were removed."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any

from moorage.findings.finding import Path


def written_path(path: Path, data: Any, removed: Set[Path]) -> Path:
    """Converts a path in the remaining data to the path in the file, which has the removed items,
    too.

    Steps that neither has are left out: pydantic also adds the members of unions to its paths.
    """
    result: Path = ()
    for step in path:
        if isinstance(data, Mapping) and step in data:
            data = data[step]
        elif isinstance(data, list) and isinstance(step, int):
            kept = [index for index in range(len(data)) if (*result, index) not in removed]
            if step >= len(kept):
                continue
            step = kept[step]
            data = data[step]
        else:
            continue
        result = (*result, step)
    return result


def value_at(data: Any, path: Path) -> Any:
    """The value at a path that exists."""
    for step in path:
        data = data[step]
    return data


def overlap(first: Path, second: Path) -> bool:
    """Whether one of two paths begins with the other."""
    shorter = min(len(first), len(second))
    return first[:shorter] == second[:shorter]


def remove_paths(value: Any, path: Path, removed: Set[Path]) -> Any:
    """A copy of a value at a path, without the paths to remove."""
    if isinstance(value, dict):
        kept = {key: (*path, key) for key in value if (*path, key) not in removed}
        return {key: remove_paths(value[key], inner, removed) for key, inner in kept.items()}
    if isinstance(value, list):
        items = [((*path, index), item) for index, item in enumerate(value)]
        return [remove_paths(item, inner, removed) for inner, item in items if inner not in removed]
    return value


def rename_keys(value: Any, path: Path, names: Mapping[Path, str]) -> Any:
    """A copy of a value at a path, in which the keys at the paths in `names` are renamed."""
    if isinstance(value, dict):
        return {
            names.get((*path, key), key): rename_keys(item, (*path, key), names)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [rename_keys(item, (*path, index), names) for index, item in enumerate(value)]
    return value
