"""Findings -> text: lines for people, JSON and SARIF 2.1.0 for programs. Pure."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from moorage import __version__
from moorage.facts.secret_values import hide
from moorage.findings.finding import Finding, Level, Path, Place
from moorage.findings.wording import escape_controls

_MAX_LINES = 500
_SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_SARIF_LEVELS: Mapping[Level, str] = {"error": "error", "warning": "warning", "info": "note"}


def line(finding: Finding) -> str:
    """A finding on one line: place, level, code, path, what is wrong, what to write."""
    at = f" {dotted(finding.path)}" if finding.path else ""
    construct = f" {_construct(finding)}" if finding.construct else ""
    text = f"{finding.place}: {finding.level} {finding.code}{at}: {_sentences(finding)}{construct}"
    return escape_controls(" ".join(text.split("\n")))


def _construct(finding: Finding) -> str:
    created = f", created at {finding.created_at}" if finding.created_at else ""
    return f"(construct {finding.construct}{created})"


def dotted(path: Path) -> str:
    """A path as text.

    >>> dotted(("stacks", "web", "expose", 0, "paths")), dotted(("labels", "com.acme"))
    ('stacks.web.expose[0].paths', 'labels["com.acme"]')
    """
    return "".join(_step(step) for step in path).removeprefix(".")


def counts(findings: Iterable[Finding]) -> str:
    """How many of each level: `2 errors, 1 warning`, or `no findings`."""
    by_level = Counter(finding.level for finding in findings)
    words: dict[Level, str] = {"error": "error", "warning": "warning", "info": "note"}
    parts = [
        f"{by_level[level]} {word}{'s' if by_level[level] > 1 else ''}"
        for level, word in words.items()
        if by_level[level]
    ]
    return ", ".join(parts) or "no findings"


def text(findings: Sequence[Finding]) -> str:
    """One line for each finding, up to a number that people can read."""
    lines = [f"{line(finding)}\n" for finding in findings[:_MAX_LINES]]
    if rest := findings[_MAX_LINES:]:
        lines.append(f"{len(rest):,} more findings are not shown: {counts(rest)}\n")
    return "".join(lines)


def as_json(findings: Sequence[Finding]) -> str:
    """A list of objects: code, level, file, line, path, message, hint; and about a template that
    the CDK wrote `construct`, and `created_at` with file and line, where they are known."""
    return _json([_as_object(finding) for finding in findings])


def _as_object(finding: Finding) -> dict[str, Any]:
    place = finding.created_at
    created_at = {"created_at": {"file": place.file, "line": place.line}} if place else {}
    return {
        "code": finding.code,
        "level": finding.level,
        "file": finding.place.file,
        "line": finding.place.line,
        "path": [step if isinstance(step, int) else hide(step) for step in finding.path],
        "message": finding.message,
        "hint": finding.hint,
        **({"construct": finding.construct} if finding.construct else {}),
        **created_at,
    }


def sarif(findings: Sequence[Finding]) -> str:
    """One SARIF run for code-scanning services (OASIS SARIF 2.1.0, sections 3.13 to 3.30).

    It lists the rules that have findings; those of Moorage have a description.
    """
    rules = sorted({finding.code for finding in findings})
    driver = {"name": "Moorage", "version": __version__, "rules": [_rule(code) for code in rules]}
    results = [_result(finding, rules.index(finding.code)) for finding in findings]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return _json({"$schema": _SARIF_SCHEMA, "version": "2.1.0", "runs": [run]})


FORMATS: Mapping[str, Callable[[Sequence[Finding]], str]] = {
    "text": text,
    "json": as_json,
    "sarif": sarif,
}


def _step(step: str | int) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    step = hide(step)
    return f".{step}" if re.fullmatch(r"[\w:-]+", step) else f"[{json.dumps(step)}]"


def _sentences(finding: Finding) -> str:
    return " ".join(_sentence(part) for part in (finding.message, finding.hint) if part)


def _sentence(words: str) -> str:
    """The words on one line with a full stop, which findings of cfn-lint can lack."""
    words = " ".join(words.split())
    return words if words.endswith((".", "!", "?")) else f"{words}."


def _rule(code: str) -> dict[str, Any]:
    from moorage.findings.explain import TITLES  # only here: it imports all rules

    return {"id": code} | ({"shortDescription": {"text": TITLES[code]}} if code in TITLES else {})


def _result(finding: Finding, rule: int) -> dict[str, Any]:
    location: dict[str, Any] = {"physicalLocation": _physical_location(finding.place)}
    names = [dotted(finding.path), finding.construct]
    if any(names):
        location["logicalLocations"] = [{"fullyQualifiedName": name} for name in names if name]
    result = {
        "ruleId": finding.code,
        "ruleIndex": rule,
        "level": _SARIF_LEVELS[finding.level],
        "message": {"text": _sentences(finding)},
        "locations": [location],
    }
    if finding.created_at is not None:
        created_at = {"physicalLocation": _physical_location(finding.created_at)}
        result["relatedLocations"] = [
            created_at | {"message": {"text": f"The app creates {finding.construct} here."}}
        ]
    return result


def _physical_location(place: Place) -> dict[str, Any]:
    return {
        "artifactLocation": {"uri": _uri(place.file)},
        "region": {"startLine": max(place.line, 1)},
    }


def _uri(file: str) -> str:
    path = PurePath(file)
    return path.as_uri() if path.is_absolute() else quote(path.as_posix())


def _json(value: Any) -> str:
    # What `escape_controls` finds is always inside of a string, where its escapes are JSON's.
    return escape_controls(json.dumps(value, indent=2, ensure_ascii=False)) + "\n"
