"""Paths in the data of a file, and in the same data after invalid parts were removed."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Set
from typing import Any

from moorage.findings.finding import Path


class RemovedPaths:
    """Paths of what was removed from data."""

    def __init__(self, paths: Iterable[Path]) -> None:
        positions: dict[Path, list[int]] = {}
        for path in paths:
            if path and isinstance(path[-1], int):
                positions.setdefault(path[:-1], []).append(path[-1])
        self._left_before = {
            path: [position - removed for removed, position in enumerate(sorted(found))]
            for path, found in positions.items()
        }
        """For each list: how many of its items remain before each removed one."""

    def written_path(self, path: Path, data: Any) -> Path:
        """Converts a path in the remaining data to the path in the file, which has the removed
        items, too.

        Steps that neither has are left out: pydantic also adds the members of unions to its paths.
        """
        result: Path = ()
        for step in path:
            if isinstance(data, list) and isinstance(step, int):
                step += bisect_right(self._left_before.get(result, ()), step)
                is_there = step < len(data)
            else:
                is_there = isinstance(data, Mapping) and step in data
            if is_there:
                data = data[step]
                result = (*result, step)
        return result


def value_at(data: Any, path: Path) -> Any:
    """The value at a path that exists."""
    for step in path:
        data = data[step]
    return data


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
