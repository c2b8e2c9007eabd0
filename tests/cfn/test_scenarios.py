"""Which of the many templates that stand in one are looked at."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from moorage.cfn.scenarios import MAX_STEPS, default_view, find_in_scenarios
from moorage.cfn.template import Template
from moorage.cfn.view import View


def texts(view: View) -> Iterator[str]:
    """What stands in every property P."""
    for one in view.resources_of_type("T::R"):
        yield one["P"].text or "?"


def seen(parameters: Any, conditions: Any, value: Any) -> list[str]:
    resources = {"A": {"Type": "T::R", "Properties": {"P": value}}}
    body = {"Parameters": parameters, "Conditions": conditions, "Resources": resources}
    return find_in_scenarios([Template("t", body)], texts, lambda one: one)


def stage(*allowed: str, default: str | None = None) -> dict[str, Any]:
    more = {"Default": default} if default else {}
    return {"Type": "String", **({"AllowedValues": [*allowed]} if allowed else {}), **more}


def equals(name: str, value: str) -> dict[str, Any]:
    return {"Fn::Equals": [{"Ref": name}, value]}


def test_without_conditions_there_is_one() -> None:
    assert seen({"S": stage("a", "b")}, {}, {"Ref": "S"}) == ["?"]


def test_each_branch_is_looked_at_the_default_first() -> None:
    conditions = {"IsProd": equals("S", "prod")}
    value = {"Fn::If": ["IsProd", "many", "one"]}
    assert seen({"S": stage("prod", "dev", default="dev")}, conditions, value) == ["one", "many"]
    assert seen({"S": stage(default="prod")}, conditions, value) == ["many", "one"]
    assert seen({"S": stage()}, conditions, value) == ["one", "many"]


def test_conditions_on_one_parameter_go_together() -> None:
    conditions = {"IsProd": equals("S", "prod"), "IsDev": {"Fn::Not": [{"Condition": "IsProd"}]}}
    inner = {"Fn::If": ["IsDev", "never", "prod"]}
    value = {"Fn::If": ["IsProd", inner, "dev"]}
    assert seen({"S": stage("prod", "dev")}, conditions, value) == ["prod", "dev"]


def test_a_choice_of_three() -> None:
    conditions = {"IsA": equals("S", "a"), "IsB": equals("S", "b")}
    value = {"Fn::If": ["IsA", "1", {"Fn::If": ["IsB", "2", "3"]}]}
    assert sorted(seen({"S": stage("a", "b", "c")}, conditions, value)) == ["1", "2", "3"]


def test_what_takes_two_steps_is_left_alone() -> None:
    conditions = {"A": equals("S", "x"), "B": equals("T", "x")}
    both = {"Fn::If": ["A", {"Fn::If": ["B", "both", "a"]}, {"Fn::If": ["B", "b", "none"]}]}
    assert seen({"S": stage(), "T": stage()}, conditions, both)[0] == "none"
    assert "a" not in seen({"S": stage(), "T": stage()}, conditions, both)


def test_a_condition_that_nothing_decides_is_chosen() -> None:
    conditions = {"IsHere": {"Fn::Equals": [{"Fn::Select": [0, {"Ref": "L"}]}, "x"]}}
    value = {"Fn::If": ["IsHere", "here", "there"]}
    assert seen({"L": {"Type": "CommaDelimitedList"}}, conditions, value) == ["here", "there"]


def test_the_region_can_be_a_condition() -> None:
    conditions = {"IsEast": equals("AWS::Region", "us-east-1")}
    value = {"Fn::If": ["IsEast", "east", "other"]}
    assert seen({}, conditions, value) == ["other", "east"]


def test_values_that_are_given_leave_no_choice() -> None:
    body = {
        "Parameters": {"S": stage("dev", "prod")},
        "Conditions": {"IsProd": equals("S", "prod")},
        "Resources": {"A": {"Type": "T::R", "Properties": {"P": {"Fn::If": ["IsProd", "a", "b"]}}}},
    }
    template = Template("t", body, parameter_values={"S": "prod"})
    assert find_in_scenarios([template], texts, lambda one: one) == ["a"]


def test_many_conditions_do_not_make_too_many() -> None:
    names = [f"S{at}" for at in range(40)]
    looked: list[View] = []

    def find(view: View) -> list[str]:
        looked.append(view)
        return []

    body = {
        "Parameters": {name: stage() for name in names},
        "Conditions": {f"Is{name}": equals(name, "x") for name in names},
        "Resources": {},
    }
    assert find_in_scenarios([Template("t", body)], find, str) == []
    assert len(looked) == MAX_STEPS + 1


def test_the_usual_one_is_that_of_the_defaults() -> None:
    body = {
        "Parameters": {"S": stage("dev", "prod", default="prod")},
        "Conditions": {"IsProd": equals("S", "prod")},
        "Resources": {"A": {"Type": "T::R", "Properties": {"P": {"Fn::If": ["IsProd", "a", "b"]}}}},
    }
    assert [*texts(default_view([Template("t", body)]))] == ["a"]
