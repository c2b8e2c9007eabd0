"""Names of exports within a template."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from moorage.cfn.nodes import Node
from moorage.cfn.raw_references import IMPORT
from moorage.cfn.stack import Stack
from moorage.cfn.view import View
from moorage.rules.rule import Problem, problem, rule

_SOURCE = "AWS CloudFormation user guide: Get exported outputs from a deployed CloudFormation stack"


@rule(
    "E9965",
    "Two outputs of a template have the same export name.",
    error_messages=("Duplicate Export names",),
    fix="Write another name for one of them.",
    sources=(_SOURCE,),
)
def export_name_twice(view: View) -> Iterator[Problem]:
    """The name of an export is unique in a region of an account."""
    for stack in view.stacks:
        for (first, name), (second, other) in combinations(_exports(stack), 2):
            if name.is_same_as(other):
                yield problem(
                    other,
                    f"The outputs `{first}` and `{second}` have the same export name",
                    "Write another name for one of them.",
                )


@rule(
    "E9966",
    "A template imports its own export.",
    error_messages=("No export named ... found.",),
    fix="Write Ref or Fn::GetAtt of the resource.",
    sources=(_SOURCE,),
)
def import_of_own_export(view: View) -> Iterator[Problem]:
    """The export exists only when the stack has been created. Until then the import is not
    found."""
    for stack in view.stacks:
        exports = list(_exports(stack))
        for name in _imports(stack) if exports else ():
            for output, export in exports:
                if name.is_same_as(export):
                    yield problem(
                        name,
                        f"The template imports its own output `{output}`",
                        "Write `!Ref` or `!GetAtt` of the resource.",
                    )


def _exports(stack: Stack) -> Iterator[tuple[str, Node]]:
    """The outputs that certainly are exported, with their export names."""
    for output, body in stack.template.outputs.items():
        condition = body.get("Condition")
        name = Node(stack, body, ("Outputs", output)).at("Export", "Name")
        if name.present and (condition is None or stack.evaluate_condition(condition)):
            yield output, name


def _imports(stack: Stack) -> Iterator[Node]:
    """The names of all imports in resources."""
    for resource in stack.resources.values():
        for call in stack.template.calls[resource.id]:
            if call.name == IMPORT:
                yield Node(stack, call.argument, (*call.path, IMPORT))


RULES = (export_name_twice, import_of_own_export)
