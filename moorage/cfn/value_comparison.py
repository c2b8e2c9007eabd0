"""Comparison of values in two versions of a template, independent of how they are written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from moorage.cfn.nodes import Node
from moorage.cfn.stack import Resource
from moorage.cfn.values import ZONE_PREFIX, Attr, OneOf, Text, Unknown


def comparable_value(node: Node) -> Any:
    """The value of a node in a form that is equal for equal values of two versions: with the names
    of a resource instead of the resource. Ignores defaults of parameters, since the update of a
    stack keeps the values of parameters."""
    value = node.value
    if isinstance(value, Mapping):
        return tuple(sorted((key, comparable_value(inner)) for key, inner in node.entries))
    if isinstance(value, list):
        return tuple(comparable_value(item) for item in node.items)
    if isinstance(value, Attr | Text | Unknown | OneOf):
        return repr([_comparable_part(part) for part in node.parts])
    text = node.text
    return repr(value) if text is None else text


def _comparable_part(part: Any) -> Any:
    if isinstance(part, Attr):
        return ("of", part.resource.stack.name, part.resource.id, part.name)
    return part if isinstance(part, str) else ("unknown", part.token)


def differs(old: Node, new: Node) -> bool:
    """Whether a value changes. If a literal becomes a parameter or an import, or the other way
    round, compares it with the default; without a default, assumes that the value stays the
    same."""
    if comparable_value(old) == comparable_value(new):
        return False
    before, after = old.value, new.value
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        keys = dict.fromkeys([key for node in (old, new) for key, _ in node.entries])
        return any(differs(old[key], new[key]) for key in keys)
    if isinstance(before, list) and isinstance(after, list):
        same_length = len(old.items) == len(new.items)
        return not same_length or any(map(differs, old.items, new.items))
    for node, literal in ((old, new), (new, old)):
        if isinstance(node.value, Unknown | OneOf) and literal.text is not None:
            return not _is_likely_value(node, literal.text)
    return True


def _is_likely_value(node: Node, text: str) -> bool:
    """Whether an unknown value is likely to be a text: by the default of the parameter, or by the
    letter of the Availability Zone."""
    token = node.value.token if isinstance(node.value, Unknown) else ""
    if token.startswith(ZONE_PREFIX):
        return text.endswith(chr(ord("a") + int(token.removeprefix(ZONE_PREFIX)) % 26))
    return node.default in (None, text)


def referenced_resources(node: Node) -> Iterator[Resource]:
    """The resources that a value refers to, at any depth."""
    for part in node.parts:
        if isinstance(part, Attr):
            yield part.resource
    for child in (*node.items, *(entry for _, entry in node.entries)):
        yield from referenced_resources(child)
