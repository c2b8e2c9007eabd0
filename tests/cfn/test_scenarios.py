"""Which scenarios of a template are evaluated."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from moorage.cfn.nodes import nearest_existing_path
from moorage.cfn.scenarios import (
    MAX_SCENARIOS,
    Finder,
    Found,
    default_view,
    find_in_scenarios,
)
from moorage.cfn.template import Template
from moorage.cfn.values import Path
from moorage.cfn.view import View


@dataclass(frozen=True)
class Text:
    """The text of a property, as something that is found."""

    text: str
    path: Path = ()
    template: str = "t"

    @property
    def kind(self) -> str:
        return self.text


def texts(view: View) -> Iterator[Text]:
    """The text of every property P, `?` if it is unknown."""
    for resource in view.resources_of_type("T::R"):
        node, template = resource["P"], resource.stack.template
        text = node.text or "?"  # a node knows which branch it is in when it has been evaluated
        yield Text(text, nearest_existing_path(template.body, node.path), template.name)


def find(template: Template, *, tries_values: bool = True) -> list[Found[Text]]:
    return find_in_scenarios([template], [Finder(texts, tries_values)])


def a_template(
    parameters: Any, conditions: Any, value: Any, name: str = "t", **attributes: Any
) -> Template:
    resources = {"A": {"Type": "T::R", "Properties": {"P": value}, **attributes}}
    body = {"Parameters": parameters, "Conditions": conditions, "Resources": resources}
    return Template(name, body)


def find_texts(parameters: Any, conditions: Any, value: Any, **attributes: Any) -> list[str]:
    template = a_template(parameters, conditions, value, **attributes)
    return [found.result.text for found in find(template)]


def stage(*allowed: str, default: str | None = None) -> dict[str, Any]:
    default_entry = {"Default": default} if default else {}
    return {"Type": "String", **({"AllowedValues": [*allowed]} if allowed else {}), **default_entry}


def equals(name: str, value: str) -> dict[str, Any]:
    return {"Fn::Equals": [{"Ref": name}, value]}


def test_without_switches_there_is_one_scenario() -> None:
    assert find_texts({"S": stage()}, {}, {"Ref": "S"}) == ["?"]


def test_allowed_values_are_tried_one_by_one() -> None:
    template = a_template({"S": stage("a", "b", default="a")}, {}, {"Ref": "S"})
    assert [(found.result.text, found.choices) for found in find(template)] == [
        ("?", {}),  # any of them
        ("a", {("t", "S"): "a"}),
        ("b", {("t", "S"): "b"}),
    ]
    assert [found.result.text for found in find(template, tries_values=False)] == ["?"]


def test_a_value_that_only_another_allowed_value_makes_wrong_does_not_count() -> None:
    """Which value T has is not assumed when the values of S are tried."""
    parameters = {"S": stage("a", "b"), "T": stage("x", "y")}
    value = {"Fn::Join": ["", [{"Ref": "S"}, {"Ref": "T"}]]}
    assert find_texts(parameters, {}, value) == ["?"]


def test_each_branch_is_evaluated_starting_with_the_default() -> None:
    conditions = {"IsProd": equals("S", "prod")}
    value = {"Fn::If": ["IsProd", "many", "one"]}
    assert find_texts({"S": stage("prod", "dev", default="dev")}, conditions, value) == [
        "one",
        "many",
    ]
    assert find_texts({"S": stage(default="prod")}, conditions, value) == ["many", "one"]
    assert find_texts({"S": stage()}, conditions, value) == ["one", "many"]


def test_conditions_on_the_same_parameter_vary_together() -> None:
    conditions = {"IsProd": equals("S", "prod"), "IsDev": {"Fn::Not": [{"Condition": "IsProd"}]}}
    inner = {"Fn::If": ["IsDev", "never", "prod"]}
    value = {"Fn::If": ["IsProd", inner, "dev"]}
    assert find_texts({"S": stage("prod", "dev")}, conditions, value) == ["prod", "dev"]


def test_parameter_with_three_values() -> None:
    conditions = {"IsA": equals("S", "a"), "IsB": equals("S", "b")}
    value = {"Fn::If": ["IsA", "1", {"Fn::If": ["IsB", "2", "3"]}]}
    assert sorted(find_texts({"S": stage("a", "b", "c")}, conditions, value)) == ["1", "2", "3"]


def test_result_that_depends_on_two_choices_is_ignored() -> None:
    conditions = {"A": equals("S", "x"), "B": equals("T", "x")}
    both = {"Fn::If": ["A", {"Fn::If": ["B", "both", "a"]}, {"Fn::If": ["B", "b", "none"]}]}
    assert find_texts({"S": stage(), "T": stage()}, conditions, both)[0] == "none"
    assert "a" not in find_texts({"S": stage(), "T": stage()}, conditions, both)


def test_condition_without_a_parameter_varies() -> None:
    conditions = {"IsHere": {"Fn::Equals": [{"Fn::Select": [0, {"Ref": "L"}]}, "x"]}}
    value = {"Fn::If": ["IsHere", "here", "there"]}
    assert find_texts({"L": {"Type": "CommaDelimitedList"}}, conditions, value) == ["here", "there"]


def test_condition_on_the_region() -> None:
    conditions = {"IsEast": equals("AWS::Region", "us-east-1")}
    value = {"Fn::If": ["IsEast", "east", "other"]}
    assert find_texts({}, conditions, value) == ["other", "east"]


def test_given_parameter_values_do_not_vary() -> None:
    body = {
        "Parameters": {"S": stage("dev", "prod")},
        "Conditions": {"IsProd": equals("S", "prod")},
        "Resources": {"A": {"Type": "T::R", "Properties": {"P": {"Fn::If": ["IsProd", "a", "b"]}}}},
    }
    template = Template("t", body, parameter_values={"S": "prod"})
    assert [found.result.text for found in find(template)] == ["a"]


# Only the switches that matter ---------------------------------------------------------------

MANY = [f"S{index}" for index in range(40)]


def test_only_switches_that_a_finder_reads_are_tried() -> None:
    """However many there are, and wherever the one that matters is."""
    views: list[View] = []

    def find(view: View) -> list[Text]:
        views.append(view)
        return list(texts(view))

    value = {"Fn::If": ["IsS33", "wrong", "right"]}
    conditions = {f"Is{name}": equals(name, "x") for name in MANY}
    template = a_template({name: stage() for name in MANY}, conditions, value)
    found = find_in_scenarios([template], [Finder(find)])
    assert [item.result.text for item in found] == ["right", "wrong"]
    assert found[1].choices == {("t", "S33"): "x"}
    assert len(views) == 3  # the defaults, the change, and its confirmation


def test_number_of_scenarios_is_limited() -> None:
    views: list[View] = []

    def find(view: View) -> list[Text]:
        views.append(view)
        return list(texts(view))

    parts = [{"Fn::If": [f"Is{name}", "1", "0"]} for name in MANY + ["T" + name for name in MANY]]
    names = [name for prefix in ("", "T") for name in (prefix + name for name in MANY)]
    conditions = {f"Is{name}": equals(name, "x") for name in names}
    template = a_template({name: stage() for name in names}, conditions, {"Fn::Join": ["", parts]})
    find_in_scenarios([template], [Finder(find)])
    assert MAX_SCENARIOS < len(views) <= 2 * MAX_SCENARIOS


def test_a_switch_that_is_read_only_in_another_branch_is_tried_from_there() -> None:
    conditions = {"Outer": equals("S", "x"), "Inner": equals("T", "x")}
    value = {"Fn::If": ["Inner", "wrong", "right"]}
    template = a_template({"S": stage(), "T": stage()}, conditions, value, Condition="Outer")
    assert [(found.result.text, found.choices) for found in find(template)] == [
        ("wrong", {("t", "S"): "x", ("t", "T"): "x"}),
    ]


def test_a_switch_that_turns_the_resource_off_drops_nothing() -> None:
    conditions = {"Exists": equals("S", "yes"), "IsWrong": equals("T", "x")}
    value = {"Fn::If": ["IsWrong", "wrong", "right"]}
    parameters = {"S": stage("yes", "no"), "T": stage()}
    assert find_texts(parameters, conditions, value, Condition="Exists") == ["right", "wrong"]


def test_a_switch_that_turns_the_place_off_drops_nothing() -> None:
    conditions = {"Exists": equals("S", "yes"), "IsWrong": equals("T", "x")}
    inner = {"Fn::If": ["IsWrong", "wrong", "right"]}
    value = {"Fn::If": ["Exists", inner, {"Ref": "AWS::NoValue"}]}
    assert find_texts({"S": stage("yes", "no"), "T": stage()}, conditions, value) == [
        "right",
        "?",
        "wrong",
    ]


def test_reads_of_a_cached_value_are_recorded_for_every_finder() -> None:
    """The second finder gets nodes that the first one has evaluated."""
    conditions = {"IsWrong": equals("S", "x")}
    value = [{"Fn::If": ["IsWrong", "wrong", {"Ref": "AWS::NoValue"}]}, "right"]

    def lengths(view: View) -> Iterator[Text]:
        (resource,) = view.resources_of_type("T::R")
        yield Text(str(len(resource["P"].items)))

    template = a_template({"S": stage()}, conditions, value)
    found = find_in_scenarios([template], [Finder(lengths)] * 2)
    assert [item.result.text for item in found] == ["1", "2", "1", "2"]


def test_default_view_uses_defaults_of_parameters() -> None:
    body = {
        "Parameters": {"S": stage("dev", "prod", default="prod")},
        "Conditions": {"IsProd": equals("S", "prod")},
        "Resources": {"A": {"Type": "T::R", "Properties": {"P": {"Fn::If": ["IsProd", "a", "b"]}}}},
    }
    assert [text.text for text in texts(default_view([Template("t", body)]))] == ["a"]


# Switches of several stacks ------------------------------------------------------------------

STACKS = [f"t{number}" for number in range(30)]


def count_runs(templates: list[Template], finder: Any = None) -> tuple[list[Found[Text]], int]:
    """What is found, and how often a finder is run for it."""
    views: list[View] = []

    def find(view: View) -> list[Text]:
        views.append(view)
        return [text for text in (finder or texts)(view) if text.text != "right"]

    return find_in_scenarios(templates, [Finder(find)]), len(views)


def one_switch(name: str, *, changed: str = "right", **attributes: Any) -> Template:
    value = {"Fn::If": ["IsX", changed, "right"]}
    return a_template({"S": stage()}, {"IsX": equals("S", "x")}, value, name, **attributes)


def test_switches_of_stacks_are_tried_together() -> None:
    """So the number of scenarios does not grow with the environment."""
    assert count_runs([one_switch(name) for name in STACKS]) == ([], 2)


def test_the_stack_whose_switch_matters_is_found_among_many() -> None:
    templates = [one_switch(name, changed="wrong" if name == "t17" else "right") for name in STACKS]
    found, runs = count_runs(templates)
    assert [(each.result.template, each.choices) for each in found] == [
        ("t17", {("t17", "S"): "x"})
    ]
    assert runs <= 5  # the defaults, all, the one, its confirmation, and the others


def test_every_stack_whose_switch_matters_is_found() -> None:
    found, _ = count_runs([one_switch(name, changed="wrong") for name in STACKS])
    assert {each.result.template: each.choices for each in found} == {
        name: {(name, "S"): "x"} for name in STACKS
    }


def test_a_default_that_is_wrong_is_named_for_its_own_stack() -> None:
    def wrong_by_default(name: str) -> Template:
        value = {"Fn::If": ["IsX", "right", "wrong"]}
        parameters = {"S": stage("y", "x", default="y")}
        return a_template(parameters, {"IsX": equals("S", "x")}, value, name)

    found, _ = count_runs([wrong_by_default(name) for name in STACKS[:3]])
    assert [(each.choices, each.by_default) for each in found] == [
        ({(name, "S"): "y"}, True) for name in STACKS[:3]
    ]


def test_a_switch_that_is_read_only_in_another_branch_of_one_of_many_stacks() -> None:
    conditions = {"IsX": equals("S", "x"), "IsY": equals("T", "y")}
    value = {"Fn::If": ["IsX", {"Fn::If": ["IsY", "wrong", "right"]}, "right"]}
    deep = a_template({"S": stage(), "T": stage()}, conditions, value, "deep")
    found, _ = count_runs([*map(one_switch, STACKS), deep])
    assert [each.choices for each in found] == [{("deep", "S"): "x", ("deep", "T"): "y"}]


def test_a_resource_that_another_stack_may_lack_hides_nothing() -> None:
    """The first stack is only wrong together with the resource of the second."""

    def find(view: View) -> Iterator[Text]:
        found = list(texts(view))
        yield from found if len(found) == 2 else ()

    conditions = {"Exists": equals("S", "yes")}
    parameters = {"S": stage("yes", "no", default="yes")}
    optional = a_template(parameters, conditions, "right", "second", Condition="Exists")
    found, _ = count_runs([one_switch("first", changed="wrong"), optional], find)
    assert [each.choices for each in found] == [{("first", "S"): "x"}]


def test_what_two_stacks_cause_together_is_ignored_as_within_one() -> None:
    def find(view: View) -> Iterator[Text]:
        found = [text for text in texts(view) if text.text == "wrong"]
        yield from found if len(found) == 2 else ()

    found, _ = count_runs([one_switch(name, changed="wrong") for name in ("one", "two")], find)
    assert found == []
