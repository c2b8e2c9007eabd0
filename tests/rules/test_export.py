"""The rules for AWS's engine, run by the engine itself on the cases of all rules."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import pytest
from cloudformation_validate import (
    CompositeEngine,
    CompositeEngineConfig,
    ExternalRuleSource,
    PseudoParameterOverrides,
    TemplateContent,
    ValidateConfig,
)
from corpus import Case, bases, cases
from crowds import put_in_front
from template_parts import Body

from moorage.cfn.nodes import nearest_existing_path
from moorage.records import entity
from moorage.rules.constraints.arns import IsArnOf
from moorage.rules.constraints.combinations import All, Among, Each, Not, Some
from moorage.rules.constraints.constraint import Constraint
from moorage.rules.constraints.predicates import (
    Absent,
    AtMost,
    Contains,
    EndsWith,
    Is,
    IsJson,
    IsMap,
    Length,
    Matches,
    Present,
    StartsWith,
    Within,
)
from moorage.rules.export.rego import as_rego, write_rego
from moorage.rules.export.statements import state
from moorage.rules.export.writer import InexpressibleError, Writer
from moorage.rules.registry import CONSTRAINTS, RULES

TOPICS = sorted({case.topic for case in cases()})
MERGEABLE = {"AWSTemplateFormatVersion", "Description", "Outputs", "Parameters", "Resources"}
FILE = as_rego(RULES, "1.2.3")
EXPORTED = set(re.findall(r'finding\("([EW][0-9]{4})"', FILE))


@lru_cache(maxsize=2)
def engine(text: str) -> CompositeEngine:
    """Keeps only the last two: an engine has hundreds of megabytes."""
    source = ExternalRuleSource(name="moorage.rego", content=text)
    return CompositeEngine(CompositeEngineConfig(rego_rules=[source]))


def diagnose(body: Mapping[str, Any], region: str | None = None, text: str = FILE) -> list[Any]:
    """What the engine reports of our rules."""
    content = TemplateContent(json.dumps(body), "template.json")
    config = ValidateConfig(disable_builtin_rules=True)
    if region is not None:
        config.pseudo_parameter_overrides = PseudoParameterOverrides(region=region)
    report = engine(text).validate_template(content, config)
    return list(report.diagnostics)


def found(bodies: Sequence[Body], region: str | None = None) -> list[set[tuple[str, str]]]:
    """For each template, ids and paths as in `Case.finds`. The engine reads templates without
    conditions as one, which is faster."""
    if len(bodies) > 1 and not all(body.keys() <= MERGEABLE for body in bodies):
        return [result for body in bodies for result in found([body], region)]
    results: list[set[tuple[str, str]]] = [set() for _ in bodies]
    for diagnostic in diagnose(put_in_front({"Resources": {}}, *bodies), region):
        match = re.fullmatch(r"Other([0-9]+)(.*)", diagnostic.entity.logical_id)
        assert match
        index, name = int(match[1]), match[2]
        path = _existing(bodies[index], f"Resources.{name}.{diagnostic.property_path}")
        results[index].add((diagnostic.rule_id, path))
    return results


def _existing(body: Mapping[str, Any], path: str) -> str:
    """The part of a path that exists. The engine also names what is missing."""
    steps = tuple(int(step) if step.isdigit() else step for step in path.split("."))
    return ".".join(map(str, nearest_existing_path(body, steps)))


def batches(topic: str) -> Iterator[tuple[Case, ...]]:
    """The cases about exported rules, by region and whether the engine can read them as one."""
    chosen = [
        case
        for case in cases()
        if case.topic == topic
        and (topic.startswith("constraints_") or any(rule in EXPORTED for rule, _ in case.finds))
    ]
    kinds: dict[tuple[str | None, bool], list[Case]] = {}
    for case in chosen:
        is_mergeable = (case.good.keys() | case.bad.keys()) <= MERGEABLE
        kinds.setdefault((case.region, is_mergeable), []).append(case)
    for of_kind in kinds.values():
        yield from (tuple(of_kind[start : start + 60]) for start in range(0, len(of_kind), 60))


@pytest.mark.parametrize("topic", TOPICS)
def test_the_engine_tells_the_twins_apart(topic: str) -> None:
    for batch in batches(topic):
        names = [case.name for case in batch]
        expected = [{found for found in case.finds if found[0] in EXPORTED} for case in batch]
        of_bad = found([case.bad for case in batch], batch[0].region)
        assert dict(zip(names, of_bad, strict=True)) == dict(zip(names, expected, strict=True))
        goods = {json.dumps(case.good, sort_keys=True): case for case in batch}
        of_good = found([case.good for case in goods.values()], batch[0].region)
        assert [result for result in of_good if result] == []


@pytest.mark.parametrize("base", bases())
def test_the_engine_finds_nothing_in_a_correct_template(base: str) -> None:
    assert found([bases()[base]]) == [set()]


def test_every_constraint_is_exported_or_named() -> None:
    head = FILE.partition("\npackage ")[0]
    assert f"# {len(EXPORTED)} rules of Moorage 1.2.3 for" in head
    named = set(re.findall(r"[EW][0-9]{4}", head))
    assert named == {rule.id for rule in RULES} - EXPORTED
    assert f"# Without {len(named)} rules that" in head
    assert len(EXPORTED) > 0.85 * len(CONSTRAINTS)


def test_the_example_of_the_document_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    text = (Path(__file__).parents[2] / "docs/rules-export.md").read_text()
    (example,) = re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    Path("moorage.rego").write_text(FILE)
    Path("template.yaml").write_text(
        "Resources:\n  Listener:\n    Type: AWS::ElasticLoadBalancingV2::Listener\n"
        "    Properties: {LoadBalancerArn: !Ref X, Port: 80, Protocol: HTTP,\n"
        "      DefaultActions: [{Type: forward}]}\n"
    )
    exec(compile(example, "rules-export.md", "exec"), {})
    assert re.search(r"^5 E9461 .*`Listener`.* Write ", capsys.readouterr().out, re.MULTILINE)


# Values that only the deployment knows ---------------------------------------------------------

PARAMETERS = {
    "Free": {"Type": "String"},
    "Kept": {"Type": "Number", "Default": 9},
    "Small": {"Type": "Number", "AllowedValues": [1, 2], "Default": 1},
    "Large": {"Type": "Number", "AllowedValues": [11, 12], "Default": 11},
    "Mixed": {"Type": "Number", "AllowedValues": [1, 12], "Default": 1},
}
CONDITIONS = {"IsX": {"Fn::Equals": [{"Ref": "Free"}, "x"]}}


def reports(constraint: Constraint, properties: Mapping[str, Any], **more: Any) -> list[Any]:
    """What the engine reports of a queue with these properties."""
    body = {
        "Parameters": PARAMETERS,
        "Conditions": CONDITIONS,
        "Resources": {"Queue": {"Type": "AWS::SQS::Queue", "Properties": properties, **more}},
    }
    return diagnose(body, text=write_rego([(constraint, "https://example.com/page")], {}, ""))


def constraint(must: Any, when: Any = None, about: str = "AWS::SQS::Queue") -> Constraint:
    return Constraint(
        "E9999", about, "A title.", must, "The queue {id} has {A}", "Write B.", (), when
    )


SMALL = constraint(Within("A", 1, 10))


@pytest.mark.parametrize(
    ("value", "is_reported"),
    [
        (10, False),
        (11, True),
        ("11", True),
        ({"Ref": "Kept"}, False),
        ({"Ref": "Free"}, False),
        ({"Ref": "Small"}, False),
        ({"Ref": "Large"}, True),
        ({"Ref": "Mixed"}, False),
        ({"Fn::ImportValue": "x"}, False),
        ({"Fn::GetAtt": ["Queue", "Arn"]}, False),
        ({"Fn::If": ["IsX", 1, 2]}, False),
        ({"Fn::If": ["IsX", 1, 12]}, True),
        ({"Fn::If": ["IsX", {"Ref": "AWS::NoValue"}, 12]}, True),
        ("{{resolve:ssm:/x}}", False),
    ],
)
def test_a_value_that_is_not_known_gives_no_finding(value: Any, is_reported: bool) -> None:
    assert bool(reports(SMALL, {"A": value})) is is_reported


@pytest.mark.parametrize("name", ["AWS::Region", "AWS::StackName"])
def test_the_engines_pseudo_parameters_are_not_facts(name: str) -> None:
    never = constraint(Not(Matches("A", ".*")))
    assert reports(never, {"A": "x"})
    assert not reports(never, {"A": {"Ref": name}})
    assert not reports(never, {"A": {"Fn::Sub": f"x-${{{name}}}"}})


KNOWN_PARTS: list[tuple[Any, str, bool]] = [
    (StartsWith("A", ("aws", "x-")), "x-${Free}", False),
    (StartsWith("A", ("aws", "x-")), "y-${Free}", True),
    (StartsWith("A", ("aws", "x-y")), "x-${Free}", False),
    (StartsWith("A", ("aws",)), "${AWS::StackName}-aws", False),
    (EndsWith("A", (".fifo",)), "${Free}.fifo", False),
    (EndsWith("A", (".fifo",)), "${AWS::StackName}-queue", True),
    (EndsWith("A", (".fifo",)), "${Free}o", False),
    (Length("A", 1, 5), "${Free}-123", False),
    (Length("A", 1, 5), "${Free}-12345", True),
    (Length("A", 1, 5), "${AWS::Region}-12345", True),
    (Length("A", 1, 9), "${AWS::Region}-1", False),
    (Matches("A", "arn:[a-z-]+:sqs:.*"), "arn:${AWS::Partition}:sns:x", True),
    (Matches("A", "arn:aws:sqs:.*"), "arn:aws:sqs:${AWS::Region}:x", False),
    (Matches("A", "arn:aws:sns:.*"), "arn:aws:sqs:${AWS::Region}:x", False),
]
STATEMENTS: list[tuple[Any, Any, bool]] = [
    (IsMap("A"), {"B": 1}, False),
    (IsMap("A"), "{}", True),
    (IsMap("A"), {"Ref": "Free"}, False),
    (Contains("A", "b+"), "abba", False),
    (Contains("A", "b+"), "xyz", True),
    (Contains("A", "b+"), {"Fn::Sub": "${Free}-abba"}, False),
    (Contains("A", "b+"), {"Fn::Sub": "${Free}-xyz"}, False),
    (Not(Contains("A", "b+")), {"Fn::Sub": "${Free}-abba"}, True),
    (Matches("A", "[^@]+@[^@]+"), "x@y", False),
    (IsJson("A"), '{"B": 1}', False),
    (IsJson("A"), "{B", True),
    (IsJson("A"), {"B": 1}, False),
    (AtMost("A", "C", times=2), 20, False),
    (AtMost("A", "C", times=2), 21, True),
    (AtMost("A", "C", times=2), {"Ref": "Free"}, False),
]
PREDICATES = list(dict.fromkeys(predicate for predicate, *_ in (*KNOWN_PARTS, *STATEMENTS)))


@cache
def of_tables() -> str:
    """A file with all predicates of the tables: an engine costs a fifth of a second."""
    constraints = [
        (replace(constraint(predicate), id=f"E{index:04}"), "https://example.com/page")
        for index, predicate in enumerate(PREDICATES)
    ]
    return write_rego(constraints, {}, "")


def is_false(predicate: Any, value: Any) -> bool:
    body = {
        "Parameters": PARAMETERS,
        "Resources": {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"A": value, "C": 10}}},
    }
    reported = {diagnostic.rule_id for diagnostic in diagnose(body, text=of_tables())}
    return f"E{PREDICATES.index(predicate):04}" in reported


@pytest.mark.parametrize(("predicate", "text", "is_reported"), KNOWN_PARTS)
def test_the_known_parts_of_a_text_count(predicate: Any, text: str, is_reported: bool) -> None:
    assert is_false(predicate, {"Fn::Sub": text}) is is_reported


def test_a_value_that_is_no_list_can_be_its_only_item() -> None:
    every = constraint(Each("A[*]", Is("", "x")))
    assert reports(every, {"A": "y"})
    assert reports(every, {"A": ["x", "y"]})
    assert not reports(every, {"A": "x"})
    assert not reports(every, {"A": {"Ref": "Free"}})


def test_the_condition_of_a_resource_is_true_in_it() -> None:
    choice = {"Fn::If": ["IsX", 1, 12]}
    assert not reports(SMALL, {"A": choice}, Condition="IsX")
    assert reports(SMALL, {"A": {"Fn::If": ["IsX", 12, 1]}}, Condition="IsX")


def test_a_list_that_may_have_more_items_gives_no_finding() -> None:
    some = constraint(Some("A", Is("B", "x")))
    assert reports(some, {"A": [{"B": "y"}]})
    assert not reports(some, {"A": [{"B": "y"}, {"Ref": "Free"}]})
    assert not reports(some, {"A": {"Ref": "Free"}})
    assert not reports(some, {"A": {"Fn::GetAtt": ["Queue", "List"]}})
    each = constraint(Not(Each("A", Is("B", "x"))))
    assert reports(each, {"A": [{"B": "x"}]})
    assert not reports(each, {"A": {"Ref": "Free"}})
    assert not reports(each, {"A": {"Fn::GetAtt": ["Queue", "List"]}})


def test_lists_in_lists_of_lists_may_have_more_items() -> None:
    some = constraint(Some("A[].B[].C", Is("", "x")))
    assert reports(some, {"A": [{"B": [{"C": ["y"]}]}]})
    assert not reports(some, {"A": [{"B": [{"C": ["y"]}, {"C": {"Ref": "Free"}}]}]})
    assert not reports(some, {"A": [{"B": [{"C": ["y"]}, {"Ref": "Free"}]}]})


@pytest.mark.parametrize(
    ("value", "is_reported"),
    [
        ("x", False),
        ("z", True),
        ({"Ref": "Free"}, False),
        ({"Ref": "Small"}, True),
        ({"Fn::Sub": "${Free}-x"}, False),
    ],
)
def test_a_value_can_be_among_the_items_of_a_list(value: Any, is_reported: bool) -> None:
    among = constraint(Among("A", "L", "K", Is("On", "true")))
    items = [{"K": "x", "On": True}, {"K": "z", "On": False}]
    assert bool(reports(among, {"A": value, "L": items})) is is_reported
    assert not reports(among, {"A": value, "L": {"Ref": "Free"}})


def test_an_item_that_may_be_left_out_gives_no_finding() -> None:
    among = constraint(Among("A", "L", "K", Is("On", "true")))
    items = [{"K": "z", "On": {"Ref": "Free"}}]
    assert not reports(among, {"A": "z", "L": items})
    assert reports(among, {"A": "y", "L": items})


@pytest.mark.parametrize(
    ("value", "is_reported"),
    [
        ("arn:aws:sqs:eu-west-1:123456789012:x", False),
        ("arn:aws:sns:eu-west-1:123456789012:x", True),
        ({"Fn::Sub": "arn:${AWS::Partition}:sns:${AWS::Region}:${AWS::AccountId}:x"}, True),
        ({"Fn::Sub": "arn:aws:sns:${Free}:x"}, True),
        ({"Fn::Sub": "arn:aws:${Free}:eu-west-1:x"}, False),
        ({"Fn::GetAtt": ["Queue", "Arn"]}, False),
        ({"Fn::GetAtt": ["Topic", "Arn"]}, True),
        ({"Ref": "Free"}, False),
        ("x", False),
    ],
)
def test_the_service_of_an_arn_is_known_or_not(value: Any, is_reported: bool) -> None:
    of_queue = constraint(IsArnOf("A", "sqs"))
    body = {
        "Parameters": PARAMETERS,
        "Resources": {
            "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"A": value}},
            "Topic": {"Type": "AWS::SNS::Topic"},
        },
    }
    text = write_rego([(of_queue, "https://example.com/page")], {}, "")
    assert bool(diagnose(body, text=text)) is is_reported


@pytest.mark.parametrize(("predicate", "value", "is_reported"), STATEMENTS)
def test_other_statements_have_three_values(predicate: Any, value: Any, is_reported: bool) -> None:
    assert is_false(predicate, value) is is_reported


def test_an_attribute_of_a_resource_is_as_written() -> None:
    absent = constraint(Absent("@UpdatePolicy.A"))
    assert reports(absent, {}, UpdatePolicy={"A": 1})
    assert not reports(absent, {}, UpdatePolicy={"B": 1})
    inside = constraint(Within("B", 1, 10), about="AWS::SQS::Queue @UpdatePolicy.A")
    (diagnostic,) = reports(inside, {}, UpdatePolicy={"A": {"B": 11}})
    assert diagnostic.property_path == "UpdatePolicy.A.B"
    assert not reports(inside, {}, UpdatePolicy={"A": {"B": {"Ref": "Large"}}})


def test_a_text_can_contain_json() -> None:
    inside = constraint(Within("B", 1, 10), about="AWS::SQS::Queue A<json>.C[]")
    assert reports(inside, {"A": '{"C": [{"B": 1}, {"B": 11}]}'})
    assert not reports(inside, {"A": '{"C": [{"B": 1}]}'})
    assert not reports(inside, {"A": '{"C": '})
    assert not reports(inside, {"A": {"Ref": "Free"}})


def test_a_finding_has_its_place_message_fix_and_page() -> None:
    every = constraint(Each("A", Present("B")))
    (diagnostic,) = reports(every, {"A": [{"B": 1}, {"C": 1}]})
    assert (diagnostic.rule_id, diagnostic.severity.name) == ("E9999", "ERROR")
    assert diagnostic.property_path == "Properties.A.1.B"
    assert diagnostic.message == "The queue `Queue` has `?`"
    assert diagnostic.suggested_fix == "Write B."
    assert diagnostic.documentation_url == "https://example.com/page"


def test_long_texts_fit_the_lines_that_the_engine_accepts() -> None:
    words = "|".join(f"word{number}" for number in range(500))
    long = constraint(Matches("A", words))
    assert reports(long, {"A": "word500"})
    assert not reports(long, {"A": "word499"})
    among = constraint(Is("A", *words.split("|")))
    assert reports(among, {"A": "word500"})
    assert not reports(among, {"A": "word499"})


def test_what_the_engine_cannot_say_is_left_out() -> None:
    class Other:
        path = "A"

    @entity
    class More(AtMost):
        factor: float = 1

    assert state(More("A", "B"), Writer()).true
    for predicate in (
        Other(),
        All(Present("A"), Other()),
        Matches("A", "(?!x).*"),
        Present("A.@UpdatePolicy"),
        More("A", "B", factor=2),
        Each("Text<json>", Present("A")),
    ):
        with pytest.raises(InexpressibleError):
            state(predicate, Writer())  # type: ignore[arg-type]
