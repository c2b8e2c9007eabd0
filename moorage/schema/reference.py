"""Stack kinds -> the params reference in Markdown, generated from their models.

The meaning of a key is the description of its field. What it takes is the JSON Schema of its type,
or the schema's `takes` where there is one. The example of a kind is in its module's docstring.
"""

from __future__ import annotations

import inspect
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from moorage.model import TemplateModule
from moorage.pipeline.header import Header
from moorage.records import record
from moorage.references import ImportForm
from moorage.schema.json_schema import STACK_KEYS, Schema, written_schema

_HEAD = """\
# Params reference

Generated from the models in `templates/`; do not edit.

`params/base.yaml`, if it exists, has what all environments share. `params/<env>.yaml` is merged
into it: maps are merged, other values replace, and null deletes. Any text can contain `${env}`,
`${app}`, `${region}` and `${account}`.
"""

_SHARED = "Shared by several templates"


def reference(templates: Mapping[str, TemplateModule]) -> str:
    """The whole reference: the top of a params file, one section per template, and one with the
    models that several templates take."""
    schemas = {name: written_schema(module.Params, name) for name, module in templates.items()}
    layout = _lay_out(schemas)
    contents = [f"- [`{name}`](#{name})" for name in templates]
    if layout.shared:
        contents.append(f"- [{_SHARED}](#{_slug(_SHARED)})")
    parts = [_HEAD, "\n".join(contents), *_header()]
    for name, module in templates.items():
        parts += _template(name, module, schemas[name], layout)
    if layout.shared:
        parts.append(f"## {_SHARED}")
        for section in layout.shared:
            parts += _section(section, schemas[section.template], layout)
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def example(module: TemplateModule) -> str | None:
    """The YAML in the docstring of a kind's module: stacks by name, as below `stacks:`."""
    blocks = [block for block in _blocks(module) if _is_example(block)]
    return "\n\n".join(blocks) or None


def _header() -> Iterator[str]:
    schema = written_schema(Header, "header")
    layout = _lay_out({"header": schema})
    titles = {model: title.removeprefix("header.") for model, title in layout.titles.items()}
    yield "## The top of the file"
    yield _table(schema, titles)
    rows = (("template", "text", "the stack's name"), ("overrides", "a map", ""))
    yield "Every stack has these keys in addition to those of its kind:"
    yield _rows((key, takes, default, STACK_KEYS[key]) for key, takes, default in rows)
    for section in layout.sections["header"]:
        yield f"### `{titles[section.model]}`"
        yield inspect.cleandoc(schema["$defs"][section.model].get("description", ""))
        yield _table(schema["$defs"][section.model], titles)


def _template(name: str, module: TemplateModule, schema: Schema, layout: _Layout) -> Iterator[str]:
    yield f"## `{name}`"
    yield "\n\n".join(_prose(module)) or inspect.cleandoc(schema.get("description", ""))
    if yaml := example(module):
        yield f"```yaml\n{yaml}\n```"
    yield _table(schema, layout.titles)
    for section in layout.sections[name]:
        yield from _section(section, schema, layout)


def _section(section: _Section, schema: Schema, layout: _Layout) -> Iterator[str]:
    model = schema["$defs"][section.model]
    yield f"### `{section.title}`"
    yield inspect.cleandoc(model.get("description", ""))
    if section.templates:
        yield f"For {_list(section.templates)}."
    if section.other_places:
        yield f"Also for {_list(section.other_places)}."
    yield _table(model, layout.titles)


# Docstrings ------------------------------------------------------------------------------------


def _blocks(module: TemplateModule) -> list[str]:
    """The paragraphs of a module's docstring, without their common indentation."""
    text = inspect.cleandoc(module.__doc__ or "")
    return [inspect.cleandoc("\n" + block) for block in re.split(r"\n\s*\n", text) if block]


def _is_example(block: str) -> bool:
    try:
        content = YAML(typ="safe", pure=True).load(block)
    except YAMLError:
        return False
    return isinstance(content, dict) and all(isinstance(value, dict) for value in content.values())


def _prose(module: TemplateModule) -> list[str]:
    return [block for block in _blocks(module) if not _is_example(block)]


# Models ----------------------------------------------------------------------------------------


@record
class _Place:
    """A place where a model is used: its name in `$defs`, and the path to it."""

    model: str
    path: str


@record
class _Section:
    """A model that is printed, in a section with a title."""

    model: str
    title: str
    template: str
    """The template whose schema the model is read from."""
    templates: tuple[str, ...] = ()
    """The templates that take the model, where there are several."""
    other_places: tuple[str, ...] = ()


@record
class _Layout:
    """Which models are printed where."""

    sections: Mapping[str, tuple[_Section, ...]]
    """By template: the models that only this template takes."""
    shared: tuple[_Section, ...]
    titles: Mapping[str, str]
    """The title of the section of each model, by the model's name in `$defs`."""


def _lay_out(schemas: Mapping[str, Schema]) -> _Layout:
    """Gives each model one section, also where several templates take the same model."""
    places: dict[str, list[tuple[str, _Place]]] = {}  # by what the models are
    for template, schema in schemas.items():
        for place in _places(template, schema, schema["$defs"], set()):
            content = _content(place.model, schema["$defs"])
            places.setdefault(content, []).append((template, place))
    sections: dict[str, list[_Section]] = {template: [] for template in schemas}
    shared: list[_Section] = []
    titles: dict[str, str] = {}
    slugs = {*schemas, _slug(_SHARED)}
    for uses in places.values():
        template, first = uses[0]
        templates = tuple(dict.fromkeys(template for template, _ in uses))
        if len(templates) == 1:
            paths = [place.path for _, place in uses]
            section = _Section(first.model, paths[0], template, (), tuple(paths[1:]))
            sections[template].append(section)
        else:
            section = _shared_section(uses, templates, slugs)
            slugs.add(_slug(section.title))
            shared.append(section)
        titles |= {place.model: section.title for _, place in uses}
    return _Layout({name: tuple(own) for name, own in sections.items()}, tuple(shared), titles)


def _shared_section(
    places: list[tuple[str, _Place]], templates: tuple[str, ...], slugs: set[str]
) -> _Section:
    """The section of a model that several templates take.

    Its title and its other places are paths without the template's name where more than one
    template has them.
    """
    template, first = places[0]
    below = [place.path.removeprefix(f"{name}.") for name, place in places]
    counts = Counter(below)
    title = max(below, key=lambda path: counts[path])
    others = dict.fromkeys(
        path if counts[path] > 1 else place.path
        for path, (_, place) in zip(below, places, strict=True)
        if path != title
    )
    if _slug(title) in slugs:
        title = first.path
    return _Section(first.model, title, template, templates, tuple(others))


def _content(model: str, models: Schema) -> str:
    """What a model is: its schema with those of its models in place of their names, which differ
    from template to template."""
    return re.sub(
        r'"#/definitions/([^"]+)"',
        lambda match: _content(match[1], models),
        json.dumps(models[model], sort_keys=True),
    )


def _places(path: str, model: Schema, models: Schema, seen: set[str]) -> Iterator[_Place]:
    """Every place of a model below another; the models inside a model at its first place only."""
    for key, field in model.get("properties", {}).items():
        inner_models = [
            (name, at) for name, at in _models(field, f"{path}.{key}") if _is_map(models[name])
        ]
        for name, at in inner_models:
            several = sum(1 for _, other in inner_models if other == at) > 1
            yield _Place(name, f"{at} ({name.rpartition('.')[2]})" if several else at)
            if name not in seen:
                seen.add(name)
                yield from _places(at, models[name], models, seen)


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


def _table(model: Schema, titles: Mapping[str, str]) -> str:
    required = model.get("required", [])
    return _rows(
        (
            key,
            _takes(field, titles),
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


def _takes(schema: Schema, titles: Mapping[str, str]) -> str:
    """What can be written, in words."""
    if "reference" in schema:
        literal = {key: value for key, value in schema.items() if key != "reference"}
        without = " without `ssm`" if schema["reference"] == ImportForm.__name__ else ""
        return f"{_takes(literal, titles)} or {_REFERENCE}{without}"
    if "takes" in schema:
        return str(schema["takes"])
    for key in ("anyOf", "oneOf", "allOf"):
        if key in schema:
            forms = [_takes(form, titles) for form in schema[key] if form.get("type") != "null"]
            return _either(list(dict.fromkeys(forms)))
    if "$ref" in schema:
        title = titles.get(_name(schema))
        return f"[a map](#{_slug(title)})" if title else "a map"
    if "enum" in schema or "const" in schema:
        return _choice([f"`{_flow(value)}`" for value in schema.get("enum", [schema.get("const")])])
    kinds = schema.get("type", "any")
    words = {"object": _takes_map, "array": _takes_list}
    if isinstance(kinds, str) and kinds in words:
        return words[kinds](schema, titles)
    return " or ".join(_WORDS[word] for word in ([kinds] if isinstance(kinds, str) else kinds)) + (
        _range(schema)
    )


def _either(forms: list[str]) -> str:
    """The forms joined: `true`, `false` or ...; or a value, or a list of them."""
    if len(forms) == 2 and forms[1] == f"a list, each {forms[0]}":
        return f"{forms[0]}, or a list of them"
    words = [word for form in forms for word in ([form] if form != _SWITCH else form.split(" or "))]
    return _choice(words)


_REFERENCE = "[a reference](values.md#values-from-other-stacks-and-from-outside)"
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


def _takes_map(schema: Schema, titles: Mapping[str, str]) -> str:
    values = [schema.get("additionalProperties"), *schema.get("patternProperties", {}).values()]
    inner = [_takes(value, titles) for value in values if isinstance(value, dict) and value]
    names = schema.get("propertyNames", {})
    keys = f" by {_takes(names, titles)}" if {"enum", "takes"} & names.keys() else ""
    return f"a map{keys}" + (f", each {inner[0]}" if inner else "")


def _takes_list(schema: Schema, titles: Mapping[str, str]) -> str:
    inner = _takes(schema["items"], titles) if schema.get("items") else ""
    return f"a list, each {inner}" if inner else "a list"


def _range(schema: Schema) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        return f" from {low} to {high}"
    return f" from {low}" if low is not None else f" up to {high}" if high is not None else ""


def _choice(words: list[str]) -> str:
    return " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _list(names: tuple[str, ...]) -> str:
    quoted = [f"`{name}`" for name in names]
    return " and ".join([", ".join(quoted[:-1]), quoted[-1]] if len(quoted) > 1 else quoted)


def _slug(title: str) -> str:
    """The anchor that GitHub and GitLab give to a heading."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
