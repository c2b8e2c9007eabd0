"""The schema accepts what the build accepts, in parts, and refuses what is wrong in any file."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Any, Literal, get_args

import pytest
from jsonschema import Draft7Validator
from pydantic import BaseModel, Field, TypeAdapter
from ruamel.yaml import YAML

from moorage.model import Base
from moorage.schema.json_schema import schema
from templates import TEMPLATES
from templates.common.fields import OneOrMany, Retention, StackName, Switch, duration

FILES = sorted([*Path("params").glob("*.yaml"), *Path("tests/golden").glob("*/params/*.yaml")])


class Inner(Base):
    """A map inside of the stack."""

    size: int = Field(3, ge=1, le=9, description="How large.")
    kind: Literal["plain", "fancy"] = Field("plain", description="What kind.")
    wait: Annotated[int, duration(5, 300)] = Field(30, description="How long.")
    keep: Retention = Field(7, description="How many days.")


class Colour(Base):
    """Something that is in lists only."""

    colour: str = Field("red", description="Its colour.")


class Params(Base):
    """A stack for tests."""

    name: str = Field(max_length=20, description="Its name.")
    inner: Switch[Inner] = Field(Inner(), description="A feature.")
    off: Switch[Inner] = Field(None, description="A feature that is off.")
    inners: list[Inner] = Field([], description="A list of maps.")
    lists: list[Colour] = Field([], description="Colours.")
    by_name: dict[StackName, Inner] = Field({}, description="Maps by name.")
    by_kind: dict[Literal["a", "b"], Inner] = Field({"a": Inner(size=2)}, description="By kind.")
    words: OneOrMany[str] = Field([], description="A text or a list of texts.")
    pair: tuple[int, str] | None = Field(None, description="A number and a text.")
    number: float | None = Field(None, description="A number.")
    anything: Any = Field(None, description="Any value.")


class Other(Base):
    """Another stack for tests."""

    colour: Literal["red", "blue"] = Field("red", description="Its colour.")


SMALL: Any = {"thing": SimpleNamespace(Params=Params), "other": SimpleNamespace(Params=Other)}
HEADER = {"app": "shop", "region": "eu-central-1"}


def errors(templates: Any, data: Any) -> list[str]:
    return [error.message for error in Draft7Validator(schema(templates)).iter_errors(data)]


def thing(**params: Any) -> list[str]:
    return errors(SMALL, HEADER | {"stacks": {"thing": params}})


@pytest.mark.parametrize("templates", [TEMPLATES, SMALL], ids=["built-in", "small"])
def test_the_schema_is_valid(templates: Any) -> None:
    Draft7Validator.check_schema(schema(templates))


def test_the_schema_is_deterministic() -> None:
    assert json.dumps(schema(TEMPLATES)) == json.dumps(schema(TEMPLATES))


@pytest.mark.parametrize("path", FILES, ids=str)
def test_shipped_params_files_match(path: Path) -> None:
    data = YAML(typ="safe", pure=True).load(path)
    assert errors(TEMPLATES, data) == []


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"region": "eu-central-1"},
        {"account": None, "tags": {"team": None}, "permissions_boundary": None},
        {"account": 123456789012},
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
def test_a_partial_file_matches(data: Any) -> None:
    assert errors(SMALL, data) == []


@pytest.mark.parametrize(
    "data",
    [
        [],
        {"regoin": "eu-central-1"},
        {"app": "My Shop"},
        {"region": "Frankfurt"},
        {"account": 12345678901},
        {"account": 1234567890123},
        {"app": None},
        {"stacks": None},
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
def test_a_wrong_file_does_not_match(data: Any) -> None:
    assert errors(SMALL, data) != []


def test_a_stack_without_template_can_have_the_params_of_any_kind() -> None:
    assert errors(SMALL, {"stacks": {"web": {"name": "x"}}}) == []
    assert errors(SMALL, {"stacks": {"web": {"colour": "red"}}}) == []
    assert errors(SMALL, {"stacks": {"web": {"colour": "red", "name": "x"}}}) != []
    assert errors(SMALL, {"stacks": {"web": {"flavour": "sweet"}}}) != []


@pytest.mark.parametrize(
    "params",
    [
        {"inner": True, "off": False},
        {"inner": "${switch}", "off": "${switch}"},
        {"inner": {"size": 9, "kind": "fancy", "wait": "5m", "keep": "14d"}},
        {"inner": {"size": None, "kind": None, "wait": None, "keep": None}},
        {"inner": {"size": "${env}", "kind": "${env}", "wait": "${env}s", "keep": "${env}"}},
        {"name": "a name of ${env}, ${app} and ${region}"},
        {"inners": [{}, {"size": 1}], "by_name": {"a-b": {}, "c": None}, "by_kind": {"a": None}},
        {"words": "one", "pair": [1, "x"], "number": 1.5, "anything": {"a": [1]}},
        {"words": ["one", "two"], "pair": None, "number": 2, "anything": None},
    ],
)
def test_values_that_match(params: Any) -> None:
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
        {"lists": [{"colour": None}]},
        {"name": None},
        {"by_name": {"A": {}}},
        {"by_kind": {"c": {}}},
        {"words": 3},
        {"words": ["one", 2]},
        {"pair": ["x", 1]},
        {"number": "many"},
    ],
)
def test_values_that_do_not_match(params: Any) -> None:
    assert thing(**params) != []


def test_the_schema_has_descriptions() -> None:
    built_schema = schema(SMALL)
    thing = built_schema["definitions"]["thing"]
    assert (
        built_schema["properties"]["stacks"]["properties"]["thing"]["description"] == Params.__doc__
    )
    assert thing["description"] == Params.__doc__
    assert thing["properties"]["inner"]["description"] == "A feature."
    assert thing["properties"]["overrides"]["description"]
    assert (
        built_schema["definitions"]["thing.Inner"]["properties"]["wait"]["description"]
        == "How long."
    )


def test_defaults_are_in_the_form_of_params() -> None:
    built_schema = schema(SMALL)["definitions"]
    inner = built_schema["thing.Inner"]["properties"]
    own = built_schema["thing"]["properties"]
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
def test_defaults_of_stack_kinds_can_be_written(name: str) -> None:
    """A default in the schema and the reference has the same meaning when a user writes it."""
    written = schema(TEMPLATES)["definitions"]
    for model in models_in(TEMPLATES[name].Params):
        is_stack = model is TEMPLATES[name].Params
        properties = written.get(name if is_stack else f"{name}.{model.__name__}", {})
        for key, value in properties.get("properties", {}).items():
            if "default" in value:
                field = model.model_fields[key]
                read: Any = TypeAdapter(field.rebuild_annotation())
                parsed = read.validate_python(value["default"], strict=True)
                assert parsed == field.default, f"{model.__name__}.{key}"


def models_in(model: Any) -> set[Any]:
    """A model and the models inside of it."""
    built_schema: set[Any] = set()
    waiting = [model]
    while waiting:
        inner = waiting.pop()
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            if inner not in built_schema:
                built_schema.add(inner)
                waiting += [field.annotation for field in inner.model_fields.values()]
        else:
            waiting += get_args(inner)
    return built_schema


def test_nothing_is_required() -> None:
    """`required` is used only in an `if`, for whether `template:` is written."""

    def has_required(value: Any) -> bool:
        if isinstance(value, dict):
            return "required" in value or any(has_required(item) for item in value.values())
        return isinstance(value, list) and any(has_required(item) for item in value)

    def without_if(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: without_if(item) for key, item in value.items() if key != "if"}
        return [without_if(item) for item in value] if isinstance(value, list) else value

    properties = without_if(schema(SMALL))
    assert not has_required(properties)
