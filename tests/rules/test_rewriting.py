"""The rules find the same problems however a template is written.

The tests apply every rewrite of `rewriting` to the cases of the corpus.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from corpus import Case, bases, cases, cases_by_topic, template_key
from deterministic import deterministic_settings
from hypothesis import given
from hypothesis import strategies as st
from rewriting import REWRITES, SPLITS
from template_parts import Body, Rewrite, Split, everywhere, somewhere

from moorage.cfn.template import Template
from moorage.rules.registry import RULES
from moorage.rules.runner import run_rules


def find_ids(*bodies: Body, region: str | None = None) -> set[str]:
    """The ids of the rules that find a problem in the templates of an environment."""
    templates = [Template(f"stack-{at}", body, region) for at, body in enumerate(bodies)]
    return {problem.rule.id for problem in run_rules(templates)}


def correct_templates() -> Iterator[Case]:
    """The cases with different correct templates, and the bases."""
    seen = set()
    for case in (*BASES, *cases()):
        key = template_key(case.region, case.good)
        if key not in seen:
            seen.add(key)
            yield case


BASES = [Case(name, "bases", body, {}, frozenset()) for name, body in bases().items()]


def cases_of_rules() -> tuple[Case, ...]:
    """Without the mistakes that cfn-lint finds, as a rule may find them in a rewritten template."""
    return tuple(case for case in cases() if case.topic != "found_by_cfn_lint")


KNOWN_FAILURES = {failure for rule in RULES for failure in rule.failure_ids}


def rewrites_for(case: Case) -> tuple[Rewrite, ...]:
    """All for a known failure, half of them for any other case, which saves time."""
    return REWRITES if case.name in KNOWN_FAILURES else REWRITES[len(case.name) % 2 :: 2]


def rewritten_ids(
    body: Body, region: str | None, rewrites: tuple[Rewrite, ...] = REWRITES
) -> dict[str, set[str]]:
    """What is found in a template after each rewrite that changes it."""
    rewritten = ((rewrite.__name__, rewrite(body, everywhere)) for rewrite in rewrites)
    return {
        name: find_ids(new, region=region)
        for name, new in rewritten
        if new != body or name in ("as_json", "in_reverse_order")  # equal as dicts
    }


CORRECT = cases_by_topic(correct_templates())
INCORRECT = cases_by_topic(cases_of_rules())


@pytest.mark.parametrize("topic", CORRECT)
def test_rewritten_correct_templates_have_no_problems(topic: str) -> None:
    differing = {}
    for case in CORRECT[topic]:
        found = rewritten_ids(dict(case.good), case.region)
        wrong = {name: rules for name, rules in found.items() if rules}
        differing |= {case.name: wrong} if wrong else {}
    assert differing == {}


@pytest.mark.parametrize("topic", INCORRECT)
def test_rewritten_incorrect_templates_have_the_same_problems(topic: str) -> None:
    differing = {}
    for case in INCORRECT[topic]:
        found = rewritten_ids(dict(case.bad), case.region, rewrites_for(case))
        wrong = {name: rules for name, rules in found.items() if rules != case.ids}
        differing |= {case.name: wrong} if wrong else {}
    assert differing == {}


def split_ids(split: Split, body: Body, region: str | None) -> dict[str, set[str]]:
    """What is found in two stacks together, and in each of them alone."""
    stacks = split(body, everywhere)
    if stacks is None:
        return {}
    sets = {"both": stacks, "upper": stacks[:1], "lower": stacks[1:]}
    return {
        f"{split.__name__} {name}": find_ids(*bodies, region=region)
        for name, bodies in sets.items()
    }


def ids_after_splits(body: Body, region: str | None) -> dict[str, set[str]]:
    """What is found after each way to split a template in two."""
    return {name: ids for split in SPLITS for name, ids in split_ids(split, body, region).items()}


@pytest.mark.parametrize("topic", CORRECT)
def test_two_correct_stacks_have_no_problems(topic: str) -> None:
    differing = {}
    for case in CORRECT[topic]:
        found = ids_after_splits(dict(case.good), case.region)
        wrong = {name: rules for name, rules in found.items() if rules}
        differing |= {case.name: wrong} if wrong else {}
    assert differing == {}


ALLOWED_BY_CONTEXT = {
    "awslogs-region-of-a-template-for-one-region",
    "awslogs-region-with-fixed-subnets",
    "net-acl-with-entries-of-a-nested-stack",
}
"""Cases that are correct because of another part of the template, and a mistake without it."""


@pytest.mark.parametrize("topic", INCORRECT)
def test_splitting_a_template_into_two_stacks_adds_no_problems(topic: str) -> None:
    differing = {}
    for case in INCORRECT[topic]:
        found = ids_after_splits(dict(case.bad), case.region)
        if case.name in ALLOWED_BY_CONTEXT:
            found = {name: rules for name, rules in found.items() if name.endswith("both")}
        wrong = {name: rules for name, rules in found.items() if rules - case.ids}
        differing |= {case.name: wrong} if wrong else {}
    assert differing == {}


@deterministic_settings(max_examples=150)
@given(
    case=st.sampled_from(cases_of_rules()),
    rewrites=st.lists(st.sampled_from(REWRITES), min_size=1, max_size=4),
    split=st.sampled_from((None, *SPLITS)),
    seed=st.integers(0, 2**16),
)
def test_rewrites_can_be_combined(
    case: Case, rewrites: list[Rewrite], split: Split | None, seed: int
) -> None:
    for body, allowed in ((dict(case.good), set()), (dict(case.bad), case.ids)):
        for index, rewrite in enumerate(rewrites):
            body = rewrite(body, somewhere(seed + index))
        stacks = (split(body, somewhere(seed)) if split else None) or (body,)
        assert find_ids(*stacks, region=case.region) <= allowed
