"""Conditions that refer to each other in a row: however long the row, no error."""

from __future__ import annotations

from typing import Any

import pytest

from moorage.cfn.switches import find_switches
from moorage.cfn.template import Template
from moorage.cfn.view import View

_IS_A = {"Fn::Equals": [{"Ref": "Letter"}, "a"]}
_FORMS: dict[str, Any] = {
    "Condition": lambda other: other,
    "Fn::Not": lambda other: {"Fn::Not": [other]},
    "Fn::And": lambda other: {"Fn::And": [other, _IS_A]},
    "Fn::Or": lambda other: {"Fn::Or": [other, _IS_A]},
}


def _chain(form: str, length: int) -> Template:
    """C0 depends on C1, and so on; the last one is a comparison."""
    conditions = {
        f"C{number}": _FORMS[form]({"Condition": f"C{number + 1}"}) for number in range(length)
    }
    parameter = {"Type": "String", "Default": "a", "AllowedValues": ["a", "b"]}
    body = {
        "Parameters": {"Letter": parameter},
        "Conditions": {**conditions, f"C{length}": _IS_A},
    }
    return Template("t", body)


@pytest.mark.parametrize("form", _FORMS)
def test_a_short_chain_is_evaluated(form: str) -> None:
    view = View([_chain(form, 20)], {("t", "Letter"): "a"})
    assert view.stacks[0].evaluate_condition("C0") is True


@pytest.mark.parametrize("form", _FORMS)
def test_a_long_chain_is_unknown_where_its_end_matters(form: str) -> None:
    template = _chain(form, 1000)
    view = View([template], {("t", "Letter"): "a"}, records=True)
    stack = view.stacks[0]
    expected = True if form == "Fn::Or" else None  # one true operand decides
    assert stack.evaluate_condition("C0") is expected
    assert stack.evaluate_condition("C1000") is True
    assert ("t", "Letter") in find_switches([template])


def test_a_long_circle_of_conditions_is_unknown() -> None:
    body = {"Conditions": {f"C{n}": {"Condition": f"C{(n + 1) % 1000}"} for n in range(1000)}}
    stack = View([Template("t", body)], {}).stacks[0]
    assert [stack.evaluate_condition(name) for name in body["Conditions"]] == [None] * 1000


def test_the_switches_of_a_long_chain_are_found() -> None:
    switches = _chain("Fn::Not", 1000).switches_of_conditions
    names = {f"Condition C{number}" for number in range(1001)}
    assert switches["C0"] == {("t", name) for name in (*names, "Letter")}
    assert switches["C1000"] == {("t", "Condition C1000"), ("t", "Letter")}
