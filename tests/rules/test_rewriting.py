"""The rules find the same problems however a template is written.

The tests apply every rewrite of `rewriting` to the cases of the corpus.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from corpus import Case, bases, cases, template_key
from deterministic import deterministic_settings
from hypothesis import given
from hypothesis import strategies as st
from packs import KNOWN_FAILURES, group_cases, incorrect_templates, judge_packs, owner
from rewriting import REWRITES, SPLITS
from template_parts import Body, Rewrite, Split, everywhere, somewhere

from moorage.cfn.template import Template
from moorage.rules.runner import run_rules


def find_ids(*bodies: Body, region: str | None = None) -> set[str]:
    """The ids of the rules that find a problem in the templates of an environment. In a pack, each
    after the number of the case in the name of the resource, if it has one."""
    templates = [Template(f"stack-{at}", body, region) for at, body in enumerate(bodies)]
    return {f"{owner(problem.path)}{problem.rule.id}" for problem in run_rules(templates)}


def expected_ids(case: Case) -> set[str]:
    """What is found in the incorrect template, as `find_ids` returns it."""
    return {f"{owner(path.split('.'))}{rule}" for rule, path in case.finds}


def correct_templates() -> Iterator[Case]:
    """Cases without mistakes: the bases, and the different correct templates."""
    seen = set()
    for case in (*BASES, *cases()):
        key = template_key(case.region, case.good)
        if key not in seen:
            seen.add(key)
            yield replace(case, bad=case.good, bad_changes={}, finds=frozenset())


BASES = [Case(name, "bases", body, body, frozenset(), base=name) for name, body in bases().items()]
CORRECT = group_cases(correct_templates())
INCORRECT = incorrect_templates()


def rewrites_for(case: Case) -> tuple[Rewrite, ...]:
    """All for known failures, half of them for any other case or pack, which saves time."""
    is_known = case.name.split()[0] in KNOWN_FAILURES
    return REWRITES if is_known else REWRITES[len(case.name) % 2 :: 2]


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


def ids_in_rewritten_correct_template(case: Case) -> dict[str, set[str]]:
    found = rewritten_ids(dict(case.good), case.region)
    return {name: rules for name, rules in found.items() if rules}


@pytest.mark.parametrize("group", CORRECT)
def test_rewritten_correct_templates_have_no_problems(group: str) -> None:
    assert judge_packs(CORRECT[group], ids_in_rewritten_correct_template) == {}


def differing_ids(case: Case) -> dict[str, set[str]]:
    """What is found in the incorrect template after rewrites that change what is found."""
    found = rewritten_ids(dict(case.bad), case.region, rewrites_for(case))
    expected = {name: expected_ids(case) for name in found}
    expected["with_meaningless_names"] = case.ids  # the numbers of cases are no longer there
    return {name: rules for name, rules in found.items() if rules != expected[name]}


@pytest.mark.parametrize("group", INCORRECT)
def test_rewritten_incorrect_templates_have_the_same_problems(group: str) -> None:
    assert judge_packs(INCORRECT[group], differing_ids) == {}


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


def ids_in_correct_stacks(case: Case) -> dict[str, set[str]]:
    found = ids_after_splits(dict(case.good), case.region)
    return {name: rules for name, rules in found.items() if rules}


@pytest.mark.parametrize("group", CORRECT)
def test_two_correct_stacks_have_no_problems(group: str) -> None:
    assert judge_packs(CORRECT[group], ids_in_correct_stacks) == {}


ALLOWED_BY_CONTEXT = {
    "awslogs-region-of-a-template-for-one-region",
    "awslogs-region-with-fixed-subnets",
    "net-acl-with-entries-of-a-nested-stack",
}
"""Cases that are correct because of another part of the template, and a mistake without it."""


def ids_added_by_splits(case: Case) -> dict[str, set[str]]:
    """What is found only after a split."""
    found = ids_after_splits(dict(case.bad), case.region)
    if case.name in ALLOWED_BY_CONTEXT:
        found = {name: rules for name, rules in found.items() if name.endswith("both")}
    return {name: new for name, rules in found.items() if (new := rules - expected_ids(case))}


@pytest.mark.parametrize("group", INCORRECT)
def test_splitting_a_template_into_two_stacks_adds_no_problems(group: str) -> None:
    assert judge_packs(INCORRECT[group], ids_added_by_splits) == {}


@deterministic_settings(max_examples=150)
@given(
    case=st.sampled_from([case for group in INCORRECT.values() for case in group]),
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
