"""Templates that may be invalid."""

from __future__ import annotations

from typing import Any

import pytest

from moorage.cfn.template import Template


def test_invalid_resources_are_left_out() -> None:
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
def test_invalid_section_is_empty(section: Any) -> None:
    names = ("Resources", "Parameters", "Conditions", "Mappings", "Outputs")
    template = Template("t", dict.fromkeys(names, section))
    assert not template.resources
    assert not template.parameters
    assert not template.conditions
    assert not template.mappings
    assert not template.outputs
    assert not template.is_generated


def test_parameters() -> None:
    parameters = {
        "Plain": {"Type": "String", "Default": "a", "AllowedValues": ["a", "b"], "MaxLength": "8"},
        "Listed": {"Type": "List<AWS::EC2::Subnet::Id>"},
        "Commas": {"Type": "CommaDelimitedList"},
        "Stored": {"Type": "AWS::SSM::Parameter::Value<String>"},
        "Odd": {"AllowedValues": [None, ["x"], 1], "MaxLength": "many"},
    }
    result = Template("t", {"Parameters": parameters}).parameters
    assert result["Plain"].allowed_values == ("a", "b")
    assert (result["Plain"].default, result["Plain"].max_length) == ("a", 8)
    assert [name for name, parameter in result.items() if parameter.is_list] == ["Listed", "Commas"]
    assert [name for name, parameter in result.items() if not parameter.is_direct] == ["Stored"]
    assert (result["Odd"].type, result["Odd"].allowed_values, result["Odd"].max_length) == (
        "String",
        (1,),
        None,
    )


@pytest.mark.parametrize(
    ("body", "is_generated"),
    [
        ({}, False),
        ({"Transform": "AWS::CodeDeployBlueGreen"}, False),
        ({"Transform": ["AWS::LanguageExtensions", "Custom"]}, True),
        ({"Transform": {"Name": "AWS::Include"}}, True),
        ({"Resources": {"Fn::ForEach::Each": []}}, True),
        ({"Resources": {"Fn::Transform": {}}}, True),
    ],
)
def test_macros_and_loops_may_add_resources(body: Any, is_generated: bool) -> None:
    assert Template("t", body).is_generated is is_generated


@pytest.mark.parametrize(
    ("body", "is_from_cdk"),
    [
        ({"Resources": {"Vpc8378EB38": {"Type": "AWS::EC2::VPC"}}}, True),
        ({"Resources": {"Vpc": {"Type": "AWS::EC2::VPC"}}}, False),
        ({"Resources": {"CDKMetadata": {"Type": "AWS::CDK::Metadata"}}}, True),
        ({}, False),
    ],
)
def test_templates_of_the_cdk_are_recognized(body: dict[str, object], is_from_cdk: bool) -> None:
    assert Template("t", body).is_from_cdk is is_from_cdk
