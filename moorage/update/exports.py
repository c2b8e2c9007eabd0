"""Stacks and exports that go, change or stay where they should not."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.cfn.changes import Comparison
from moorage.cfn.nodes import Node
from moorage.cfn.value_comparison import differs, referenced_resources
from moorage.cfn.view import Stack
from moorage.update.effect import Effect


def find_export_effects(change: Comparison) -> Iterator[Effect]:
    """Stacks and exports that others still need."""
    yield from _gone_stacks(change)
    yield from _exports(change)


def _gone_stacks(change: Comparison) -> Iterator[Effect]:
    for stack in change.removed_stacks:
        yield Effect(
            "M1407",
            "warning",
            Node(stack, {}, ()),
            f"`{stack.name}` is no longer built, but its stack stays deployed, and costs",
            "Delete the stack when nothing imports from it any more.",
        )


def _exports(change: Comparison) -> Iterator[Effect]:
    for old, new in change.stack_pairs:
        after = _exported(new)
        for name, output in _exported(old).items():
            users = _importers(change, old, name)
            now = after.get(name)
            same = now is not None and not differs(output["Value"], now["Value"])
            anew = now is not None and any(
                one in change.replacements for one in referenced_resources(now["Value"])
            )
            if users and (anew or not same):
                yield Effect(
                    "M1403",
                    "error",
                    now["Value"] if now is not None else output,
                    f"The export {name} is {'changed' if now is not None else 'taken away'} while "
                    f"{_import(users)} it, and CloudFormation refuses that",
                    "Let the importing stacks stop to import it first, in an update of their own.",
                )
    for stack in change.removed_stacks:
        for name in _exported(stack):
            users = [one.name for one in change.new.stacks if name in one.import_names]
            if users:
                yield Effect(
                    "M1403",
                    "error",
                    Node(stack, {}, ()),
                    f"`{stack.name}` is no longer built, and {_import(users)} {name} from it",
                    "Keep the stack in the params, or let nothing import from it.",
                )


def _import(stacks: list[str]) -> str:
    return f"{', '.join(stacks)} import{'s' if len(stacks) == 1 else ''}"


def _exported(stack: Stack) -> dict[str, Node]:
    """The outputs of a stack that are exported, by the exports' names."""
    nodes = (Node(stack, one, ("Outputs", key)) for key, one in stack.template.outputs.items())
    found = ((node.at("Export", "Name").text, node) for node in nodes)
    return {name: node for name, node in found if name is not None}


def _importers(change: Comparison, exporter: Stack, name: str) -> list[str]:
    """The stacks that import a name when its stack is updated: those that did, but for those that
    stop to and are updated earlier."""
    order = [stack.name for stack in change.new.stacks]
    free = {
        stack.name
        for stack in change.new.stacks[: order.index(exporter.name)]
        if name not in stack.import_names
    }
    return [
        stack.name
        for stack in change.old.stacks
        if name in stack.import_names and stack.name not in free and stack.name != exporter.name
    ]
