"""Codes of findings: each is declared once, used, and has a page with an example that is valid."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator, ValidationError
from ruamel.yaml import YAML

from moorage.findings.codes import CODES, TOPICS, Topic
from moorage.findings.codes.code import Code
from moorage.findings.pages import anchor, findings_document, terminal_page
from moorage.lint.settings import LintSettings, find_unknown
from moorage.rules.registry import RULES
from moorage.schema.json_schema import schema
from templates import TEMPLATES

ROOT = Path(__file__).parents[2]
PAGES = list(CODES.values())
OF_CFN_LINT = [code for code in PAGES if code.example.startswith("# .cfnlintrc")]
"""Codes about the settings of cfn-lint; the examples of all others are params."""


@cache
def used_codes() -> frozenset[str]:
    """The codes in the sources of moorage/ and templates/, apart from their declarations."""
    files = [path for name in ("moorage", "templates") for path in (ROOT / name).rglob("*.py")]
    trees = [ast.parse(path.read_text()) for path in files if path.parent.name != "codes"]
    texts = {
        node.value
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    return frozenset(text for text in texts if re.fullmatch(r"M\d{4}", text))


def test_every_code_in_the_sources_is_declared() -> None:
    assert sorted(used_codes() - CODES.keys()) == []


def test_every_declared_code_is_in_the_sources() -> None:
    assert sorted({code.id for code in PAGES} - used_codes()) == []


def test_ids_are_unique_and_ascend_within_a_topic() -> None:
    ids = [code.id for topic in TOPICS for code in topic.codes]
    assert len(ids) == len(set(ids))
    for topic in TOPICS:
        assert [code.id for code in topic.codes] == sorted(code.id for code in topic.codes)


def test_a_code_has_a_full_page() -> None:
    for code in PAGES:
        assert re.fullmatch(r"M\d{4}", code.id)
        for text in (code.title, code.cause, code.fix):
            assert text.endswith((".", "`.")), code.id
            assert "  " not in text, code.id
        assert len(code.title) <= 90, code.id
        page = terminal_page(code)
        assert page.startswith(f"{code.id}  {code.title}\n\n")
        assert "\nFix: " in page, code.id
        assert max(map(len, page.splitlines())) <= 110, code.id


@pytest.fixture(scope="module")
def params_schema() -> dict[str, Any]:
    return schema(TEMPLATES)


@pytest.mark.parametrize("code", OF_CFN_LINT, ids=lambda code: code.id)
def test_an_example_switches_off_rules_that_exist(code: Code) -> None:
    settings = LintSettings(text=code.example)
    assert "ignore_checks:" in code.example
    assert list(find_unknown(settings, {rule.id for rule in RULES})) == []


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.title)
def test_examples_are_valid_params(topic: Topic, params_schema: dict[str, Any]) -> None:
    """As a params file, or as one stack of any kind."""
    for code in topic.codes:
        if code in OF_CFN_LINT:
            continue
        example = YAML(typ="safe", pure=True).load(code.example)
        assert isinstance(example, dict), code.id
        header = params_schema["properties"]
        files = [example] if example.keys() <= header.keys() else []
        files += [{"stacks": {"x": {"template": kind, **example}}} for kind in TEMPLATES]
        validator = Draft7Validator(params_schema)
        if not any(validator.is_valid(file) for file in files):
            errors = [
                [_innermost(error).message for error in validator.iter_errors(f)] for f in files
            ]
            raise AssertionError(f"{code.id}: {errors}")


def _innermost(error: ValidationError) -> ValidationError:
    while error.context:
        error = max(error.context, key=lambda inner: len(inner.path))
    return error


def test_the_document_has_an_index_and_a_section_for_each_code() -> None:
    document = findings_document()
    anchors = {anchor(title) for title in re.findall(r"^#+ (.+)$", document, re.MULTILINE)}
    linked = re.findall(r"\]\(#([^)]+)\)", document)
    assert {code.lower() for code in CODES} <= set(linked) <= anchors
