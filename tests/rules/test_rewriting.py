"""What is said of a template does not hang on the way in which it is written.

The proof takes every case of the corpus through every rewrite of `rewriting`.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import pytest
from corpus import Case, bases, cases
from deterministic import deterministic_settings
from hypothesis import given
from hypothesis import strategies as st
from rewriting import REWRITES, SPLITS, Body, Rewrite, Split, everywhere, somewhere

from moorage.cfn.template import Template
from moorage.rules.registry import RULES
from moorage.rules.runner import run_rules


def ids(*bodies: Body, region: str | None = None) -> set[str]:
    """The rules that find something in an environment of templates."""
    templates = [Template(f"stack-{at}", body, region) for at, body in enumerate(bodies)]
    return {one.rule.id for one in run_rules(templates)}


def goods() -> Iterable[tuple[str, str | None, Body]]:
    """The good templates of the corpus, each once."""
    seen: list[tuple[str | None, Body]] = [(None, body) for body in bases().values()]
    yield from ((name, None, body) for name, body in bases().items())
    for case in cases():
        if (case.region, case.good) not in seen:
            seen.append((case.region, dict(case.good)))
            yield case.name, case.region, dict(case.good)


def bads() -> tuple[Case, ...]:
    """Without the faults that cfn-lint tells of, which a rule may tell where it no longer does."""
    return tuple(one for one in cases() if one.topic != "found_by_cfn_lint")


def each(case: Case) -> str:
    return f"{case.topic}/{case.name}"


@cache
def said(case: Case) -> set[str]:
    """What is found in the bad twin as it stands (whether that is right, test_corpus says)."""
    return ids(dict(case.bad), region=case.region)


KNOWN = {name for rule in RULES for name in rule.failure_ids}


def rewrites(case: Case) -> tuple[Rewrite, ...]:
    """All for a known failure; its many variants take turns, which saves half of the time."""
    return REWRITES if case.name in KNOWN else REWRITES[len(case.name) % 2 :: 2]


def rewritten_ids(
    body: Body, region: str | None, rewrites: tuple[Rewrite, ...] = REWRITES
) -> dict[str, set[str]]:
    """What is found in a template after each rewrite that does anything to it."""
    made = ((one.__name__, one(body, everywhere)) for one in rewrites)
    return {
        name: ids(new, region=region)
        for name, new in made
        if new != body or name in ("as_json", "reordered")  # another order is no other dict
    }


@pytest.mark.parametrize(
    ("region", "body"), [one[1:] for one in goods()], ids=[one[0] for one in goods()]
)
def test_what_is_right_stays_right(region: str | None, body: Body) -> None:
    found = rewritten_ids(body, region)
    assert {name: rules for name, rules in found.items() if rules} == {}


@pytest.mark.parametrize("case", bads(), ids=each)
def test_a_fault_stays_that_fault(case: Case) -> None:
    found = rewritten_ids(dict(case.bad), case.region, rewrites(case))
    assert {name: rules for name, rules in found.items() if rules != said(case)} == {}


def split_ids(split: Split, body: Body, region: str | None) -> dict[str, set[str]]:
    """What is found in two stacks together, and in each alone."""
    stacks = split(body, everywhere)
    if stacks is None:
        return {}
    sets = {"both": stacks, "upper": stacks[:1], "lower": stacks[1:]}
    return {f"{split.__name__} {name}": ids(*one, region=region) for name, one in sets.items()}


@pytest.mark.parametrize(
    ("region", "body"), [one[1:] for one in goods()], ids=[g[0] for g in goods()]
)
def test_what_is_right_stays_right_in_two_stacks(region: str | None, body: Body) -> None:
    found = {name: now for one in SPLITS for name, now in split_ids(one, body, region).items()}
    assert {name: rules for name, rules in found.items() if rules} == {}


EXCUSED = {"awslogs-region-of-a-template-for-one-region", "awslogs-region-beside-fixed-subnets"}
"""Cases that something else in the template excuses: alone, without it, they are the fault."""


@pytest.mark.parametrize("case", bads(), ids=each)
def test_two_stacks_have_no_fault_that_one_had_not(case: Case) -> None:
    body = dict(case.bad)
    found = {name: now for one in SPLITS for name, now in split_ids(one, body, case.region).items()}
    alone = case.name not in EXCUSED
    seen = {name: rules for name, rules in found.items() if alone or name.endswith("both")}
    assert {name: rules for name, rules in seen.items() if rules - said(case)} == {}


@deterministic_settings(max_examples=150)
@given(
    case=st.sampled_from(bads()),
    rewrites=st.lists(st.sampled_from(REWRITES), min_size=1, max_size=4),
    split=st.sampled_from((None, *SPLITS)),
    seed=st.integers(0, 2**16),
)
def test_rewrites_go_together(
    case: Case, rewrites: list[Rewrite], split: Split | None, seed: int
) -> None:
    for body, most in ((dict(case.good), set()), (dict(case.bad), said(case))):
        for at, rewrite in enumerate(rewrites):
            body = rewrite(body, somewhere(seed + at))
        stacks = (split(body, somewhere(seed)) if split else None) or (body,)
        assert ids(*stacks, region=case.region) <= most
