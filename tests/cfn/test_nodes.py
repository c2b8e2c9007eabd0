"""Properties with their intrinsic functions evaluated."""

from __future__ import annotations

from typing import Any

import pytest

from moorage.cfn.nodes import Node, nearest_existing_path
from moorage.cfn.template import Template
from moorage.cfn.values import MISSING, Attr, OneOf, Text, Unknown
from moorage.cfn.view import View

PARAMETERS = {
    "Only": {"Type": "String", "AllowedValues": ["one"]},
    "Size": {"Type": "String", "AllowedValues": ["small", "large"], "Default": "small"},
    "Free": {"Type": "String", "Default": "hint"},
    "Port": {"Type": "Number", "AllowedValues": [80]},
    "Subnets": {"Type": "List<AWS::EC2::Subnet::Id>"},
    "Stored": {"Type": "AWS::SSM::Parameter::Value<String>", "AllowedValues": ["/name"]},
    "Empty": {"Type": "String", "AllowedValues": ["", "x"]},
}
CONDITIONS = {
    "Yes": {"Fn::Equals": ["a", "a"]},
    "No": {"Fn::Not": [{"Condition": "Yes"}]},
    "Maybe": {"Fn::Equals": [{"Ref": "Free"}, "x"]},
}
MAPPINGS = {"Sizes": {"small": {"cpu": 256, "same": 1}, "large": {"cpu": 512, "same": 1}}}
NO_VALUE = {"Ref": "AWS::NoValue"}


def node(value: Any, region: str | None = None, **values: str) -> Node:
    """A property of resource A, in a template with two other resources."""
    body = {
        "Parameters": PARAMETERS,
        "Conditions": CONDITIONS,
        "Mappings": MAPPINGS,
        "Resources": {
            "A": {"Type": "T::A", "Properties": {"P": value}},
            "B": {"Type": "T::B"},
            "Never": {"Type": "T::B", "Condition": "No"},
        },
    }
    (resource,) = View([Template("t", body, region, values)], {}).resources_of_type("T::A")
    return resource["P"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("x", "x"),
        (80, "80"),
        (True, "true"),
        ({"Ref": "Only"}, "one"),
        ({"Ref": "Port"}, "80"),
        ({"Fn::Sub": "a-${Only}-${!Kept}"}, "a-one-${Kept}"),
        ({"Fn::Sub": ["${x}/${ Only }", {"x": {"Ref": "Port"}}]}, "80/one"),
        ({"Fn::Join": ["-", ["a", {"Ref": "Only"}, 1, NO_VALUE]]}, "a-one-1"),
        ({"Fn::Join": ["", {"Fn::Split": ["-", "a-b"]}]}, "ab"),
        ({"Fn::Select": [1, ["a", "b"]]}, "b"),
        ({"Fn::Select": ["0", {"Fn::Split": [",", "a,b"]}]}, "a"),
        ({"Fn::Select": [{"Fn::If": ["Yes", 1, 0]}, ["a", "b"]]}, "b"),
        ({"Fn::If": ["Yes", "a", "b"]}, "a"),
        ({"Fn::If": ["No", "a", {"Fn::If": ["Yes", "b", "c"]}]}, "b"),
        ({"Fn::If": ["Maybe", "a", {"Fn::Sub": "a"}]}, "a"),
        ({"Fn::FindInMap": ["Sizes", "small", "cpu"]}, "256"),
        ({"Fn::FindInMap": ["Sizes", {"Ref": "Free"}, "same"]}, "1"),
        ({"Fn::FindInMap": ["Sizes", "none", "cpu", {"DefaultValue": 1}]}, None),
        ({"Fn::FindInMap": ["Sizes", {"Ref": "Free"}, "same", {"DefaultValue": 2}]}, None),
        ({"Ref": "Free"}, None),
        ({"Ref": "Stored"}, None),
        ({"Ref": "Subnets"}, None),
        ({"Ref": "Size"}, None),
        ({"Ref": "NoSuch"}, None),
        ({"Ref": "AWS::Region"}, None),
        ("{{resolve:ssm:name}}", None),
        ({"Fn::Sub": "{{resolve:ssm:${Only}}}"}, None),
        ({"Fn::Join": ["", ["{{resolve:ssm:", {"Ref": "Only"}, "}}"]]}, None),
        ({"Fn::ImportValue": "name"}, None),
        ({"Fn::Cidr": ["10.0.0.0/16", 2, 8]}, None),
        ({"Fn::Base64": "x"}, None),
        ([], None),
        (None, None),
    ],
)
def test_text(value: Any, text: str | None) -> None:
    assert node(value).text == text


@pytest.mark.parametrize(
    "value",
    [
        {"Fn::Sub": None},
        {"Fn::Sub": []},
        {"Fn::Sub": ["${a}", None]},
        {"Fn::Sub": ["${a}", {"a": "b"}, 1]},
        {"Fn::Join": "x"},
        {"Fn::Join": ["-"]},
        {"Fn::Join": [{"Ref": "Only"}, ["a", "b"]]},
        {"Fn::Join": [{"Fn::Sub": "-"}, ["a", {"Ref": "Free"}]]},
        {"Fn::Split": []},
        {"Fn::Split": [None, "a"]},
        {"Fn::Split": ["", "a"]},
        {"Fn::Select": [5, ["a"]]},
        {"Fn::Select": ["x", ["a"]]},
        {"Fn::Select": ["\N{SUPERSCRIPT TWO}", ["a"]]},
        {"Fn::Select": ["\N{FULLWIDTH DIGIT ZERO}", ["a"]]},
        {"Fn::Select": [-1, ["a"]]},
        {"Fn::Select": {}},
        {"Fn::If": ["Yes"]},
        {"Fn::If": "Yes"},
        {"Fn::If": [["Yes"], 1, 2]},
        {"Fn::FindInMap": ["Sizes"]},
        {"Fn::FindInMap": None},
        {"Fn::GetAtt": []},
        {"Fn::GetAtt": "B"},
        {"Fn::GetAtt": ["B", {"Ref": "Only"}]},
        {"Fn::GetAtt": ["NoSuch", "Arn"]},
        {"Fn::ImportValue": {"Ref": "Free"}},
        {"Fn::NoSuch": 1},
        {"Ref": ["A"]},
        {"Ref": "Never"},
    ],
)
def test_invalid_or_unsupported_expressions_are_unknown(value: Any) -> None:
    result = node(value)
    assert result.unknown
    assert not result.absent
    assert not result.fully_known
    assert result.text is result.resource is result["Inner"].text is None
    assert result.items == result.entries == result.choices == ()


@pytest.mark.parametrize("value", [None, NO_VALUE, {"Fn::If": ["No", "x", NO_VALUE]}])
def test_absent(value: Any) -> None:
    result = node(value)
    assert result.absent
    assert result.empty
    assert result.fully_known
    assert not result.certainly_present
    assert result["Any"]["Thing"].absent
    assert result.items == result.as_list == result.parts == ()


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ({"Ref": "B"}, "Ref"),
        ({"Fn::GetAtt": ["B", "Arn"]}, "Arn"),
        ({"Fn::GetAtt": "B.Endpoint.Address"}, "Endpoint.Address"),
        ({"Fn::Sub": "${B.Arn}"}, "Arn"),
        ({"Fn::Sub": ["${x}", {"x": {"Ref": "B"}}]}, "Ref"),
        ({"Fn::Join": ["", [{"Ref": "B"}]]}, "Ref"),
        ({"Fn::If": ["Yes", {"Ref": "B"}, "x"]}, "Ref"),
        ({"Fn::Select": [0, [{"Ref": "B"}]]}, "Ref"),
    ],
)
def test_reference_to_a_resource(value: Any, name: str) -> None:
    result = node(value)
    assert result.resource is not None
    assert result.attr == Attr(result.resource, name)
    assert result.resource.id == "B"
    assert result.fully_known
    assert not result.unknown
    assert result.text is None


def test_choices() -> None:
    assert node("a").choices == ("a",)
    assert node({"Ref": "Size"}).choices == ("small", "large")
    assert node({"Fn::Sub": "x-${Size}"}).choices == ("x-small", "x-large")
    assert node({"Fn::FindInMap": ["Sizes", {"Ref": "Size"}, "cpu"]}).choices == ("256", "512")
    assert node({"Ref": "Empty"}).choices == ("", "x")
    assert node({"Ref": "Free"}).choices == ()


def test_is_none_of() -> None:
    assert node("a").is_none_of("b", "c")
    assert not node("a").is_none_of("a", "c")
    assert node({"Ref": "Size"}).is_none_of("medium")
    assert not node({"Ref": "Size"}).is_none_of("medium", "small")
    assert not node({"Ref": "Free"}).is_none_of("x")
    assert not node(None).is_none_of("x")


def test_parts() -> None:
    result = node({"Fn::Sub": "arn:${AWS::Partition}:x/${B}/${Size}"})
    assert isinstance(result.value, Text)
    types = [type(part) for part in result.parts]
    assert types == [str, Unknown, str, Attr, str, OneOf]
    assert node("a").parts == ("a",)
    assert len(node({"Ref": "Free"}).parts) == 1
    assert node([]).parts == ()


def test_numbers_and_flags() -> None:
    assert node("80").number == 80
    assert node("-1").number == -1
    for value in ("80.5", "", "x", "9" * 30, [], None):
        assert node(value).number is None
    assert node("True").flag is node(True).flag is True
    assert node("false").flag is False
    assert node("no").flag is None


def test_default() -> None:
    assert node({"Ref": "Free"}).default == "hint"
    assert node({"Ref": "Size"}).default == "small"
    assert node("x").default == "x"
    assert node({"Ref": "Stored"}).default is None


def test_parameter_values_and_region_are_known_if_given() -> None:
    assert node({"Ref": "Free"}, Free="x").text == "x"
    assert node({"Ref": "Subnets"}, Subnets="a,b").text is None
    assert node({"Ref": "AWS::Region"}, region="eu-west-1").text == "eu-west-1"


def test_items_leave_out_absent_values() -> None:
    result = node(["a", NO_VALUE, {"Fn::If": ["No", "b", NO_VALUE]}, {"Ref": "Only"}])
    assert [item.text for item in result.items] == ["a", "one"]
    assert [item.path[-1] for item in result.items] == [0, 3]
    assert result.all_known
    assert result.as_list == result.items


def test_all_known_and_fully_known() -> None:
    assert node(["a", {"Ref": "Size"}]).all_known
    assert not node(["a", {"Ref": "Free"}]).all_known
    assert not node({"Ref": "Subnets"}).all_known
    assert node({"Ref": "Subnets"}).items == ()
    assert not node(["a", {"b": {"Ref": "Free"}}]).fully_known
    assert node(["a", {"b": {"Ref": "B"}}]).fully_known


def test_as_list_and_entries() -> None:
    assert [item.text for item in node("a").as_list] == ["a"]
    assert [key for key, _ in node({"a": 1, "b": NO_VALUE}).entries] == ["a"]


def test_optional() -> None:
    maybe_absent = {"Fn::If": ["Maybe", "a", NO_VALUE]}
    assert node(maybe_absent).unknown
    assert node(maybe_absent).optional
    assert not node(maybe_absent).certainly_present
    assert node({"Fn::If": ["Yes", maybe_absent, "b"]}).optional
    assert not node({"Fn::If": ["Yes", {"Ref": "Free"}, NO_VALUE]}).optional
    assert not node({"Ref": "Free"}).optional
    assert node({"Ref": "Free"}).certainly_present


def test_zones_with_different_indices_are_different() -> None:
    def zone(index: int) -> Any:
        return node({"Fn::Select": [index, {"Fn::GetAZs": ""}]})

    assert zone(0).is_same_as(zone(1)) is False
    assert zone(0).is_same_as(zone(0)) is True
    other_region = node({"Fn::Select": [0, {"Fn::GetAZs": "eu-west-1"}]})
    assert zone(0).is_same_as(other_region) is None


def test_equal_expressions_are_the_same() -> None:
    def block(size: Any) -> Node:
        return node({"Fn::Select": [0, {"Fn::Cidr": [{"Ref": "Free"}, size, 8]}]})

    assert block("4").is_same_as(block({"Fn::If": ["Yes", "4", "5"]})) is True
    assert block("4").is_same_as(block("5")) is None


def test_path_contains_the_branch_that_is_taken() -> None:
    result = node({"Fn::If": ["No", "a", {"Inner": {"Fn::Select": [1, ["x", {"Deep": "y"}]]}}]})
    deep = result.at("Inner", "Deep")
    assert deep.text == "y"
    steps = ("Fn::If", 2, "Inner", "Fn::Select", 1, 1, "Deep")
    assert deep.path == ("Resources", "A", "Properties", "P", *steps)


def test_nearest_existing_path() -> None:
    body = {"A": [{"B": 1}]}
    assert nearest_existing_path(body, ("A", 0, "B")) == ("A", 0, "B")
    assert nearest_existing_path(body, ("A", 0, "C", "D")) == ("A", 0)
    assert nearest_existing_path(body, ("A", 1, "B")) == ("A",)
    assert nearest_existing_path(body, ("A", "B")) == ("A",)
    assert nearest_existing_path(body, ("X",)) == ()


def test_value_of_a_path_that_does_not_exist_is_missing() -> None:
    assert node({}).at("a", "b", 0).value is MISSING
    assert node([])[3].value is MISSING
    assert node("text")["a"].value is MISSING


def test_certainly_present() -> None:
    undecided = {"Fn::If": ["NoSuch", "EC2", NO_VALUE]}
    assert node("r").certainly_present
    assert not node(undecided).certainly_present
    assert node({"Ref": "NoSuch"}).certainly_present
    assert not node({})["Missing"].certainly_present
    assert not node({"Fn::If": "Yes"}).certainly_present


@pytest.mark.parametrize(
    "value",
    [
        {"Ref": "Free"},
        {"Fn::Sub": "${Free}-x"},
        {"Fn::Join": ["-", {"Ref": "Subnets"}]},
        {"Fn::ImportValue": "name"},
        {"Fn::GetAtt": ["NoSuch", "Arn"]},
        "{{resolve:ssm:/name}}",
    ],
)
def test_unknown_value_in_the_branch_that_is_taken_is_certainly_present(value: Any) -> None:
    other = {"Fn::If": ["Maybe", value, NO_VALUE]}
    assert node(value).certainly_present
    assert node({"Fn::If": ["Yes", value, NO_VALUE]}).certainly_present
    assert node({"Fn::If": ["No", NO_VALUE, {"Fn::If": ["Yes", value, other]}]}).certainly_present
    assert not node({"Fn::If": ["Yes", other, value]}).certainly_present
    assert node({"Fn::If": ["Yes", NO_VALUE, value]}).absent


def test_empty() -> None:
    assert node([NO_VALUE]).empty
    assert node([]).empty
    assert node({})["Missing"].empty
    assert not node({"Ref": "Subnets"}).empty
