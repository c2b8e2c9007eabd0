"""JSON in a property of a resource: text in which CloudFormation replaces references."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from troposphere import Sub

from moorage.model import logical_id


def as_json(value: Any, *, compact: bool = False) -> Sub:
    """A value as JSON text in which CloudFormation replaces each reference. `compact` leaves out
    spaces, for text that only programs read."""
    text, imports = json_text(value, compact=compact)
    return Sub(text, **imports) if imports else Sub(text)


def json_text(value: Any, *, compact: bool = False) -> tuple[str, dict[str, Any]]:
    """A value as JSON text for `Fn::Sub`, and the imported values by their names in it."""
    imports: dict[str, Any] = {}
    form: dict[str, Any] = {"separators": (",", ":")} if compact else {"indent": 2}
    return json.dumps(_substitute(value, imports), **form), imports


def _substitute(value: Any, imports: dict[str, Any]) -> Any:
    """The value with `${Name}` for each reference; imported values are added to `imports` by their
    names."""
    if hasattr(value, "to_dict"):
        value = value.to_dict()
    if isinstance(value, Mapping):
        if value.keys() == {"Ref"}:
            return f"${{{value['Ref']}}}"
        if value.keys() == {"Fn::GetAtt"}:
            return f"${{{'.'.join(value['Fn::GetAtt'])}}}"
        if value.keys() == {"Fn::Sub"} and isinstance(value["Fn::Sub"], str):
            return value["Fn::Sub"]
        if value.keys() == {"Fn::Sub"}:
            text, variables = value["Fn::Sub"]
            for name, variable in variables.items():
                text = text.replace(f"${{{name}}}", str(_substitute(variable, imports)))
            return text
        if value.keys() & _IMPORTED and any(exports_in(value)):
            return f"${{{_name_import(value, imports)}}}"
        return {key: _substitute(item, imports) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_substitute(item, imports) for item in value]
    return value


_IMPORTED = {"Fn::ImportValue", "Fn::Join", "Fn::Select"}
"""An imported value, or a part of one."""


def _name_import(value: Mapping[str, Any], imports: dict[str, Any]) -> str:
    """The name of an imported value in the text: the last part of the export's name, or all of it
    if that is taken, with the index of the part."""
    (export, *_) = exports_in(value)
    part = str(value["Fn::Select"][0]) if "Fn::Select" in value else ""
    short = logical_id(export.rsplit("-", 1)[-1], part)
    name = short if imports.get(short, value) == value else logical_id(export, part)
    imports[name] = value
    return name


def exports_in(value: Any) -> Iterator[str]:
    """The names of the exports in a value."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from [str(item)] if key == "Fn::ImportValue" else exports_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from exports_in(item)
