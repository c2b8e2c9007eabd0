"""Every known failure is found by a rule, or it is said who finds it or why nobody can."""

from __future__ import annotations

import json

import pytest
from cfnlint.api import lint
from cfnlint.core import get_rules
from corpus import cases

from moorage.rules.coverage import FOUND_BY_CFN_LINT, FOUND_BY_COMPARISON, TOO_NOISY, UNDECIDABLE
from moorage.rules.registry import RULES

KNOWN = 192


def test_every_known_failure_is_told_of_once() -> None:
    ruled = {case for rule in RULES for case in rule.failure_ids}
    rest = [*FOUND_BY_COMPARISON, *FOUND_BY_CFN_LINT, *TOO_NOISY, *UNDECIDABLE]
    assert len(rest) == len(set(rest))
    assert not ruled & set(rest)
    assert len(ruled) + len(rest) == KNOWN


def test_the_rules_of_cfn_lint_exist() -> None:
    known = {rule.id for rule in get_rules([], [], ["E"]).rules.values()}
    assert set(FOUND_BY_CFN_LINT.values()) <= known


@pytest.mark.parametrize("name", FOUND_BY_CFN_LINT)
def test_cfn_lint_finds_what_is_left_to_it(name: str) -> None:
    (case,) = (one for one in cases() if one.name == name)
    good, bad = ({one.rule.id for one in lint(json.dumps(body))} for body in (case.good, case.bad))
    assert FOUND_BY_CFN_LINT[name] in bad - good


def test_a_number_is_used_once_and_says_how_bad_it_is() -> None:
    numbers = [rule.id[1:] for rule in RULES]
    assert len(numbers) == len(set(numbers))
    assert all(rule.id[:3] in ("E93", "W93") for rule in RULES)
    assert all(rule.sources and rule.fix and rule.description for rule in RULES)
