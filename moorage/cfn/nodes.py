"""Properties as rules ask for them: any path may be asked for, and what is not there is absent.

A node reads the template under one scenario: functions are carried out as far as they can be, so
`Fn::If` is the branch that is taken, and what cannot be known says so (see `values`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from moorage.cfn.values import (
    MISSING,
    ZONE_PREFIX,
    Attr,
    OneOf,
    Text,
    Unknown,
    are_same,
    as_text,
    join_parts,
)

if TYPE_CHECKING:
    from moorage.cfn.view import Resource, Stack

Path = tuple[str | int, ...]

_SUB = re.compile(r"\$\{([^}]*)\}")
_MOST_CHOICES = 24
_DEEPEST = 60
_ALWAYS = frozenset({"Ref", "Fn::Sub", "Fn::Join"})
"""Functions that never come to nothing, known or not."""


_UNREAD: Final = object()


class Node:
    """A place in a template, and what stands there."""

    __slots__ = ("_items", "_nodes", "_value", "path", "raw", "stack")

    def __init__(self, stack: Stack, raw: Any, path: Path) -> None:
        self.stack = stack
        self.raw = raw
        self.path = path
        self._value: Any = _UNREAD
        self._nodes: dict[Any, Node] | None = None
        self._items: tuple[Node, ...] | None = None

    @property
    def value(self) -> Any:
        """A scalar, a map or list as written, MISSING, or one of `values`."""
        if self._value is _UNREAD:
            try:
                self._value, self.path = evaluate(self.stack, self.raw, self.path)
            except RecursionError:
                self._value = Unknown("too deep")
        return self._value

    def __getitem__(self, key: str | int) -> Node:
        if self._nodes is None:
            self._nodes = {}
        found = self._nodes.get(key)
        if found is None:
            value = self.value
            inner: Any = MISSING
            if isinstance(value, Mapping):
                inner = value.get(key, MISSING)
            elif isinstance(value, list) and isinstance(key, int) and -1 < key < len(value):
                inner = value[key]
            elif isinstance(value, Unknown | OneOf | Text | Attr):
                inner = Unknown(f"{value}.{key}")
            found = self._nodes[key] = Node(self.stack, inner, (*self.path, key))
        return found

    def at(self, *path: str | int) -> Node:
        node = self
        for key in path:
            node = node[key]
        return node

    # What it is -------------------------------------------------------------------------------

    @property
    def absent(self) -> bool:
        return self.value is MISSING or self.value is None

    @property
    def present(self) -> bool:
        return not self.absent

    @property
    def certainly_present(self) -> bool:
        """Whether it certainly is there, known or not. An If that is not decided may be nothing."""
        if self.unknown:
            return isinstance(self.raw, Mapping) and not _ALWAYS.isdisjoint(self.raw)
        return self.present

    @property
    def empty(self) -> bool:
        """Whether it is certain that nothing is listed: it is absent, or a list of nothing."""
        return self.absent or (isinstance(self.value, list) and not self.items)

    @property
    def optional(self) -> bool:
        """Whether it may turn out to be AWS::NoValue: an If of which the branch is not known."""
        raw = self.raw
        while isinstance(self.value, Unknown) and isinstance(raw, Mapping) and [*raw] == ["Fn::If"]:
            argument = raw["Fn::If"]
            if not isinstance(argument, list) or len(argument) != 3:
                return True
            truth = self.stack.evaluate_condition(argument[0])
            if truth is None:
                return True
            raw = argument[1 if truth else 2]
        return False

    @property
    def unknown(self) -> bool:
        """Whether this very value is left to the deployment. Its parts may be even so:
        `fully_known`."""
        return isinstance(self.value, Unknown | OneOf | Text)

    @property
    def fully_known(self) -> bool:
        """Whether nothing in it is left to the deployment, at any depth. An attribute is sure."""
        if self.unknown:
            return False
        return all(node.fully_known for node in (*self.items, *(node for _, node in self.entries)))

    @property
    def text(self) -> str | None:
        """The literal as text (`80` and `true` too), or None."""
        return as_text(self.value)

    @property
    def number(self) -> int | None:
        """The literal as a whole number, or None."""
        text = self.text
        try:
            return int(text) if text is not None and len(text) < 20 else None
        except ValueError:
            return None

    @property
    def flag(self) -> bool | None:
        """The literal as a truth, or None."""
        return {"true": True, "false": False}.get((self.text or "").lower())

    @property
    def attr(self) -> Attr | None:
        """The resource's attribute that it is, or None."""
        return self.value if isinstance(self.value, Attr) else None

    @property
    def resource(self) -> Resource | None:
        """The resource that it names, or None."""
        return self.value.resource if isinstance(self.value, Attr) else None

    @property
    def choices(self) -> tuple[str, ...]:
        """Every text that it can be: one for a literal, several for a parameter with
        AllowedValues, none where that is not known."""
        if isinstance(self.value, OneOf):
            return self.value.values
        text = self.text
        return () if text is None else (text,)

    @property
    def parts(self) -> tuple[str | Attr | Unknown | OneOf, ...]:
        """A text in parts, of which some may be known."""
        if isinstance(self.value, Text):
            return self.value.parts
        if isinstance(self.value, Attr | Unknown | OneOf):
            return (self.value,)
        text = self.text
        return () if text is None else (text,)

    @property
    def default(self) -> str | None:
        """The literal, or the default of the parameter that it is: for advice, not for errors."""
        if isinstance(self.value, Unknown | OneOf):
            return as_text(self.value.default)
        return self.text

    def is_same_as(self, other: Node) -> bool | None:
        """Whether both are the same value; None where only the deployment knows."""
        return are_same(self.value, other.value)

    def is_none_of(self, *words: str) -> bool:
        """Whether it certainly is none of these words. What is absent or unknown may be."""
        return bool(self.choices) and not set(self.choices) & set(words)

    # What it holds ----------------------------------------------------------------------------

    @property
    def items(self) -> tuple[Node, ...]:
        """The items of a list, without those that are AWS::NoValue; none for anything else."""
        if self._items is None:
            value = self.value
            length = len(value) if isinstance(value, list) else 0
            nodes = map(self.__getitem__, range(length))
            self._items = tuple(node for node in nodes if not node.absent)
        return self._items

    @property
    def as_list(self) -> tuple[Node, ...]:
        """The items of a list, or the value itself: as IAM reads `Action` and `Statement`."""
        if isinstance(self.value, list):
            return self.items
        return () if self.absent else (self,)

    @property
    def entries(self) -> tuple[tuple[str, Node], ...]:
        """The entries of a map, without those that are AWS::NoValue; none for anything else."""
        value = self.value
        if not isinstance(value, Mapping):
            return ()
        found = ((str(key), self[key]) for key in value)
        return tuple((key, node) for key, node in found if not node.absent)

    @property
    def all_known(self) -> bool:
        """Whether a list's or map's entries are all in sight, each at least in part."""
        if isinstance(self.value, list):
            return not any(isinstance(node.value, Unknown) for node in self.items)
        return not self.unknown

    def __repr__(self) -> str:
        return f"<{'.'.join(map(str, self.path))}: {self.value!r}>"


def nearest_existing_path(body: Any, path: Path) -> Path:
    """The nearest place that exists."""
    for at, key in enumerate(path):
        inside = isinstance(body, Mapping) and key in body
        if not inside and not (isinstance(body, list) and key in range(len(body))):
            return path[:at]
        body = body[key]
    return path


# Functions carried out -----------------------------------------------------------------------


def evaluate(stack: Stack, raw: Any, path: Path) -> tuple[Any, Path]:
    """A raw value with its outermost function carried out, and the place where it then stands."""
    for _ in range(_DEEPEST):
        if isinstance(raw, str):
            return _static(raw), path
        if not isinstance(raw, Mapping) or len(raw) != 1:
            return raw, path
        function, argument = next(iter(raw.items()))
        if function in _PICKS:
            picked = _PICKS[function](stack, argument)
            if not isinstance(picked, tuple):
                return picked, path
            steps, raw = picked
            path = (*path, function, *steps)
        elif function in _FUNCTIONS:
            try:
                return _static(_FUNCTIONS[function](stack, argument)), path
            except (TypeError, ValueError, KeyError, IndexError, AttributeError):
                return Unknown(expression_key(raw)), path
        elif isinstance(function, str) and function.startswith("Fn::"):
            return Unknown(expression_key(_settled(stack, raw))), path
        else:
            return raw, path
    return Unknown("too deep"), path


def _static(value: Any) -> Any:
    """A value, or unknown where it is a dynamic reference."""
    return Unknown(value) if isinstance(value, str) and "{{resolve:" in value else value


def expression_key(raw: Any) -> str:
    """A text that is the same for the same expression."""
    return repr(raw)


def _settled(stack: Stack, raw: Any) -> Any:
    """An expression with what can be known in it known, so that equal ones look equal."""
    if isinstance(raw, Mapping):
        if len(raw) == 1 and next(iter(raw)) in ("Ref", "Fn::Sub", "Fn::FindInMap", "Fn::If"):
            value = evaluate(stack, raw, ())[0]
            return _settled(stack, value) if isinstance(value, list) else value
        return {key: _settled(stack, value) for key, value in raw.items()}
    if isinstance(raw, list):
        return [_settled(stack, value) for value in raw]
    return as_text(raw)


def _ref(stack: Stack, argument: Any) -> Any:
    return (
        stack.resolve_ref(argument)
        if isinstance(argument, str)
        else Unknown(expression_key(argument))
    )


def _get_att(stack: Stack, argument: Any) -> Any:
    name, attribute = argument.split(".", 1) if isinstance(argument, str) else argument
    resource = stack.resources.get(name)
    if resource is None or not isinstance(attribute, str):
        return Unknown(f"{stack.name}:{name}.{attribute}")
    return Attr(resource, attribute)


def _sub(stack: Stack, argument: Any) -> Any:
    text, names = (argument, {}) if isinstance(argument, str) else argument
    parts: list[Any] = []
    at = 0
    for match in _SUB.finditer(text):
        parts.append(text[at : match.start()])
        at = match.end()
        name = match[1].strip()
        if name.startswith("!"):
            parts.append("${" + name[1:] + "}")
        elif name in names:
            parts.append(_part(evaluate(stack, names[name], ())[0]))
        elif "." in name:
            parts.append(_part(_get_att(stack, name)))
        else:
            parts.append(_part(stack.resolve_ref(name)))
    parts.append(text[at:])
    return join_parts(parts)


def _part(value: Any) -> Any:
    text = as_text(value)
    if text is not None:
        return text
    return (
        value
        if isinstance(value, Unknown | OneOf | Attr | Text)
        else Unknown(expression_key(value))
    )


def _join(stack: Stack, argument: Any) -> Any:
    separator, given = argument
    values = evaluate_list(stack, given)
    if values is None or not isinstance(separator, str):
        return Unknown(expression_key(_settled(stack, {"Fn::Join": argument})))
    parts: list[Any] = []
    for value in values:
        parts += ([separator] if parts else []) + [_part(value)]
    return join_parts(parts)


def evaluate_list(stack: Stack, raw: Any) -> list[Any] | None:
    """The reduced items of a list, without AWS::NoValue; None where they cannot be counted."""
    value = evaluate(stack, raw, ())[0]
    if not isinstance(value, list):
        return None
    items = [evaluate(stack, one, ())[0] for one in value]
    return [one for one in items if one is not MISSING]


def _split(stack: Stack, argument: Any) -> Any:
    separator, given = argument
    value = evaluate(stack, given, ())[0]
    text = as_text(value)
    if text is not None and isinstance(separator, str):
        return text.split(separator)
    return Unknown(expression_key(_settled(stack, {"Fn::Split": argument})))


def _branch(stack: Stack, argument: Any) -> Any:
    """Steps to the branch of an If and what stands there, or what both branches come to."""
    if not isinstance(argument, list) or len(argument) != 3:
        return Unknown(expression_key(argument))
    truth = stack.evaluate_condition(argument[0])
    if truth is not None:
        branch = 1 if truth else 2
        return (branch,), argument[branch]
    both = [evaluate(stack, one, ())[0] for one in argument[1:]]
    equal = as_text(both[0]) is not None and are_same(*both)
    return both[0] if equal else Unknown(expression_key(argument))


def _selected(stack: Stack, argument: Any) -> Any:
    """Steps to the item that is selected and what stands there, or what is known of it."""
    if not isinstance(argument, list) or len(argument) != 2:
        return Unknown(expression_key(argument))
    index = as_text(evaluate(stack, argument[0], ())[0])
    items = evaluate(stack, argument[1], ())[0]
    if index is not None and index.isdigit() and isinstance(items, list):
        at = int(index)
        return ((1, at), items[at]) if at < len(items) else Unknown(expression_key(argument))
    zones = argument[1].get("Fn::GetAZs") if isinstance(argument[1], Mapping) else None
    if index is not None and zones in ("", {"Ref": "AWS::Region"}, stack.template.region or ""):
        return Unknown(f"{ZONE_PREFIX}{index}")
    return Unknown(expression_key(_settled(stack, {"Fn::Select": argument})))


def _find_in_map(stack: Stack, argument: Any) -> Any:
    keys = [evaluate(stack, one, ())[0] for one in argument[:3]]
    unknown = Unknown(expression_key({"Fn::FindInMap": _settled(stack, argument)}))
    table = stack.template.mappings.get(as_text(keys[0]) or "")
    if table is None:
        return unknown
    found = [
        value
        for first in _keys(keys[1], table)
        if isinstance(table.get(first), Mapping)
        for second in _keys(keys[2], table[first])
        for value in [table[first].get(second, MISSING)]
        if value is not MISSING
    ]
    certain = all(as_text(key) is not None for key in keys[1:])
    if not found or (len(argument) > 3 and not certain):  # a DefaultValue
        return unknown
    if all(one == found[0] for one in found):
        return found[0]
    usual = _usual(keys, table)
    texts = dict.fromkeys(map(as_text, found))
    known = tuple(text for text in texts if text is not None)
    if any(isinstance(key, Unknown | Text) for key in keys) or len(texts) > _MOST_CHOICES:
        return Unknown(unknown.token, usual)
    all_known = 1 < len(known) == len(texts)
    return OneOf(known, unknown.token, usual) if all_known else Unknown(unknown.token, usual)


def _usual(keys: list[Any], table: Mapping[str, Any]) -> Any:
    """What stands under the defaults of the parameters that the keys are, if anything does."""
    first, second = (
        as_text(key.default if isinstance(key, Unknown | OneOf) else key) or "" for key in keys[1:]
    )
    row = table.get(first)
    return row.get(second) if isinstance(row, Mapping) else None


def _keys(key: Any, table: Mapping[str, Any]) -> tuple[str, ...]:
    if isinstance(key, OneOf):
        return key.values
    text = as_text(key)
    return tuple(map(str, table)) if text is None else (text,)


def _import(stack: Stack, argument: Any) -> Any:
    name = evaluate(stack, argument, ())[0]
    return stack.view.resolve_import(name)


_PICKS: dict[str, Any] = {"Fn::If": _branch, "Fn::Select": _selected}
_FUNCTIONS: dict[str, Any] = {
    "Ref": _ref,
    "Fn::GetAtt": _get_att,
    "Fn::Sub": _sub,
    "Fn::Join": _join,
    "Fn::Split": _split,
    "Fn::FindInMap": _find_in_map,
    "Fn::ImportValue": _import,
}
