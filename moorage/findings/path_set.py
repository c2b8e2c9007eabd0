"""Sets of paths that know what is around and inside of each path."""

from __future__ import annotations

from collections.abc import Iterable

from moorage.findings.finding import Path


class PathSet:
    """Paths of values in params or in a template."""

    def __init__(self, paths: Iterable[Path] = ()) -> None:
        self._paths = set[Path]()
        self._beginnings = set[Path]()
        for path in paths:
            self.add(path)

    def add(self, path: Path) -> None:
        """Adds a path."""
        if path not in self._paths:
            self._paths.add(path)
            self._beginnings.update(path[:length] for length in range(len(path) + 1))

    def __contains__(self, path: Path) -> bool:
        return path in self._paths

    def overlaps(self, path: Path, least: int = 0) -> bool:
        """Whether one of them is the path, or contains it, or is inside of it. Paths of fewer than
        `least` steps contain nothing."""
        if len(path) >= least and path in self._beginnings:
            return True
        return any(path[:length] in self._paths for length in range(least, len(path)))
