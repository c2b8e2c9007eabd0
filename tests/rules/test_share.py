"""The command that measures the share of cases that are judged correctly."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from corpus import cases
from share import report

README = Path(__file__).parents[2] / "README.md"


def test_the_readme_has_the_number_of_cases() -> None:
    text = README.read_text()
    assert f"all {len(cases()):,} cases" in text
    assert "`python tests/rules/share.py`" in text


def test_a_case_whose_mistake_is_not_found_counts() -> None:
    case = next(case for case in cases() if case.finds)
    blind = replace(case, name="blind", bad=case.good)
    text = report([case, blind])
    assert "1 of 2 cases are judged correctly (50.0 %)\n" in text
    assert text.count("judged wrongly") == 1
    assert "blind" in text


def test_a_finding_in_a_correct_template_counts() -> None:
    case = next(case for case in cases() if case.finds)
    assert "0 of 1 cases" in report([replace(case, good=case.bad)])
