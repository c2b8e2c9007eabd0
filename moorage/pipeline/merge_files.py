"""The base file and the file of an environment, merged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from moorage.findings.finding import Finding, Path, Place
from moorage.pipeline.document import sort_keys
from moorage.pipeline.list_entries import (
    find_vain_deletions,
    index_lists,
    leave_entries,
    move_path,
    restore_lists,
)
from moorage.pipeline.merge import apply_merge_patch
from moorage.pipeline.override_lists import Miss, merge_overrides
from moorage.pipeline.variables import VARS
from moorage.pipeline.yaml_file import File
from moorage.records import record


@record
class Merged:
    """Two files as one, with sorted keys."""

    data: dict[str, Any]
    places: Mapping[Path, Place]
    nulls: frozenset[Path]
    """The paths of nulls that delete nothing."""
    broken: frozenset[Path]
    """Lists that cannot be merged because of a finding."""
    findings: tuple[Finding, ...]
    """The findings of both files, and of the merge."""


def merge_files(base: File, own: File) -> Merged:
    """Merges the file of an environment into the base, both of which are maps.

    Maps are merged and other values replaced (RFC 7386). Lists of maps are merged by `id` if each
    entry of the environment has one.
    """
    new = index_lists(own.data, own.places)
    old = index_lists(base.data, base.places, only=new.lists)
    indexed, misses = _merge(old.data, new.data)
    data, positions = restore_lists(indexed, new.lists)
    places = {move_path(path, old.keys): place for path, place in base.places.items()}
    replaced = {*_replacements(new.data, ())}
    places = {path: place for path, place in places.items() if not _is_below(path, replaced)}
    places |= {move_path(path, new.keys): place for path, place in own.places.items()}
    findings = [
        *(_move(finding, old.keys) for finding in base.findings),
        *(_move(finding, new.keys) for finding in own.findings),
        *old.findings,
        *new.findings,
        *find_vain_deletions(new, old, places),
        *(
            Finding("M1307", "error", places[miss.path], miss.path, miss.message, miss.hint)
            for miss in misses
        ),
    ]
    nulls = _needless_nulls(old.data, new.data, indexed)
    return Merged(
        sort_keys(data),
        {move_path(path, positions): place for path, place in places.items()},
        frozenset(move_path(path, positions) for path in nulls if path not in new.deletions),
        new.unusable | old.unusable,
        tuple(
            replace(finding, path=leave_entries(move_path(finding.path, positions)))
            for finding in findings
        ),
    )


def _move(finding: Finding, steps: Mapping[Path, str] | Mapping[Path, int]) -> Finding:
    return replace(finding, path=move_path(finding.path, steps))


def _replacements(value: Any, path: Path) -> Iterator[Path]:
    """The paths of values that replace what the base has there: all but maps."""
    if not isinstance(value, dict):
        yield path
        return
    for key, item in value.items():
        yield from _replacements(item, (*path, key))


def _is_below(path: Path, others: set[Path]) -> bool:
    return any(path[:end] in others for end in range(1, len(path)))


def _merge(base: dict[str, Any], own: dict[str, Any]) -> tuple[dict[str, Any], list[Miss]]:
    """Both maps as one, and the overrides that name no entry of a list in base.yaml. A null below
    `overrides:` stays, since it deletes from the template."""
    result: dict[str, Any] = apply_merge_patch(apply_merge_patch({}, base), own)
    stacks = result.get("stacks")
    if not isinstance(stacks, dict):
        return result, []
    misses: list[Miss] = []
    for name, stack in stacks.items():
        if isinstance(stack, dict) and "overrides" in stack:
            path = ("stacks", name, "overrides")
            patch, missed = merge_overrides(_overrides(base, name), _overrides(own, name), path)
            stacks[name] = stack | {"overrides": patch}
            misses += missed
    return result, misses


def _overrides(file: dict[str, Any], stack: str) -> Any:
    stacks = file.get("stacks")
    entry = stacks.get(stack) if isinstance(stacks, dict) else None
    patch = entry.get("overrides") if isinstance(entry, dict) else None
    return {} if patch is None else patch


def _needless_nulls(
    base: Mapping[str, Any], own: Mapping[str, Any], merged: Mapping[str, Any]
) -> Iterator[Path]:
    """The paths of nulls that delete nothing: neither of the files has a value there. A variable
    that is null is declared, and waits for a value."""
    needless = [
        *(path for path in _nulls(base, ()) if not _has(merged, path)),
        *(path for path in _nulls(own, ()) if not _has(base, path)),
    ]
    yield from (path for path in needless if path[0] != VARS or len(path) == 1)


def _nulls(value: Any, path: Path) -> Iterator[Path]:
    """The paths of nulls in maps, apart from `overrides:`; a list is never merged."""
    if value is None:
        yield path
    elif isinstance(value, dict) and not (len(path) == 3 and path[2] == "overrides"):
        for key, item in value.items():
            yield from _nulls(item, (*path, key))


def _has(data: Any, path: Path) -> bool:
    """Whether there is a value other than null at a path."""
    for step in path:
        data = data.get(step) if isinstance(data, Mapping) else None
    return data is not None
