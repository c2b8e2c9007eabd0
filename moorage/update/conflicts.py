"""Names, ports, priorities and addresses that two resources need at the same time in an update."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from moorage.cfn.changes import Comparison
from moorage.cfn.stack import Resource
from moorage.cfn.unique_values import UniqueValue, find_unique_values, name_property
from moorage.update.effect import Effect


def find_conflicts(change: Comparison) -> Iterator[Effect]:
    """Yields names, ports and other unique values that a resource gets while another still has
    them."""
    released = _released_values(change)
    for new, before in _gaining_resources(change):
        kept = {value.key for value in find_unique_values(before)} if before is not None else ()
        for value in find_unique_values(new, change.replacements):
            old = released.get(value.key)
            if old is not None and value.key not in kept:
                yield from _conflict(change, new, value, old)


def _gaining_resources(change: Comparison) -> Iterator[tuple[Resource, Resource | None]]:
    """Resources that may get a unique value, with their old versions if they are updated in
    place."""
    yield from ((new, None) for new in change.added)
    for pair in change.pairs:
        yield pair.new, None if pair.new in change.replacements else pair.old


def _conflict(
    change: Comparison, new: Resource, value: UniqueValue, old: Resource
) -> Iterator[Effect]:
    order = {stack.name: index for index, stack in enumerate(change.new.stacks)}
    successor = change.find_new_version(old)
    if old.stack.name not in order:
        yield _still_deployed(new, value, old)
    elif successor is new:
        yield _replaced_in_place(new, value)
    elif order[old.stack.name] > order[new.stack.name]:
        yield _still_in_use(new, value, old)
    elif old.stack.name == new.stack.name:
        if (
            successor is None
            or successor in change.replacements
            or _is_swap(new, successor, change)
        ):
            yield _still_in_use(new, value, old)
        elif not change.new.is_created_before(successor, new):
            yield _race(new, value, successor)


def _released_values(change: Comparison) -> dict[tuple[Any, ...], Resource]:
    """Unique values that resources have before the update but not after it, with these
    resources."""
    released: dict[tuple[Any, ...], Resource] = {}
    for pair in change.pairs:
        if pair.new not in change.replacements:
            kept = {value.key for value in find_unique_values(pair.new)}
            released |= {
                value.key: pair.old
                for value in find_unique_values(pair.old)
                if value.key not in kept
            }
        elif not change.is_deleted_first(pair.new):
            released |= {value.key: pair.old for value in find_unique_values(pair.old)}
    deleted = (resource for stack in change.removed_stacks for resource in stack.resources.values())
    for old in (*change.removed, *deleted):
        released |= {value.key: old for value in find_unique_values(old)}
    return released


def _is_swap(new: Resource, successor: Resource, change: Comparison) -> bool:
    """Whether two updated resources exchange a unique value."""
    before = {value.key for value in find_unique_values(change.find_old_version(new) or new)}
    return new is not successor and any(
        value.key in before for value in find_unique_values(successor)
    )


def _still_deployed(new: Resource, value: UniqueValue, old: Resource) -> Effect:
    return Effect(
        "M1402",
        "error",
        value.node,
        f"The stack `{old.stack.name}` stays deployed, and its {old.id} still has "
        f"{value.description}, so creating {new.id} fails",
        "Keep the stack in the params, or delete it before this update.",
    )


def _replaced_in_place(new: Resource, value: UniqueValue) -> Effect:
    if value.node.path == name_property(new).path:
        reason = "CloudFormation cannot replace a resource that has a custom name"
        hint = "Remove the name, or change it in the same update."
    else:
        reason = "AWS refuses the second one"
        hint = (
            "Change that value too, or deploy two updates: one without the resource, one with it."
        )
    return Effect(
        "M1402",
        "error",
        value.node,
        f"{new.id} is replaced: the new one is created before the old one is deleted, and both "
        f"have {value.description}. {reason}",
        hint,
    )


def _still_in_use(new: Resource, value: UniqueValue, old: Resource) -> Effect:
    start = f"Keep the logical ID {old.id}, or deploy" if new.id != old.id else "Deploy"
    return Effect(
        "M1402",
        "error",
        value.node,
        f"{new.id} gets {value.description} while {old.id} still has it, so AWS refuses the "
        f"change of {new.id}",
        f"{start} two updates: the first one removes the value from {old.id}.",
    )


def _race(new: Resource, value: UniqueValue, successor: Resource) -> Effect:
    return Effect(
        "M1402",
        "warning",
        value.node,
        f"{new.id} gets {value.description} from {successor.id}, and the order of the two changes "
        "is not defined. If this one comes first, AWS refuses it",
        f"Add `DependsOn: {successor.id}`, or deploy two updates.",
    )
