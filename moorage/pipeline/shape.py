"""The shape of params: pydantic judges, what it refuses is cut out, the rest is judged again."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Any

from pydantic import (
    ValidationError,
)

from moorage.findings.finding import Finding, Path
from moorage.model import Base
from moorage.pipeline.document import Document
from moorage.pipeline.paths import at, written
from moorage.pipeline.pydantic_errors import Fault, chosen


@dataclass(frozen=True)
class Shaped:
    """Params as far as they can be understood, and what had to be cut out of them."""

    params: Base | None
    findings: tuple[Finding, ...]
    data: Mapping[str, Any]
    gone: frozenset[Path] = frozenset()
    suspects: frozenset[Path] = frozenset()

    def written(self, path: Path) -> Path:
        """Where something in the params stands in the file: list items that were cut out count."""
        here = written(path, self.data, self.gone)
        # A key that is not in the file has no place there, but its name says which one is meant.
        missing = path[len(here) :] if isinstance(at(self.data, here), Mapping) else ()
        return (*here, *missing)

    def echoes(self, path: Path) -> bool:
        """Whether something at that path has been a finding already."""
        return any(_touch(path, other) for other in (*self.gone, *self.suspects))


def _touch(one: Path, other: Path) -> bool:
    """Whether one path lies on the other."""
    shorter = min(len(one), len(other))
    return one[:shorter] == other[:shorter]


def shaped(
    model: type[Any], data: Mapping[str, Any], root: Path, document: Document, broken: Set[Path]
) -> Shaped:
    """`data` as a `model`; what is refused is cut out or respelt, and the rest is judged again.

    What was `broken` when it was read is cut out from the beginning.
    """
    findings: list[Finding] = []
    gone: set[Path] = set(broken)
    suspects: set[Path] = set()
    while True:
        try:
            params = model.model_validate(_pruned(data, (), gone), context={"read": document.read})
            return Shaped(params, tuple(findings), data, frozenset(gone), frozenset(suspects))
        except ValidationError as error:
            errors = error.errors(include_url=False)
            faults = chosen([Fault.of(one, model, data, gone) for one in errors])
        meant = {fault.path: fault.near for fault in faults if fault.near}
        guessed = {(*path[:-1], near) for path, near in meant.items()}
        suspects |= guessed
        known = suspects | gone
        seen: set[Path] = set()
        for fault in faults:
            if fault.path not in seen and not any(_touch(fault.path, one) for one in known):
                place = document.place((*root, *fault.path))
                path = (*root, *fault.path)
                findings.append(
                    Finding(fault.code, "error", place, path, fault.message, fault.hint)
                )
            seen.add(fault.path)
        before = len(gone)
        missed = {fault.path for fault in faults if fault.code == "M1102"} & guessed
        gone |= {fault.cut for fault in faults if not fault.near and fault.path not in missed}
        data = _renamed(data, (), meant)
        if () in gone or (len(gone) == before and not meant):
            return Shaped(None, tuple(findings), data, frozenset(gone), frozenset(suspects))


def _renamed(value: Any, path: Path, meant: Mapping[Path, str]) -> Any:
    """A copy in which misspelt keys have the names that were meant, so that the rest is judged."""
    if isinstance(value, dict):
        return {
            meant.get((*path, key), key): _renamed(item, (*path, key), meant)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_renamed(item, (*path, at), meant) for at, item in enumerate(value)]
    return value


def _pruned(value: Any, path: Path, gone: set[Path]) -> Any:
    """A copy without the paths that are gone."""
    if isinstance(value, dict):
        here = {key: (*path, key) for key in value}
        return {key: _pruned(value[key], at, gone) for key, at in here.items() if at not in gone}
    if isinstance(value, list):
        items = [((*path, index), item) for index, item in enumerate(value)]
        return [_pruned(item, at, gone) for at, item in items if at not in gone]
    return value
