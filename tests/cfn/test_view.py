"""Templates in one scenario: conditions, dependencies, imports from other stacks."""

from __future__ import annotations

from typing import Any

import pytest

from moorage.cfn.stack import Resource
from moorage.cfn.template import Template
from moorage.cfn.values import Unknown
from moorage.cfn.view import View


def resource(kind: str = "T::R", **more: Any) -> dict[str, Any]:
    return {"Type": kind, **more}


def view(*bodies: Any, **scenario: Any) -> View:
    templates = [Template(f"s{index}", body) for index, body in enumerate(bodies)]
    return View(templates, {("s0", name): value for name, value in scenario.items()})


def resources(view: View) -> dict[str, Resource]:
    return {name: resource for stack in view.stacks for name, resource in stack.resources.items()}


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
    values = [
        view(body, Stage=stage).stacks[0].evaluate_condition("It") for stage in ("dev", "prod")
    ]
    assert values == [dev, prod]


def test_resources_with_a_false_condition_do_not_exist() -> None:
    body = {
        "Parameters": STAGE,
        "Conditions": {"IsProd": IS_PROD},
        "Resources": {
            "A": resource(Condition="IsProd"),
            "B": resource(Condition="NoSuch"),
            "C": resource(Properties={"P": {"Ref": "A"}}),
        },
    }
    assert [item.id for item in view(body, Stage="dev").resources_of_type("T::R")] == ["B", "C"]
    assert [item.id for item in view(body, Stage="prod").resources_of_type("T::R")] == [
        "A",
        "B",
        "C",
    ]
    assert resources(view(body, Stage="dev"))["C"]["P"].unknown


def test_resources_by_type() -> None:
    body = {"Resources": {"A": resource("X::A"), "B": resource("X::B"), "C": resource("Y::C")}}
    both = view(body)
    assert [item.id for item in both.resources_of_type("Y::C", "X::A")] == ["C", "A"]
    assert [item.id for item in both.resources_with_type_prefix("X::")] == ["A", "B"]


# Dependencies --------------------------------------------------------------------------------


def is_created_before(body: Any, first: str, second: str, **scenario: Any) -> bool:
    both = view(body, **scenario)
    return both.is_created_before(resources(both)[first], resources(both)[second])


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
def test_references_and_depends_on_are_dependencies(more: Any) -> None:
    body = {"Resources": {"A": resource(), "B": resource(**more), "C": resource(DependsOn="B")}}
    assert is_created_before(body, "A", "B")
    assert is_created_before(body, "A", "C")
    assert not is_created_before(body, "B", "A")


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
def test_other_values_are_no_dependencies(more: Any) -> None:
    body = {
        "Parameters": STAGE,
        "Conditions": {"IsProd": IS_PROD},
        "Resources": {"A": resource(), "B": resource(**more)},
    }
    assert not is_created_before(body, "A", "B", Stage="dev")


def test_circular_dependencies_do_not_loop() -> None:
    body = {"Resources": {"A": resource(DependsOn="B"), "B": resource(DependsOn=["A", "B"])}}
    assert is_created_before(body, "A", "B")
    assert is_created_before(body, "B", "A")


# Imports -------------------------------------------------------------------------------------


def exported(name: Any, value: Any) -> dict[str, Any]:
    return {"Out": {"Value": value, "Export": {"Name": name}}}


UPPER = {"Resources": {"A": resource()}, "Outputs": exported("upper-A", {"Ref": "A"})}
LOWER = {"Resources": {"B": resource(Properties={"P": {"Fn::ImportValue": "upper-A"}})}}


def test_import_resolves_to_the_exported_value() -> None:
    by_name = resources(view(UPPER, LOWER))
    assert by_name["B"]["P"].resource is by_name["A"]
    assert by_name["B"].view.is_created_before(by_name["A"], by_name["B"])
    assert not by_name["B"].view.is_created_before(by_name["B"], by_name["A"])


def test_import_from_a_stack_outside_the_view_is_unknown() -> None:
    assert resources(view(LOWER))["B"]["P"].unknown
    assert resources(view(LOWER, {"Resources": {}}))["B"]["P"].unknown


def test_imports_of_the_same_name_are_the_same() -> None:
    second = {"Resources": {"C": resource(Properties={"P": {"Fn::ImportValue": "upper-A"}})}}
    by_name = resources(view(LOWER, second))
    assert by_name["B"]["P"].is_same_as(by_name["C"]["P"]) is True


def test_export_name_can_be_an_expression() -> None:
    parameters = {"Env": {"Type": "String", "AllowedValues": ["dev"]}}
    name = {"Fn::Sub": "${Env}-A"}
    upper = {**UPPER, "Parameters": parameters, "Outputs": exported(name, {"Ref": "A"})}
    value = {"Fn::ImportValue": {"Fn::Join": ["-", ["dev", "A"]]}}
    by_name = resources(view(upper, {"Resources": {"B": resource(Properties={"P": value})}}))
    assert by_name["B"]["P"].resource is by_name["A"]
    assert by_name["B"].view.is_created_before(by_name["A"], by_name["B"])


def test_imported_value_that_is_exported_again_is_unknown() -> None:
    middle = {"Resources": {}, "Outputs": exported("again", {"Fn::ImportValue": "upper-A"})}
    lower = {"Resources": {"B": resource(Properties={"P": {"Fn::ImportValue": "again"}})}}
    by_name = resources(view(UPPER, middle, lower))
    assert by_name["B"]["P"].unknown
    assert by_name["B"].view.is_created_before(by_name["A"], by_name["B"])


def test_parameters_of_two_stacks_are_different() -> None:
    body = {
        "Parameters": {"Free": {"Type": "String"}},
        "Resources": {
            "A": resource(Properties={"P": {"Ref": "Free"}, "N": {"Ref": "AWS::StackName"}})
        },
    }
    first, second = view(body, body).resources_of_type("T::R")
    assert first["P"].is_same_as(second["P"]) is None
    assert first["N"].is_same_as(second["N"]) is None
    assert first["P"].is_same_as(first["P"]) is True


def test_dependents() -> None:
    upper = {
        **UPPER,
        "Resources": {"A": resource(), "Near": resource(DependsOn="A"), "Other": resource()},
    }
    both = view(upper, LOWER)
    by_name = resources(both)
    assert {item.id for item in both.dependents(by_name["A"])} == {"Near", "B"}
    assert both.dependents(by_name["Other"]) == frozenset()


def test_given_parameter_values_are_known() -> None:
    body = {
        "Parameters": {"Free": {"Type": "String"}},
        "Resources": {"A": resource(Properties={"P": {"Ref": "Free"}})},
    }
    (only,) = View([Template("s", body, parameter_values={"Free": "x"})], {}).resources_of_type(
        "T::R"
    )
    assert only["P"].text == "x"


def test_region() -> None:
    body = {"Resources": {"A": resource(Properties={"P": {"Ref": "AWS::Region"}})}}
    (only,) = View([Template("s", body, "eu-west-1")], {}).resources_of_type("T::R")
    assert only["P"].text == "eu-west-1"
    (only,) = view(body).resources_of_type("T::R")
    assert only["P"].value == Unknown("AWS::Region")
