"""Params -> their model, or findings about every key and value that does not fit it.

What pydantic refuses is removed, or renamed if it is a misspelled key, and the rest is validated
again, so that a mistake in one place hides no mistake in another.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from moorage.findings.finding import Finding, Path
from moorage.findings.path_set import PathSet
from moorage.findings.wording import capitalize
from moorage.model import Base, export_name
from moorage.pipeline.document import Document
from moorage.pipeline.params_models import Catalog
from moorage.pipeline.paths import RemovedPaths, remove_paths, rename_keys, value_at
from moorage.records import record

if TYPE_CHECKING:
    from moorage.pipeline.pydantic_errors import Fault


@record
class Shape:
    """Params after all invalid parts were removed."""

    params: Base | None
    findings: tuple[Finding, ...]
    data: Mapping[str, Any]
    removed: frozenset[Path] = frozenset()
    guessed: frozenset[Path] = frozenset()
    """Keys that replace a misspelled key or a key of another tool."""

    def written_path(self, path: Path) -> Path:
        """Converts a path of the params to the path in the file, which has the removed items,
        too."""
        existing = self._removed.written_path(path, self.data)
        # A key that is not in the file has no line, but its name says which one is meant.
        missing = path[len(existing) :] if self._is_map(existing) else ()
        return (*existing, *missing)

    def is_reported(self, path: Path) -> bool:
        """Whether something at that path, around it or inside of it, has a finding already."""
        return self._reported.overlaps(path)

    @cached_property
    def _removed(self) -> RemovedPaths:
        return RemovedPaths(self.removed)

    @cached_property
    def _reported(self) -> PathSet:
        return PathSet((*self.removed, *self.guessed))

    def _is_map(self, path: Path) -> bool:
        return isinstance(value_at(self.data, path), Mapping)


def find_shape(
    model: type[Any],
    data: Mapping[str, Any],
    root: Path,
    document: Document,
    unreadable: Set[Path],
    catalog: Catalog,
) -> Shape:
    """Validates `data`, which is at `root` in the document, as a `model`.

    `unreadable` paths of the file have a finding already, so they are removed first.
    """
    context = {"read": document.read, "export_name": partial(_export_name, document)}
    findings: list[Finding] = []
    removed: set[Path] = set(unreadable)
    guessed: set[Path] = set()
    while True:
        try:
            remaining = remove_paths(data, (), removed)
            params = model.model_validate(remaining, context=context)
            return Shape(params, tuple(findings), data, frozenset(removed), frozenset(guessed))
        except ValidationError as error:
            # Imported late, since most params have no error.
            from moorage.pipeline.pydantic_errors import Subject, describe_error, drop_union_errors

            subject = Subject(model, data, root, catalog)
            errors = error.errors(include_url=False)
            before = RemovedPaths(removed)
            faults = drop_union_errors([describe_error(e, subject, before) for e in errors])
        names = {fault.path: fault.near for fault in faults if fault.near}
        guesses = {(*path[:-1], name) for path, name in names.items()}
        guesses |= {path for fault in faults for path in fault.instead}
        guessed |= guesses
        known = PathSet((*guessed, *removed))
        findings += [
            Finding(f.code, "error", document.place(path), path, capitalize(f.message), f.hint)
            for f in _first_of_each_path(faults)
            if not known.overlaps(f.path)
            for path in [(*root, *f.path)]
        ]
        number = len(removed)
        not_missing = {fault.path for fault in faults if fault.code == "M1102"} & guesses
        removed |= {f.cut for f in faults if not f.near and f.path not in not_missing}
        data = rename_keys(data, (), names)
        if () in removed or (len(removed) == number and not names):
            return Shape(None, tuple(findings), data, frozenset(removed), frozenset(guessed))


def _export_name(document: Document, stack: str, output: str) -> str:
    """The name of an export of a stack, which can be one of another environment that is shared."""
    shares = document.data.get("shares")
    env = document.env
    if isinstance(shares, Mapping) and isinstance(shares.get("stacks"), list):
        env = str(shares.get("env")) if stack in shares["stacks"] else env
    return export_name(str(document.data.get("app")), env, stack, output)


def _first_of_each_path(faults: list[Fault]) -> list[Fault]:
    return list({fault.path: fault for fault in reversed(faults)}.values())[::-1]
