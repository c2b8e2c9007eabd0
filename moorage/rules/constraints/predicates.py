"""Predicates of constraints: simple statements about the values of a resource, as data.

A predicate is true, false, or None if only the deployment knows. Paths such as `HealthCheck.Path`
begin at the node that the constraint is about; `/Protocol` begins at the properties of its
resource, `@UpdatePolicy` is an attribute of the resource beside its properties, a number is the
index in a list, and `Containers[].Ports[]` are the items of the lists in all items of a list.
`Statement[*]` also is the value itself if it is no list, as in policies. Where a statement is about
a value that is absent, it is None, so that neither `when` nor `must` holds because of it: `Present`
and `Absent` are the statements about absence.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from functools import cache, cached_property
from itertools import combinations
from typing import NamedTuple, Protocol, TypeVar

from moorage.cfn.nodes import Node
from moorage.cfn.stack import Resource
from moorage.cfn.tristate import TriState, all_of, any_of, negate
from moorage.cfn.values import Text, Unknown, are_same
from moorage.records import entity

T = TypeVar("T")


class Context(NamedTuple):
    """The resource and the node that a constraint is about."""

    resource: Resource
    node: Node

    def at(self, path: str) -> Node:
        """The node at a path of the constraint."""
        start, keys = _steps(path)
        node = self.node
        if start:
            node = self.resource.props if start == "/" else self.resource.body
        for key in keys:
            node = node[key]
        return node

    def inner(self, node: Node) -> Context:
        """The same resource, and a part of it."""
        return Context(self.resource, node)

    def items(self, path: str) -> tuple[Context, ...]:
        """The items of the list at a path, or of all lists if the path has `[]`."""
        contexts: tuple[Context, ...] = (self,)
        for step, mark in _split_lists(path):
            contexts = tuple(
                [
                    self.inner(item)
                    for context in contexts
                    for item in list_items(context.at(step), mark)
                ]
            )
        return contexts

    def all_items_known(self, path: str) -> bool:
        """Whether `items` has all items: no list and no item is entirely unknown."""
        contexts: Iterable[Context] = (self,)
        for step, mark in _split_lists(path):
            lists = [context.at(step) for context in contexts]
            if not all(_is_complete(node, mark) for node in lists):
                return False
            items = [item for node in lists for item in list_items(node, mark)]
            contexts = map(self.inner, items)
        return True


def list_items(node: Node, mark: str) -> tuple[Node, ...]:
    """The items of a list; with the mark `[*]`, a value that is no list is its only item."""
    return node.as_list if mark == "[*]" else node.items


def _is_complete(node: Node, mark: str) -> bool:
    """Whether all items of a list are known. A reference may be a list of any length; with `[*]`,
    it is the only item, like a text that is only partly known."""
    if mark == "[*]" and not isinstance(node.value, list):
        return not isinstance(node.value, Unknown)
    return node.absent or (node.all_known and node.attr is None)


def owner_of_lists(path: str) -> str:
    """The path before the first list.

    >>> owner_of_lists("Policy.Statement[*].Action[*]")
    'Policy.Statement'
    """
    return path.partition("[")[0]


@cache
def _split_lists(path: str) -> tuple[tuple[str, str], ...]:
    """The paths to the lists in a path, each with its mark.

    >>> _split_lists("Policy.Statement[*].Action"), _split_lists("Ports[]")
    ((('Policy.Statement', '[*]'), ('Action', '[]')), (('Ports', '[]'),))
    """
    parts = re.split(r"(\[\*?\])\.?", path)
    steps = tuple(zip(parts[::2], parts[1::2], strict=False))
    return (*steps, (parts[-1], "[]")) if parts[-1] or not steps else steps


@cache
def _steps(path: str) -> tuple[str, tuple[str | int, ...]]:
    """The mark of where a path begins, if it has one, and its keys.

    >>> _steps("/Ports.0"), _steps("")
    (('/', ('Ports', 0)), ('', ()))
    """
    start = path[:1] if path.startswith(("/", "@")) else ""
    keys = path[len(start) :].split(".") if path != start else ()
    return start, tuple(int(key) if key.isdigit() else key for key in keys)


class Predicate(Protocol):
    """A statement about a context."""

    def holds(self, context: Context) -> TriState:
        """Whether it is true."""

    def place(self, context: Context) -> Node:
        """The value to change, if the statement is false and should be true."""


@entity
class ValuePredicate:
    """A statement about the value at a path."""

    path: str

    def place(self, context: Context) -> Node:
        return context.at(self.path)


# Presence ------------------------------------------------------------------------------------


class Present(ValuePredicate):
    """There is a value."""

    def holds(self, context: Context) -> TriState:
        node = context.at(self.path)
        return False if node.absent else node.certainly_present or None


class Absent(ValuePredicate):
    """There is no value."""

    def holds(self, context: Context) -> TriState:
        node = context.at(self.path)
        return True if node.absent else False if node.certainly_present else None


class IsMap(ValuePredicate):
    """There is a map, and not the same as a text with JSON."""

    def holds(self, context: Context) -> TriState:
        node = context.at(self.path)
        return None if node.unknown else isinstance(node.value, Mapping)


class NotEmpty(ValuePredicate):
    """There is a list with an item, or any other value."""

    def holds(self, context: Context) -> TriState:
        node = context.at(self.path)
        if node.empty:
            return False
        if isinstance(node.value, list):
            return any_of(item.certainly_present or None for item in node.items)
        return node.certainly_present or None


# Values --------------------------------------------------------------------------------------


@entity
class Is(ValuePredicate):
    """The value is one of these texts. False if it is absent, unless AWS's `default` is one."""

    values: tuple[str, ...]
    default: str | None

    def __init__(self, path: str, *values: str, default: str | None = None) -> None:
        object.__setattr__(self, "path", path)
        object.__setattr__(self, "values", values)
        object.__setattr__(self, "default", default)

    def holds(self, context: Context) -> TriState:
        node = context.at(self.path)
        if node.absent:
            return self.default in self.values
        text = node.text
        if text is not None:
            return text in self.values
        if node.choices and set(node.choices) <= set(self.values):
            return True
        if isinstance(node.value, (dict, list)):
            return False
        return any_of(are_same(node.value, value) for value in self.values)


@entity
class IsTrue(ValuePredicate):
    """The boolean is true, as `true` or as a text such as `"True"`, which CloudFormation converts.
    If it is absent, AWS's `default` counts."""

    default: bool = False

    def holds(self, context: Context) -> TriState:
        node = context.at(self.path)
        return self.default if node.absent else node.flag


@entity
class Matches(ValuePredicate):
    """The text matches a regular expression as a whole."""

    pattern: str
    region: str | None = None
    """A region in place of which any other would match as well; None if the region matters."""

    def holds(self, context: Context) -> TriState:
        texts = _possible_texts(context.at(self.path), self.region)
        return _agree(self._expression.fullmatch, texts)

    @cached_property
    def _expression(self) -> re.Pattern[str]:
        return re.compile(self.pattern, re.DOTALL)


@entity
class StartsWith(ValuePredicate):
    """The text begins with one of these words."""

    words: tuple[str, ...]

    def holds(self, context: Context) -> TriState:
        node = context.at(self.path)
        if isinstance(node.value, Text) and isinstance(node.value.parts[0], str):
            first = node.value.parts[0]
            may_begin = any(word.startswith(first) for word in self.words)
            return True if first.startswith(self.words) else None if may_begin else False
        return _agree(lambda text: text.startswith(self.words), node.choices)


@entity
class EndsWith(ValuePredicate):
    """The text ends with one of these words."""

    words: tuple[str, ...]

    def holds(self, context: Context) -> TriState:
        node = context.at(self.path)
        if isinstance(node.value, Text) and isinstance(node.value.parts[-1], str):
            last = node.value.parts[-1]
            may_end = any(word.endswith(last) for word in self.words)
            return True if last.endswith(self.words) else None if may_end else False
        return _agree(lambda text: text.endswith(self.words), node.choices)


@entity
class Contains(ValuePredicate):
    """A regular expression matches somewhere in the text. Of a text that is only partly known, true
    if it matches in a known part."""

    pattern: str

    def holds(self, context: Context) -> TriState:
        node = context.at(self.path)
        if isinstance(node.value, Text):
            parts = (part for part in node.value.parts if isinstance(part, str))
            return True if any(map(self._expression.search, parts)) else None
        return _agree(self._expression.search, node.choices)

    @cached_property
    def _expression(self) -> re.Pattern[str]:
        return re.compile(self.pattern)


class IsJson(ValuePredicate):
    """The text is JSON. None for a map or list, which CloudFormation itself writes as JSON."""

    def holds(self, context: Context) -> TriState:
        return _agree(_is_json, context.at(self.path).choices)


@entity
class Within(ValuePredicate):
    """The number is in a range, whose ends belong to it."""

    low: float | None
    high: float | None

    def holds(self, context: Context) -> TriState:
        numbers = [_number(text) for text in context.at(self.path).choices]
        if None in numbers:
            return None
        return _agree(lambda number: _is_between(number, self.low, self.high), numbers)


@entity
class MultipleOf(ValuePredicate):
    """The number is a multiple of another."""

    divisor: int

    def holds(self, context: Context) -> TriState:
        number = context.at(self.path).number
        return None if number is None else number % self.divisor == 0


@entity
class Length(ValuePredicate):
    """The number of characters is in a range. Of a text that is only partly known, the known part
    counts."""

    low: int
    high: int

    def holds(self, context: Context) -> TriState:
        node = context.at(self.path)
        if isinstance(node.value, Text):
            known = sum(len(part) for part in node.value.parts if isinstance(part, str))
            return False if known > self.high else None
        return _agree(lambda text: self.low <= len(text) <= self.high, node.choices)


@entity
class Count(ValuePredicate):
    """The number of items in a list, or of entries in a map, is in a range."""

    low: int
    high: int

    def holds(self, context: Context) -> TriState:
        node = context.at(self.path)
        if node.absent or node.unknown or node.attr is not None:
            return None
        values = node.items or tuple(entry for _, entry in node.entries)
        certain = sum(item.certainly_present for item in values)
        if certain > self.high or len(values) < self.low:
            # An unknown item can be a list that the deployment inserts, but never less than none.
            return False if certain > self.high or node.all_known else None
        return True if certain == len(values) and node.all_known else None


@entity
class AtMost(ValuePredicate):
    """The number is not above the number at another path, or below it by at least `distance`. With
    `times`, the other number is multiplied by it first."""

    other: str
    distance: float = 0
    times: float = 1

    def holds(self, context: Context) -> TriState:
        left = _number(context.at(self.path).text)
        right = _number(context.at(self.other).text)
        if left is None or right is None:
            return None
        return left + self.distance <= right * self.times


@entity
class SameAs(ValuePredicate):
    """The value equals the value at another path."""

    other: str

    def holds(self, context: Context) -> TriState:
        left, right = context.at(self.path), context.at(self.other)
        return None if left.absent or right.absent else left.is_same_as(right)


@entity
class Unique(ValuePredicate):
    """No two items of a list have the same values at all of the `keys`. An item for which `where`
    does not hold is left out."""

    keys: tuple[str, ...] = ("",)
    where: Predicate | None = None
    defaults: Mapping[str, str] = field(default_factory=dict)
    """What AWS takes for a key that is absent."""

    def holds(self, context: Context) -> TriState:
        return negate(any_of(same for same, _ in self._pairs(context)))

    def place(self, context: Context) -> Node:
        twice = (second for same, second in self._pairs(context) if same)
        return next(twice, context.at(owner_of_lists(self.path)))

    def _pairs(self, context: Context) -> Iterator[tuple[TriState, Node]]:
        items = [
            item
            for item in context.items(self.path)
            if self.where is None or self.where.holds(item) is True
        ]
        for first, second in combinations(items, 2):
            same = all_of(self._are_same(first, second, key) for key in self.keys)
            yield same, second.at(self.keys[0])

    def _are_same(self, first: Context, second: Context, key: str) -> TriState:
        left, right = (
            self.defaults.get(key) if node.absent else node.value
            for node in (first.at(key), second.at(key))
        )
        return left is right if left is None or right is None else are_same(left, right)


# Parts ---------------------------------------------------------------------------------------

_EXAMPLES = {
    "AWS::AccountId": "123456789012",
    "AWS::Partition": "aws",
    "AWS::URLSuffix": "amazonaws.com",
}
"""Values of pseudo parameters, in place of which any other would match the same patterns."""


def _possible_texts(node: Node, region: str | None = None) -> tuple[str, ...]:
    """The possible texts, also if only the account and the partition are unknown, as in an ARN."""
    if not isinstance(node.value, Text):
        return node.choices
    examples = {**_EXAMPLES, "AWS::Region": region}
    parts = [examples.get(part.token) if isinstance(part, Unknown) else part for part in node.parts]
    texts = [part for part in parts if isinstance(part, str)]
    return ("".join(texts),) if len(texts) == len(parts) else ()


def _agree(check: Callable[[T], object], values: Sequence[T]) -> TriState:
    """Whether a check is true of all possible values, or of none; None if they differ, or if there
    is no value."""
    if len(values) == 1:
        return bool(check(values[0]))
    different = {bool(check(value)) for value in values}
    return different.pop() if len(different) == 1 else None


def _is_between(number: float | None, low: float | None, high: float | None) -> bool:
    assert number is not None
    return (low is None or number >= low) and (high is None or number <= high)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _number(text: str | None) -> float | None:
    if text is None or not re.fullmatch(r"-?[0-9]{1,18}(\.[0-9]{1,18})?", text, re.ASCII):
        return None
    return float(text)
