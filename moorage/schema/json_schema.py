"""Stack kinds -> the JSON Schema of a params file, for editors that complete and check it.

The schema accepts more than the build in two ways. A file can be a part, since base.yaml and
<env>.yaml are merged: no key is required. And any value can be text with `${...}` in it, which has
no meaning before it is replaced.

One schema serves both files, so `null`, which deletes what base.yaml has, is accepted wherever it
can delete something: not for a required key, and not inside of a list, which is never merged.

Draft 07: the YAML language server, which VS Code and others use, says of itself "Supports JSON
Schema 7 and below" (its README).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from moorage.model import NAME, TemplateModule
from moorage.pipeline.header import Header
from moorage.pipeline.list_entries import DELETE, ID, ID_PATTERN, LISTS
from moorage.pipeline.render import SECTIONS
from moorage.references import FORMS

DRAFT = "http://json-schema.org/draft-07/schema#"
STACK_KEYS = {
    "template": "The kind of the stack; by default its name.",
    "overrides": "A merge patch (RFC 7386) for the built template: `Resources:` and so on, with "
    "what changes. null deletes. In place of a list, a map changes entries by name.",
}
"""The keys that every stack has in addition to those of its kind."""

_ANY_STACK = "Stack"
_REFERENCE = r"\$\{"
_FILLED_IN = {"type": "string", "pattern": _REFERENCE}
_NULL = {"type": "null"}
_ENTRY_KEYS = {
    ID: {
        "type": "string",
        "description": "A name for the merge: if each entry of the environment's list has an "
        "`id`, entries with the same `id` are merged.",
        "pattern": f"^{ID_PATTERN}$",
    },
    DELETE: {"description": "Deletes the entry of base.yaml with this `id`.", "const": True},
}
_NOTES = ("description", "default", "examples")
_LIMITS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
_CLOSED = ("enum", "const", "minLength", "maxLength")

Schema = dict[str, Any]


def schema(templates: Mapping[str, TemplateModule]) -> Schema:
    """The JSON Schema of a params file, in a stable order of keys.

    An entry of `stacks:` has the params of the kind that `template:` names, or else the stack's
    name. One that has neither, because its `template:` is in the other file, can have the params of
    any kind.
    """
    header = written_schema(Header, "header")
    top = _properties(header, deletable=True)
    stacks = {
        "description": top["stacks"]["description"],
        "type": "object",
        "propertyNames": {"pattern": f"^{NAME.pattern}$"},
        "properties": {name: _stack(templates, name) for name in templates},
        "additionalProperties": _stack(templates, None),
    }
    return {
        "$schema": DRAFT,
        "title": "Params of Moorage",
        "type": "object",
        "properties": top | {"stacks": stacks},
        "additionalProperties": False,
        "definitions": {
            _ANY_STACK: _any_stack(templates),
            **_references(),
            **_model_definitions(header),
            **{
                name: definition
                for kind, module in templates.items()
                for name, definition in _definitions(kind, module).items()
            },
        },
    }


# The schemas of pydantic -----------------------------------------------------------------------


class _AsWritten(GenerateJsonSchema):
    """The schema of pydantic, with each default in the form in which params have it."""

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        json = super().model_schema(schema)
        defaults = _defaults(schema["cls"])
        properties = {
            key: {name: part for name, part in value.items() if name != "default"}
            | ({"default": defaults[key]} if key in defaults else {})
            for key, value in json.get("properties", {}).items()
        }
        return json | {"properties": properties}


def _defaults(model: type[BaseModel]) -> dict[str, Any]:
    """A model's defaults in the form in which params have them, apart from those of factories."""
    constant = {
        key
        for key, field in model.model_fields.items()
        if not field.is_required() and field.default_factory is None
    }
    example = model.model_construct(_fields_set=constant)
    defaults = example.model_dump(mode="json", exclude_unset=True, warnings=False)
    return {key: value for key, value in defaults.items() if _can_be_written(model, key, value)}


def _can_be_written(model: type[BaseModel], key: str, default: Any) -> bool:
    """Whether params can contain the default: a type without a serializer has no such form."""
    if not isinstance(default, dict):
        return True
    field: Any = TypeAdapter(model.model_fields[key].rebuild_annotation())
    try:
        field.validate_python(default, strict=True)
    except ValidationError:
        return False
    return True


def written_schema(model: type[BaseModel], prefix: str) -> Schema:
    """A model's JSON Schema as pydantic has it; names of `$defs` begin with `prefix.`."""
    schema = model.model_json_schema(
        ref_template=f"#/definitions/{prefix}.{{model}}", schema_generator=_AsWritten
    )
    named = {f"{prefix}.{name}": value for name, value in schema.get("$defs", {}).items()}
    return schema | {"$defs": named}


# The stacks ------------------------------------------------------------------------------------


def _ref(name: str) -> Schema:
    return {"$ref": f"#/definitions/{name}"}


def _any_stack(templates: Mapping[str, TemplateModule]) -> Schema:
    """The schema of every entry of `stacks:`. A `template:` that is written decides its kind."""
    template = {
        "description": STACK_KEYS["template"],
        "anyOf": [{"enum": list(templates)}, _FILLED_IN, _NULL],
    }
    return {
        "type": ["object", "null"],
        "properties": {"template": template},
        "allOf": [_case({"const": name}, _ref(name), required=["template"]) for name in templates],
    }


def _stack(templates: Mapping[str, TemplateModule], name: str | None) -> Schema:
    """An entry of `stacks:`, for a name that is also a kind, or for all others."""
    by_default = _ref(name) if name else {"anyOf": [_ref(kind) for kind in templates]}
    text = _doc(templates[name]) if name else "A stack. `template:` is its kind."
    return {"description": text, "allOf": [_ref(_ANY_STACK), _case(_NULL, by_default)]}


def _case(template: Schema, then: Schema, **more: Any) -> Schema:
    """The schema `then`, for entries whose `template:` has that form or is not written."""
    return {"if": {"type": "object", "properties": {"template": template}, **more}, "then": then}


def _references() -> Schema:
    """How references to other stacks and to outside of the environment are written."""
    return {
        form.__name__: _value(written_schema(form, form.__name__), deletable=True)
        | {"type": "object"}
        for form in FORMS
    }


def _doc(module: TemplateModule) -> str:
    return " ".join((module.Params.__doc__ or "").split())


def _definitions(kind: str, module: TemplateModule) -> Schema:
    """The schema of a stack under the name of its kind, and those of the models in it."""
    schema = written_schema(module.Params, kind)
    patch = {
        "description": STACK_KEYS["overrides"],
        "type": ["object", "null"],
        "properties": {section: {} for section in SECTIONS},
        "additionalProperties": False,
    }
    # `template:` is checked where the kind is chosen.
    properties = {"template": {}, **_properties(schema, deletable=True), "overrides": patch}
    stack = {
        "description": _doc(module),
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
    }
    return {kind: stack} | _model_definitions(schema)


def _model_definitions(schema: Schema) -> Schema:
    """The schemas of the models in the schema of another one."""
    merged = _merged_models(schema)
    entries = _entry_models(schema)
    return {
        name: _value(
            _with_id(model) if name in entries else model,
            deletable=name in merged or name in entries,
        )
        for name, model in schema["$defs"].items()
    }


def _entry_models(schema: Schema) -> set[str]:
    """The models of entries of lists that are merged by `id`."""
    models = [schema, *schema["$defs"].values()]
    properties = [item for model in models for item in model.get("properties", {}).items()]
    return {
        str(part["$ref"]).removeprefix("#/definitions/")
        for key, value in properties
        if key in LISTS
        for form in (value, *value.get("anyOf", ()))
        for part in (form.get("items", {}), *form.get("items", {}).get("anyOf", ()))
        if "$ref" in part
    }


def _with_id(model: Schema) -> Schema:
    """The schema of an entry of a list, with the keys that the merge reads. An entry with an `id`
    can be a part, so no key of it is required."""
    return model | {"properties": model.get("properties", {}) | _ENTRY_KEYS}


def _merged_models(schema: Schema) -> set[str]:
    """The models whose keys can be deleted by a merge: all except those that are only inside of
    lists."""
    names: set[str] = set()
    open_schemas: list[Any] = [schema.get("properties")]
    while open_schemas:
        part = open_schemas.pop()
        if isinstance(part, list):
            open_schemas += part
        elif isinstance(part, dict):
            name = str(part.get("$ref", "")).removeprefix("#/definitions/")
            if name and name not in names:
                names.add(name)
                open_schemas.append(schema["$defs"][name])
            open_schemas += [
                inner for key, inner in part.items() if key not in ("items", "prefixItems", "$defs")
            ]
    return names


# One value -------------------------------------------------------------------------------------


def _properties(schema: Schema, *, deletable: bool) -> Schema:
    """The properties of a map, where null can delete those that are not required."""
    required = schema.get("required", ())
    return {
        key: (_value if key in required else _property)(value, deletable=deletable)
        for key, value in schema.get("properties", {}).items()
    }


def _property(schema: Schema, *, deletable: bool) -> Schema:
    """The value of a key. `deletable` says whether null can delete it, and keys inside of it."""
    nulls = [_NULL] if deletable else []
    return _notes(schema) | _any([*_forms(schema, deletable), *nulls])


def _value(schema: Schema, *, deletable: bool) -> Schema:
    """An item of a list, a definition, or the value of a required key: never null itself."""
    return _notes(schema) | _any(list(_forms(schema, deletable)))


def _notes(schema: Schema) -> Schema:
    return {key: schema[key] for key in _NOTES if schema.get(key) is not None}


def _any(forms: list[Schema]) -> Schema:
    """One schema for all forms. Editors show clearer errors for one without `anyOf`."""
    if {} in forms:
        return {}
    if len(forms) == 1:
        return forms[0]
    first = forms[0]
    if forms[1:] == [_NULL] and "type" in first and not first.keys() & {"enum", "const"}:
        types = first["type"] if isinstance(first["type"], list) else [first["type"]]
        return first | {"type": [*types, "null"]}
    return {"anyOf": forms}


def _forms(schema: Schema, deletable: bool) -> Iterator[Schema]:
    """The forms that a value can have, apart from null."""
    forms = list(_written_forms(schema, deletable))
    closed = any(form.keys() & {*_CLOSED} for form in forms)
    yield from forms
    if closed and _FILLED_IN not in forms and {"type": "string"} not in forms:
        yield _FILLED_IN


def _written_forms(schema: Schema, deletable: bool) -> Iterator[Schema]:
    if "reference" in schema:
        literal = {key: value for key, value in schema.items() if key != "reference"}
        yield from _written_forms(literal, deletable)
        yield _ref(schema["reference"])
        return
    for key in ("anyOf", "oneOf", "allOf"):
        if key in schema:
            forms = [form for inner in schema[key] for form in _written_forms(inner, deletable)]
            yield from (form for at, form in enumerate(forms) if form not in forms[:at])
            return
    kind = schema.get("type")
    if "$ref" in schema:
        yield {"$ref": schema["$ref"]}
    elif kind == "object":
        yield _map(schema, deletable)
    elif kind == "array":
        yield _list(schema)
    elif kind != "null":
        yield _scalar(schema)


def _map(schema: Schema, deletable: bool) -> Schema:
    """Sizes are left out: a part of a map can be smaller, and with nulls it is larger."""
    result: Schema = {"type": "object"}
    names = schema.get("propertyNames", {})
    if known := {key: names[key] for key in ("enum", "pattern") if key in names}:
        result["propertyNames"] = known
    if "properties" in schema:
        result["properties"] = _properties(schema, deletable=deletable)
    if "patternProperties" in schema:
        result["patternProperties"] = {
            pattern: _property(value, deletable=deletable)
            for pattern, value in schema["patternProperties"].items()
        }
    additional = schema.get("additionalProperties", "patternProperties" not in schema)
    result["additionalProperties"] = (
        additional if isinstance(additional, bool) else _property(additional, deletable=deletable)
    )
    return result


def _list(schema: Schema) -> Schema:
    """Lists are replaced and never merged, so nothing in them can be deleted."""
    sizes = {key: schema[key] for key in ("minItems", "maxItems", "uniqueItems") if key in schema}
    if "prefixItems" in schema:
        pair = [_value(item, deletable=False) for item in schema["prefixItems"]]
        return {"type": "array", "items": pair} | sizes
    items = {"items": _value(schema["items"], deletable=False)} if "items" in schema else {}
    return {"type": "array"} | items | sizes


def _scalar(schema: Schema) -> Schema:
    """Text, a number or a switch; one schema with `${...}` where a pattern can express both."""
    if schema.keys() & {*_CLOSED} or "type" not in schema:
        return {key: schema[key] for key in ("type", *_CLOSED, "pattern") if key in schema}
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    kinds = [kind for kind in kinds if kind != "null"]
    limits = {key: schema[key] for key in _LIMITS if key in schema}
    examples = {"examples": schema["examples"]} if "examples" in schema else {}
    if kinds == ["string"] and "pattern" in schema:
        return {"type": "string", "pattern": f"{schema['pattern']}|{_REFERENCE}"} | examples
    if kinds == ["boolean"]:
        return {"type": [*kinds, "string"], "pattern": _REFERENCE} | examples
    if "string" in kinds:
        return {"type": kinds if len(kinds) > 1 else kinds[0]} | limits | examples
    # VS Code and the YAML language server show this message in place of the pattern.
    message = {"patternErrorMessage": "Write a number."}
    return {"type": [*kinds, "string"], **limits, "pattern": _REFERENCE, **message}
