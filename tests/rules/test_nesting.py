"""The rules find the same problems in two nested stacks as in two stacks with imports."""

from __future__ import annotations

import re
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import pytest
from corpus import bases, cases, cases_by_topic
from rewriting import SPLITS
from template_parts import Body, everywhere

from moorage.cfn.template import Template
from moorage.rules.runner import run_rules

STACK = "AWS::CloudFormation::Stack"
IMPORT = "Fn::ImportValue"


def parameter_of(export: str) -> str:
    return "Shared" + re.sub("[^A-Za-z0-9]", "", export)


def with_parameters(value: Any, names: set[str]) -> Any:
    """A value with a parameter in place of each import of these names."""
    if isinstance(value, list):
        return [with_parameters(item, names) for item in value]
    if not isinstance(value, Mapping):
        return value
    if value.get(IMPORT) in names:
        return {"Ref": parameter_of(value[IMPORT])}
    return {key: with_parameters(inner, names) for key, inner in value.items()}


def nest(upper: Body, lower: Body, region: str | None) -> list[Template]:
    """Two stacks as nested stacks of a parent, which passes what the lower one imports."""
    outputs = {output["Export"]["Name"]: name for name, output in upper["Outputs"].items()}
    inner = with_parameters(deepcopy(lower), set(outputs))
    parameters = {parameter_of(name): {"Type": "String"} for name in outputs}
    inner["Parameters"] = {**inner.get("Parameters", {}), **parameters}
    passed = {
        parameter_of(export): {"Fn::GetAtt": ["Upper", f"Outputs.{name}"]}
        for export, name in outputs.items()
    }
    parent = {
        "Upper": {"Type": STACK, "Properties": {}},
        "Lower": {"Type": STACK, "Properties": {"Parameters": passed}},
    }
    return [
        Template("parent", {"Resources": parent}, region),
        Template("upper", upper, region, parent=("parent", "Upper")),
        Template("lower", inner, region, parent=("parent", "Lower")),
    ]


def find_ids(templates: list[Template]) -> set[str]:
    return {problem.rule.id for problem in run_rules(templates)}


def stacks_of(body: Mapping[str, Any]) -> list[tuple[Body, Body]]:
    """The first way to split a template in two, if there is one."""
    splits = (split(dict(body), everywhere) for split in SPLITS)
    return [stacks for stacks in splits if stacks is not None][:1]


@pytest.mark.parametrize("name", bases())
def test_correct_nested_stacks_have_no_problems(name: str) -> None:
    for upper, lower in stacks_of(bases()[name]):
        assert find_ids(nest(upper, lower, None)) == set()


TOPICS = cases_by_topic(case for case in cases() if "Parameters" not in case.bad)
"""Without cases whose parameters have defaults: these are values in a nested stack, and unknown in
a stack alone."""


@pytest.mark.parametrize("topic", TOPICS)
def test_nested_stacks_have_the_problems_of_stacks_that_import(topic: str) -> None:
    differing = {}
    for case in TOPICS[topic]:
        for upper, lower in stacks_of(case.bad):
            imports = [Template("upper", upper, case.region), Template("lower", lower, case.region)]
            found = find_ids(nest(upper, lower, case.region)), find_ids(imports)
            differing |= {case.name: found} if found[0] != found[1] else {}
    assert differing == {}


@pytest.mark.parametrize("topic", TOPICS)
def test_a_nested_stack_alone_has_the_problems_of_its_template(topic: str) -> None:
    parent = {"Resources": {"Nested": {"Type": STACK, "Properties": {}}}}
    differing = {}
    for case in TOPICS[topic]:
        nested = Template("nested", case.bad, case.region, parent=("parent", "Nested"))
        found = find_ids([Template("parent", parent, case.region), nested])
        differing |= {case.name: found} if found != case.ids else {}
    assert differing == {}
