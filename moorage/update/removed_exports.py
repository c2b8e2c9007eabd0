"""Removed stacks, and exports that other stacks still import."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from moorage.cfn.changes import Comparison
from moorage.cfn.nodes import Node
from moorage.cfn.stack import Stack
from moorage.cfn.value_comparison import differs, referenced_resources
from moorage.cfn.view import View
from moorage.update.effect import Effect


def find_export_effects(change: Comparison) -> Iterator[Effect]:
    """Yields removed stacks, and exports that change or disappear while other stacks import
    them."""
    yield from _removed_stacks(change)
    yield from _changed_exports(change)
    yield from _removed_exports(change)


def _removed_stacks(change: Comparison) -> Iterator[Effect]:
    for stack in change.removed_stacks:
        yield Effect(
            "M1407",
            "warning",
            stack.node({}, ()),
            f"`{stack.name}` is no longer built, but its stack stays deployed and continues to "
            "cost money",
            "Delete the stack once no other stack imports from it.",
        )


def _changed_exports(change: Comparison) -> Iterator[Effect]:
    for old, new in change.stack_pairs:
        after = _exported(new)
        for name, output in _exported(old).items():
            importers = _importers(change, old, name)
            now = after.get(name)
            same = now is not None and not differs(output["Value"], now["Value"])
            replaced = now is not None and any(
                resource in change.replacements for resource in referenced_resources(now["Value"])
            )
            if importers and (replaced or not same):
                yield Effect(
                    "M1403",
                    "error",
                    now["Value"] if now is not None else output,
                    f"The export {name} is {'changed' if now is not None else 'removed'} while "
                    f"{_import(importers)} it, which CloudFormation refuses",
                    "First update the importing stacks so that they no longer import it.",
                )


def _removed_exports(change: Comparison) -> Iterator[Effect]:
    for stack in change.removed_stacks:
        for name in _exported(stack):
            importers = [user.name for user in _users(change.new, name)]
            if importers:
                yield Effect(
                    "M1403",
                    "error",
                    stack.node({}, ()),
                    f"`{stack.name}` is no longer built, but {_import(importers)} {name} from it",
                    "Keep the stack in the params, or remove the imports.",
                )


def _import(stacks: list[str]) -> str:
    return f"{', '.join(stacks)} import{'s' if len(stacks) == 1 else ''}"


def _exported(stack: Stack) -> dict[str, Node]:
    """The exported outputs of a stack by export name."""
    nodes = (stack.node(output, ("Outputs", key)) for key, output in stack.template.outputs.items())
    named = ((node.at("Export", "Name").text, node) for node in nodes)
    return {name: node for name, node in named if name is not None}


def _importers(change: Comparison, exporter: Stack, name: str) -> list[str]:
    """The stacks that import a name at the time when its stack is updated: those that imported it
    before, except those that no longer do and are updated earlier."""
    order = change.new.cached("order of stacks", lambda: _order(change.new))
    still = {stack.name for stack in _users(change.new, name)}
    importers = [stack.name for stack in _users(change.old, name) if stack.name != exporter.name]
    end = order[exporter.name]
    return [each for each in importers if each in still or order.get(each, end) >= end]


def _order(view: View) -> dict[str, int]:
    return {stack.name: position for position, stack in enumerate(view.stacks)}


def _users(view: View, name: str) -> Sequence[Stack]:
    """The stacks that import a name."""
    return view.cached("stacks by imports", lambda: _group_by_import(view)).get(name, ())


def _group_by_import(view: View) -> dict[str, list[Stack]]:
    users: dict[str, list[Stack]] = {}
    for stack in view.stacks:
        for name in stack.import_names:
            users.setdefault(name, []).append(stack)
    return users
