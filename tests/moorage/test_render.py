"""A template is written as it was composed and overridden; overrides that break it are findings."""

from __future__ import annotations

import copy
import json
import math
from typing import Any

import pytest
import yaml
from cfnlint.decode.decode import decode_str
from hypothesis import given, settings
from hypothesis import strategies as st
from troposphere import Export, GetAtt, Output, Ref, Template, logs, sns

from moorage.findings.finding import Finding, Place
from moorage.pipeline.check import check_texts
from moorage.pipeline.document import Document
from moorage.pipeline.render import as_yaml, render
from moorage.plan import Rendering, Stack

ROOT = ("stacks", "web", "overrides")


class Reader(yaml.SafeLoader):
    """Reads functions in their short form, as CloudFormation does."""


def function(loader: Any, suffix: str, node: yaml.Node) -> Any:
    name = suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}"
    if isinstance(node, yaml.ScalarNode):
        text = node.value
        return {name: text.split(".", 1) if name == "Fn::GetAtt" else text}
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    return {name: loader.construct_mapping(node, deep=True)}


Reader.add_multi_constructor("!", function)


def read(text: str) -> Any:
    return yaml.load(text, Reader)


def document(*lines: tuple[Any, ...]) -> Document:
    """A document in which each path has a different line, from 11 on."""
    places = {path: Place("params/dev.yaml", 11 + at) for at, path in enumerate(lines)}
    return Document("dev", "far/away/params/dev.yaml", {}, places)


def template() -> Template:
    template = Template("Topics")
    template.set_version()
    template.add_resource(sns.Topic("Topic", TopicName="old", DisplayName="kept"))
    keep = {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
    template.add_resource(logs.LogGroup("LogGroup", RetentionInDays=14, **keep))
    template.add_output(
        Output("TopicArn", Value=Ref("Topic"), Export=Export("shop-dev-web-TopicArn"))
    )
    return template


def patched(overrides: Any) -> tuple[Rendering | None, list[Finding]]:
    lines = [ROOT]
    if isinstance(overrides, dict):
        for section, patch in overrides.items():
            lines.append((*ROOT, section))
            lines += [(*ROOT, section, name) for name in (patch if isinstance(patch, dict) else ())]
    return render(Stack("web", template().to_dict(), overrides), document(*lines), "yaml")


def body(overrides: Any) -> Any:
    rendering, findings = patched(overrides)
    assert findings == []
    assert rendering is not None
    assert read(rendering.text) == rendering.body
    return rendering.body


def fault(overrides: Any) -> Finding:
    rendering, (finding,) = patched(overrides)
    assert rendering is None
    assert finding.message
    assert finding.hint
    return finding


# Text ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"Ref": "Topic"}, "!Ref Topic"),
        ({"Ref": "AWS::Region"}, "!Ref AWS::Region"),
        ({"Fn::GetAtt": ["Topic", "Arn"]}, "!GetAtt Topic.Arn"),
        ({"Fn::GetAtt": ["Stack", "Outputs.Arn"]}, "!GetAtt Stack.Outputs.Arn"),
        ({"Fn::Sub": "${A}-x"}, "!Sub ${A}-x"),
        ({"Fn::ImportValue": "shop-dev-web-Arn"}, "!ImportValue shop-dev-web-Arn"),
        ({"Fn::GetAZs": ""}, "!GetAZs ''"),
        ({"Fn::Base64": {"Ref": "A"}}, "Fn::Base64: !Ref A"),
        ({"Fn::Base64": {"Fn::Sub": "x"}}, "!Base64\nFn::Sub: x"),
        ({"Fn::ImportValue": {"Fn::Sub": "${A}-x"}}, "!ImportValue\nFn::Sub: ${A}-x"),
        ({"Fn::Select": [0, {"Fn::GetAZs": ""}]}, "!Select\n- 0\n- !GetAZs ''"),
        ({"Fn::Sub": "one\ntwo\n"}, "!Sub |\none\ntwo"),
    ],
)
def test_short_forms(value: Any, text: str) -> None:
    written = as_yaml({"Key": value}, "params/dev.yaml").split("\n", 1)[1]
    lines = [line.strip() for line in written.removeprefix("Key:").strip().split("\n")]
    assert "\n".join(lines) == text
    assert read(written) == {"Key": value}


@pytest.mark.parametrize(
    "value",
    [
        {"Fn::ForEach::Topics": ["X", ["a"], {"Topic${X}": {"Type": "AWS::SNS::Topic"}}]},
        {"Fn::GetAtt": 5},
        {"Fn::GetAtt": []},
        {"Fn::GetAtt": ["Topic"]},
        {"Fn::GetAtt": "Topic"},
        {"Fn::GetAtt": ["Topic.a", "Arn"]},
        {"Fn::GetAtt": ["Topic", ""]},
        {"Fn::GetAtt": {"a": "b"}},
        {"Fn::GetAtt": ["Topic", {"Ref": "Name"}]},
        {"Fn::Sub": 5},
        {"Fn::Sub": None},
        {"Fn::Sub": True},
        {"Fn::Unknown": "x"},
        {"Ref": ["Topic"]},
        {"Ref": "A", "Fn::Sub": "B"},
        {"Condition": "IsProd"},
        {"Fn::And": [{"Condition": "A"}, {"Fn::Not": [{"Fn::Equals": ["a", {"Ref": "B"}]}]}]},
        {"Fn::If": ["A", {"Fn::If": ["B", {"Ref": "C"}, {"Ref": "AWS::NoValue"}]}, []]},
        {"Fn::Join": [",", {"Fn::Split": ["-", {"Fn::ImportValue": {"Fn::Sub": "${A}"}}]}]},
        {"Fn::Base64": {"Fn::Join": ["\n", ["a", {"Fn::Base64": {"Fn::Base64": {"Ref": "X"}}}]]}},
        {"Fn::FindInMap": ["M", {"Ref": "AWS::Region"}, "x"]},
        {"Fn::Transform": {"Name": "AWS::Include", "Parameters": {"Location": {"Ref": "A"}}}},
        {"Fn::Sub": ["${x}", {"x": {"Fn::GetAtt": ["A", "B"]}}]},
    ],
)
def test_functions_are_read_back(value: Any) -> None:
    text = as_yaml({"Key": value, "List": [value, [value]]}, "params/dev.yaml")
    assert read(text) == {"Key": value, "List": [value, [value]]}


ODD_WORDS = """
    on off yes y null ~ = << 012345678901 1e5 -1e5 +1 .5 0x1F 0o17 1_000 2012-10-17 22:22 1. --- %x
    @x | > & * ! ? : - , # [ ] { } ' " `
"""
ODD_LINES = ("a\n", "\na", " a\n b", "a \nb", "a\n\n", "\ta\nb", "a\r\nb", "a\x85b", "\ufeffa")
ODD_TEXTS = (*ODD_WORDS.split(), *ODD_LINES, "- a", "a: b", "a #b", "!Ref x", " ")
TEXTS = st.text(max_size=12) | st.sampled_from(ODD_TEXTS)
NAMES = st.sampled_from(["Ref", "Fn::Sub", "Fn::Join", "Fn::Base64", "Fn::GetAZs", "Condition"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(TEXTS, inner, max_size=3)
        | st.builds(lambda name, value: {name: value}, NAMES, inner)
        | st.builds(lambda *parts: {"Fn::GetAtt": list(parts)}, inner, inner)
    ),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None, database=None)
@given(VALUES)
def test_any_value_is_read_back(value: Any) -> None:
    assert read(as_yaml({"Key": value}, "params/dev.yaml")) == {"Key": value}


def test_numbers_in_text_stay_text_for_every_parser() -> None:
    """YAML 1.1 as PyYAML reads it, 1.1 as its specification has it, and 1.2."""
    for text in ("012345678901", "1e5", "-1e5", "+1", ".5", "0o17", "1:30", "1_000", "0x1F", "1."):
        assert as_yaml({"Key": text}, "x").split("\n")[1] == f"Key: '{text}'"


def test_the_first_line_names_the_params() -> None:
    rendering, _ = patched({})
    assert rendering is not None
    assert rendering.text.startswith("# Built by Moorage from params/dev.yaml: ")
    assert rendering.file == "web.yaml"


def test_cfn_lint_reads_the_same_values() -> None:
    rendering, _ = patched({})
    assert rendering is not None
    rendered, matches = decode_str(rendering.text)
    assert matches == []
    assert json.loads(json.dumps(rendered)) == rendering.body
    assert check_texts({"web.yaml": rendering.text}, "eu-central-1") == []


def test_json() -> None:
    rendering, findings = render(Stack("web", template().to_dict()), document(), "json")
    assert findings == []
    assert rendering is not None
    assert rendering.file == "web.json"
    assert json.loads(rendering.text) == rendering.body == patched({})[0].body  # type: ignore[union-attr]
    assert rendering.text.endswith("}\n")


# Order -----------------------------------------------------------------------------------------


def test_sections_and_attributes_are_in_the_order_of_the_documentation() -> None:
    rendered = body(
        {
            "Transform": "AWS::LanguageExtensions",
            "Parameters": {"Size": {"Type": "Number"}},
            "Metadata": {"a": "b"},
            "Resources": {
                "LogGroup": {"DependsOn": "Topic"},
                "New": {"Properties": {}, "Condition": "C", "Type": "AWS::SNS::Topic"},
            },
        }
    )
    assert list(rendered) == [
        "AWSTemplateFormatVersion",
        "Description",
        "Metadata",
        "Parameters",
        "Transform",
        "Resources",
        "Outputs",
    ]
    assert list(rendered["Resources"]) == ["Topic", "LogGroup", "New"]
    assert list(rendered["Resources"]["LogGroup"]) == [
        "Type",
        "DependsOn",
        "DeletionPolicy",
        "UpdateReplacePolicy",
        "Properties",
    ]
    assert list(rendered["Resources"]["New"]) == ["Type", "Condition", "Properties"]


# Overrides -------------------------------------------------------------------------------------


def test_an_override_changes_one_property() -> None:
    rendered = body({"Resources": {"Topic": {"Properties": {"TopicName": "new"}}}})
    assert rendered["Resources"]["Topic"]["Properties"] == {
        "TopicName": "new",
        "DisplayName": "kept",
    }


def test_null_deletes_a_property_a_resource_and_a_section() -> None:
    rendered = body({"Resources": {"Topic": {"Properties": {"TopicName": None}}, "LogGroup": None}})
    assert rendered["Resources"] == {
        "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": "kept"}}
    }
    assert "Outputs" not in body({"Outputs": None})
    assert "Description" not in body({"Description": None})


def test_a_new_resource_and_a_new_output() -> None:
    rendered = body(
        {
            "Resources": {"Dead": {"Type": "AWS::SNS::Topic"}},
            "Outputs": {"DeadArn": {"Value": GetAtt("Dead", "TopicArn").to_dict()}},
        }
    )
    assert rendered["Resources"]["Dead"] == {"Type": "AWS::SNS::Topic"}
    assert rendered["Outputs"]["DeadArn"] == {"Value": {"Fn::GetAtt": ["Dead", "TopicArn"]}}


def test_the_stack_is_not_changed_by_its_overrides() -> None:
    stack = Stack(
        "web", template().to_dict(), {"Resources": {"Topic": {"Properties": {"TopicName": "new"}}}}
    )
    before = copy.deepcopy(stack.body)
    render(stack, document(), "yaml")
    assert stack.body == before


@pytest.mark.parametrize(
    ("overrides", "path", "line", "message", "hint"),
    [
        (
            {"Resources": {"Topik": {"Properties": {}}}},
            ("Resources", "Topik"),
            13,
            "The template has no `Topik` under Resources",
            "Did you mean `Topic`? A new one needs `Type:`.",
        ),
        (
            {"Resources": {"Gone": None}},
            ("Resources", "Gone"),
            13,
            "The template has no `Gone` under Resources",
            "It has Topic, LogGroup. A new one needs `Type:`.",
        ),
        (
            {"Outputs": {"Arn": {"Type": "String"}}},
            ("Outputs", "Arn"),
            13,
            "The template has no `Arn` under Outputs",
            "It has TopicArn. A new one needs `Value:`.",
        ),
        (
            {"Resuorces": {}},
            ("Resuorces",),
            12,
            "`Resuorces` is not a section of a template",
            "Did you mean `Resources`?",
        ),
    ],
)
def test_overrides_of_missing_resources_and_properties(
    overrides: Any, path: Any, line: int, message: str, hint: str
) -> None:
    finding = fault(overrides)
    assert (finding.code, finding.path) == ("M1307", (*ROOT, *path))
    assert str(finding.place) == f"params/dev.yaml:{line}"
    assert finding.message == message
    assert finding.hint.startswith(hint)


@pytest.mark.parametrize(
    ("overrides", "code", "path"),
    [
        ({"Resources": None}, "M1311", ("Resources",)),
        ({"Resources": {"Topic": None, "LogGroup": None}}, "M1311", ("Resources",)),
        ({"Resources": []}, "M1311", ("Resources",)),
        ({"Resources": 5}, "M1311", ("Resources",)),
        ({"Resources": {"Topic": []}}, "M1311", ("Resources", "Topic")),
        ({"Resources": {"Topic": "none"}}, "M1311", ("Resources", "Topic")),
        ({"Resources": {"Topic": {"Type": None}}}, "M1311", ("Resources", "Topic")),
        ({"Resources": {"Topic": {"Type": 5}}}, "M1311", ("Resources", "Topic", "Type")),
        ({"Resources": {"New": {"Type": None}}}, "M1311", ("Resources", "New")),
        (
            {"Resources": {"Topic": {"Properties": 5}}},
            "M1311",
            ("Resources", "Topic", "Properties"),
        ),
        ({"Outputs": {"TopicArn": {"Value": None}}}, "M1311", ("Outputs", "TopicArn")),
        ({"Outputs": {"TopicArn": "x"}}, "M1311", ("Outputs", "TopicArn")),
        ({"Outputs": {"TopicArn": {"Export": "x"}}}, "M1311", ("Outputs", "TopicArn", "Export")),
        ({"Outputs": []}, "M1311", ("Outputs",)),
        ({"Parameters": 5}, "M1311", ("Parameters",)),
        ({"Conditions": "x"}, "M1311", ("Conditions",)),
    ],
)
def test_overrides_that_break_the_template(overrides: Any, code: str, path: Any) -> None:
    rendering, findings = patched(overrides)
    assert rendering is None
    assert (code, (*ROOT, *path)) in [(finding.code, finding.path) for finding in findings]
    for finding in findings:
        assert finding.place.line > 1
        assert finding.message
        assert finding.hint


def test_several_mistakes_at_once() -> None:
    _, findings = patched({"Resources": {"Topic": []}, "Outputs": {"TopicArn": {"Value": None}}})
    assert [finding.code for finding in findings] == ["M1311", "M1311"]


ATTRIBUTES = st.dictionaries(
    st.sampled_from(["Type", "Properties", "DependsOn", "Value", "Export", "Name", "x"]),
    VALUES,
    max_size=3,
)


@settings(max_examples=300, deadline=None, database=None)
@given(
    st.dictionaries(
        st.sampled_from(["Resources", "Outputs", "Parameters", "Description", "Conditions", "x"]),
        VALUES
        | st.dictionaries(
            st.sampled_from(["Topic", "LogGroup", "TopicArn", "New"]), VALUES | ATTRIBUTES
        ),
        max_size=3,
    )
)
def test_no_overrides_raise(overrides: Any) -> None:
    rendering, findings = patched(overrides)
    assert (rendering is None) == any(finding.level == "error" for finding in findings)
    assert all(finding.code in ("M1311", "M1307") for finding in findings)


def test_numbers_without_json_form_do_not_raise() -> None:
    for number in (math.inf, math.nan):
        stack = Stack("web", template().to_dict(), {"Metadata": {"a": number}})
        assert render(stack, document(), "yaml")[1] == []
