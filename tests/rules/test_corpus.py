"""Each rule finds its mistakes at the right path, and nothing in correct templates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable

import pytest
from corpus import Case, bases, case_id, cases, ids_and_paths, run_case, template_key

from moorage.cfn.template import Template
from moorage.rules.registry import RULES
from moorage.rules.runner import run_rules


@pytest.mark.parametrize("base", bases())
def test_bases_have_no_problems(base: str) -> None:
    assert ids_and_paths(run_rules([Template(base, bases()[base])])) == set()


@pytest.mark.parametrize("case", cases(), ids=case_id)
def test_only_the_mistake_of_a_case_is_found(case: Case) -> None:
    assert case.good != case.bad
    assert ids_of_correct_template(case) == set(), "in the correct template"
    problems = run_rules([case.template(case.bad)])
    assert ids_and_paths(problems) == case.finds
    for problem in problems:  # its message is a statement, and its hint a sentence
        assert problem.message[0].isupper() or problem.message[0] == "`"
        assert not problem.message.endswith(".")
        assert problem.hint[0].isupper()
        assert problem.hint.endswith(".")


_CORRECT: dict[Hashable, set[tuple[str, str]]] = {}


def ids_of_correct_template(case: Case) -> set[tuple[str, str]]:
    """What is found in the correct template of a case, which many cases have in common."""
    key = template_key(case.region, case.good)
    if key not in _CORRECT:
        _CORRECT[key] = run_case(case, case.good)
    return _CORRECT[key]


def test_names_of_cases_are_unique() -> None:
    counts = Counter(case.name for case in cases())
    assert [name for name, count in counts.items() if count > 1] == []


def test_every_rule_has_a_case() -> None:
    found = {rule for case in cases() for rule, _ in case.finds}
    assert [rule.id for rule in RULES if rule.id not in found] == []


def test_every_failure_id_of_a_rule_is_a_case_that_it_finds() -> None:
    """The name of the case is the id of the failure, or begins with it."""
    finds = {(rule, case.name) for case in cases() for rule, _ in case.finds}
    assert [
        f"{rule.id} {failure}"
        for rule in RULES
        for failure in rule.failure_ids
        if not any(
            f"{name}-".startswith(f"{failure}-") for rule_id, name in finds if rule_id == rule.id
        )
    ] == []
