"""Every known failure is found by a rule, or `coverage` says what finds it or why nothing can."""

from __future__ import annotations

import json
from functools import cache

import pytest
from cfnlint.api import lint
from cfnlint.core import get_rules
from corpus import cases

from moorage.rules.coverage import FOUND_BY_CFN_LINT, FOUND_BY_COMPARISON, TOO_NOISY, UNDECIDABLE
from moorage.rules.registry import CONSTRAINTS, RULES
from moorage.rules.resource_types import resource_types
from moorage.rules.topics import TOPICS, topic_of

KNOWN_FAILURES = 278


def test_every_known_failure_is_listed_once() -> None:
    found_by_rules = {failure for rule in RULES for failure in rule.failure_ids}
    others = [*FOUND_BY_COMPARISON, *FOUND_BY_CFN_LINT, *TOO_NOISY, *UNDECIDABLE]
    assert len(others) == len(set(others))
    assert not found_by_rules & set(others)
    assert len(found_by_rules) + len(others) == KNOWN_FAILURES


def test_the_named_rules_of_cfn_lint_exist() -> None:
    existing = {rule.id for rule in get_rules([], [], ["E"]).rules.values()}
    assert set(FOUND_BY_CFN_LINT.values()) <= existing


@cache
def ids_of_cfn_lint(text: str) -> set[str]:
    """The rules of cfn-lint that find something in a template, of which many are bases."""
    return {match.rule.id for match in lint(text)}


@pytest.mark.parametrize("failure", FOUND_BY_CFN_LINT)
def test_cfn_lint_finds_the_failures_that_no_rule_covers(failure: str) -> None:
    (case,) = (case for case in cases() if case.name == failure)
    good, bad = (ids_of_cfn_lint(json.dumps(body)) for body in (case.good, case.bad))
    assert FOUND_BY_CFN_LINT[failure] in bad - good


def test_ids_of_rules_are_unique_and_have_a_level() -> None:
    numbers = [rule.id[1:] for rule in RULES]
    assert len(numbers) == len(set(numbers))
    assert all(rule.id[0] in "EW" and len(rule.id) == 5 for rule in RULES)


def test_rules_of_a_topic_have_its_numbers() -> None:
    """The ranges of topics do not overlap, and a module has rules of one topic. Tables of
    constraints may have several."""
    numbers = [number for ranges in TOPICS.values() for numbers in ranges for number in numbers]
    assert sorted(set(numbers)) == sorted(numbers)
    assert set(range(9100, 10000)) <= set(numbers) <= set(range(9000, 10000))
    topics: dict[str, set[str]] = {}
    constraints = {constraint.id for constraint in CONSTRAINTS}
    for rule in RULES:
        if rule.id in constraints:
            continue
        topics.setdefault(rule.check.__module__, set()).add(topic_of(rule))
    assert [module for module, of_module in topics.items() if len(of_module) > 1] == []


def test_a_constraint_is_about_the_types_that_it_reads() -> None:
    """A rule is left out where there are no resources of its types."""
    by_id = {rule.id: rule for rule in RULES}
    for constraint in CONSTRAINTS:
        rule = by_id[constraint.id]
        assert rule.types == {*resource_types(rule)}


def test_every_rule_has_a_page() -> None:
    for rule in RULES:
        assert rule.sources
        assert rule.fix.endswith(".")
        assert rule.description.endswith((".", ".)"))
        assert rule.title.endswith(".")
