"""Which findings are new and which are gone, if a build ends after any of its steps."""

from __future__ import annotations

from dataclasses import replace

import pytest

from moorage.findings.finding import Finding, Place
from moorage.watch.shown_findings import Difference, ShownFindings


def finding(code: str, line: int = 1) -> Finding:
    return Finding(code, "error", Place("params/dev.yaml", line), ("stacks", "web"), "Wrong")


PARAMS, RULE, LINT = finding("M1"), finding("E9"), finding("E3")


def test_a_finding_comes_once_and_goes_at_the_step_that_found_it() -> None:
    shown = ShownFindings()
    assert shown.update(0, []).came == ()
    assert shown.update(1, [RULE]).came == (RULE,)
    assert shown.update(2, [RULE, LINT]).came == (LINT,)
    assert shown.update(0, []) == shown.update(0, []), "the steps before say nothing about it"
    assert shown.update(1, []).gone == (RULE,)
    assert shown.update(2, [LINT]).gone == ()
    assert shown.update(2, []).gone == (LINT,)


def test_a_build_that_ends_early_keeps_the_findings_of_later_steps() -> None:
    shown = ShownFindings()
    shown.update(0, [])
    shown.update(1, [LINT])
    assert shown.update(0, [PARAMS]).gone == ()
    assert shown.update(0, []).gone == (PARAMS,)
    assert shown.update(1, [LINT]).came == ()
    assert shown.clear() == (LINT,)
    assert shown.update(1, [LINT]).came == (LINT,)


def test_a_finding_that_moves_is_neither_new_nor_gone() -> None:
    shown = ShownFindings()
    shown.update(0, [PARAMS])
    moved = replace(PARAMS, place=Place("params/dev.yaml", 9))
    assert (shown.update(0, [moved]).came, shown.update(0, [moved]).gone) == ((), ())
    assert shown.clear() == (moved,), "it is shown with its last line"


def test_without_a_path_the_line_counts() -> None:
    first = replace(PARAMS, path=())
    second = replace(first, place=Place("params/dev.yaml", 2))
    assert ShownFindings().update(0, [first, second]).came == (first, second)


@pytest.mark.parametrize(
    ("code", "of_cfn_lint"), [("F3002", "E3002"), ("F1020", "E1010"), ("E8002", "E3015")]
)
def test_the_same_in_other_words_is_no_difference(code: str, of_cfn_lint: str) -> None:
    """AWS's engine and cfn-lint report the same mistake, the engine first."""
    engine, lint = finding(code, 7), replace(finding(of_cfn_lint, 8), message="Other words")
    another = finding("E3012", 7)
    shown = ShownFindings()
    for came in ((engine,), (), ()):
        assert shown.update(2, [PARAMS, engine]).came == ((PARAMS, *came) if came else ())
        assert shown.update(None, [PARAMS, lint]) == Difference((), ())
    assert shown.update(2, [PARAMS]).gone == (engine,)
    assert shown.update(None, [PARAMS]) == Difference((), ())
    both = shown.update(None, [PARAMS, lint, another])
    assert both.came == (lint, another), "the one of the engine is gone"
    assert shown.update(2, [PARAMS, engine]) == Difference((), ())
    assert shown.update(2, [PARAMS]) == Difference((), ())
    assert shown.update(None, [PARAMS, another]).gone == (lint,)
    assert shown.clear() == (PARAMS, another)


def test_a_build_whose_findings_were_kept_shows_them_at_once() -> None:
    """It has no steps in between, in which findings could go."""
    engine, lint = finding("F3002"), finding("E3002")
    shown = ShownFindings()
    shown.update(2, [engine])
    shown.update(None, [lint])
    assert shown.update(None, []) == Difference((), (engine,))
    assert shown.clear() == ()
