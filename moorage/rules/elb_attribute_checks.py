"""Attributes of load balancers, listeners and target groups that their kind does not take."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import get_close_matches

from moorage.cfn.nodes import Node
from moorage.facts.elb_attributes import NETWORK, TABLES_BY_PROPERTY, AttributeTable
from moorage.rules.rule import Problem, problem


def find_unsupported_keys(
    items: Sequence[Node], table: AttributeTable, kind: str, whose: str
) -> Iterator[Problem]:
    """Attributes that their owner does not take."""
    for one in items:
        key = one["Key"].text
        hint = _misplaced(key, table, kind) if key is not None else None
        if hint:
            yield problem(one["Key"], f"{whose} has no attribute `{key}`, and AWS refuses it", hint)


def find_invalid_values(
    items: Sequence[Node], table: AttributeTable, kind: str
) -> Iterator[Problem]:
    """Values that an attribute does not take, of attributes that are right."""
    for one in items:
        attribute = table.get(one["Key"].text or "")
        if attribute is None or kind not in attribute.kinds:
            continue
        given = one["Value"]
        if given.choices and not any(attribute.accepts(value) for value in given.choices):
            yield problem(
                given,
                f"`{one['Key'].text}` does not take `{given.choices[0]}`, and AWS refuses it",
                f"Write {attribute.allowed_values}.",
            )


def _misplaced(key: str, table: AttributeTable, kind: str) -> str | None:
    """What to write instead of a key that this kind does not take; None where it does, or where
    nobody here knows the key: AWS may have made it since."""
    if key in table:
        if kind in table[key].kinds:
            return None
        return _elsewhere(key, table, kind)
    for owner, other in TABLES_BY_PROPERTY:
        if other is not table and key in other:
            return f"Write it into the {owner}, or remove it."
    near = get_close_matches(key, [one for one in table if kind in table[one].kinds], 1, 0.8)
    return f"Write `{near[0]}`." if near else None


def _elsewhere(key: str, table: AttributeTable, kind: str) -> str:
    if key == "idle_timeout.timeout_seconds" and kind == NETWORK:
        return "Remove it; listeners for TCP have `tcp.idle_timeout.seconds` in ListenerAttributes."
    return "Remove it."
