"""Properties with their functions carried out as far as they can be."""

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
    """A property of a resource A, which is not alone."""
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


B = "the resource B"


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
        ({"Ref": "Nobody"}, None),
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
def test_texts(value: Any, text: str | None) -> None:
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
        {"Fn::GetAtt": ["Nobody", "Arn"]},
        {"Fn::ImportValue": {"Ref": "Free"}},
        {"Fn::NoSuch": 1},
        {"Ref": ["A"]},
        {"Ref": "Never"},
    ],
)
def test_what_makes_no_sense_is_unknown(value: Any) -> None:
    found = node(value)
    assert found.unknown
    assert not found.absent
    assert not found.fully_known
    assert found.text is found.resource is found["Inner"].text is None
    assert found.items == found.entries == found.choices == ()


@pytest.mark.parametrize("value", [None, NO_VALUE, {"Fn::If": ["No", "x", NO_VALUE]}])
def test_what_is_not_there(value: Any) -> None:
    found = node(value)
    assert found.absent
    assert found.empty
    assert found.fully_known
    assert not found.certainly_present
    assert found["Any"]["Thing"].absent
    assert found.items == found.as_list == found.parts == ()


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
def test_what_names_a_resource(value: Any, name: str) -> None:
    found = node(value)
    assert found.attr == Attr(found.resource, name) if found.resource else None
    assert found.resource is not None
    assert found.resource.id == "B"
    assert found.fully_known
    assert not found.unknown
    assert found.text is None


def test_choices() -> None:
    assert node("a").choices == ("a",)
    assert node({"Ref": "Size"}).choices == ("small", "large")
    assert node({"Fn::Sub": "x-${Size}"}).choices == ("x-small", "x-large")
    assert node({"Fn::FindInMap": ["Sizes", {"Ref": "Size"}, "cpu"]}).choices == ("256", "512")
    assert node({"Ref": "Empty"}).choices == ("", "x")
    assert node({"Ref": "Free"}).choices == ()


def test_what_it_is_not() -> None:
    assert node("a").is_none_of("b", "c")
    assert not node("a").is_none_of("a", "c")
    assert node({"Ref": "Size"}).is_none_of("medium")
    assert not node({"Ref": "Size"}).is_none_of("medium", "small")
    assert not node({"Ref": "Free"}).is_none_of("x")
    assert not node(None).is_none_of("x")


def test_parts() -> None:
    found = node({"Fn::Sub": "arn:${AWS::Partition}:x/${B}/${Size}"})
    assert isinstance(found.value, Text)
    kinds = [type(one) for one in found.parts]
    assert kinds == [str, Unknown, str, Attr, str, OneOf]
    assert node("a").parts == ("a",)
    assert len(node({"Ref": "Free"}).parts) == 1
    assert node([]).parts == ()


def test_numbers_and_flags() -> None:
    assert node("80").number == 80
    assert node("-1").number == -1
    for odd in ("80.5", "", "x", "9" * 30, [], None):
        assert node(odd).number is None
    assert node("True").flag is node(True).flag is True
    assert node("false").flag is False
    assert node("no").flag is None


def test_defaults_are_hints() -> None:
    assert node({"Ref": "Free"}).default == "hint"
    assert node({"Ref": "Size"}).default == "small"
    assert node("x").default == "x"
    assert node({"Ref": "Stored"}).default is None


def test_given_values_are_facts() -> None:
    assert node({"Ref": "Free"}, Free="told").text == "told"
    assert node({"Ref": "Subnets"}, Subnets="a,b").text is None
    assert node({"Ref": "AWS::Region"}, region="eu-west-1").text == "eu-west-1"


def test_lists_lose_what_is_not_there() -> None:
    found = node(["a", NO_VALUE, {"Fn::If": ["No", "b", NO_VALUE]}, {"Ref": "Only"}])
    assert [one.text for one in found.items] == ["a", "one"]
    assert [one.path[-1] for one in found.items] == [0, 3]
    assert found.all_known
    assert found.as_list == found.items


def test_lists_of_which_not_all_is_known() -> None:
    assert node(["a", {"Ref": "Size"}]).all_known
    assert not node(["a", {"Ref": "Free"}]).all_known
    assert not node({"Ref": "Subnets"}).all_known
    assert node({"Ref": "Subnets"}).items == ()
    assert not node(["a", {"b": {"Ref": "Free"}}]).fully_known
    assert node(["a", {"b": {"Ref": "B"}}]).fully_known


def test_a_value_by_itself_is_one_of_many() -> None:
    assert [one.text for one in node("a").as_list] == ["a"]
    assert [key for key, _ in node({"a": 1, "b": NO_VALUE}).entries] == ["a"]


def test_what_may_be_left_out() -> None:
    left_out = {"Fn::If": ["Maybe", "a", NO_VALUE]}
    assert node(left_out).unknown
    assert node(left_out).optional
    assert not node(left_out).certainly_present
    assert node({"Fn::If": ["Yes", left_out, "b"]}).optional
    assert not node({"Fn::If": ["Yes", {"Ref": "Free"}, NO_VALUE]}).optional
    assert not node({"Ref": "Free"}).optional
    assert node({"Ref": "Free"}).certainly_present


def test_zones_by_number_are_different_zones() -> None:
    def zone(at: int) -> Any:
        return node({"Fn::Select": [at, {"Fn::GetAZs": ""}]})

    assert zone(0).is_same_as(zone(1)) is False
    assert zone(0).is_same_as(zone(0)) is True
    elsewhere = node({"Fn::Select": [0, {"Fn::GetAZs": "eu-west-1"}]})
    assert zone(0).is_same_as(elsewhere) is None


def test_equal_expressions_are_the_same() -> None:
    def zone(size: Any) -> Node:
        return node({"Fn::Select": [0, {"Fn::Cidr": [{"Ref": "Free"}, size, 8]}]})

    assert zone("4").is_same_as(zone({"Fn::If": ["Yes", "4", "5"]})) is True
    assert zone("4").is_same_as(zone("5")) is None


def test_a_place_is_that_of_the_branch_that_is_taken() -> None:
    found = node({"Fn::If": ["No", "a", {"Inner": {"Fn::Select": [1, ["x", {"Deep": "y"}]]}}]})
    deep = found.at("Inner", "Deep")
    assert deep.text == "y"
    way = ("Fn::If", 2, "Inner", "Fn::Select", 1, 1, "Deep")
    assert deep.path == ("Resources", "A", "Properties", "P", *way)


def test_the_nearest_place_that_exists() -> None:
    body = {"A": [{"B": 1}]}
    assert nearest_existing_path(body, ("A", 0, "B")) == ("A", 0, "B")
    assert nearest_existing_path(body, ("A", 0, "C", "D")) == ("A", 0)
    assert nearest_existing_path(body, ("A", 1, "B")) == ("A",)
    assert nearest_existing_path(body, ("A", "B")) == ("A",)
    assert nearest_existing_path(body, ("X",)) == ()


def test_absent_is_missing() -> None:
    assert node({}).at("a", "b", 0).value is MISSING
    assert node([])[3].value is MISSING
    assert node("text")["a"].value is MISSING
