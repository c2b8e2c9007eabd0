"""Templates under one scenario: conditions, order, and imports over stacks."""

from __future__ import annotations

from typing import Any

import pytest

from moorage.cfn.template import Template
from moorage.cfn.values import Unknown
from moorage.cfn.view import Resource, View


def resource(kind: str = "T::R", **more: Any) -> dict[str, Any]:
    return {"Type": kind, **more}


def view(*bodies: Any, **scenario: Any) -> View:
    templates = [Template(f"s{at}", body) for at, body in enumerate(bodies)]
    return View(templates, {("s0", name): value for name, value in scenario.items()})


def resources(view: View) -> dict[str, Resource]:
    return {name: one for stack in view.stacks for name, one in stack.resources.items()}


# Conditions ----------------------------------------------------------------------------------

STAGE = {"Stage": {"Type": "String", "AllowedValues": ["dev", "prod"]}, "Free": {"Type": "String"}}
IS_PROD = {"Fn::Equals": [{"Ref": "Stage"}, "prod"]}


@pytest.mark.parametrize(
    ("condition", "dev", "prod"),
    [
        (IS_PROD, False, True),
        ({"Fn::Equals": ["prod", {"Ref": "Stage"}]}, False, True),
        ({"Fn::Not": [IS_PROD]}, True, False),
        ({"Condition": "IsProd"}, False, True),
        ({"Fn::And": [IS_PROD, {"Fn::Equals": [1, "1"]}]}, False, True),
        ({"Fn::Or": [IS_PROD, {"Fn::Equals": [{"Ref": "Free"}, ""]}]}, None, True),
        ({"Fn::And": [IS_PROD, {"Fn::Equals": [{"Ref": "Free"}, ""]}]}, False, None),
        ({"Fn::Equals": [{"Ref": "Stage"}, "test"]}, False, False),
        ({"Condition": "NoSuch"}, None, None),
        ({"Condition": "It"}, None, None),
        ({"Fn::Equals": ["a"]}, None, None),
        ({"Fn::Not": []}, None, None),
        ({"Fn::Or": "x"}, None, None),
        ({}, None, None),
    ],
)
def test_conditions(condition: Any, dev: bool | None, prod: bool | None) -> None:
    conditions = {"IsProd": IS_PROD, "It": condition}
    body = {"Parameters": STAGE, "Conditions": conditions, "Resources": {}}
    truths = [
        view(body, Stage=stage).stacks[0].evaluate_condition("It") for stage in ("dev", "prod")
    ]
    assert truths == [dev, prod]


def test_what_is_not_made_is_not_there() -> None:
    body = {
        "Parameters": STAGE,
        "Conditions": {"IsProd": IS_PROD},
        "Resources": {
            "A": resource(Condition="IsProd"),
            "B": resource(Condition="NoSuch"),
            "C": resource(Properties={"P": {"Ref": "A"}}),
        },
    }
    assert [one.id for one in view(body, Stage="dev").resources_of_type("T::R")] == ["B", "C"]
    assert [one.id for one in view(body, Stage="prod").resources_of_type("T::R")] == ["A", "B", "C"]
    assert resources(view(body, Stage="dev"))["C"]["P"].unknown


def test_types() -> None:
    body = {"Resources": {"A": resource("X::A"), "B": resource("X::B"), "C": resource("Y::C")}}
    found = view(body)
    assert [one.id for one in found.resources_of_type("Y::C", "X::A")] == ["C", "A"]
    assert [one.id for one in found.resources_with_type_prefix("X::")] == ["A", "B"]


# Order ---------------------------------------------------------------------------------------


def before(body: Any, first: str, then: str, **scenario: Any) -> bool:
    found = view(body, **scenario)
    named = resources(found)
    return found.is_created_before(named[first], named[then])


@pytest.mark.parametrize(
    "more",
    [
        {"DependsOn": "A"},
        {"DependsOn": ["X", "A"]},
        {"Properties": {"P": {"Ref": "A"}}},
        {"Properties": {"P": [{"Q": {"Fn::GetAtt": ["A", "Arn"]}}]}},
        {"Properties": {"P": {"Fn::GetAtt": "A.Arn"}}},
        {"Properties": {"P": {"Fn::Sub": "x${A}"}}},
        {"Properties": {"P": {"Fn::Sub": ["${A.Arn}${b}", {"b": 1}]}}},
        {"Properties": {"P": {"Fn::Sub": ["${b}", {"b": {"Ref": "A"}}]}}},
        {"Properties": {"P": {"Fn::If": ["NoSuch", {"Ref": "A"}, 1]}}},
        {"Properties": {"P": {"Fn::Join": ["", [{"Ref": "A"}]]}}},
        {"UpdatePolicy": {"P": {"Ref": "A"}}},
    ],
)
def test_what_refers_comes_after(more: Any) -> None:
    body = {"Resources": {"A": resource(), "B": resource(**more), "C": resource(DependsOn="B")}}
    assert before(body, "A", "B")
    assert before(body, "A", "C")
    assert not before(body, "B", "A")


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"Metadata": {"P": {"Ref": "A"}}},
        {"Properties": {"P": "A"}},
        {"Properties": {"P": {"Fn::Sub": "${!A}"}}},
        {"Properties": {"P": {"Fn::If": ["IsProd", {"Ref": "A"}, 1]}}},
        {"DependsOn": {"Ref": "A"}},
        {"DependsOn": None},
    ],
)
def test_what_does_not_refer_may_come_first(more: Any) -> None:
    body = {
        "Parameters": STAGE,
        "Conditions": {"IsProd": IS_PROD},
        "Resources": {"A": resource(), "B": resource(**more)},
    }
    assert not before(body, "A", "B", Stage="dev")


def test_circles_end() -> None:
    body = {"Resources": {"A": resource(DependsOn="B"), "B": resource(DependsOn=["A", "B"])}}
    assert before(body, "A", "B")
    assert before(body, "B", "A")


# Over stacks ---------------------------------------------------------------------------------


def exported(name: Any, value: Any) -> dict[str, Any]:
    return {"Out": {"Value": value, "Export": {"Name": name}}}


UPPER = {"Resources": {"A": resource()}, "Outputs": exported("upper-A", {"Ref": "A"})}
LOWER = {"Resources": {"B": resource(Properties={"P": {"Fn::ImportValue": "upper-A"}})}}


def test_an_import_is_what_is_exported() -> None:
    named = resources(view(UPPER, LOWER))
    assert named["B"]["P"].resource is named["A"]
    assert named["B"].view.is_created_before(named["A"], named["B"])
    assert not named["B"].view.is_created_before(named["B"], named["A"])


def test_an_import_from_elsewhere_is_unknown() -> None:
    assert resources(view(LOWER))["B"]["P"].unknown
    assert resources(view(LOWER, {"Resources": {}}))["B"]["P"].unknown


def test_imports_of_one_name_are_the_same() -> None:
    again = {"Resources": {"C": resource(Properties={"P": {"Fn::ImportValue": "upper-A"}})}}
    named = resources(view(LOWER, again))
    assert named["B"]["P"].is_same_as(named["C"]["P"]) is True


def test_names_of_exports_may_be_put_together() -> None:
    parameters = {"Env": {"Type": "String", "AllowedValues": ["dev"]}}
    name = {"Fn::Sub": "${Env}-A"}
    upper = {**UPPER, "Parameters": parameters, "Outputs": exported(name, {"Ref": "A"})}
    using = {"Fn::ImportValue": {"Fn::Join": ["-", ["dev", "A"]]}}
    named = resources(view(upper, {"Resources": {"B": resource(Properties={"P": using})}}))
    assert named["B"]["P"].resource is named["A"]
    assert named["B"].view.is_created_before(named["A"], named["B"])


def test_what_is_exported_again_is_unknown() -> None:
    middle = {"Resources": {}, "Outputs": exported("again", {"Fn::ImportValue": "upper-A"})}
    lower = {"Resources": {"B": resource(Properties={"P": {"Fn::ImportValue": "again"}})}}
    named = resources(view(UPPER, middle, lower))
    assert named["B"]["P"].unknown
    assert named["B"].view.is_created_before(named["A"], named["B"])


def test_equal_names_in_two_stacks_are_two_things() -> None:
    body = {
        "Parameters": {"Free": {"Type": "String"}},
        "Resources": {
            "A": resource(Properties={"P": {"Ref": "Free"}, "N": {"Ref": "AWS::StackName"}})
        },
    }
    one, other = view(body, body).resources_of_type("T::R")
    assert one["P"].is_same_as(other["P"]) is None
    assert one["N"].is_same_as(other["N"]) is None
    assert one["P"].is_same_as(one["P"]) is True


def test_users() -> None:
    upper = {
        **UPPER,
        "Resources": {"A": resource(), "Near": resource(DependsOn="A"), "Other": resource()},
    }
    found = view(upper, LOWER)
    named = resources(found)
    assert {one.id for one in found.dependents(named["A"])} == {"Near", "B"}
    assert found.dependents(named["Other"]) == frozenset()


def test_what_is_given_at_deployment_is_known() -> None:
    body = {
        "Parameters": {"Free": {"Type": "String"}},
        "Resources": {"A": resource(Properties={"P": {"Ref": "Free"}})},
    }
    (found,) = View([Template("s", body, parameter_values={"Free": "x"})], {}).resources_of_type(
        "T::R"
    )
    assert found["P"].text == "x"


def test_the_region() -> None:
    body = {"Resources": {"A": resource(Properties={"P": {"Ref": "AWS::Region"}})}}
    (found,) = View([Template("s", body, "eu-west-1")], {}).resources_of_type("T::R")
    assert found["P"].text == "eu-west-1"
    (found,) = view(body).resources_of_type("T::R")
    assert found["P"].value == Unknown("AWS::Region")
