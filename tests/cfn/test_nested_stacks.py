"""Nested stacks: what a parent passes, what it reads, and the order of what both create."""

from __future__ import annotations

from typing import Any

import pytest

from moorage.cfn.scenarios import default_view
from moorage.cfn.stack import Resource
from moorage.cfn.template import Template
from moorage.cfn.values import Attr, OneOf, Text, Unknown
from moorage.cfn.view import View

STACK = "AWS::CloudFormation::Stack"
PARENT = {"Type": "T::R"}


def view(parameters: Any, child: Any, *, parent: Any = None, **more: Any) -> View:
    """A parent with the resources A, B and the nested stack N."""
    nested = {"Type": STACK, "Properties": {"Parameters": parameters}, **more}
    resources = {"A": PARENT, "B": PARENT, "N": nested, **(parent or {}).get("Resources", {})}
    outer = Template("p", {**(parent or {}), "Resources": resources}, "eu-central-1")
    return default_view([outer, Template("p/N", child, parent=("p", "N"))])


def value(parameters: Any, declaration: Any, **more: Any) -> Any:
    """The value of the nested stack's parameter P, with attributes as `Id.Name`."""
    child = {"Parameters": {"P": declaration}, "Resources": {}}
    return plain(view(parameters, child, **more).stacks[1].resolve_ref("P"))


def plain(item: Any) -> Any:
    if isinstance(item, list):
        return [plain(one) for one in item]
    return f"{item.resource.id}.{item.name}" if isinstance(item, Attr) else item


TEXT, NUMBER, LIST = {"Type": "String"}, {"Type": "Number"}, {"Type": "List<AWS::EC2::Subnet::Id>"}


@pytest.mark.parametrize(
    ("parameters", "declaration", "expected"),
    [
        ({"P": "x"}, TEXT, "x"),
        ({"P": 80}, NUMBER, "80"),
        ({"P": {"Ref": "A"}}, TEXT, "A.Ref"),
        ({"P": {"Ref": "AWS::Region"}}, TEXT, "eu-central-1"),
        ({}, {**TEXT, "Default": "d"}, "d"),
        ({"P": {"Ref": "AWS::NoValue"}}, {**TEXT, "Default": "d"}, "d"),
        ({"P": "a, b"}, LIST, ["a", "b"]),
        ({}, {"Type": "CommaDelimitedList", "Default": "a,b"}, ["a", "b"]),
        ({"P": {"Ref": "A"}}, LIST, ["A.Ref"]),
        ({"P": {"Fn::Join": [",", [{"Ref": "A"}, {"Ref": "B"}]]}}, LIST, ["A.Ref", "B.Ref"]),
        ({"P": {"Fn::Sub": "${A},x-${B.Id}"}}, LIST, ["A.Ref", Text]),
        ({"P": [{"Ref": "A"}, "b"]}, LIST, ["A.Ref", "b"]),
        ({"P": {"Fn::Sub": "${A},${AWS::StackName}"}}, LIST, Unknown),
        ({"P": ["a"]}, TEXT, Unknown),
        ({"P": "/name"}, {"Type": "AWS::SSM::Parameter::Value<String>"}, Unknown),
        ({}, TEXT, Unknown),
        ("wrong", TEXT, Unknown),
        ({"P": {"Ref": "AWS::StackName"}}, TEXT, Unknown),
        ({"P": {"Ref": "AWS::StackName"}}, {**TEXT, "AllowedValues": ["a", "b"]}, OneOf),
    ],
)
def test_parameters(parameters: Any, declaration: Any, expected: Any) -> None:
    found = value(parameters, declaration)
    if isinstance(expected, type):
        assert isinstance(found, expected)
    elif isinstance(expected, list):
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            assert isinstance(one, other) if isinstance(other, type) else one == other
    else:
        assert found == expected


def test_a_value_that_depends_on_itself_is_unknown() -> None:
    child = {"Parameters": {"P": TEXT}, "Outputs": {"O": {"Value": {"Ref": "P"}}}}
    outer = view({"P": {"Fn::GetAtt": ["N", "Outputs.O"]}}, child)
    assert isinstance(outer.stacks[1].resolve_ref("P"), Unknown)


def test_outputs() -> None:
    child = {"Resources": {"C": PARENT}, "Outputs": {"O": {"Value": {"Ref": "C"}}}}
    properties = {
        "Known": {"Fn::GetAtt": ["N", "Outputs.O"]},
        "Short": {"Fn::GetAtt": "N.Outputs.O"},
        "Text": {"Fn::Sub": "${N.Outputs.O}"},
        "Missing": {"Fn::GetAtt": ["N", "Outputs.Other"]},
        "Arn": {"Fn::GetAtt": ["N", "Arn"]},
    }
    parent = {"Resources": {"D": {"Type": "T::R", "Properties": properties}}}
    outer = view({}, child, parent=parent)
    reader = outer.stacks[0].resources["D"]
    assert [plain(reader[name].value) for name in ("Known", "Short", "Text")] == ["C.Ref"] * 3
    assert isinstance(reader["Missing"].value, Unknown)
    assert plain(reader["Arn"].value) == "N.Arn"
    inner = outer.stacks[1].resources["C"]
    assert outer.dependents(inner) == {reader}


def test_what_is_passed_has_the_resource_in_the_nested_stack_as_dependent() -> None:
    child = {
        "Parameters": {"P": TEXT, "L": LIST},
        "Resources": {
            "C": {"Type": "T::R", "Properties": {"X": {"Ref": "P"}}},
            "E": {"Type": "T::R", "Properties": {"X": {"Ref": "L"}}},
        },
    }
    outer = view({"P": {"Ref": "A"}, "L": {"Ref": "B"}}, child)
    names = {
        name: {dependent.id for dependent in outer.dependents(outer.stacks[0].resources[name])}
        for name in ("A", "B")
    }
    assert names == {"A": {"N", "C"}, "B": {"N", "E"}}


CHILD = {"Resources": {"C": PARENT, "E": {"Type": "T::R", "DependsOn": "C"}}}


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("A", "C", True),  # N refers to A
        ("C", "A", False),
        ("C", "D", True),  # D depends on N
        ("D", "C", False),
        ("B", "C", False),
        ("C", "E", True),
        ("E", "C", False),
        ("N", "C", False),
    ],
)
def test_order(first: str, second: str, expected: bool) -> None:
    parent = {"Resources": {"D": {"Type": "T::R", "DependsOn": "N"}}}
    outer = view({"P": {"Ref": "A"}}, CHILD, parent=parent)
    found: dict[str, Resource] = {}
    for stack in outer.stacks:
        found |= stack.resources
    assert outer.is_created_before(found[first], found[second]) is expected


def test_order_across_imports() -> None:
    exporter = Template(
        "x",
        {
            "Resources": {"N": {"Type": STACK}},
            "Outputs": {"V": {"Value": "v", "Export": {"Name": "e"}}},
        },
    )
    inner = Template("x/N", {"Resources": {"C": PARENT}}, parent=("x", "N"))
    importing = {"Type": "T::R", "Properties": {"X": {"Fn::ImportValue": "e"}}}
    importer = Template("i", {"Resources": {"N": {"Type": STACK}}})
    nested = Template("i/N", {"Resources": {"D": importing}}, parent=("i", "N"))
    outer = View([exporter, inner, importer, nested], {})
    created, later = outer.stacks[1].resources["C"], outer.stacks[3].resources["D"]
    assert outer.is_created_before(created, later)
    assert not outer.is_created_before(later, created)


@pytest.mark.parametrize(("stage", "exists"), [("prod", True), ("dev", False)])
def test_a_nested_stack_exists_if_its_resource_does(stage: str, exists: bool) -> None:
    parent = {"Conditions": {"IsProd": {"Fn::Equals": [stage, "prod"]}}}
    outer = view({}, CHILD, parent=parent, Condition="IsProd")
    assert bool(outer.stacks[1].resources) is exists


def test_conditions_follow_what_is_passed() -> None:
    child = {
        "Parameters": {"Stage": {**TEXT, "Default": "dev"}},
        "Conditions": {"IsProd": {"Fn::Equals": [{"Ref": "Stage"}, "prod"]}},
        "Resources": {"C": {"Type": "T::R", "Condition": "IsProd"}},
    }
    assert [*view({"Stage": "prod"}, child).stacks[1].resources] == ["C"]
    assert [*view({"Stage": "test"}, child).stacks[1].resources] == []
    assert [*view({}, child).stacks[1].resources] == [], "the default is used"


def test_pseudo_parameters_are_those_of_the_parent() -> None:
    inner = view({}, CHILD).stacks[1]
    assert inner.resolve_ref("AWS::Region") == "eu-central-1"
    outer = Template("p", {"Resources": {"N": {"Type": STACK}}}, account="111122223333")
    stack = View([outer, Template("p/N", CHILD, parent=("p", "N"))], {}).stacks[1]
    assert stack.resolve_ref("AWS::AccountId") == "111122223333"
    assert isinstance(stack.resolve_ref("AWS::StackName"), Unknown)


def test_imports_by_the_name_of_a_nested_stack() -> None:
    """An export `${AWS::StackName}-Id`, and a stack that gets the name of the other one."""
    exporter = {
        "Resources": {"C": PARENT},
        "Outputs": {
            "Name": {"Value": {"Ref": "AWS::StackName"}},
            "Id": {"Value": {"Ref": "C"}, "Export": {"Name": {"Fn::Sub": "${AWS::StackName}-Id"}}},
        },
    }
    imported = {"Fn::ImportValue": {"Fn::Sub": "${Module}-Id"}}
    importer = {
        "Parameters": {"Module": {"Type": "String", "Default": ""}},
        "Conditions": {"HasNone": {"Fn::Equals": [{"Ref": "Module"}, ""]}},
        "Resources": {
            "D": {"Type": "T::R", "Properties": {"X": imported}},
            "E": {"Type": "T::R", "Condition": "HasNone"},
        },
    }
    name = {"Module": {"Fn::GetAtt": ["A", "Outputs.Name"]}}
    outer = {
        "Resources": {
            "A": {"Type": STACK},
            "B": {"Type": STACK, "Properties": {"Parameters": name}},
        }
    }
    templates = [
        Template("p", outer),
        Template("p/A", exporter, parent=("p", "A")),
        Template("p/B", importer, parent=("p", "B")),
    ]
    created, later = default_view(templates).stacks[1:]
    assert plain(later.resources["D"]["X"].value) == "C.Ref"
    assert "E" not in later.resources, "the name of a stack is not empty"
    assert later.view.is_created_before(created.resources["C"], later.resources["D"])
    assert later.view.dependents(created.resources["C"]) == {later.resources["D"]}


def test_a_resource_that_is_passed_is_not_empty() -> None:
    child = {
        "Parameters": {"P": {**TEXT, "Default": ""}},
        "Conditions": {"HasNone": {"Fn::Equals": [{"Ref": "P"}, ""]}},
        "Resources": {"C": {"Type": "T::R", "Condition": "HasNone"}},
    }
    parent = {"Resources": {"Vpc": {"Type": "AWS::EC2::VPC"}}}
    assert [*view({"P": {"Ref": "Vpc"}}, child, parent=parent).stacks[1].resources] == []
    assert [*view({}, child, parent=parent).stacks[1].resources] == ["C"]


def test_an_unknown_import_is_of_no_stack() -> None:
    outputs = {"V": {"Value": "v"}}
    first = Template("a", {"Resources": {"C": PARENT}, "Outputs": outputs})
    imported = {"Fn::ImportValue": {"Ref": "Name"}}
    parameters = {"Name": TEXT}
    resources = {"D": {"Type": "T::R", "Properties": {"X": imported}}}
    second = Template("b", {"Parameters": parameters, "Resources": resources})
    both = View([first, second], {})
    created, later = (next(iter(stack.resources.values())) for stack in both.stacks)
    assert not both.is_created_before(created, later)
