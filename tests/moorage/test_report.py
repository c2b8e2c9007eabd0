"""Findings as text, JSON and SARIF."""

from __future__ import annotations

import json

import pytest

from moorage.findings.codes import CODES
from moorage.findings.finding import Finding, Place
from moorage.findings.report import as_json, counts, dotted, line, sarif, text

CPU = Finding(
    "M1203",
    "error",
    Place("params/dev.yaml", 14),
    ("stacks", "web", "memory"),
    "9999 MiB does not fit cpu 256",
    "Use 512, 1024 or 2048.",
)
LINT = Finding("W2001", "warning", Place("/srv/a b.yaml", 3), (), "Parameter `A`\n  not used")
NOTE = Finding("I3042", "info", Place("out/dev/web.yaml", 0), (), "Is it so?")


def test_a_line_has_place_message_and_hint() -> None:
    assert line(CPU) == (
        "params/dev.yaml:14: error M1203 stacks.web.memory: "
        "9999 MiB does not fit cpu 256. Use 512, 1024 or 2048."
    )
    assert line(LINT) == "/srv/a b.yaml:3: warning W2001: Parameter `A` not used."
    assert text([CPU, NOTE]).splitlines()[1].endswith("I3042: Is it so?")
    assert text([]) == ""


def test_paths_as_text() -> None:
    assert dotted(("stacks", "web", "expose", 0, "paths", 1)) == "stacks.web.expose[0].paths[1]"
    assert dotted(("labels", "com.acme/x")) == 'labels["com.acme/x"]'


@pytest.mark.parametrize(
    ("findings", "expected"),
    [
        ([], "no findings"),
        ([CPU], "1 error"),
        ([LINT, CPU, NOTE, CPU], "2 errors, 1 warning, 1 note"),
    ],
)
def test_counts(findings: list[Finding], expected: str) -> None:
    assert counts(findings) == expected


def test_json_has_every_part() -> None:
    assert json.loads(as_json([CPU])) == [
        {
            "code": "M1203",
            "level": "error",
            "file": "params/dev.yaml",
            "line": 14,
            "path": ["stacks", "web", "memory"],
            "message": "9999 MiB does not fit cpu 256",
            "hint": "Use 512, 1024 or 2048.",
        }
    ]


def test_sarif_has_what_the_standard_requires() -> None:
    """OASIS SARIF 2.1.0: 3.13 sarifLog, 3.19 toolComponent, 3.27 result, 3.30 region."""
    log = json.loads(sarif([CPU, LINT, NOTE, CPU]))
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    driver = run["tool"]["driver"]
    assert driver["name"]
    assert driver["version"]
    rules = [rule["id"] for rule in driver["rules"]]
    assert rules == ["I3042", "M1203", "W2001"]
    assert driver["rules"][1]["shortDescription"]["text"] == CODES["M1203"].title
    assert [result["level"] for result in run["results"]] == ["error", "warning", "note", "error"]
    for result in run["results"]:
        assert rules[result["ruleIndex"]] == result["ruleId"]
        assert result["message"]["text"]
        (location,) = result["locations"]
        assert location["physicalLocation"]["region"]["startLine"] >= 1
    uris = [
        result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        for result in run["results"]
    ]
    assert uris[:2] == ["params/dev.yaml", "file:///srv/a%20b.yaml"]
    assert json.loads(sarif([]))["runs"][0]["results"] == []
