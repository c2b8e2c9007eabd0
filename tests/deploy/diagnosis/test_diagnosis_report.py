"""What a user sees: reports.txt has the text of every case. `UPDATE=1 pytest` writes it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from failures import FAILURES

from moorage.deploy.diagnosis.report import as_json, as_text, make_report
from moorage.pipeline.document import Document
from moorage.pipeline.load import load

TEXTS = Path(__file__).with_name("reports.txt")


@pytest.fixture(scope="module")
def document() -> Document:
    """The params of this project."""
    document, _ = load(Path("params"), "dev")
    assert document is not None
    return document


def test_the_text_of_every_failure(document: Document) -> None:
    parts = [
        f"===== {name}\n{as_text([make_report(evidence, document)])}"
        for name, evidence in FAILURES.items()
    ]
    text = "\n".join(parts)
    if os.environ.get("UPDATE"):
        TEXTS.write_text(text)
    assert text == TEXTS.read_text(), "run this with UPDATE=1 and read the diff"


def test_a_diagnosis_ends_with_its_line_in_the_params(document: Document) -> None:
    text = as_text([make_report(FAILURES["image-not-found"], document)])
    place, path = text.splitlines()[-1].split()
    file, line = place.split(":")
    assert path == "stacks.web.containers.web.image"
    assert "ecr:kelp/web" in Path(file).read_text().splitlines()[int(line) - 1]


def test_no_secret_and_no_control_character_is_shown(document: Document) -> None:
    reports = [make_report(evidence, document) for evidence in FAILURES.values()]
    for text in (as_text(reports), as_json(reports)):
        assert "hunter2" not in text
        assert "\x1b" not in text


def test_json_has_all_of_it(document: Document) -> None:
    (stack,) = json.loads(as_json([make_report(FAILURES["exit-137"], document)]))
    assert stack["status"] == "UPDATE_ROLLBACK_COMPLETE"
    assert stack["not_read"][0]["what"] == "log of container api"
    (only,) = stack["diagnoses"]
    assert only["id"] == "out-of-memory"
    assert only["codes"] == ["E9109"]
    assert only["params"]["path"] == ["stacks", "api", "memory"]
    assert only["params"]["file"] == "params/dev.yaml"
    assert only["led_to"]
    assert json.loads(as_json([])) == []


def test_without_params_there_is_no_line() -> None:
    report = make_report(FAILURES["exit-1"], None)
    assert "params/" not in as_text([report])
    assert json.loads(as_json([report]))[0]["diagnoses"][0]["params"] is None


def test_the_readme_shows_a_real_report(document: Document) -> None:
    text = as_text([make_report(FAILURES["health-check"], document)])
    assert f"```text\n{text}```" in Path("README.md").read_text()
