"""The params of one environment, merged from its file and the base."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Any

from moorage.findings.finding import Finding, Path, Place, Problem
from moorage.model import NO_PRIORITIES, NO_VALUES, GivenValues, KnownPriorities, TextFile
from moorage.records import record


@record
class Document:
    """The params of one environment as plain data, merged and interpolated."""

    env: str
    file: str
    data: Mapping[str, Any]
    places: Mapping[Path, Place]
    broken: frozenset[Path] = frozenset()
    """Paths that have a finding and no value that could be validated."""
    nulls: frozenset[Path] = frozenset()
    """Paths of nulls that delete nothing; the merged data does not contain them."""
    given: GivenValues = NO_VALUES
    """What the command line has set in the data."""
    given_by_stack: Mapping[str, GivenValues] = field(default_factory=dict)
    """The part of it that each stack depends on."""
    priorities: KnownPriorities = NO_PRIORITIES
    """The priorities of listener rules that a build finds."""
    named: frozenset[str] = frozenset()
    """The stacks that the command line names; all are meant if there are none."""
    read: Callable[[str], TextFile] | None = None
    """Reads a file that a value names; raises the error of a params field if that fails."""

    def names(self, stack: object) -> bool:
        """Whether a stack is one of those that are meant."""
        return not self.named or stack in self.named

    def place(self, path: Path) -> Place:
        """The line of a value, or of the nearest map or list around it."""
        for end in range(len(path), 0, -1):
            if path[:end] in self.places:
                return self.places[path[:end]]
        return Place(self.file, 1)

    def locate(self, problem: Problem, path: Path) -> Finding:
        """The finding for a problem at a path."""
        place = problem.place or self.place(path)
        return Finding(problem.code, problem.level, place, path, problem.message, problem.hint)


def sort_keys(data: dict[str, Any]) -> dict[str, Any]:
    """The same map with its keys sorted, on every level."""
    return {key: _sort(data[key]) for key in sorted(data)}


def _sort(value: Any) -> Any:
    if isinstance(value, list):
        return [_sort(item) for item in value]
    return sort_keys(value) if isinstance(value, dict) else value
