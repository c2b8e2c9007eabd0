"""Nodes: places in a template, with their values in one scenario.

A node exists for any path; if the template has nothing there, it is absent. Its value
is what `intrinsic_functions` makes of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from moorage.cfn.intrinsic_functions import evaluate, without_dynamic_reference
from moorage.cfn.values import (
    KNOWN_LATER,
    MISSING,
    UNKNOWN,
    Attr,
    OneOf,
    Path,
    Text,
    Unknown,
    are_same,
    as_text,
)

if TYPE_CHECKING:
    from moorage.cfn.stack import Resource, Stack
    from moorage.cfn.template import Switch

_NEVER_ABSENT = frozenset(
    {"Ref", "Fn::Sub", "Fn::Join", "Fn::GetAtt", "Fn::ImportValue", "Fn::Split", "Fn::Base64"}
)
"""Functions whose value is never AWS::NoValue, even if it is unknown. A `Ref` to AWS::NoValue
itself is known, and absent."""

_NOT_EVALUATED: Final = object()
_PARTS = (Attr, Unknown, OneOf)
"""What is unknown in a text."""


class Node:
    """A place in a template, and its value. `Stack.node` makes one."""

    __slots__ = ("_items", "_nodes", "path", "raw", "stack", "value")

    _reads: frozenset[Switch] = frozenset()

    def __init__(self, stack: Stack, raw: Any, path: Path) -> None:
        """A place without a function at its top."""
        self.stack = stack
        self.raw = raw
        self.path = path
        self.value: Any = without_dynamic_reference(raw) if isinstance(raw, str) else raw
        """A scalar, a map or list as written, MISSING, or a value of the module `values`."""
        self._nodes: dict[Any, Node] | None = None
        self._items: tuple[Node, ...] | None = None

    def __getitem__(self, key: str | int) -> Node:
        nodes = self._nodes
        if nodes is None:
            nodes = self._nodes = {}
        elif key in nodes:
            return nodes[key]
        # Missing ones are kept, too: rules use nodes as keys.
        value = self.value
        inner = value.get(key, MISSING) if isinstance(value, dict) else _inner_value(value, key)
        path = self.path + (key,)  # noqa: RUF005 - takes half the time of `(*self.path, key)`
        node = nodes[key] = self.stack.node(inner, path, self._reads)
        return node

    def at(self, *path: str | int) -> Node:
        node = self
        for key in path:
            node = node[key]
        return node

    # Presence ---------------------------------------------------------------------------------

    @property
    def absent(self) -> bool:
        """Whether there is no value, or null, or AWS::NoValue."""
        value = self.value
        return value is MISSING or value is None

    @property
    def present(self) -> bool:
        """Whether there is a value, known or not. An `Fn::If` with an unknown condition is present,
        although a branch may be AWS::NoValue: see `certainly_present`."""
        value = self.value
        return value is not MISSING and value is not None

    @property
    def certainly_present(self) -> bool:
        """Whether there certainly is a value, known or not."""
        if not self.unknown:
            return self.present
        raw = self._taken_branch
        is_function = isinstance(raw, Mapping) and not _NEVER_ABSENT.isdisjoint(raw)
        return is_function or isinstance(raw, str)  # a text with a dynamic reference

    @property
    def empty(self) -> bool:
        """Whether it certainly is absent or an empty list."""
        return self.absent or (isinstance(self.value, list) and not self.items)

    @property
    def optional(self) -> bool:
        """Whether it may be AWS::NoValue: an `Fn::If` whose condition is unknown."""
        raw = self._taken_branch
        return isinstance(self.value, Unknown) and isinstance(raw, Mapping) and "Fn::If" in raw

    @property
    def _taken_branch(self) -> Any:
        """What the template has for the value: the branch of `Fn::If` that is taken, or the
        `Fn::If` itself if its condition is unknown."""
        raw = self.raw
        while isinstance(raw, Mapping) and [*raw] == ["Fn::If"]:
            argument = raw["Fn::If"]
            if not isinstance(argument, list) or len(argument) != 3:
                break
            is_true = self.stack.evaluate_condition(argument[0])
            if is_true is None:
                break
            raw = argument[1 if is_true else 2]
        return raw

    # Values -----------------------------------------------------------------------------------

    @property
    def unknown(self) -> bool:
        """Whether the value itself is not known before the deployment. A map or list that contains
        unknown values is known: see `fully_known`."""
        return isinstance(self.value, UNKNOWN)

    @property
    def fully_known(self) -> bool:
        """Whether there is no unknown value at any depth. Attributes of resources count as
        known."""
        if self.unknown:
            return False
        return all(node.fully_known for node in (*self.items, *(node for _, node in self.entries)))

    @property
    def text(self) -> str | None:
        """The literal as text (`80` and `true`, too), or None."""
        value = self.value
        return value if type(value) is str else as_text(value)

    @property
    def number(self) -> int | None:
        """The literal as a whole number, or None."""
        text = self.text
        try:
            return int(text) if text and text.isascii() and len(text) < 20 else None
        except ValueError:
            return None

    @property
    def flag(self) -> bool | None:
        """The literal as a boolean, or None."""
        return {"true": True, "false": False}.get((self.text or "").lower())

    @property
    def attr(self) -> Attr | None:
        """The attribute of a resource that it refers to, or None."""
        value = self.value
        return value if isinstance(value, Attr) else None

    @property
    def resource(self) -> Resource | None:
        """The resource that it refers to, or None."""
        value = self.value
        return value.resource if isinstance(value, Attr) else None

    @property
    def choices(self) -> tuple[str, ...]:
        """All possible texts: one for a literal, several for a parameter with AllowedValues, none
        if they are unknown."""
        value = self.value
        if isinstance(value, OneOf):
            return value.values
        text = self.text
        return () if text is None else (text,)

    @property
    def parts(self) -> tuple[str | Attr | Unknown | OneOf, ...]:
        """The known and unknown parts of a text; none for anything else."""
        value = self.value
        if isinstance(value, Text):
            return value.parts
        if isinstance(value, _PARTS):
            return (value,)
        text = as_text(value)
        return () if text is None else (text,)

    @property
    def default(self) -> str | None:
        """The literal, or the default of the parameter that it refers to. Good for a warning, not
        for an error: the deployment may use another value."""
        if isinstance(self.value, Unknown | OneOf):
            return as_text(self.value.default)
        return self.text

    def is_same_as(self, other: Node) -> bool | None:
        """Whether both have the same value; None if only the deployment knows."""
        return are_same(self.value, other.value)

    def is_none_of(self, *words: str) -> bool:
        """Whether it certainly has a value other than these. False if it is absent."""
        return bool(self.choices) and not set(self.choices) & set(words)

    # Lists and maps ---------------------------------------------------------------------------

    @property
    def items(self) -> tuple[Node, ...]:
        """The items of a list, without AWS::NoValue; none for anything else."""
        if self._items is None:
            self._items = self._find_items()
        return self._items

    def _find_items(self) -> tuple[Node, ...]:
        value = self.value
        nodes = [self[index] for index in range(len(value))] if isinstance(value, list) else []
        return tuple([node for node in nodes if not node.absent])

    @property
    def as_list(self) -> tuple[Node, ...]:
        """The items of a list, or the value itself if it is no list, as IAM reads `Action`."""
        if isinstance(self.value, list):
            return self.items
        return () if self.absent else (self,)

    @property
    def entries(self) -> tuple[tuple[str, Node], ...]:
        """The entries of a map, without AWS::NoValue; none for anything else."""
        value = self.value
        if not isinstance(value, dict):
            return ()
        nodes = [(str(key), self[key]) for key in value]
        return tuple([entry for entry in nodes if not entry[1].absent])

    @property
    def all_known(self) -> bool:
        """Whether the entries are complete: it is no unknown value, and no item of a list is
        entirely unknown."""
        if isinstance(self.value, list):
            return not any(isinstance(node.value, Unknown) for node in self.items)
        return not self.unknown

    def __repr__(self) -> str:
        return f"<{'.'.join(map(str, self.path))}: {self.value!r}>"


class LateNode(Node):
    """A place whose value is evaluated when it is read first, as it may lead to this place
    again."""

    __slots__ = ()

    def __init__(self, stack: Stack, raw: Any, path: Path) -> None:
        self.stack = stack
        self.raw = raw
        self.path = path
        self._nodes = None
        self._items = None

    def __getattr__(self, name: str) -> Any:
        """The value, which is not set before it is read."""
        if name != "value":
            raise AttributeError(name)
        self.value, self.path = _evaluate(self)
        return self.value


class RecordedNode(Node):
    """A place in a view that records which switches are read: here those that the value depends on.
    It is evaluated late, too."""

    __slots__ = ("_reads", "_value")

    def __init__(self, stack: Stack, raw: Any, path: Path, reads: frozenset[Switch]) -> None:
        self.stack = stack
        self.raw = raw
        self.path = path
        self._reads = reads
        self._value: Any = _NOT_EVALUATED
        self._nodes = None
        self._items = None

    @property
    def value(self) -> Any:
        if self._value is _NOT_EVALUATED:
            if isinstance(self.raw, dict) and len(self.raw) == 1:
                (self._value, self.path), reads = self.stack.view.record(lambda: _evaluate(self))
                if reads:
                    self._reads |= reads
            else:
                self._value, self.path = _evaluate(self)
        if self._reads:
            self.stack.view.reads |= self._reads
        return self._value

    @property
    def items(self) -> tuple[Node, ...]:
        if self._items is None:
            items, reads = self.stack.view.record(self._find_items)
            self._items = items
            if reads:
                self._reads |= reads
        if self._reads:
            self.stack.view.reads |= self._reads
        return self._items


def _evaluate(node: Node) -> tuple[Any, Path]:
    """The value of a node, and its path, which can be longer then."""
    try:
        return evaluate(node.stack, node.raw, node.path)
    except RecursionError:
        return Unknown("too deep"), node.path


def _inner_value(value: Any, key: str | int) -> Any:
    """What a value that is no map has at a key, MISSING if there is nothing."""
    if value is MISSING:
        return MISSING
    if isinstance(value, list):
        return value[key] if isinstance(key, int) and -1 < key < len(value) else MISSING
    return Unknown(f"{value}.{key}") if isinstance(value, KNOWN_LATER) else MISSING


def nearest_existing_path(body: Any, path: Path) -> Path:
    """The longest beginning of a path that exists in a template.

    >>> nearest_existing_path({"A": [{"B": 1}]}, ("A", 0, "C", "D"))
    ('A', 0)
    """
    for length, key in enumerate(path):
        is_key = isinstance(body, Mapping) and key in body
        if not is_key and not (isinstance(body, list) and key in range(len(body))):
            return path[:length]
        body = body[key]
    return path
