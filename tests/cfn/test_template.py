"""A template is read without trust in its shape."""

from __future__ import annotations

from typing import Any

import pytest

from moorage.cfn.template import Template


def test_only_what_has_the_shape_of_an_entry_is_one() -> None:
    resources = {
        "A": {"Type": "T"},
        "B": {"Type": 1},
        "C": {},
        "D": None,
        "E": "x",
        1: {"Type": "T"},
    }
    assert list(Template("t", {"Resources": resources}).resources) == ["A", "1"]


@pytest.mark.parametrize("section", [None, "x", 1, [], [{"Type": "T"}]])
def test_a_section_of_another_shape_is_empty(section: Any) -> None:
    names = ("Resources", "Parameters", "Conditions", "Mappings", "Outputs")
    template = Template("t", dict.fromkeys(names, section))
    assert not template.resources
    assert not template.parameters
    assert not template.conditions
    assert not template.mappings
    assert not template.outputs
    assert not template.is_generated


def test_parameters() -> None:
    given = {
        "Plain": {"Type": "String", "Default": "a", "AllowedValues": ["a", "b"], "MaxLength": "8"},
        "Listed": {"Type": "List<AWS::EC2::Subnet::Id>"},
        "Commas": {"Type": "CommaDelimitedList"},
        "Stored": {"Type": "AWS::SSM::Parameter::Value<String>"},
        "Odd": {"AllowedValues": [None, ["x"], 1], "MaxLength": "many"},
    }
    found = Template("t", {"Parameters": given}).parameters
    assert found["Plain"].allowed_values == ("a", "b")
    assert (found["Plain"].default, found["Plain"].max_length) == ("a", 8)
    assert [name for name, one in found.items() if one.is_list] == ["Listed", "Commas"]
    assert [name for name, one in found.items() if not one.is_direct] == ["Stored"]
    assert (found["Odd"].type, found["Odd"].allowed_values, found["Odd"].max_length) == (
        "String",
        (1,),
        None,
    )


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ({}, False),
        ({"Transform": "AWS::CodeDeployBlueGreen"}, False),
        ({"Transform": ["AWS::LanguageExtensions", "Ours"]}, True),
        ({"Transform": {"Name": "AWS::Include"}}, True),
        ({"Resources": {"Fn::ForEach::Each": []}}, True),
        ({"Resources": {"Fn::Transform": {}}}, True),
    ],
)
def test_macros_and_loops_may_add_resources(body: Any, answer: bool) -> None:
    assert Template("t", body).is_generated is answer


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ({"Resources": {"Vpc8378EB38": {"Type": "AWS::EC2::VPC"}}}, True),
        ({"Resources": {"Vpc": {"Type": "AWS::EC2::VPC"}}}, False),
        ({"Resources": {"CDKMetadata": {"Type": "AWS::CDK::Metadata"}}}, True),
        ({}, False),
    ],
)
def test_templates_of_the_cdk_are_known_by_what_it_leaves_in_them(
    body: dict[str, object], found: bool
) -> None:
    assert Template("t", body).is_from_cdk is found
