"""Rules say nothing foolish of templates that are broken: above all, they raise nothing."""

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
TYPES = sorted({one["Type"] for body in bases().values() for one in body["Resources"].values()})
NAMES = ["A", "B", "C", "AWS::Region", "AWS::NoValue", "", "A.B"]
KEYS = sorted(
    {
        key
        for body in bases().values()
        for one in body["Resources"].values()
        for key in one.get("Properties", {})
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
    """Functions with arguments that are seldom right."""
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


def judge(*bodies: Any) -> None:
    """Lets the rules judge; a place that they name must exist."""
    for one in run_rules([Template(f"stack-{at}", body) for at, body in enumerate(bodies)]):
        place: Any = bodies[int(one.template.removeprefix("stack-"))]
        for key in one.path:
            place = place[key]


@deterministic_settings(max_examples=200)
@given(st.lists(templates, min_size=1, max_size=2))
def test_any_template_can_be_judged(bodies: list[Any]) -> None:
    judge(*bodies)


@deterministic_settings(max_examples=60)
@given(values)
def test_any_body_can_be_judged(body: Any) -> None:
    if isinstance(body, dict):
        judge(body)


# Templates that were right before something happened to them ------------------------------------


def places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of everything in a value."""
    keys = value if isinstance(value, dict) else range(len(value) if isinstance(value, list) else 0)
    for key in keys:
        yield (*at, key)
        yield from places(value[key], (*at, key))


def mutated(body: Any, random: Random, value: Any) -> Any:
    """A template in which one thing is another, is gone, or is there twice."""
    made = deepcopy(body)
    *way, last = random.choice([*places(made)])
    place = made
    for key in way:
        place = place[key]
    what = random.randrange(5)
    if what == 0:
        del place[last]
    elif what == 1 and isinstance(place, list):
        place.append(deepcopy(place[last]))
    elif what == 1:
        place[f"{last}2"] = deepcopy(place[last])
    elif what == 2:
        place[last] = [place[last]]
    elif what == 3:
        place[last] = {"Fn::If": ["NoSuch", place[last], {"Ref": "AWS::NoValue"}]}
    else:
        place[last] = value
    return made


@deterministic_settings(max_examples=400)
@given(
    body=st.sampled_from([*bases().values(), *(case.bad for case in cases())]),
    seeds=st.lists(st.tuples(st.integers(0, 2**32), values), min_size=1, max_size=5),
)
def test_a_damaged_template_can_be_judged(body: Any, seeds: list[tuple[int, Any]]) -> None:
    for seed, value in seeds:
        body = mutated(body, Random(seed), value)
    judge(body)


FIRST = {
    (resource["Type"], key): (body, name)
    for body in reversed(bases().values())
    for name, resource in body["Resources"].items()
    for key in resource.get("Properties", {})
}
"""A template and a resource in it for each property that the bases use."""


@pytest.mark.parametrize("kind", TYPES)
def test_every_property_can_be_anything(kind: str) -> None:
    for (of, key), (body, name) in FIRST.items():
        resource = body["Resources"][name]
        for value in (None, "", 0, [], {}, [None], {"Ref": "Nobody"}) if of == kind else ():
            changed = {**resource, "Properties": {**resource["Properties"], key: value}}
            judge({**body, "Resources": {**body["Resources"], name: changed}})


CIRCLES: dict[str, Any] = {
    "by Ref": {"A": {"Ref": "B"}, "B": {"Ref": "A"}},
    "by itself": {"A": {"Fn::GetAtt": ["A", "Arn"]}},
    "by Sub": {"A": {"Fn::Sub": "${B.Arn}"}, "B": {"Fn::Sub": ["${x}", {"x": {"Ref": "A"}}]}},
}


@pytest.mark.parametrize("circle", CIRCLES)
@pytest.mark.parametrize("kind", TYPES)
def test_resources_may_refer_in_a_circle(kind: str, circle: str) -> None:
    properties = {name: dict.fromkeys(KEYS, value) for name, value in CIRCLES[circle].items()}
    body = {name: {"Type": kind, "Properties": one} for name, one in properties.items()}
    judge({"Resources": body})


def test_conditions_and_exports_may_refer_in_a_circle() -> None:
    conditions = {"A": {"Condition": "B"}, "B": {"Fn::Not": [{"Condition": "A"}]}}
    exports = {
        name: {"Value": {"Fn::ImportValue": other}, "Export": {"Name": name}}
        for name, other in (("A", "B"), ("B", "A"))
    }
    imported = {"Cluster": {"Fn::ImportValue": "A"}}
    service = {"Type": "AWS::ECS::Service", "Condition": "A", "Properties": imported}
    body = {"Conditions": conditions, "Outputs": exports, "Resources": {"Service": service}}
    judge(body, {**body, "Outputs": {}})


def test_values_may_be_very_deep() -> None:
    deep: Any = "x"
    for _ in range(150):
        deep = {"Fn::Join": ["", ["a", {"Fn::If": ["No", deep, "b"]}]]}
    group = {"Type": "AWS::ElasticLoadBalancingV2::TargetGroup", "Properties": {"Name": deep}}
    judge({"Resources": {"Group": group}})


# In cfn-lint -----------------------------------------------------------------------------------


@cache
def runner() -> Runner:
    return Runner(ConfigMixIn([], append_rules=["moorage.rules"]))


def crashes(body: Any) -> list[str]:
    """What cfn-lint says of rules of ours that raised something."""
    template, wrong = decode_str(json.dumps(body))
    matches = () if wrong else runner().validate_template(template)
    broken = (one.message for one in matches if one.rule.id == "E0002")
    return [one for one in broken if re.search(r"[EW]93\d\d", one)]


def test_cfn_lint_runs_the_rules() -> None:
    loaded = {one.id for one in runner().rules.values()}
    assert {one.id for one in RULES} <= loaded


@deterministic_settings(max_examples=8)
@given(body=templates)
def test_cfn_lint_meets_no_crash_in_any_template(body: Any) -> None:
    try:
        assert crashes(body) == []
    except AssertionError:
        raise
    except Exception:
        assume(False)  # before it came to any rule


@deterministic_settings(max_examples=12)
@given(
    body=st.sampled_from([*bases().values()]),
    seeds=st.lists(st.tuples(st.integers(0, 2**32), values), min_size=1, max_size=3),
)
def test_cfn_lint_meets_no_crash_in_a_damaged_template(
    body: Any, seeds: list[tuple[int, Any]]
) -> None:
    for seed, value in seeds:
        body = mutated(body, Random(seed), value)
    assert crashes(body) == []
