"""Nested stacks whose templates are in the view: the parameters that the parent stack passes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moorage.cfn.template import Parameter
from moorage.cfn.values import MISSING, Attr, OneOf, Text, Unknown, as_text, join_parts

if TYPE_CHECKING:
    from moorage.cfn.stack import Resource

TYPE = "AWS::CloudFormation::Stack"


def parameter_value(parameter: Parameter, nested: Resource) -> Any:
    """The value of a parameter of a nested stack: what the parent passes, else the default."""
    unknown = Unknown(f"{nested.stack.name}:{nested.id}:{parameter.name}")
    given = nested["Parameters"][parameter.name]
    value = parameter.default if given.absent else given.value
    if not parameter.is_direct or value is None or value is MISSING:
        return unknown
    if parameter.is_list:
        return _split(value, [node.value for node in given.items]) or unknown
    text = as_text(value)
    if text is not None:
        return text
    if isinstance(value, Unknown) and parameter.allowed_values:
        texts = tuple(filter(None, map(as_text, parameter.allowed_values)))
        is_text = len(texts) == len(parameter.allowed_values) > 1
        return OneOf(texts, value.token) if is_text else value
    return value if isinstance(value, Attr | OneOf | Text | Unknown) else unknown


def _split(value: Any, items: list[Any]) -> list[Any] | None:
    """The items of a list parameter: a list, or a text with commas between the items. None if their
    number is unknown."""
    text = as_text(value)
    if text is not None:
        return [item.strip() for item in text.split(",")]
    if isinstance(value, list):
        return items
    if isinstance(value, Attr):
        return [value]
    if not isinstance(value, Text) or any(isinstance(part, Unknown) for part in value.parts):
        return None
    groups: list[list[Any]] = [[]]
    for part in value.parts:
        first, *rest = part.split(",") if isinstance(part, str) else [part]
        groups[-1].append(first)
        groups += [[piece] for piece in rest]
    return [join_parts(group) for group in groups]
