"""What `stacks.json` of the last build says to the next one: the priorities of listener rules,
which it keeps. docs/decisions/0050-recorded-priorities.md has the reasons."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeGuard

from moorage.facts.quotas import LISTENER_RULE_PRIORITIES
from moorage.model import KnownPriorities, RulePriority
from moorage.pipeline.limits import parse_json

MANIFEST = "stacks.json"
_PRIORITIES, _NUMBER, _RANGE_START = "priorities", "number", "range_start"
"""Keys of the manifest."""


def read_manifest(folder: Path) -> dict[str, Any]:
    """The content of stacks.json; empty if there is no such file from a build."""
    path = folder / MANIFEST
    if not path.is_file() or path.is_symlink():  # reading a pipe or a device may never end
        return {}
    try:
        manifest = parse_json(path.read_bytes().decode())
    except (FileNotFoundError, ValueError):
        return {}
    has_stacks = isinstance(manifest, dict) and isinstance(manifest.get("stacks"), list)
    return manifest if has_stacks and "environment" in manifest else {}


def find_priorities(folder: Path | None) -> KnownPriorities:
    """The priorities that the last build of a folder wrote, without those that no build writes."""
    manifest: dict[str, Any] = {}
    if folder is not None:
        with suppress(OSError):  # what writes or compares the folder reports it
            manifest = read_manifest(folder)
    return KnownPriorities(
        {
            (stack["name"], title): priority
            for stack in manifest.get("stacks", ())
            if isinstance(stack, dict) and isinstance(stack.get("name"), str)
            for title, priority in _read(stack.get(_PRIORITIES))
        }
    )


def _read(written: Any) -> Iterator[tuple[str, RulePriority]]:
    for title, value in written.items() if isinstance(written, dict) else ():
        parts = value if isinstance(value, dict) else {_NUMBER: value}
        number, start = parts.get(_NUMBER), parts.get(_RANGE_START)
        if _is_priority(number) and (start is None or _is_priority(start)):
            yield title, RulePriority(number, start)


def _is_priority(value: Any) -> TypeGuard[int]:
    first, last = LISTENER_RULE_PRIORITIES
    return type(value) is int and first <= value <= last


def describe_priorities(priorities: Mapping[str, RulePriority]) -> dict[str, Any]:
    """The part of the manifest for the rules of a stack; empty without rules."""
    described = {title: _describe(priority) for title, priority in sorted(priorities.items())}
    return {_PRIORITIES: described} if described else {}


def _describe(priority: RulePriority) -> Any:
    if priority.range_start is None:
        return priority.number
    return {_NUMBER: priority.number, _RANGE_START: priority.range_start}
