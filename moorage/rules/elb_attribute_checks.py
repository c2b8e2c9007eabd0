"""Checks of the attributes of load balancers, listeners and target groups."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import get_close_matches

from moorage.cfn.nodes import Node
from moorage.facts.elb_attributes import NETWORK, TABLES_BY_PROPERTY, AttributeTable
from moorage.rules.rule import Problem, problem


def find_unsupported_keys(
    attributes: Sequence[Node], table: AttributeTable, kind: str, owner: str
) -> Iterator[Problem]:
    """Attributes that their owner does not support. `kind` is the type of load balancer that it
    belongs to; `owner` is the beginning of the message."""
    for attribute in attributes:
        key = attribute["Key"].text
        hint = _hint_for_key(key, table, kind) if key is not None else None
        if hint:
            message = f"{owner} does not support the attribute `{key}`, and AWS rejects it"
            yield problem(attribute["Key"], message, hint)


def find_invalid_values(
    attributes: Sequence[Node], table: AttributeTable, kind: str
) -> Iterator[Problem]:
    """Values that an attribute does not accept, for the attributes that are supported."""
    for attribute in attributes:
        key, value = attribute["Key"].text or "", attribute["Value"]
        fact = table.get(key)
        if fact is None or kind not in fact.kinds:
            continue
        if value.choices and not any(fact.accepts(choice) for choice in value.choices):
            yield problem(
                value,
                f"The attribute `{key}` does not accept the value `{value.choices[0]}`, and AWS "
                f"rejects it",
                f"Write {fact.allowed_values}.",
            )


def _hint_for_key(key: str, table: AttributeTable, kind: str) -> str | None:
    """What to write instead of an unsupported key; None for a supported one, and for one that is
    not in any table: AWS may have added it since."""
    if key in table:
        return None if kind in table[key].kinds else _hint_for_removal(key, kind)
    for property_name, other_table in TABLES_BY_PROPERTY:
        if other_table is not table and key in other_table:
            return f"Move it to {property_name}, or remove it."
    supported = [name for name in table if kind in table[name].kinds]
    similar = get_close_matches(key, supported, 1, 0.8)
    return f"Write `{similar[0]}`." if similar else None


def _hint_for_removal(key: str, kind: str) -> str:
    if key == "idle_timeout.timeout_seconds" and kind == NETWORK:
        return (
            "Remove it. For a TCP listener, write `tcp.idle_timeout.seconds` in ListenerAttributes."
        )
    return "Remove it."
