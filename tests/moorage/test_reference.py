"""The reference describes every key, and its examples are valid."""

from __future__ import annotations

import re
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Annotated, Any, Literal, get_args

import pytest
from jsonschema import Draft7Validator
from pydantic import BaseModel, Field
from ruamel.yaml import YAML

from moorage.model import Base
from moorage.pipeline.header import Header
from moorage.schema.json_schema import schema
from moorage.schema.reference import example, reference
from templates import TEMPLATES
from templates.common.fields import OneOrMany, StackName, Switch, VpcId, duration

TEXT = reference(TEMPLATES)
SECTION = re.compile(r"^### `(.+)`$", re.MULTILINE)


def models(annotation: Any) -> Iterator[type[BaseModel]]:
    """Every model inside of a type, at any depth."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        for field in annotation.model_fields.values():
            yield from models(field.annotation)
    for argument in get_args(annotation):
        yield from models(argument)


ALL = {
    f"{name}: {model.__name__}.{key}": field.description
    for name, kind in {"header": Header, **{n: m.Params for n, m in TEMPLATES.items()}}.items()
    for model in models(kind)
    for key, field in model.model_fields.items()
}


class Leaf(Base):
    """A small map."""

    wait: Annotated[int, duration(5, 300)] = Field(30, description="How long | how short.")
    size: int = Field(ge=1, le=9, description="How large.")


class Left(Base):
    """One form."""

    left: str = Field("yes", description="To the left.")


class Right(Base):
    """Another form."""

    right: str = Field("", description="To the right.")


class Params(Base):
    """A stack for tests."""

    leaf: Switch[Leaf] = Field(None, description="A leaf.")
    leaves: dict[StackName, list[Leaf]] = Field({}, description="Leaves.")
    vpcs: OneOrMany[VpcId] = Field([], description="Networks.")
    way: Left | Right | None = Field(None, description="A way.")
    modes: dict[Literal["a", "b"], float] = Field({"a": 1.5}, description="Modes.")


class Module(SimpleNamespace):
    """An invented stack.

    It has more than one paragraph: this one looks like a map.

    thing:
      leaf: true

    other: {template: thing}
    """


SMALL: Any = {"thing": Module(Params=Params)}


def row(text: str, key: str) -> list[str]:
    """The cells of a key's row, without the key."""
    (line,) = re.findall(rf"^\| `{key}` \| (.*) \|$", text, re.MULTILINE)
    return re.split(r" \| ", line)


def test_every_key_has_a_description() -> None:
    assert [key for key, text in ALL.items() if not text] == []
    assert [key for key, text in ALL.items() if text and text.strip()[-1] not in ".!?"] == []


def test_every_key_is_mentioned() -> None:
    assert [key for key in ALL if not is_mentioned(key)] == []


def is_mentioned(key: str) -> bool:
    template, _, name = key.partition(": ")
    start = TEXT.index("## The top" if template == "header" else f"## `{template}`")
    section = TEXT[start : TEXT.find("\n## ", start)]
    shared = TEXT[TEXT.index("\n## Shared") :]
    return f"\n| `{name.partition('.')[2]}` |" in section + shared


def test_links_have_targets_and_anchors_are_unique() -> None:
    for text in (TEXT, reference(SMALL)):
        headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
        slugs = [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]
        assert len(slugs) == len(set(slugs))
        assert set(re.findall(r"\]\(#([^)]+)\)", text)) <= set(slugs)


def test_every_table_row_has_four_cells() -> None:
    for line in TEXT.splitlines():
        if line.startswith("|"):
            assert len(re.findall(r"(?<!\\)\|", line)) == 5, line


def test_the_reference_is_deterministic() -> None:
    assert reference(TEMPLATES) == TEXT


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_kind_has_a_valid_example(name: str) -> None:
    text = example(TEMPLATES[name])
    assert text, f"the docstring of {name} shows no example"
    assert f"```yaml\n{text}\n```" in TEXT
    stacks = YAML(typ="safe", pure=True).load(text)
    errors = Draft7Validator(schema(TEMPLATES)).iter_errors({"stacks": stacks})
    assert [error.message for error in errors] == []


def test_examples_are_distinguished_from_prose() -> None:
    text = reference(SMALL)
    assert "```yaml\nthing:\n  leaf: true\n\nother: {template: thing}\n```" in text
    assert "An invented stack.\n\nIt has more than one paragraph" in text


def test_a_module_without_docstring_is_described_by_its_params() -> None:
    class Plain:
        pass

    Plain.Params = Params  # type: ignore[attr-defined]
    text = reference({"thing": Plain()})  # type: ignore[dict-item]
    assert "## `thing`\n\nA stack for tests.\n\n| Key" in text


def test_types_are_described_as_they_are_written() -> None:
    text = reference(SMALL)
    assert row(text, "leaf")[:2] == ["`true`, `false` or [a map](#thingleaf)", "`false`"]
    assert (
        row(text, "leaves")[0]
        == "a map by the name of a stack, each a list, each [a map](#thingleaf)"
    )
    assert row(text, "vpcs")[0].startswith("the ID of a VPC, such as `vpc-")
    assert row(text, "vpcs")[0].endswith(", or a list of them")
    assert row(text, "way")[0] == "[a map](#thingway-left) or [a map](#thingway-right)"
    assert row(text, "modes")[:2] == ["a map by `a` or `b`, each a number", "`{a: 1.5}`"]
    assert row(text, "wait") == ["a duration from `5s` to `5m`", "`30s`", r"How long \| how short."]
    assert row(text, "size")[:2] == ["a whole number from 1 to 9", "required"]
    assert row(text, "left")[1] == "`yes`"
    assert row(text, "right")[1] == '`""`'


def test_a_model_has_one_section_with_all_its_places() -> None:
    text = reference(SMALL)
    titles = SECTION.findall(text)
    own = [title for title in titles if not title.startswith(("defaults", "shares", "targets"))]
    assert own == ["thing.leaf", "thing.way (Left)", "thing.way (Right)"]
    assert "Also for `thing.leaves.*.*`." in text


def test_a_model_of_several_templates_has_one_section() -> None:
    class Shared(Base):
        """A stack with the same leaf, at one more place."""

        leaf: Switch[Leaf] = Field(None, description="A leaf.")
        bud: Switch[Leaf] = Field(None, description="A leaf to come.")

    text = reference({**SMALL, "second": Module(Params=Shared)})
    first, second, shared = text.split("\n## ")[2:]
    assert SECTION.findall(first) == ["thing.way (Left)", "thing.way (Right)"]
    assert SECTION.findall(second) == []
    assert SECTION.findall(shared) == ["leaf"]
    assert row(first, "leaf")[0] == row(second, "leaf")[0] == "`true`, `false` or [a map](#leaf)"
    assert "For `thing` and `second`." in shared
    assert "Also for `thing.leaves.*.*` and `second.bud`." in shared


def test_no_table_is_printed_twice() -> None:
    tables = [
        part for part in TEXT.split("\n\n") if part.startswith("| Key") and part.count("\n") > 2
    ]
    assert len(tables) == len(set(tables))
