"""Which scenarios of a template are evaluated."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from moorage.cfn.scenarios import MAX_STEPS, default_view, find_in_scenarios
from moorage.cfn.template import Template
from moorage.cfn.view import View


def texts(view: View) -> Iterator[str]:
    """The text of every property P, `?` if it is unknown."""
    for resource in view.resources_of_type("T::R"):
        yield resource["P"].text or "?"


def find_texts(parameters: Any, conditions: Any, value: Any) -> list[str]:
    resources = {"A": {"Type": "T::R", "Properties": {"P": value}}}
    body = {"Parameters": parameters, "Conditions": conditions, "Resources": resources}
    return find_in_scenarios([Template("t", body)], texts, lambda text: text)


def stage(*allowed: str, default: str | None = None) -> dict[str, Any]:
    default_entry = {"Default": default} if default else {}
    return {"Type": "String", **({"AllowedValues": [*allowed]} if allowed else {}), **default_entry}


def equals(name: str, value: str) -> dict[str, Any]:
    return {"Fn::Equals": [{"Ref": name}, value]}


def test_without_conditions_there_is_one_scenario() -> None:
    assert find_texts({"S": stage("a", "b")}, {}, {"Ref": "S"}) == ["?"]


def test_each_branch_is_evaluated_starting_with_the_default() -> None:
    conditions = {"IsProd": equals("S", "prod")}
    value = {"Fn::If": ["IsProd", "many", "one"]}
    assert find_texts({"S": stage("prod", "dev", default="dev")}, conditions, value) == [
        "one",
        "many",
    ]
    assert find_texts({"S": stage(default="prod")}, conditions, value) == ["many", "one"]
    assert find_texts({"S": stage()}, conditions, value) == ["one", "many"]


def test_conditions_on_the_same_parameter_vary_together() -> None:
    conditions = {"IsProd": equals("S", "prod"), "IsDev": {"Fn::Not": [{"Condition": "IsProd"}]}}
    inner = {"Fn::If": ["IsDev", "never", "prod"]}
    value = {"Fn::If": ["IsProd", inner, "dev"]}
    assert find_texts({"S": stage("prod", "dev")}, conditions, value) == ["prod", "dev"]


def test_parameter_with_three_values() -> None:
    conditions = {"IsA": equals("S", "a"), "IsB": equals("S", "b")}
    value = {"Fn::If": ["IsA", "1", {"Fn::If": ["IsB", "2", "3"]}]}
    assert sorted(find_texts({"S": stage("a", "b", "c")}, conditions, value)) == ["1", "2", "3"]


def test_result_that_depends_on_two_choices_is_ignored() -> None:
    conditions = {"A": equals("S", "x"), "B": equals("T", "x")}
    both = {"Fn::If": ["A", {"Fn::If": ["B", "both", "a"]}, {"Fn::If": ["B", "b", "none"]}]}
    assert find_texts({"S": stage(), "T": stage()}, conditions, both)[0] == "none"
    assert "a" not in find_texts({"S": stage(), "T": stage()}, conditions, both)


def test_condition_without_a_parameter_varies() -> None:
    conditions = {"IsHere": {"Fn::Equals": [{"Fn::Select": [0, {"Ref": "L"}]}, "x"]}}
    value = {"Fn::If": ["IsHere", "here", "there"]}
    assert find_texts({"L": {"Type": "CommaDelimitedList"}}, conditions, value) == ["here", "there"]


def test_condition_on_the_region() -> None:
    conditions = {"IsEast": equals("AWS::Region", "us-east-1")}
    value = {"Fn::If": ["IsEast", "east", "other"]}
    assert find_texts({}, conditions, value) == ["other", "east"]


def test_given_parameter_values_do_not_vary() -> None:
    body = {
        "Parameters": {"S": stage("dev", "prod")},
        "Conditions": {"IsProd": equals("S", "prod")},
        "Resources": {"A": {"Type": "T::R", "Properties": {"P": {"Fn::If": ["IsProd", "a", "b"]}}}},
    }
    template = Template("t", body, parameter_values={"S": "prod"})
    assert find_in_scenarios([template], texts, lambda text: text) == ["a"]


def test_number_of_scenarios_is_limited() -> None:
    names = [f"S{index}" for index in range(40)]
    views: list[View] = []

    def find(view: View) -> list[str]:
        views.append(view)
        return []

    body = {
        "Parameters": {name: stage() for name in names},
        "Conditions": {f"Is{name}": equals(name, "x") for name in names},
        "Resources": {},
    }
    assert find_in_scenarios([Template("t", body)], find, str) == []
    assert len(views) == MAX_STEPS + 1


def test_default_view_uses_defaults_of_parameters() -> None:
    body = {
        "Parameters": {"S": stage("dev", "prod", default="prod")},
        "Conditions": {"IsProd": equals("S", "prod")},
        "Resources": {"A": {"Type": "T::R", "Properties": {"P": {"Fn::If": ["IsProd", "a", "b"]}}}},
    }
    assert [*texts(default_view([Template("t", body)]))] == ["a"]
