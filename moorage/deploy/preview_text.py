"""Previews as text: what a deployment changes, property by property. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

from moorage.deploy.change_sets import Preview, Problem, ResourceChange
from moorage.deploy.diagnosis.report import place_data, place_text
from moorage.deploy.property_changes import PropertyChange
from moorage.facts.replacements import REPLACEMENT_CONSEQUENCES, ROUTINE_REPLACEMENTS

_SIGNS = {"Add": "+", "Import": "+", "Modify": "~", "Remove": "-", "Dynamic": "~"}
_TITLES = {
    "create": "will be created",
    "update": "will be updated",
    "nothing": "nothing to change",
    "later": "will be created after the stacks that it imports from",
}


def previews_text(previews: Iterable[Preview]) -> str:
    """The text of all previews: stacks with changes in full, the others on one line."""
    return "".join(f"{line}\n" for line in _lines([*previews]))


def _lines(previews: list[Preview]) -> Iterator[str]:
    for preview in previews:
        if preview.kind != "nothing":
            yield from _preview_lines(preview)
            yield ""
    unchanged = [preview.stack.name for preview in previews if preview.kind == "nothing"]
    if unchanged:
        yield f"Nothing to change: {', '.join(unchanged)}"


def _preview_lines(preview: Preview) -> Iterator[str]:
    title = "cannot be deployed" if preview.failed else _TITLES[preview.kind]
    express = ", in express mode" if preview.stack.express and not preview.failed else ""
    yield f"{preview.stack.name} ({preview.stack.stack_name}) {title}{express}"
    for problem in preview.problems:
        yield f"  {problem_text(problem)}"
    if preview.kind == "later":
        for logical_id, resource in preview.stack.body.get("Resources", {}).items():
            yield f"  + {logical_id}  {resource['Type']}"
    if preview.change_set and not preview.changes:
        yield "  no resource changes: only outputs, parameters, tags or metadata"
    for change in preview.changes:
        yield from change_lines(change)


def problem_text(problem: Problem) -> str:
    """A problem on one line: where it is in the params and in the template, and what is wrong."""
    at = "" if problem.at is None else f" {place_text(problem.at)}"
    resource = f" {problem.logical_id}" if problem.logical_id else ""
    path = f" {problem.path}" if problem.path else ""
    return f"{problem.level}{at}{resource}{path}: {problem.message}"


def change_lines(change: ResourceChange) -> Iterator[str]:
    """A resource that changes, with its properties and what a replacement means."""
    sign = _SIGNS.get(change.action, "~")
    yield f"  {sign} {change.logical_id}  {change.type}{_replacement_text(change)}"
    for item in change.properties:
        yield f"      {property_text(item)}"
    if change.replacement != "False" and (text := REPLACEMENT_CONSEQUENCES.get(change.type)):
        yield f"      {text}."


def _replacement_text(change: ResourceChange) -> str:
    if change.action == "Remove":
        if change.snapshot:
            return "  deleted, but a snapshot is kept"
        return "  removed, but not deleted" if change.kept else ""
    if change.action != "Modify" or change.replacement == "False":
        return ""
    if change.type in ROUTINE_REPLACEMENTS:
        return "  replaced (routine)"
    because = f", because {', '.join(change.recreated_by)} changes" if change.recreated_by else ""
    kept = ", and the old one is kept" if change.kept else ""
    if change.snapshot:
        kept = ", and a snapshot of the old one is kept"
    if change.replacement == "Conditional":
        return f"  may be REPLACED{because}{kept}"
    return f"  REPLACED{because}{kept}"


def property_text(change: PropertyChange) -> str:
    """A changed property on one line."""
    cause = f", follows {change.cause}" if change.cause else ""
    if change.before is None:
        return f"{change.path}: {change.after} (new){cause}"
    if change.after is None:
        return f"{change.path}: {change.before} (removed){cause}"
    return f"{change.path}: {change.before} -> {change.after}{cause}"


def previews_json(previews: Iterable[Preview]) -> str:
    """The same as JSON, a line for each stack."""
    return "".join(f"{json.dumps(_fields(preview))}\n" for preview in previews)


def _fields(preview: Preview) -> dict[str, Any]:
    return {
        "event": "preview",
        "stack": preview.stack.name,
        "stack_name": preview.stack.stack_name,
        "kind": preview.kind,
        "express": preview.stack.express,
        "problems": [_problem_fields(problem) for problem in preview.problems],
        "changes": [asdict(change) for change in preview.changes],
    }


def _problem_fields(problem: Problem) -> dict[str, Any]:
    params = None if problem.at is None else place_data(problem.at)
    return {
        "level": problem.level,
        "message": problem.message,
        "logical_id": problem.logical_id,
        "path": problem.path,
        "params": params,
    }


def count_changes(previews: Iterable[Preview]) -> str:
    """What all previews do, in a few words.

    >>> count_changes([])
    'nothing'
    """
    kinds = [preview.kind for preview in previews]
    created = kinds.count("create") + kinds.count("later")
    updated = kinds.count("update")
    parts = [
        f"{verb} {number} {'stack' if number == 1 else 'stacks'}"
        for verb, number in (("create", created), ("update", updated))
        if number
    ]
    return " and ".join(parts) or "nothing"
