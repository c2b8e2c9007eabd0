"""Values that are the same in every stack of a template, and values that vary between stacks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moorage.cfn.nodes import Node
from moorage.cfn.stack import Stack
from moorage.cfn.values import Attr, OneOf, Unknown, as_text
from moorage.facts.quotas import MAX_STACK_NAME

_PSEUDO_PARAMETER_LENGTHS = {
    "AWS::StackName": MAX_STACK_NAME,
    "AWS::AccountId": 12,
    "AWS::Region": 9,
    "AWS::Partition": 3,
}
"""Length of the longest stack name, of an account ID, and of the shortest region and partition.
Source: AWS docs, CreateStack."""


def fixed_text(node: Node) -> str | None:
    """The text of a property, if it is the same in every stack of its template and every region."""
    is_fixed = is_decided_by_template(node) and "AWS::Region" not in _referenced_names(node.raw)
    return node.text if is_fixed else None


def is_decided_by_template(node: Node) -> bool:
    """Whether the template alone decides the value of a property: neither a condition nor a value
    given for a parameter, nor one that the scenario chooses."""
    stack = node.stack
    for name in _referenced_names(node.raw):
        if name == "Fn::If" or (stack.name, name) in stack.view.scenario:
            return False
        if name in stack.template.parameters and stack.template.is_decided(name):
            return False
    return True


def _referenced_names(raw: Any) -> set[str]:
    """The names that an expression refers to, and `Fn::If` if it contains one with different
    branches."""
    names: set[str] = set()
    todo = [raw]
    while todo:
        value = todo.pop()
        if isinstance(value, list):
            todo += value
        elif isinstance(value, Mapping):
            todo += value.values()
            match value:
                case {"Ref": str(name)}:
                    names.add(name)
                case {"Fn::If": [_, then, otherwise]} if then != otherwise:
                    names.add("Fn::If")
        elif isinstance(value, str):
            names |= {part.split("}")[0] for part in value.split("${")[1:]}
    return names


def max_length(node: Node) -> int:
    """The length of a text with the longest value of each part, as far as it is known: the longest
    stack name, a parameter's MaxLength, longest AllowedValue or else Default. Parts of which
    nothing is known count as empty."""
    return sum(_max_part_length(node.stack, part) for part in node.parts)


def _max_part_length(stack: Stack, part: str | Attr | Unknown | OneOf) -> int:
    if isinstance(part, str):
        return len(part)
    if isinstance(part, OneOf):
        return max(map(len, part.values))
    if isinstance(part, Attr):
        return 0
    name = part.token.removeprefix(f"{stack.name}:")
    parameter = stack.template.parameters.get(name)
    if parameter is None:
        return _PSEUDO_PARAMETER_LENGTHS.get(name, 0)
    if parameter.max_length is not None:
        return parameter.max_length
    return len(as_text(part.default) or "")


def varies_between_stacks(node: Node) -> bool:
    """Whether a property is a parameter, or an import whose name contains one: then the template is
    for more than one stack. An import with a literal name is for one stack."""
    value = node.value
    if not isinstance(value, Unknown):
        return False
    prefix, _, name = value.token.partition(":")
    if prefix == "import":
        return not name.startswith(("'", '"'))
    return prefix == node.stack.name and name in node.stack.template.parameters
