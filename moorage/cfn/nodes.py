"""Nodes: places in a template, with their values in one scenario.

A node exists for any path; if the template has nothing there, it is absent. Intrinsic functions are
evaluated as far as possible: an `Fn::If` has the value of the branch that is taken. What cannot be
evaluated has a value of `values`, such as Unknown.
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

_SUB = re.compile(r"\$\{([^}]{0,256}+)\}")
_MAX_CHOICES = 24
_MAX_DEPTH = 60
_NEVER_ABSENT = frozenset({"Ref", "Fn::Sub", "Fn::Join"})
"""Functions whose value is never AWS::NoValue, even if it is unknown. A `Ref` to AWS::NoValue
itself is known, and absent."""

_NOT_EVALUATED: Final = object()


class Node:
    """A place in a template, and its value."""

    __slots__ = ("_items", "_nodes", "_value", "path", "raw", "stack")

    def __init__(self, stack: Stack, raw: Any, path: Path) -> None:
        self.stack = stack
        self.raw = raw
        self.path = path
        self._value: Any = _NOT_EVALUATED
        self._nodes: dict[Any, Node] | None = None
        self._items: tuple[Node, ...] | None = None

    @property
    def value(self) -> Any:
        """A scalar, a map or list as written, MISSING, or a value of the module `values`."""
        if self._value is _NOT_EVALUATED:
            try:
                self._value, self.path = evaluate(self.stack, self.raw, self.path)
            except RecursionError:
                self._value = Unknown("too deep")
        return self._value

    def __getitem__(self, key: str | int) -> Node:
        if self._nodes is None:
            self._nodes = {}
        node = self._nodes.get(key)
        if node is None:
            value = self.value
            inner: Any = MISSING
            if isinstance(value, Mapping):
                inner = value.get(key, MISSING)
            elif isinstance(value, list) and isinstance(key, int) and -1 < key < len(value):
                inner = value[key]
            elif isinstance(value, Unknown | OneOf | Text | Attr):
                inner = Unknown(f"{value}.{key}")
            node = self._nodes[key] = Node(self.stack, inner, (*self.path, key))
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
        return self.value is MISSING or self.value is None

    @property
    def present(self) -> bool:
        """Whether there is a value, known or not. An `Fn::If` with an unknown condition is present,
        although a branch may be AWS::NoValue: see `certainly_present`."""
        return not self.absent

    @property
    def certainly_present(self) -> bool:
        """Whether there certainly is a value, known or not."""
        if self.unknown:
            return isinstance(self.raw, Mapping) and not _NEVER_ABSENT.isdisjoint(self.raw)
        return self.present

    @property
    def empty(self) -> bool:
        """Whether it certainly is absent or an empty list."""
        return self.absent or (isinstance(self.value, list) and not self.items)

    @property
    def optional(self) -> bool:
        """Whether it may be AWS::NoValue: an `Fn::If` whose condition is unknown."""
        raw = self.raw
        while isinstance(self.value, Unknown) and isinstance(raw, Mapping) and [*raw] == ["Fn::If"]:
            argument = raw["Fn::If"]
            if not isinstance(argument, list) or len(argument) != 3:
                return True
            is_true = self.stack.evaluate_condition(argument[0])
            if is_true is None:
                return True
            raw = argument[1 if is_true else 2]
        return False

    # Values -----------------------------------------------------------------------------------

    @property
    def unknown(self) -> bool:
        """Whether the value itself is not known before the deployment. A map or list that contains
        unknown values is known: see `fully_known`."""
        return isinstance(self.value, Unknown | OneOf | Text)

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
        """The literal as a boolean, or None."""
        return {"true": True, "false": False}.get((self.text or "").lower())

    @property
    def attr(self) -> Attr | None:
        """The attribute of a resource that it refers to, or None."""
        return self.value if isinstance(self.value, Attr) else None

    @property
    def resource(self) -> Resource | None:
        """The resource that it refers to, or None."""
        return self.value.resource if isinstance(self.value, Attr) else None

    @property
    def choices(self) -> tuple[str, ...]:
        """All possible texts: one for a literal, several for a parameter with AllowedValues, none
        if they are unknown."""
        if isinstance(self.value, OneOf):
            return self.value.values
        text = self.text
        return () if text is None else (text,)

    @property
    def parts(self) -> tuple[str | Attr | Unknown | OneOf, ...]:
        """The known and unknown parts of a text; none for anything else."""
        if isinstance(self.value, Text):
            return self.value.parts
        if isinstance(self.value, Attr | Unknown | OneOf):
            return (self.value,)
        text = self.text
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
            value = self.value
            length = len(value) if isinstance(value, list) else 0
            nodes = map(self.__getitem__, range(length))
            self._items = tuple(node for node in nodes if not node.absent)
        return self._items

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
        if not isinstance(value, Mapping):
            return ()
        nodes = ((str(key), self[key]) for key in value)
        return tuple((key, node) for key, node in nodes if not node.absent)

    @property
    def all_known(self) -> bool:
        """Whether the entries are complete: it is no unknown value, and no item of a list is
        entirely unknown."""
        if isinstance(self.value, list):
            return not any(isinstance(node.value, Unknown) for node in self.items)
        return not self.unknown

    def __repr__(self) -> str:
        return f"<{'.'.join(map(str, self.path))}: {self.value!r}>"


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


# Intrinsic functions -------------------------------------------------------------------------


def evaluate(stack: Stack, raw: Any, path: Path) -> tuple[Any, Path]:
    """Evaluates the outermost function of a raw value. Returns the value and its path, which is
    longer than `path` if the value is a branch of `Fn::If` or an item of `Fn::Select`."""
    for _ in range(_MAX_DEPTH):
        if isinstance(raw, str):
            return _without_dynamic_reference(raw), path
        if not isinstance(raw, Mapping) or len(raw) != 1:
            return raw, path
        function, argument = next(iter(raw.items()))
        if function in _SELECTORS:
            selected = _SELECTORS[function](stack, argument)
            if not isinstance(selected, tuple):
                return selected, path
            steps, raw = selected
            path = (*path, function, *steps)
        elif function in _FUNCTIONS:
            try:
                return _without_dynamic_reference(_FUNCTIONS[function](stack, argument)), path
            except (TypeError, ValueError, KeyError, IndexError, AttributeError):
                return Unknown(expression_key(raw)), path
        elif isinstance(function, str) and function.startswith("Fn::"):
            return Unknown(expression_key(_simplify(stack, raw))), path
        else:
            return raw, path
    return Unknown("too deep"), path


def _evaluate_list(stack: Stack, raw: Any) -> list[Any] | None:
    """The evaluated items of a list, without AWS::NoValue; None if their number is unknown."""
    items = evaluate(stack, raw, ())[0]
    if not isinstance(items, list):
        return None
    values = [evaluate(stack, item, ())[0] for item in items]
    return [value for value in values if value is not MISSING]


def expression_key(raw: Any) -> str:
    """A text that is equal for equal expressions."""
    return repr(raw)


def _without_dynamic_reference(value: Any) -> Any:
    """The value; Unknown if it is a text with a dynamic reference (`{{resolve:...}}`)."""
    return Unknown(value) if isinstance(value, str) and "{{resolve:" in value else value


def _simplify(stack: Stack, raw: Any) -> Any:
    """Replaces everything in an expression that can be evaluated, so that equal expressions have
    equal keys."""
    if isinstance(raw, Mapping):
        if len(raw) == 1 and next(iter(raw)) in ("Ref", "Fn::Sub", "Fn::FindInMap", "Fn::If"):
            value = evaluate(stack, raw, ())[0]
            return _simplify(stack, value) if isinstance(value, list) else value
        return {key: _simplify(stack, value) for key, value in raw.items()}
    if isinstance(raw, list):
        return [_simplify(stack, value) for value in raw]
    return as_text(raw)


def _evaluate_ref(stack: Stack, argument: Any) -> Any:
    if not isinstance(argument, str):
        return Unknown(expression_key(argument))
    return stack.resolve_ref(argument)


def _evaluate_get_att(stack: Stack, argument: Any) -> Any:
    name, attribute = argument.split(".", 1) if isinstance(argument, str) else argument
    resource = stack.resources.get(name)
    if resource is None or not isinstance(attribute, str):
        return Unknown(f"{stack.name}:{name}.{attribute}")
    return Attr(resource, attribute)


def _evaluate_sub(stack: Stack, argument: Any) -> Any:
    text, variables = (argument, {}) if isinstance(argument, str) else argument
    parts: list[Any] = []
    end = 0
    for match in _SUB.finditer(text):
        parts.append(text[end : match.start()])
        end = match.end()
        name = match[1].strip()
        if name.startswith("!"):
            parts.append("${" + name[1:] + "}")
        elif name in variables:
            parts.append(_as_part(evaluate(stack, variables[name], ())[0]))
        elif "." in name:
            parts.append(_as_part(_evaluate_get_att(stack, name)))
        else:
            parts.append(_as_part(stack.resolve_ref(name)))
    parts.append(text[end:])
    return join_parts(parts)


def _as_part(value: Any) -> Any:
    """A value as a part of a text."""
    text = as_text(value)
    if text is not None:
        return text
    is_part = isinstance(value, Unknown | OneOf | Attr | Text)
    return value if is_part else Unknown(expression_key(value))


def _evaluate_join(stack: Stack, argument: Any) -> Any:
    separator, items = argument
    values = _evaluate_list(stack, items)
    if values is None or not isinstance(separator, str):
        return Unknown(expression_key(_simplify(stack, {"Fn::Join": argument})))
    parts: list[Any] = []
    for value in values:
        parts += ([separator] if parts else []) + [_as_part(value)]
    return join_parts(parts)


def _evaluate_split(stack: Stack, argument: Any) -> Any:
    separator, raw = argument
    text = as_text(evaluate(stack, raw, ())[0])
    if text is not None and isinstance(separator, str):
        return text.split(separator)
    return Unknown(expression_key(_simplify(stack, {"Fn::Split": argument})))


def _evaluate_if(stack: Stack, argument: Any) -> Any:
    """The steps of the path to the branch that is taken, with the raw branch. If the condition is
    unknown: the value of the branches if both are the same text, else Unknown."""
    if not isinstance(argument, list) or len(argument) != 3:
        return Unknown(expression_key(argument))
    is_true = stack.evaluate_condition(argument[0])
    if is_true is not None:
        index = 1 if is_true else 2
        return (index,), argument[index]
    values = [evaluate(stack, branch, ())[0] for branch in argument[1:]]
    is_same = as_text(values[0]) is not None and are_same(*values)
    return values[0] if is_same else Unknown(expression_key(argument))


def _evaluate_select(stack: Stack, argument: Any) -> Any:
    """The steps of the path to the selected item, with the raw item; else Unknown."""
    if not isinstance(argument, list) or len(argument) != 2:
        return Unknown(expression_key(argument))
    index = as_text(evaluate(stack, argument[0], ())[0])
    items = evaluate(stack, argument[1], ())[0]
    if index is not None and index.isdigit() and isinstance(items, list):
        position = int(index)
        if position < len(items):
            return (1, position), items[position]
        return Unknown(expression_key(argument))
    zones = argument[1].get("Fn::GetAZs") if isinstance(argument[1], Mapping) else None
    if index is not None and zones in ("", {"Ref": "AWS::Region"}, stack.template.region or ""):
        return Unknown(f"{ZONE_PREFIX}{index}")
    return Unknown(expression_key(_simplify(stack, {"Fn::Select": argument})))


def _evaluate_find_in_map(stack: Stack, argument: Any) -> Any:
    keys = [evaluate(stack, key, ())[0] for key in argument[:3]]
    unknown = Unknown(expression_key({"Fn::FindInMap": _simplify(stack, argument)}))
    mapping = stack.template.mappings.get(as_text(keys[0]) or "")
    if mapping is None:
        return unknown
    values = [
        value
        for first in _possible_keys(keys[1], mapping)
        if isinstance(mapping.get(first), Mapping)
        for second in _possible_keys(keys[2], mapping[first])
        for value in [mapping[first].get(second, MISSING)]
        if value is not MISSING
    ]
    are_keys_known = all(as_text(key) is not None for key in keys[1:])
    has_default = len(argument) > 3  # DefaultValue
    if not values or (has_default and not are_keys_known):
        return unknown
    if all(value == values[0] for value in values):
        return values[0]
    default = _value_by_default_keys(keys, mapping)
    texts = dict.fromkeys(map(as_text, values))
    known = tuple(text for text in texts if text is not None)
    if any(isinstance(key, Unknown | Text) for key in keys) or len(texts) > _MAX_CHOICES:
        return Unknown(unknown.token, default)
    all_known = 1 < len(known) == len(texts)
    return OneOf(known, unknown.token, default) if all_known else Unknown(unknown.token, default)


def _value_by_default_keys(keys: list[Any], mapping: Mapping[str, Any]) -> Any:
    """The value in a mapping with the defaults of parameters as keys; None if there is none."""
    first, second = (
        as_text(key.default if isinstance(key, Unknown | OneOf) else key) or "" for key in keys[1:]
    )
    row = mapping.get(first)
    return row.get(second) if isinstance(row, Mapping) else None


def _possible_keys(key: Any, mapping: Mapping[str, Any]) -> tuple[str, ...]:
    if isinstance(key, OneOf):
        return key.values
    text = as_text(key)
    return tuple(map(str, mapping)) if text is None else (text,)


def _evaluate_import_value(stack: Stack, argument: Any) -> Any:
    return stack.view.resolve_import(evaluate(stack, argument, ())[0])


_SELECTORS: dict[str, Any] = {"Fn::If": _evaluate_if, "Fn::Select": _evaluate_select}
_FUNCTIONS: dict[str, Any] = {
    "Ref": _evaluate_ref,
    "Fn::GetAtt": _evaluate_get_att,
    "Fn::Sub": _evaluate_sub,
    "Fn::Join": _evaluate_join,
    "Fn::Split": _evaluate_split,
    "Fn::FindInMap": _evaluate_find_in_map,
    "Fn::ImportValue": _evaluate_import_value,
}
