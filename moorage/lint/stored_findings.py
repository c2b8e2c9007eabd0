"""Findings as JSON: to keep them in files, and to send them from one process to another."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from moorage.findings.finding import Finding, Path, Place

_LEVELS = ("error", "warning", "info")


def as_json(findings: Iterable[Finding]) -> list[list[Any]]:
    """Findings as values of JSON, in their order."""
    return [
        [
            *(finding.code, finding.level, finding.place.file, finding.place.line),
            *([*finding.path], finding.message, finding.hint, finding.construct),
            finding.created_at and [finding.created_at.file, finding.created_at.line],
        ]
        for finding in findings
    ]


def from_json(value: Any) -> tuple[Finding, ...]:
    """The findings of `as_json`. Raises ValueError for any other value."""
    if not isinstance(value, list):
        raise ValueError("not a list of findings")
    return tuple(map(_read_finding, value))


def _read_finding(value: Any) -> Finding:
    if not isinstance(value, list) or len(value) != 9:
        raise ValueError("not a finding")
    code, level, file, line, path, message, hint, construct, created_at = value
    if not all(isinstance(text, str) for text in (code, message, hint, construct)):
        raise ValueError("a text of a finding is none")
    if level not in _LEVELS:
        raise ValueError("not a level")
    place = None if created_at is None else _read_place(created_at)
    return Finding(
        *(code, level, _read_place([file, line]), _read_path(path)),
        *(message, hint, construct, place),
    )


def _read_place(value: Any) -> Place:
    if not isinstance(value, list) or len(value) != 2:
        raise ValueError("not a place")
    file, line = value
    if not isinstance(file, str) or type(line) is not int:
        raise ValueError("not a place")
    return Place(file, line)


def _read_path(value: Any) -> Path:
    if not isinstance(value, list) or not all(type(step) in (str, int) for step in value):
        raise ValueError("not a path")
    return tuple(value)
