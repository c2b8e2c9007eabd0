"""Stack kinds -> the params reference in Markdown, generated from their models.

The meaning of a key is the description of its field. What it takes is the JSON Schema of its type,
or the schema's `takes` where there is one. The example of a kind is in its module's docstring.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from moorage.model import TemplateModule
from moorage.pipeline.header import Header
from moorage.schema.json_schema import STACK_KEYS, Schema, written_schema

_HEAD = """\
# Params reference

Generated from the models in `templates/`; do not edit.

`params/base.yaml`, if it exists, has what all environments share. `params/<env>.yaml` is merged
into it: maps are merged, other values replace, and null deletes. Any text can contain `${env}`,
`${app}`, `${region}` and `${account}`.
"""


def reference(templates: Mapping[str, TemplateModule]) -> str:
    """The reference: the top of a params file, then a section for each kind of stack."""
    contents = "\n".join(f"- [`{name}`](#{name})" for name in templates)
    parts = [_HEAD, contents, *_header()]
    for name, module in templates.items():
        parts += _template(name, module)
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def example(module: TemplateModule) -> str | None:
    """The YAML in the docstring of a kind's module: stacks by name, as below `stacks:`."""
    blocks = [block for block in _blocks(module) if _is_example(block)]
    return "\n\n".join(blocks) or None


def _header() -> Iterator[str]:
    schema = written_schema(Header, "header")
    yield "## The top of the file"
    yield _table(schema, {})
    rows = (("template", "text", "the stack's name"), ("overrides", "a map", ""))
    yield "Every stack has these keys in addition to those of its kind:"
    yield _rows((key, takes, default, STACK_KEYS[key]) for key, takes, default in rows)


def _template(name: str, module: TemplateModule) -> Iterator[str]:
    schema = written_schema(module.Params, name)
    sections = list(_sections(name, schema, schema["$defs"], set()))
    places = {section.name: section.title for section in reversed(sections)}
    yield f"## `{name}`"
    yield "\n\n".join(_prose(module)) or inspect.cleandoc(schema.get("description", ""))
    if yaml := example(module):
        yield f"```yaml\n{yaml}\n```"
    yield _table(schema, places)
    for section in sections:
        if places[section.name] != section.title:
            continue
        model = schema["$defs"][section.name]
        yield f"### `{section.title}`"
        yield inspect.cleandoc(model.get("description", ""))
        others = [other.title for other in sections if other.name == section.name][1:]
        if others:
            yield f"Also for {', '.join(f'`{title}`' for title in others)}."
        yield _table(model, places)


# Docstrings ------------------------------------------------------------------------------------


def _blocks(module: TemplateModule) -> list[str]:
    """The paragraphs of a module's docstring, without their common indentation."""
    text = inspect.cleandoc(module.__doc__ or "")
    return [inspect.cleandoc("\n" + block) for block in re.split(r"\n\s*\n", text) if block]


def _is_example(block: str) -> bool:
    try:
        found = YAML(typ="safe", pure=True).load(block)
    except YAMLError:
        return False
    return isinstance(found, dict) and all(isinstance(value, dict) for value in found.values())


def _prose(module: TemplateModule) -> list[str]:
    return [block for block in _blocks(module) if not _is_example(block)]


# Models ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Section:
    """A place of a model: its name in `$defs`, and the path to it."""

    name: str
    title: str


def _sections(path: str, model: Schema, models: Schema, seen: set[str]) -> Iterator[_Section]:
    """Every place of a model inside of another. Models inside of it are listed once."""
    for key, field in model.get("properties", {}).items():
        inner = [
            (name, at) for name, at in _models(field, f"{path}.{key}") if _is_map(models[name])
        ]
        for name, at in inner:
            several = sum(1 for _, other in inner if other == at) > 1
            title = f"{at} ({name.rpartition('.')[2]})" if several else at
            yield _Section(name, title)
            if name not in seen:
                seen.add(name)
                yield from _sections(at, models[name], models, seen)


def _is_map(model: Schema) -> bool:
    return model.get("type") == "object"


def _models(schema: Schema, path: str) -> Iterator[tuple[str, str]]:
    """The models that a value can have; `*` is an item of a list, or a key of a map."""
    if "$ref" in schema:
        yield _name(schema), path
    for key in ("anyOf", "oneOf", "allOf"):
        for form in schema.get(key, ()):
            yield from _models(form, path)
    inner = [schema.get("items"), schema.get("additionalProperties")]
    for value in (*inner, *schema.get("patternProperties", {}).values()):
        if isinstance(value, dict):
            yield from _models(value, f"{path}.*")


def _name(schema: Schema) -> str:
    return str(schema["$ref"]).removeprefix("#/definitions/")


# Tables ----------------------------------------------------------------------------------------


def _table(model: Schema, places: Mapping[str, str]) -> str:
    required = model.get("required", [])
    return _rows(
        (
            key,
            _takes(field, places),
            "required" if key in required else _default(field.get("default")),
            field.get("description", ""),
        )
        for key, field in model.get("properties", {}).items()
    )


def _rows(rows: Any) -> str:
    head = ("Key", "Takes", "Default", "Meaning")
    lines = [head, ("---",) * 4, *((f"`{key}`", *cells) for key, *cells in rows)]
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", r"\|")


def _default(value: Any) -> str:
    return "" if value is None else f"`{_flow(value)}`"


def _flow(value: Any) -> str:
    """A value as YAML 1.2 on one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_flow(key)}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_flow(item) for item in value) + "]"
    plain = isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9/][\w ./:*-]*", value)
    return value if plain and not _is_other(value) else json.dumps(value, ensure_ascii=False)


def _is_other(text: str) -> bool:
    """Whether YAML without quotes reads something else than that text."""
    try:
        return bool(YAML(typ="safe", pure=True).load(text) != text)
    except YAMLError:
        return True


def _takes(schema: Schema, places: Mapping[str, str]) -> str:
    """What can be written, in words."""
    if "takes" in schema:
        return str(schema["takes"])
    for key in ("anyOf", "oneOf", "allOf"):
        if key in schema:
            forms = [_takes(form, places) for form in schema[key] if form.get("type") != "null"]
            return _either(list(dict.fromkeys(forms)))
    if "$ref" in schema:
        place = places.get(_name(schema))
        return f"[a map](#{_slug(place)})" if place else "a map"
    if "enum" in schema or "const" in schema:
        return _choice([f"`{_flow(value)}`" for value in schema.get("enum", [schema.get("const")])])
    kinds = schema.get("type", "any")
    words = {"object": _takes_map, "array": _takes_list}
    if isinstance(kinds, str) and kinds in words:
        return words[kinds](schema, places)
    return " or ".join(_WORDS[word] for word in ([kinds] if isinstance(kinds, str) else kinds)) + (
        _range(schema)
    )


def _either(forms: list[str]) -> str:
    """The forms joined: `true`, `false` or ...; or a value, or a list of them."""
    if len(forms) == 2 and forms[1] == f"a list, each {forms[0]}":
        return f"{forms[0]}, or a list of such"
    words = [word for form in forms for word in ([form] if form != _SWITCH else form.split(" or "))]
    return _choice(words)


_SWITCH = "`true` or `false`"
_WORDS = {
    "any": "anything",
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": _SWITCH,
    "null": "nothing",
    "object": "a map",
    "array": "a list",
}


def _takes_map(schema: Schema, places: Mapping[str, str]) -> str:
    values = [schema.get("additionalProperties"), *schema.get("patternProperties", {}).values()]
    inner = [_takes(value, places) for value in values if isinstance(value, dict) and value]
    names = schema.get("propertyNames", {})
    keys = f" by {_takes(names, places)}" if {"enum", "takes"} & names.keys() else ""
    return f"a map{keys}" + (f", each {inner[0]}" if inner else "")


def _takes_list(schema: Schema, places: Mapping[str, str]) -> str:
    inner = _takes(schema["items"], places) if schema.get("items") else ""
    return f"a list, each {inner}" if inner else "a list"


def _range(schema: Schema) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        return f" from {low} to {high}"
    return f" from {low}" if low is not None else f" up to {high}" if high is not None else ""


def _choice(words: list[str]) -> str:
    return " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _slug(title: str) -> str:
    """The anchor that GitHub and GitLab give to a heading."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
