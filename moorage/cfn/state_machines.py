"""The definition of a state machine, from `Definition` or from the text of `DefinitionString`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from moorage.cfn.nodes import Node
from moorage.cfn.stack import Resource
from moorage.cfn.values import Text, Unknown
from moorage.records import entity

_UNKNOWN_PART = "\ue000"
_MAX_DEPTH = 20


@entity
class State:
    """A state. What only the deployment knows of it is None."""

    name: str
    fields: Mapping[str, Any]
    node: Node
    """The place of the state, or of the text that it is in."""

    def text(self, key: str) -> str | None:
        value = self.fields.get(key)
        return value if isinstance(value, str) else None

    def maps(self, key: str) -> list[Mapping[str, Any]]:
        """The maps in a list."""
        value = self.fields.get(key)
        return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


@entity
class Block:
    """States that refer to each other: those of the machine, of a branch or of a map."""

    start: str | None
    states: tuple[State, ...]
    node: Node
    is_top: bool


def find_blocks(machine: Resource) -> list[Block]:
    """All states of a machine; none if the definition is not known, or no map of states."""
    for key in ("Definition", "DefinitionString"):
        node = machine[key]
        body = _plain(node) if isinstance(node.value, Mapping) else _parse(node)
        if isinstance(body, dict):
            return list(_blocks(body, node, node if node.entries else None, depth=0))
    return []


def _parse(node: Node) -> Any:
    text = _text(node)
    try:
        return _known(json.loads(text), 0) if text else None
    except (ValueError, RecursionError):
        return None


def _text(node: Node) -> str:
    """A text with a mark for each unknown part. The partition makes no difference."""
    partition = Unknown("AWS::Partition")
    parts = ("aws" if part == partition else part for part in node.parts)
    return "".join(part if isinstance(part, str) else _UNKNOWN_PART for part in parts)


def _known(value: Any, depth: int) -> Any:
    """A value with None for each text that has an unknown part or a substitution."""
    if depth > _MAX_DEPTH:
        return None
    if isinstance(value, dict):
        return {key: _known(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [_known(item, depth + 1) for item in value]
    is_unknown = isinstance(value, str) and (_UNKNOWN_PART in value or "${" in value)
    return None if is_unknown else value


def _plain(node: Node, depth: int = 0) -> Any:
    if isinstance(node.value, Text):
        return _known(_text(node), depth)
    if depth > _MAX_DEPTH or node.unknown or node.attr is not None:
        return None
    if isinstance(node.value, Mapping):
        return {key: _plain(item, depth + 1) for key, item in node.entries}
    if isinstance(node.value, list):
        return [_plain(item, depth + 1) for item in node.items]
    return _known(node.value, depth)


def _blocks(body: Mapping[str, Any], place: Node, node: Node | None, depth: int) -> Iterator[Block]:
    """The block and those within it. `node` is the place of `body` itself, if it has one."""
    states = body.get("States")
    if not isinstance(states, dict) or depth > _MAX_DEPTH:
        return
    if any(_UNKNOWN_PART in name or "${" in name for name in states):
        return
    found = tuple(
        State(name, fields, node["States"][name] if node else place)
        for name, fields in states.items()
        if isinstance(fields, dict)
    )
    start = body.get("StartAt")
    if len(found) == len(states):
        start = start if isinstance(start, str) else None
        yield Block(start, found, node or place, is_top=depth == 0)
    for state in found:
        inner = [(state.fields.get(key), (key,)) for key in ("ItemProcessor", "Iterator")] + [
            (branch, ("Branches", index)) for index, branch in enumerate(state.maps("Branches"))
        ]
        for inner_body, path in inner:
            if isinstance(inner_body, dict):
                inner_node = state.node.at(*path) if node else None
                yield from _blocks(inner_body, place, inner_node, depth + 1)
