"""The rules raise no exception for any template, and name paths that exist."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from random import Random
from typing import Any

import pytest
from cfnlint.config import ConfigMixIn
from cfnlint.decode.decode import decode_str
from cfnlint.runner import Runner
from corpus import bases, cases
from deterministic import deterministic_settings
from hypothesis import assume, given
from hypothesis import strategies as st

from moorage.cfn.template import Template
from moorage.rules.registry import RULES
from moorage.rules.runner import run_rules

SECTIONS = ("Resources", "Parameters", "Conditions", "Mappings", "Outputs", "Hooks", "Metadata")
TYPES = sorted(
    {resource["Type"] for body in bases().values() for resource in body["Resources"].values()}
)
NAMES = ["A", "B", "C", "AWS::Region", "AWS::NoValue", "", "A.B"]
KEYS = sorted(
    {
        key
        for body in bases().values()
        for resource in body["Resources"].values()
        for key in resource.get("Properties", {})
    }
)
FUNCTIONS = [
    "Condition",
    "Fn::And",
    "Fn::Base64",
    "Fn::Cidr",
    "Fn::Equals",
    "Fn::FindInMap",
    "Fn::ForEach::Loop",
    "Fn::GetAZs",
    "Fn::GetAtt",
    "Fn::If",
    "Fn::ImportValue",
    "Fn::Join",
    "Fn::Length",
    "Fn::Not",
    "Fn::Or",
    "Fn::Select",
    "Fn::Split",
    "Fn::Sub",
    "Fn::ToJsonString",
    "Fn::Transform",
    "Ref",
]

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-1, 70000),
    st.floats(allow_nan=True),
    st.sampled_from(
        [*NAMES, "${A}", "${A.B", "${!A}", "80", "10.0.0.0/16", "{{resolve:ssm:a}}", "*"]
    ),
    st.text(max_size=4),
)


def functions(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Functions with arguments that are usually wrong."""
    arguments = st.one_of(
        inner,
        st.sampled_from(NAMES),
        st.lists(st.one_of(inner, st.sampled_from(NAMES)), max_size=4),
    )
    return st.builds(lambda name, argument: {name: argument}, st.sampled_from(FUNCTIONS), arguments)


values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from([*KEYS, "Key", "Value", "Type"]), inner, max_size=3),
        functions(inner),
    ),
    max_leaves=8,
)
resources = st.one_of(
    values,
    st.fixed_dictionaries(
        {"Type": st.sampled_from([*TYPES, "Custom::Any", "AWS::No::Such"])},
        optional={
            "Properties": st.one_of(values, st.dictionaries(st.sampled_from(KEYS), values)),
            "DependsOn": st.one_of(values, st.sampled_from(NAMES)),
            "Condition": st.one_of(values, st.sampled_from(NAMES)),
            "Metadata": values,
        },
    ),
)
templates = st.fixed_dictionaries(
    {"Resources": st.one_of(values, st.dictionaries(st.sampled_from(NAMES), resources))},
    optional={
        name: st.one_of(values, st.dictionaries(st.sampled_from(NAMES), values))
        for name in SECTIONS[1:]
    },
)


def check(*bodies: Any) -> None:
    """Runs the rules. Every path that they name must exist."""
    templates = [Template(f"stack-{index}", body) for index, body in enumerate(bodies)]
    for problem in run_rules(templates):
        value: Any = bodies[int(problem.template.removeprefix("stack-"))]
        for key in problem.path:
            value = value[key]


@deterministic_settings(max_examples=200)
@given(st.lists(templates, min_size=1, max_size=2))
def test_any_template_can_be_checked(bodies: list[Any]) -> None:
    check(*bodies)


@deterministic_settings(max_examples=60)
@given(values)
def test_any_body_can_be_checked(body: Any) -> None:
    if isinstance(body, dict):
        check(body)


# Correct templates with a random change -----------------------------------------------------


def paths_in(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of everything in a value."""
    keys = value if isinstance(value, dict) else range(len(value) if isinstance(value, list) else 0)
    for key in keys:
        yield (*path, key)
        yield from paths_in(value[key], (*path, key))


def mutate(body: Any, random: Random, value: Any) -> Any:
    """A template in which one value is replaced, removed, repeated or wrapped."""
    copy = deepcopy(body)
    paths = [*paths_in(copy)]
    if not paths:  # all is removed
        return copy
    *parents, last = random.choice(paths)
    parent = copy
    for key in parents:
        parent = parent[key]
    kind = random.randrange(5)
    if kind == 0:
        del parent[last]
    elif kind == 1 and isinstance(parent, list):
        parent.append(deepcopy(parent[last]))
    elif kind == 1:
        parent[f"{last}2"] = deepcopy(parent[last])
    elif kind == 2:
        parent[last] = [parent[last]]
    elif kind == 3:
        parent[last] = {"Fn::If": ["NoSuch", parent[last], {"Ref": "AWS::NoValue"}]}
    else:
        parent[last] = value
    return copy


@deterministic_settings(max_examples=400)
@given(
    body=st.sampled_from([*bases().values(), *(case.bad for case in cases())]),
    seeds=st.lists(st.tuples(st.integers(0, 2**32), values), min_size=1, max_size=5),
)
def test_a_damaged_template_can_be_checked(body: Any, seeds: list[tuple[int, Any]]) -> None:
    for seed, value in seeds:
        body = mutate(body, Random(seed), value)
    check(body)


FIRST = {
    (resource["Type"], key): (body, name)
    for body in reversed(bases().values())
    for name, resource in body["Resources"].items()
    for key in resource.get("Properties", {})
}
"""A template and a resource in it for each property that the bases use."""


@pytest.mark.parametrize("kind", TYPES)
def test_properties_can_have_any_value(kind: str) -> None:
    for (of, key), (body, name) in FIRST.items():
        resource = body["Resources"][name]
        for value in (None, "", 0, [], {}, [None], {"Ref": "NoSuch"}) if of == kind else ():
            properties = {**resource["Properties"], key: value}
            damaged = {**resource, "Properties": properties}
            check({**body, "Resources": {**body["Resources"], name: damaged}})


CYCLES: dict[str, Any] = {
    "by Ref": {"A": {"Ref": "B"}, "B": {"Ref": "A"}},
    "by itself": {"A": {"Fn::GetAtt": ["A", "Arn"]}},
    "by Sub": {"A": {"Fn::Sub": "${B.Arn}"}, "B": {"Fn::Sub": ["${x}", {"x": {"Ref": "A"}}]}},
}


@pytest.mark.parametrize("cycle", CYCLES)
@pytest.mark.parametrize("kind", TYPES)
def test_resources_can_refer_to_each_other(kind: str, cycle: str) -> None:
    properties = {name: dict.fromkeys(KEYS, value) for name, value in CYCLES[cycle].items()}
    body = {name: {"Type": kind, "Properties": values} for name, values in properties.items()}
    check({"Resources": body})


def test_conditions_and_exports_can_refer_to_each_other() -> None:
    conditions = {"A": {"Condition": "B"}, "B": {"Fn::Not": [{"Condition": "A"}]}}
    exports = {
        name: {"Value": {"Fn::ImportValue": other}, "Export": {"Name": name}}
        for name, other in (("A", "B"), ("B", "A"))
    }
    imported = {"Cluster": {"Fn::ImportValue": "A"}}
    service = {"Type": "AWS::ECS::Service", "Condition": "A", "Properties": imported}
    body = {"Conditions": conditions, "Outputs": exports, "Resources": {"Service": service}}
    check(body, {**body, "Outputs": {}})


def test_values_can_be_nested_deeply() -> None:
    deep: Any = "x"
    for _ in range(150):
        deep = {"Fn::Join": ["", ["a", {"Fn::If": ["No", deep, "b"]}]]}
    group = {"Type": "AWS::ElasticLoadBalancingV2::TargetGroup", "Properties": {"Name": deep}}
    check({"Resources": {"Group": group}})


# In cfn-lint -----------------------------------------------------------------------------------


@cache
def runner() -> Runner:
    return Runner(ConfigMixIn([], append_rules=["moorage.rules"]))


def crashes(body: Any) -> list[str]:
    """The messages of cfn-lint about our rules that raised an exception."""
    template, wrong = decode_str(json.dumps(body))
    matches = () if wrong else runner().validate_template(template)
    messages = (match.message for match in matches if match.rule.id == "E0002")
    return [message for message in messages if re.search(r"[EW]9[1-9]\d\d", message)]


def test_cfn_lint_runs_the_rules() -> None:
    loaded = {rule.id for rule in runner().rules.values()}
    assert {rule.id for rule in RULES} <= loaded


@deterministic_settings(max_examples=8)
@given(body=templates)
def test_no_rule_crashes_in_cfn_lint_for_any_template(body: Any) -> None:
    try:
        assert crashes(body) == []
    except AssertionError:
        raise
    except Exception:
        assume(False)  # cfn-lint failed before it ran any rule


@deterministic_settings(max_examples=12)
@given(
    body=st.sampled_from([*bases().values()]),
    seeds=st.lists(st.tuples(st.integers(0, 2**32), values), min_size=1, max_size=3),
)
def test_no_rule_crashes_in_cfn_lint_for_a_damaged_template(
    body: Any, seeds: list[tuple[int, Any]]
) -> None:
    for seed, value in seeds:
        body = mutate(body, Random(seed), value)
    assert crashes(body) == []
