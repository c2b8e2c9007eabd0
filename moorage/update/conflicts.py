"""Names, ports, priorities and addresses that are needed twice during an update."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from moorage.cfn.changes import Comparison
from moorage.cfn.unique_values import UniqueValue, find_unique_values, name_property
from moorage.cfn.view import Resource
from moorage.update.effect import Effect


def find_conflicts(change: Comparison) -> Iterator[Effect]:
    """What an update gives to a resource while another still holds it."""
    given_up = _given_up(change)
    for new, before in _comers(change):
        held = {one.key for one in find_unique_values(before)} if before is not None else ()
        for hold in find_unique_values(new, change.replacements):
            old = given_up.get(hold.key)
            if old is not None and hold.key not in held:
                yield from _clash(change, new, hold, old)


def _comers(change: Comparison) -> Iterator[tuple[Resource, Resource | None]]:
    """What may come to hold something, with what it was before and stays."""
    yield from ((new, None) for new in change.added)
    for pair in change.pairs:
        yield pair.new, None if pair.new in change.replacements else pair.old


def _clash(change: Comparison, new: Resource, hold: UniqueValue, old: Resource) -> Iterator[Effect]:
    order = {stack.name: at for at, stack in enumerate(change.new.stacks)}
    heir = change.find_new_version(old)
    if old.stack.name not in order:
        yield _still_deployed(new, hold, old)
    elif heir is new:
        yield _replaced_in_place(new, hold)
    elif order[old.stack.name] > order[new.stack.name]:
        yield _second(new, hold, old)
    elif old.stack.name == new.stack.name:
        if heir is None or heir in change.replacements or _swapped(new, heir, change):
            yield _second(new, hold, old)
        elif not change.new.is_created_before(heir, new):
            yield _race(new, hold, heir)


def _given_up(change: Comparison) -> dict[tuple[Any, ...], Resource]:
    """What is held before the update and not, or not by the same resource, after it."""
    found: dict[tuple[Any, ...], Resource] = {}
    for pair in change.pairs:
        if pair.new not in change.replacements:
            kept = {hold.key for hold in find_unique_values(pair.new)}
            found |= {
                one.key: pair.old for one in find_unique_values(pair.old) if one.key not in kept
            }
        elif not change.is_deleted_first(pair.new):
            found |= {one.key: pair.old for one in find_unique_values(pair.old)}
    gone = (one for stack in change.removed_stacks for one in stack.resources.values())
    for old in (*change.removed, *gone):
        found |= {one.key: old for one in find_unique_values(old)}
    return found


def _swapped(new: Resource, heir: Resource, change: Comparison) -> bool:
    """Whether two resources that stay take what the other holds."""
    mine = {hold.key for hold in find_unique_values(change.find_old_version(new) or new)}
    return new is not heir and any(hold.key in mine for hold in find_unique_values(heir))


def _still_deployed(new: Resource, hold: UniqueValue, old: Resource) -> Effect:
    return Effect(
        "M1402",
        "error",
        hold.node,
        f"The stack `{old.stack.name}` stays deployed, and its {old.id} has {hold.description}: "
        f"{new.id} is refused",
        "Keep it in the params, or delete it before this update.",
    )


def _replaced_in_place(new: Resource, hold: UniqueValue) -> Effect:
    if hold.node.path == name_property(new).path:
        refusal = "CloudFormation cannot replace a custom-named resource"
        hint = "Leave the name out, or change it with this update."
    else:
        refusal = "the second is refused"
        hint = "Change that too, or make this change in two updates: one without it, one with it."
    return Effect(
        "M1402",
        "error",
        hold.node,
        f"The new {new.id} is made before the old one is deleted, and both have "
        f"{hold.description}: {refusal}",
        hint,
    )


def _second(new: Resource, hold: UniqueValue, old: Resource) -> Effect:
    renamed = f"Keep the logical ID {old.id}, or change" if new.id != old.id else "Change"
    return Effect(
        "M1402",
        "error",
        hold.node,
        f"{new.id} gets {hold.description} that {old.id} still has at that moment: the second "
        "is refused",
        f"{renamed} in two updates, of which the first frees it.",
    )


def _race(new: Resource, hold: UniqueValue, heir: Resource) -> Effect:
    return Effect(
        "M1402",
        "warning",
        hold.node,
        f"{new.id} gets {hold.description} that {heir.id} has had, and nothing says which of the "
        "two changes first: it may be refused",
        f"Write `DependsOn: {heir.id}`, or change in two updates.",
    )
