"""Each code says which rules find the same mistake in a template, or why a template cannot show it.

Moorage's rules have their cases in tests/rules/cases. Those of cfn-lint are tried here: all
resources of cfn_lint_mistakes.yaml in one template, and a template each for the rest.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cfnlint.api import lint
from ruamel.yaml import YAML

from moorage.findings.codes import CODES, TOPICS
from moorage.findings.explain import page
from moorage.rules.registry import RULES

MISTAKES: Mapping[str, Any] = YAML(typ="safe").load(
    (Path(__file__).parent / "cfn_lint_mistakes.yaml").read_text()
)
QUEUE = {"Type": "AWS::SQS::Queue"}
TEMPLATES: Mapping[tuple[str, str], str] = {
    ("M1302", "E0000"): '{"Resources": {"A": {"Type": "x"}, "A": {"Type": "x"}}}',
    ("M1304", "E3010"): json.dumps({"Resources": {f"A{index}": QUEUE for index in range(501)}}),
    ("M1311", "E3001"): json.dumps({"Resources": {"A": {"Properties": {"QueueName": "x"}}}}),
    ("M1312", "E3001"): json.dumps({"Resources": {"A" * 256: QUEUE}}),
    ("M3236", "E3004"): json.dumps(
        {"Resources": {"A": {**QUEUE, "DependsOn": "B"}, "B": {**QUEUE, "DependsOn": "A"}}}
    ),
}
"""Templates for what is not a mistake of one resource, by code and rule."""
OWN = {rule.id for rule in RULES}
OF_CFN_LINT = [(code.id, rule) for code in CODES.values() for rule in code.rules if rule not in OWN]


@cache
def found_in_resources() -> frozenset[tuple[str, str, str]]:
    """Code, rule and path below the properties of each finding about the resources."""
    body = {"Resources": {code: mistake["resource"] for code, mistake in MISTAKES.items()}}
    return frozenset(
        (str(match.path[1]), match.rule.id, ".".join(map(str, match.path[3:])))
        for match in lint(json.dumps(body))
        if match.path and len(match.path) > 1
    )


@pytest.mark.parametrize(("code", "rule"), OF_CFN_LINT)
def test_cfn_lint_finds_the_mistake(code: str, rule: str) -> None:
    if (code, rule) in TEMPLATES:
        assert rule in {match.rule.id for match in lint(TEMPLATES[code, rule])}
    else:
        assert (code, rule, MISTAKES[code]["finds"][rule]) in found_in_resources()


def test_every_mistake_is_one_of_a_code() -> None:
    listed = {(code, rule) for code, mistake in MISTAKES.items() for rule in mistake["finds"]}
    assert listed | TEMPLATES.keys() == set(OF_CFN_LINT)


def test_a_code_has_rules_or_a_reason() -> None:
    for code in CODES.values():
        (reason,) = (topic.reason(code) for topic in TOPICS if code in topic.codes)
        assert bool(code.rules) != bool(reason), code.id
        assert not (code.rules and code.not_in_templates), code.id
        assert not reason or reason.endswith("."), code.id


def test_rules_of_codes_exist() -> None:
    """That each has a case is tested with the rules."""
    own = {rule for code in CODES.values() for rule in code.rules if re.match("[EW]9", rule)}
    assert own <= OWN


def test_pages_name_each_other() -> None:
    assert "In templates: found by E9105." in str(page("M2801"))
    assert "The same in params: M2801" in str(page("E9105"))
    assert "In templates: not visible. A setting without an effect" in str(page("M2812"))
