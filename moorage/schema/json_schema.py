"""Templates -> the JSON Schema of a params file, for editors that complete and check it.

The schema is looser than the build in two ways. A file may be partial, since base.yaml and
<env>.yaml are merged: no key is required and null, which deletes, may stand for every value. And
any value may be text with `${...}` in it, which means nothing before it is filled in.

Draft 07: the YAML language server, which VS Code and others use, says of itself "Supports JSON
Schema 7 and below" (its README).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from moorage.model import NAME, TemplateModule
from moorage.pipeline.header import Header
from moorage.pipeline.render import SECTIONS

DRAFT = "http://json-schema.org/draft-07/schema#"
STACK_KEYS = {
    "template": "The kind of stack; it defaults to the stack's name.",
    "overrides": "A merge patch (RFC 7386) on the rendered template: `Resources:` and so on, with "
    "what changes. null deletes.",
}
"""What every stack takes beside the params of its template."""

_ANY_STACK = "Stack"
_REFERENCE = r"\$\{"
_FILLED_IN = {"type": "string", "pattern": _REFERENCE}
_NULL = {"type": "null"}
_NOTES = ("description", "default", "examples")
_LIMITS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
_CLOSED = ("enum", "const", "minLength", "maxLength")

Schema = dict[str, Any]


def schema(templates: Mapping[str, TemplateModule]) -> Schema:
    """The JSON Schema of a whole params file, in a stable order of keys.

    `stacks:` takes the params of the template that `template:` names, or else the stack's name. A
    stack that has neither, because its `template:` stands in the other file, may hold what any of
    the templates takes.
    """
    header = written_schema(Header, "header")
    top = {key: _property(value) for key, value in header["properties"].items()}
    stacks = {
        "description": top["stacks"]["description"],
        "type": ["object", "null"],
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
            **{
                name: definition
                for template, module in templates.items()
                for name, definition in _definitions(template, module).items()
            },
        },
    }


# What pydantic says ----------------------------------------------------------------------------


class _AsWritten(GenerateJsonSchema):
    """pydantic's schema, with each default in the form in which one writes it."""

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        json = super().model_schema(schema)
        defaults = _defaults(schema["cls"])
        properties = {
            key: value | ({"default": defaults[key]} if key in defaults else {})
            for key, value in json.get("properties", {}).items()
        }
        return json | {"properties": properties}


def _defaults(model: type[BaseModel]) -> dict[str, Any]:
    """A model's defaults as one writes them; a factory's are left out."""
    constant = {
        key
        for key, field in model.model_fields.items()
        if not field.is_required() and field.default_factory is None
    }
    example = model.model_construct(_fields_set=constant)
    return example.model_dump(mode="json", exclude_unset=True, warnings=False)


def written_schema(model: type[BaseModel], prefix: str) -> Schema:
    """A model's JSON Schema as pydantic gives it, strict; names of `$defs` begin with `prefix.`."""
    found = model.model_json_schema(
        ref_template=f"#/definitions/{prefix}.{{model}}", schema_generator=_AsWritten
    )
    named = {f"{prefix}.{name}": value for name, value in found.get("$defs", {}).items()}
    return found | {"$defs": named}


# The stacks ------------------------------------------------------------------------------------


def _ref(name: str) -> Schema:
    return {"$ref": f"#/definitions/{name}"}


def _any_stack(templates: Mapping[str, TemplateModule]) -> Schema:
    """What holds for every entry of `stacks:`; a `template:` that is written decides."""
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
    """An entry of `stacks:`, for one name that is also a template's or for all others."""
    unsaid = _ref(name) if name else {"anyOf": [_ref(one) for one in templates]}
    text = _doc(templates[name]) if name else "A stack; `template:` says of what kind."
    return {"description": text, "allOf": [_ref(_ANY_STACK), _case(_NULL, unsaid)]}


def _case(template: Schema, then: Schema, **more: Any) -> Schema:
    """`then` where the entry's `template:`, if it has one, is of that form."""
    return {"if": {"type": "object", "properties": {"template": template}, **more}, "then": then}


def _doc(module: TemplateModule) -> str:
    return " ".join((module.Params.__doc__ or "").split())


def _definitions(template: str, module: TemplateModule) -> Schema:
    """The stack itself under the template's name, and the models in it."""
    found = written_schema(module.Params, template)
    own = {key: _property(value) for key, value in found["properties"].items()}
    patch = {
        "description": STACK_KEYS["overrides"],
        "type": ["object", "null"],
        "properties": {section: {} for section in SECTIONS},
        "additionalProperties": False,
    }
    # `template:` is judged where the kind is chosen; here it is only known.
    stack = {
        "description": _doc(module),
        "type": "object",
        "properties": {"template": {}, **own, "overrides": patch},
        "additionalProperties": False,
    }
    return {template: stack} | {name: _value(one) for name, one in found["$defs"].items()}


# One value -------------------------------------------------------------------------------------


def _property(schema: Schema) -> Schema:
    """The value of a key: null may stand for it."""
    return _notes(schema) | _any([*_forms(schema), _NULL])


def _value(schema: Schema) -> Schema:
    """An item of a list, or a definition: null may not stand for it."""
    return _notes(schema) | _any(list(_forms(schema)))


def _notes(schema: Schema) -> Schema:
    return {key: schema[key] for key in _NOTES if schema.get(key) is not None}


def _any(forms: list[Schema]) -> Schema:
    """One schema for all forms; editors show clearer errors where it needs no `anyOf`."""
    if {} in forms:
        return {}
    if len(forms) == 1:
        return forms[0]
    first = forms[0]
    if forms[1:] == [_NULL] and "type" in first and not first.keys() & {"enum", "const"}:
        types = first["type"] if isinstance(first["type"], list) else [first["type"]]
        return first | {"type": [*types, "null"]}
    return {"anyOf": forms}


def _forms(schema: Schema) -> Iterator[Schema]:
    """The forms that a value can have, apart from null."""
    own = list(_own_forms(schema))
    closed = any(form.keys() & {*_CLOSED} for form in own)
    yield from own
    if closed and _FILLED_IN not in own and {"type": "string"} not in own:
        yield _FILLED_IN


def _own_forms(schema: Schema) -> Iterator[Schema]:
    for key in ("anyOf", "oneOf", "allOf"):
        if key in schema:
            found = [form for one in schema[key] for form in _own_forms(one)]
            yield from (form for at, form in enumerate(found) if form not in found[:at])
            return
    kind = schema.get("type")
    if "$ref" in schema:
        yield {"$ref": schema["$ref"]}
    elif kind == "object":
        yield _map(schema)
    elif kind == "array":
        yield _list(schema)
    elif kind != "null":
        yield _scalar(schema)


def _map(schema: Schema) -> Schema:
    """Sizes are not kept: a part of a map may be smaller, and nulls make it larger."""
    found: Schema = {"type": "object"}
    names = schema.get("propertyNames", {})
    if known := {key: names[key] for key in ("enum", "pattern") if key in names}:
        found["propertyNames"] = known
    for key in ("properties", "patternProperties"):
        if key in schema:
            found[key] = {name: _property(value) for name, value in schema[key].items()}
    others = schema.get("additionalProperties", "patternProperties" not in schema)
    found["additionalProperties"] = others if isinstance(others, bool) else _property(others)
    return found


def _list(schema: Schema) -> Schema:
    sizes = {key: schema[key] for key in ("minItems", "maxItems", "uniqueItems") if key in schema}
    if "prefixItems" in schema:
        return {"type": "array", "items": [_value(one) for one in schema["prefixItems"]]} | sizes
    items = {"items": _value(schema["items"])} if "items" in schema else {}
    return {"type": "array"} | items | sizes


def _scalar(schema: Schema) -> Schema:
    """Text, a number or a switch; in one piece with `${...}` where a pattern can say it."""
    if schema.keys() & {*_CLOSED} or "type" not in schema:
        return {key: schema[key] for key in ("type", *_CLOSED, "pattern") if key in schema}
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    kinds = [kind for kind in kinds if kind != "null"]
    limits = {key: schema[key] for key in _LIMITS if key in schema}
    examples = {"examples": schema["examples"]} if "examples" in schema else {}
    if kinds == ["string"] and "pattern" in schema:
        return {"type": "string", "pattern": f"{schema['pattern']}|{_REFERENCE}"} | examples
    if "string" in kinds or kinds == ["boolean"]:
        return {"type": kinds if len(kinds) > 1 else kinds[0]} | limits | examples
    # VS Code and the YAML language server show this message in place of the pattern.
    message = {"patternErrorMessage": "A number belongs here."}
    return {"type": [*kinds, "string"], **limits, "pattern": _REFERENCE, **message}
