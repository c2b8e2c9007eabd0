"""Names of exports within a template."""

from __future__ import annotations

from collections.abc import Hashable, Iterator

from moorage.cfn.nodes import Node
from moorage.cfn.raw_references import IMPORT
from moorage.cfn.stack import Stack
from moorage.cfn.values import identity
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
        for first, *others in _exports_by_name(stack).values():
            for output, name in others:
                yield problem(
                    name,
                    f"The outputs `{first[0]}` and `{output}` have the same export name",
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
        exports = _exports_by_name(stack)
        for name in _imports(stack) if exports else ():
            for output, _ in exports.get(identity(name.value), ()):
                yield problem(
                    name,
                    f"The template imports its own output `{output}`",
                    "Write `!Ref` or `!GetAtt` of the resource.",
                )


def _exports_by_name(stack: Stack) -> dict[Hashable, list[tuple[str, Node]]]:
    """Outputs with their export names, by what is the same for names that certainly are."""
    return stack.view.cached(("exports by name", stack.name), lambda: _group_exports(stack))


def _group_exports(stack: Stack) -> dict[Hashable, list[tuple[str, Node]]]:
    exports: dict[Hashable, list[tuple[str, Node]]] = {}
    for output, name in _exports(stack):
        exports.setdefault(identity(name.value), []).append((output, name))
    return exports


def _exports(stack: Stack) -> Iterator[tuple[str, Node]]:
    """The outputs that certainly are exported, with their export names."""
    for output, body in stack.template.outputs.items():
        condition = body.get("Condition")
        name = stack.node(body, ("Outputs", output)).at("Export", "Name")
        if name.present and (condition is None or stack.evaluate_condition(condition)):
            yield output, name


def _imports(stack: Stack) -> Iterator[Node]:
    """The names of all imports in resources."""
    for resource in stack.resources.values():
        for call in stack.calls[resource.id]:
            if call.name == IMPORT:
                yield stack.node(call.argument, (*call.path, IMPORT))


RULES = (export_name_twice, import_of_own_export)
