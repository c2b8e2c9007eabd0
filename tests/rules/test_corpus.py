"""Every rule finds its faults where they stand, and says nothing of what is right."""

from __future__ import annotations

from collections import Counter

import pytest
from corpus import Case, bases, cases, ids_and_places, run_case

from moorage.cfn.template import Template
from moorage.rules.registry import RULES
from moorage.rules.runner import run_rules

WITHOUT_CASE: frozenset[str] = frozenset()
"""Ids of the catalogue that a rule names and the corpus lacks, as no template of its can say it."""


def each(case: Case) -> str:
    return f"{case.topic}/{case.name}"


@pytest.mark.parametrize("base", bases())
def test_nothing_is_found_in_a_base(base: str) -> None:
    assert ids_and_places(run_rules([Template(base, bases()[base])])) == set()


@pytest.mark.parametrize("case", cases(), ids=each)
def test_nothing_is_found_in_the_good_twin(case: Case) -> None:
    assert run_case(case, case.good) == set()


@pytest.mark.parametrize("case", cases(), ids=each)
def test_the_fault_and_nothing_else_is_found_in_the_bad_twin(case: Case) -> None:
    assert run_case(case, case.bad) == case.finds


@pytest.mark.parametrize("case", cases(), ids=each)
def test_the_twins_differ(case: Case) -> None:
    assert case.good != case.bad


def test_every_case_has_a_name_of_its_own() -> None:
    assert [name for name, times in Counter(one.name for one in cases()).items() if times > 1] == []


def test_every_rule_has_a_case() -> None:
    raised = {rule for case in cases() for rule, _ in case.finds}
    assert [rule.id for rule in RULES if rule.id not in raised] == []


def test_every_failure_that_a_rule_names_is_a_case_that_it_finds() -> None:
    """By a case of that name, or of that name and what is particular about it."""
    finds = {(rule, case.name) for case in cases() for rule, _ in case.finds}
    assert [
        f"{rule.id} {name}"
        for rule in RULES
        for name in rule.failure_ids
        if name not in WITHOUT_CASE
        and not any(f"{one}-".startswith(f"{name}-") for code, one in finds if code == rule.id)
    ] == []
