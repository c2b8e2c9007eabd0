"""The schema takes what the build takes, in parts, and refuses what is plainly wrong."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Any, Literal

import pytest
from jsonschema import Draft7Validator
from pydantic import Field, TypeAdapter
from ruamel.yaml import YAML

from moorage.model import Base
from moorage.schema.json_schema import schema
from templates import TEMPLATES
from templates.common.fields import Retention, Some, StackName, Switch, duration

FILES = sorted([*Path("params").glob("*.yaml"), *Path("tests/golden").glob("*/params/*.yaml")])


class Inner(Base):
    """Something within."""

    size: int = Field(3, ge=1, le=9, description="How large.")
    kind: Literal["plain", "fancy"] = Field("plain", description="What kind.")
    wait: Annotated[int, duration(5, 300)] = Field(30, description="How long.")
    keep: Retention = Field(7, description="How many days.")


class Params(Base):
    """A stack for tests."""

    name: str = Field(max_length=20, description="Its name.")
    inner: Switch[Inner] = Field(Inner(), description="The inside.")
    off: Switch[Inner] = Field(None, description="An inside that is off.")
    inners: list[Inner] = Field([], description="More of them.")
    by_name: dict[StackName, Inner] = Field({}, description="Them by name.")
    by_kind: dict[Literal["a", "b"], Inner] = Field({"a": Inner(size=2)}, description="By kind.")
    words: Some[str] = Field([], description="One or some.")
    pair: tuple[int, str] | None = Field(None, description="Two of them.")
    number: float | None = Field(None, description="A number.")
    anything: Any = Field(None, description="Whatever.")


class Other(Base):
    """Another stack for tests."""

    colour: Literal["red", "blue"] = Field("red", description="Its colour.")


SMALL: Any = {"thing": SimpleNamespace(Params=Params), "other": SimpleNamespace(Params=Other)}
HEADER = {"app": "shop", "region": "eu-central-1"}


def faults(templates: Any, data: Any) -> list[str]:
    found = Draft7Validator(schema(templates)).iter_errors(data)
    return [error.message for error in found]


def thing(**params: Any) -> list[str]:
    return faults(SMALL, HEADER | {"stacks": {"thing": params}})


@pytest.mark.parametrize("templates", [TEMPLATES, SMALL], ids=["ours", "small"])
def test_it_is_a_schema(templates: Any) -> None:
    Draft7Validator.check_schema(schema(templates))


def test_it_is_the_same_every_time() -> None:
    assert json.dumps(schema(TEMPLATES)) == json.dumps(schema(TEMPLATES))


@pytest.mark.parametrize("path", FILES, ids=str)
def test_every_params_file_we_ship_fits(path: Path) -> None:
    data = YAML(typ="safe", pure=True).load(path)
    assert faults(TEMPLATES, data) == []


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"region": "eu-central-1"},
        {"app": None, "region": None, "account": None, "tags": {"team": None}, "stacks": None},
        {"app": "shop-${env}", "account": "${account}"},
        {"stacks": {"thing": None, "web": None}},
        {"stacks": {"web": {"template": "thing"}}},
        {"stacks": {"thing": {"template": "other", "colour": "blue"}}},
        {"stacks": {"thing": {"template": None, "name": "x"}}},
        {"stacks": {"thing": {"template": "${env}", "what": "ever"}}},
        {"stacks": {"thing": {"overrides": {"Resources": {"A": {"Type": None}}, "Outputs": None}}}},
        {"stacks": {"thing": {"overrides": None}}},
    ],
)
def test_a_part_of_a_file_fits(data: Any) -> None:
    assert faults(SMALL, data) == []


@pytest.mark.parametrize(
    "data",
    [
        [],
        {"regoin": "eu-central-1"},
        {"app": "My Shop"},
        {"region": "Frankfurt"},
        {"account": 123456789012},
        {"tags": ["team"]},
        {"stacks": ["thing"]},
        {"stacks": {"Web": {"template": "thing"}}},
        {"stacks": {"thing": "on"}},
        {"stacks": {"thing": {"template": "thign"}}},
        {"stacks": {"thing": {"template": 3}}},
        {"stacks": {"thing": {"template": "other", "name": "x"}}},
        {"stacks": {"other": {"name": "x"}}},
        {"stacks": {"web": {"template": "other", "name": "x"}}},
        {"stacks": {"thing": {"overrides": {"Resuorces": {}}}}},
        {"stacks": {"thing": {"overrides": "none"}}},
    ],
)
def test_a_wrong_file_does_not(data: Any) -> None:
    assert faults(SMALL, data) != []


def test_a_stack_whose_template_stands_in_the_other_file_may_be_of_any_kind() -> None:
    assert faults(SMALL, {"stacks": {"web": {"name": "x"}}}) == []
    assert faults(SMALL, {"stacks": {"web": {"colour": "red"}}}) == []
    assert faults(SMALL, {"stacks": {"web": {"colour": "red", "name": "x"}}}) != []
    assert faults(SMALL, {"stacks": {"web": {"flavour": "sweet"}}}) != []


@pytest.mark.parametrize(
    "params",
    [
        {"inner": True, "off": False},
        {"inner": {"size": 9, "kind": "fancy", "wait": "5m", "keep": "14d"}},
        {"inner": {"size": None, "kind": None, "wait": None, "keep": None}},
        {"inner": {"size": "${env}", "kind": "${env}", "wait": "${env}s", "keep": "${env}"}},
        {"name": "a name of ${env}, ${app} and ${region}"},
        {"inners": [{}, {"size": 1}], "by_name": {"a-b": {}, "c": None}, "by_kind": {"a": None}},
        {"words": "one", "pair": [1, "x"], "number": 1.5, "anything": {"a": [1]}},
        {"words": ["one", "two"], "pair": None, "number": 2, "anything": None},
    ],
)
def test_values_that_fit(params: Any) -> None:
    assert thing(**params) == []


@pytest.mark.parametrize(
    "params",
    [
        {"nam": "x"},
        {"name": 3},
        {"name": "a name that is far too long"},
        {"inner": "on"},
        {"inner": {"sise": 3}},
        {"inner": {"size": 0}},
        {"inner": {"size": "3"}},
        {"inner": {"size": 3.5}},
        {"inner": {"kind": "plan"}},
        {"inner": {"wait": 30}},
        {"inner": {"wait": "30 s"}},
        {"inner": {"keep": "8d"}},
        {"inners": {}},
        {"inners": [None]},
        {"by_name": {"A": {}}},
        {"by_kind": {"c": {}}},
        {"words": 3},
        {"words": ["one", 2]},
        {"pair": ["x", 1]},
        {"number": "many"},
    ],
)
def test_values_that_do_not(params: Any) -> None:
    assert thing(**params) != []


def test_descriptions_are_kept_for_the_editor() -> None:
    found = schema(SMALL)
    thing = found["definitions"]["thing"]
    assert found["properties"]["stacks"]["properties"]["thing"]["description"] == Params.__doc__
    assert thing["description"] == Params.__doc__
    assert thing["properties"]["inner"]["description"] == "The inside."
    assert thing["properties"]["overrides"]["description"]
    assert found["definitions"]["thing.Inner"]["properties"]["wait"]["description"] == "How long."


def test_defaults_are_as_one_writes_them() -> None:
    found = schema(SMALL)["definitions"]
    inner = found["thing.Inner"]["properties"]
    own = found["thing"]["properties"]
    assert {key: value["default"] for key, value in inner.items()} == {
        "size": 3,
        "kind": "plain",
        "wait": "30s",
        "keep": "7d",
    }
    assert own["inner"]["default"] is True
    assert own["off"]["default"] is False
    assert own["by_kind"]["default"] == {"a": {"size": 2}}
    assert "default" not in own["number"]


@pytest.mark.parametrize("name", TEMPLATES)
def test_defaults_of_our_templates_can_be_written(name: str) -> None:
    """What the schema and the reference call a default means the same when a user writes it."""
    properties = schema(TEMPLATES)["definitions"][name]["properties"]
    for key, value in properties.items():
        if "default" in value:
            field = TEMPLATES[name].Params.model_fields[key]
            read: Any = TypeAdapter(field.rebuild_annotation())
            meant = read.validate_python(value["default"], strict=True)
            assert meant == field.default, f"{name}.{key}"


def test_nothing_is_required() -> None:
    """`required` may only ask, in an `if`, whether `template:` stands there."""

    def asked(value: Any) -> bool:
        if isinstance(value, dict):
            return "required" in value or any(asked(item) for item in value.values())
        return isinstance(value, list) and any(asked(item) for item in value)

    def without_if(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: without_if(item) for key, item in value.items() if key != "if"}
        return [without_if(item) for item in value] if isinstance(value, list) else value

    properties = without_if(schema(SMALL))
    assert not asked(properties)
