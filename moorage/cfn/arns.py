"""ARNs, and other texts, with placeholders for the parts that only the deployment knows.

An ARN in a template is a text of parts: `arn:${AWS::Partition}:sqs:${AWS::Region}:...`. Here it is
a plain text in which each unknown part is one character of a private range of Unicode, a
*placeholder*. The same part always has the same placeholder. Return values of resources are
expanded as far as they are known, so that the `Ref` of a secret can be compared with a pattern for
names of secrets (module `arn_patterns`).
"""

from __future__ import annotations

import re
from enum import IntEnum
from itertools import product

from moorage.cfn.nodes import Node
from moorage.cfn.return_values import CHARACTER, UNIQUE, Parts, arn_parts, resolve_return_value
from moorage.cfn.values import Attr, OneOf, Unknown
from moorage.cfn.view import View

Arns = tuple[str, ...]
"""The possible values of an ARN: several if a part of it is one of some known values."""

_MAX_ARNS = 16
_MAX_DEPTH = 4
_RANGE_LENGTH = 0x3000
_RANGES_START = 0xF0000


class Placeholder(IntEnum):
    """What a placeholder stands for. The value is the first code point of its range."""

    ANYTHING = _RANGES_START
    """Any text, which may contain wildcards."""
    RETURN_VALUE = _RANGES_START + _RANGE_LENGTH
    """A return value of a resource: any text that is not empty."""
    WORD = _RANGES_START + 2 * _RANGE_LENGTH
    """A text without colons and slashes."""
    STACK_NAME = _RANGES_START + 3 * _RANGE_LENGTH
    UNIQUE_NAME = _RANGES_START + 4 * _RANGE_LENGTH
    """A name or an ID that no other resource has."""
    CHARACTER = _RANGES_START + 5 * _RANGE_LENGTH
    """A single character."""


_KINDS = tuple(Placeholder)


def placeholder_kind(character: str) -> Placeholder | None:
    """The kind of a placeholder; None for any other character."""
    index = (ord(character) - _RANGES_START) // _RANGE_LENGTH
    return _KINDS[index] if 0 <= index < len(_KINDS) else None


_WORDS = frozenset({"AWS::Region", "AWS::AccountId", "AWS::Partition", "AWS::URLSuffix"})
_POLICY_VARIABLE = re.compile(r"\$\{[^}]{0,256}+\}")


def expand_parts(view: View, parts: Parts) -> Arns:
    """The possible texts of some parts, with placeholders."""
    return _expand(view, parts, ())


def expand_arns(node: Node) -> Arns:
    """The possible texts of a property, with placeholders; none if it is not a text."""
    parts = node.parts
    return expand_parts(node.stack.view, parts) if parts else ()


def build_arn(view: View, service: str, rest: str) -> str:
    """The ARN of something in the account and region of the stack."""
    (arn,) = expand_parts(view, arn_parts(service, rest))
    return arn


def create_placeholder(view: View, name: str) -> str:
    """A placeholder for any text."""
    return _placeholder(view, name, Placeholder.ANYTHING)


def create_character_placeholders(view: View, name: str, count: int) -> str:
    """Placeholders for single characters."""
    return "".join(
        _placeholder(view, f"{name} {index}", Placeholder.CHARACTER) for index in range(count)
    )


def starts_with_placeholder(text: str) -> bool:
    """Whether a text starts with a placeholder for any text or for a return value."""
    kinds = (Placeholder.ANYTHING, Placeholder.RETURN_VALUE)
    return bool(text) and placeholder_kind(text[0]) in kinds


def _expand(view: View, parts: Parts, resolved: tuple[Attr, ...]) -> Arns:
    """The possible texts of some parts of the return values `resolved`."""
    choices = [_expand_part(view, part, resolved) for part in parts]
    count = 1
    for index, choice in enumerate(choices):
        count *= len(choice)
        if count > _MAX_ARNS:
            count //= len(choice)
            choices[index] = (_placeholder(view, repr(parts[index]), Placeholder.ANYTHING),)
    return tuple("".join(texts) for texts in product(*choices))


def _expand_part(
    view: View, part: str | Attr | Unknown | OneOf, resolved: tuple[Attr, ...]
) -> Arns:
    if isinstance(part, str):
        if "${" not in part:
            return (part,)
        # Only IAM knows the value of a policy variable such as ${aws:username}.
        variable = _placeholder(view, "policy variable", Placeholder.ANYTHING)
        return (variable.join(_POLICY_VARIABLE.split(part)),)
    if isinstance(part, OneOf):
        return part.values
    if isinstance(part, Attr):
        is_too_deep = part in resolved or len(resolved) > _MAX_DEPTH
        parts = () if is_too_deep else resolve_return_value(part)
        if parts:
            return _expand(view, parts, (*resolved, part))
        name = f"{part.resource.stack.name}.{part.resource.id}.{part.name}"
        return (_placeholder(view, name, _kind_of_attribute(part)),)
    if value := view.common_values.get(part.token):
        return (value,)
    kind = Placeholder.WORD if part.token in _WORDS else Placeholder.ANYTHING
    kind = Placeholder.STACK_NAME if part.token.endswith(":AWS::StackName") else kind
    return (_placeholder(view, part.token, kind),)


def _kind_of_attribute(attr: Attr) -> Placeholder:
    if attr.name.endswith(CHARACTER):
        return Placeholder.CHARACTER
    return Placeholder.UNIQUE_NAME if attr.name.endswith(UNIQUE) else Placeholder.RETURN_VALUE


def _placeholder(view: View, name: str, kind: Placeholder) -> str:
    """The placeholder for an unknown part, the same for every call with this name and kind."""
    placeholders: dict[tuple[str, int], str] = view.cached("placeholders", dict)
    if (name, kind) not in placeholders:
        placeholders[name, kind] = chr(kind + len(placeholders) % _RANGE_LENGTH)
    return placeholders[name, kind]
