"""Intrinsic functions with arguments that CloudFormation refuses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from moorage.cfn.nodes import Node
from moorage.cfn.raw_references import Call
from moorage.cfn.values import Path
from moorage.cfn.view import View
from moorage.rules.rule import Problem, problem, rule

_STACK = "AWS::CloudFormation::Stack"


@rule(
    "E9934",
    "A parameter of a nested stack is a list.",
    error_messages=(
        "Value of property Parameters must be an object with String (or simple type) properties",
    ),
    fix="Join the list: `!Join [',', !Ref List]`.",
    sources=("AWS CloudFormation template reference: AWS::CloudFormation::Stack, Parameters",),
    failure_ids=("cfn-list-handed-to-nested-stack",),
)
def list_for_nested_stack(view: View) -> Iterator[Problem]:
    """Parameters of a nested stack are texts. A list of the parent stack must be joined by
    commas."""
    for stack in view.resources_of_type(_STACK):
        for name, node in stack["Parameters"].entries:
            if isinstance(node.value, list) or _refers_to_list(node):
                yield problem(
                    node,
                    f"The parameter `{name}` of nested stack `{stack.id}` is a list",
                    "Write `!Join [',', ...]`.",
                )


def _refers_to_list(node: Node) -> bool:
    name = node.raw.get("Ref") if isinstance(node.raw, Mapping) else None
    parameter = node.stack.template.parameters.get(name) if isinstance(name, str) else None
    return parameter is not None and parameter.is_list and parameter.is_direct


@rule(
    "E9935",
    "Fn::Select selects more blocks than Fn::Cidr returns.",
    error_messages=("Template error: Fn::Select cannot select nonexistent value at index ...",),
    fix="Write a smaller index: the first block has the index 0. Or write a larger count.",
    sources=("AWS CloudFormation template reference: Fn::Select, Fn::Cidr",),
    failure_ids=("cfn-select-beyond-the-count-of-cidr",),
)
def selected_block_does_not_exist(view: View) -> Iterator[Problem]:
    """Fn::Cidr returns as many blocks as its second argument says. The indexes of Fn::Select begin
    at 0."""
    for stack in view.stacks:
        for resource in stack.resources.values():
            calls = stack.calls_in_properties(resource.id)
            for index, count, path in _selected_blocks(calls):
                if index >= count:
                    yield problem(
                        stack.node(None, path),
                        f"`Fn::Select` selects the index {index} of {count} blocks, which begin at "
                        f"index 0",
                        f"Write an index from 0 to {count - 1}, or a larger count.",
                    )


def _selected_blocks(calls: Iterable[Call]) -> Iterator[tuple[int, int, Path]]:
    """Index, count and path of every Fn::Select from Fn::Cidr."""
    for call in calls:
        selection = call.argument
        if call.name == "Fn::Select" and isinstance(selection, list) and len(selection) == 2:
            blocks = selection[1].get("Fn::Cidr") if isinstance(selection[1], Mapping) else None
            numbers = (selection[0], blocks[1] if isinstance(blocks, list) and blocks[1:] else "")
            index, count = map(_whole_number, numbers)
            if index is not None and count is not None:
                yield index, count, call.path


def _whole_number(value: Any) -> int | None:
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    return int(text) if text.isdecimal() and text.isascii() and len(text) < 6 else None


RULES = (list_for_nested_stack, selected_block_does_not_exist)
