"""Predicates in Rego: a function for each class."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from functools import singledispatch
from typing import Any

from moorage.facts.arn_services import ARN_SERVICES
from moorage.rules.constraints.arns import IsArnOf
from moorage.rules.constraints.combinations import (
    All,
    Among,
    AtMostItems,
    AtMostOne,
    Attribute,
    Each,
    Either,
    IsReference,
    Not,
    Refers,
    Some,
)
from moorage.rules.constraints.predicates import (
    Absent,
    AtMost,
    Contains,
    Count,
    EndsWith,
    Is,
    IsJson,
    IsMap,
    IsTrue,
    Length,
    Matches,
    MultipleOf,
    NotEmpty,
    Predicate,
    Present,
    SameAs,
    StartsWith,
    Unique,
    Within,
)
from moorage.rules.export.writer import (
    InexpressibleError,
    Lines,
    Statement,
    Writer,
    at,
    block,
    complete,
    first_list,
    items,
    literal,
)

Generator = Callable[[Any, Writer], Statement]

_FIELDS: dict[type, frozenset[str]] = {}
"""The fields that each class's generator writes."""


def state(predicate: Predicate, writer: Writer) -> Statement:
    """A predicate as a statement. Raises InexpressibleError if it has none."""
    said = next((_FIELDS[kind] for kind in type(predicate).__mro__ if kind in _FIELDS), None)
    if said is not None and is_dataclass(predicate):
        for field in fields(predicate):
            if field.name not in said and getattr(predicate, field.name) != field.default:
                raise InexpressibleError(f"{type(predicate).__name__} with `{field.name}`")
    return _state(predicate, writer)


@singledispatch
def _state(predicate: Predicate, writer: Writer) -> Statement:
    raise InexpressibleError(type(predicate).__name__)


def _says(kind: type, *names: str) -> Callable[[Generator], Generator]:
    """Registers the generator of a class of predicates, and the fields besides `path` that it
    writes: a constraint that sets another one is left out."""

    def register(generator: Generator) -> Generator:
        _FIELDS[kind] = frozenset({"path", *names})
        _state.register(kind, generator)
        return generator

    return register


def _call(name: str, path: str, *arguments: Any) -> Statement:
    """A statement about the value at a path, of which the library has both functions."""
    node = at(path)
    words = ", ".join((node, *map(literal, arguments)))
    return Statement((f"{name}_true({words})",), (f"{name}_false({words})",), node)


# Values --------------------------------------------------------------------------------------


@_says(Present)
def _(predicate: Present, writer: Writer) -> Statement:
    return _call("present", predicate.path)


@_says(Absent)
def _(predicate: Absent, writer: Writer) -> Statement:
    present = _call("present", predicate.path)
    return Statement(present.false, present.true, present.place)


@_says(IsMap)
def _(predicate: IsMap, writer: Writer) -> Statement:
    return _call("map", predicate.path)


@_says(NotEmpty)
def _(predicate: NotEmpty, writer: Writer) -> Statement:
    return _call("not_empty", predicate.path)


@_says(Is, "values", "default")
def _(predicate: Is, writer: Writer) -> Statement:
    return _call("is", predicate.path, predicate.values, predicate.default)


@_says(IsTrue, "default")
def _(predicate: IsTrue, writer: Writer) -> Statement:
    return _call("flag", predicate.path, predicate.default)


_ONLY_PYTHON = re.compile(r"\(\?[=!<P(]|\\[1-9]|\\Z|[*+?}]\+")
"""What the engine's regular expressions lack: look-around, back references, possessive forms."""


def _pattern(pattern: str) -> str:
    if _ONLY_PYTHON.search(pattern):
        raise InexpressibleError("a regular expression with look-around")
    return pattern


@_says(Matches, "pattern", "region")
def _(predicate: Matches, writer: Writer) -> Statement:
    whole = rf"\A(?s:{_pattern(predicate.pattern)})\z"
    return _call("matches", predicate.path, whole, predicate.region is not None)


@_says(Contains, "pattern")
def _(predicate: Contains, writer: Writer) -> Statement:
    return _call("contains", predicate.path, _pattern(predicate.pattern))


@_says(IsJson)
def _(predicate: IsJson, writer: Writer) -> Statement:
    return _call("json", predicate.path)


@_says(IsArnOf, "services")
def _(predicate: IsArnOf, writer: Writer) -> Statement:
    table = ",\n\t".join(f"{literal(kind)}: {literal(name)}" for kind, name in ARN_SERVICES.items())
    of_type = f"{{\n\t{table},\n}}[input.resources[n.v.__ref].resourceType]"
    function = writer.value(f"@(n) := service if service := {of_type}\nelse := arn_service(n)")
    node, services = at(predicate.path), literal(predicate.services)
    service = f"{function}({node})"
    none = f"every other in {services} {{ other != service }}"
    return Statement(
        (f"{service} in {services}",),
        (f"{writer.test((f'service := {service}', none))}(n)",),
        node,
    )


@_says(StartsWith, "words")
def _(predicate: StartsWith, writer: Writer) -> Statement:
    return _call("starts", predicate.path, predicate.words)


@_says(EndsWith, "words")
def _(predicate: EndsWith, writer: Writer) -> Statement:
    return _call("ends", predicate.path, predicate.words)


@_says(Within, "low", "high")
def _(predicate: Within, writer: Writer) -> Statement:
    return _call("within", predicate.path, predicate.low, predicate.high)


@_says(MultipleOf, "divisor")
def _(predicate: MultipleOf, writer: Writer) -> Statement:
    return _call("multiple", predicate.path, predicate.divisor)


@_says(Length, "low", "high")
def _(predicate: Length, writer: Writer) -> Statement:
    return _call("length", predicate.path, predicate.low, predicate.high)


@_says(Count, "low", "high")
def _(predicate: Count, writer: Writer) -> Statement:
    return _call("count", predicate.path, predicate.low, predicate.high)


@_says(AtMost, "other", "distance", "times")
def _(predicate: AtMost, writer: Writer) -> Statement:
    node = at(predicate.path)
    numbers = f"{literal(predicate.distance)}, {literal(predicate.times)}"
    words = f"{node}, {at(predicate.other)}, {numbers}"
    return Statement((f"at_most_true({words})",), (f"at_most_false({words})",), node)


@_says(SameAs, "other")
def _(predicate: SameAs, writer: Writer) -> Statement:
    node = at(predicate.path)
    words = f"{node}, {at(predicate.other)}"
    return Statement((f"same_true({words})",), (f"same_false({words})",), node)


@_says(Unique, "keys", "where", "defaults")
def _(predicate: Unique, writer: Writer) -> Statement:
    chosen = items(predicate.path, writer)
    if predicate.where is not None:
        where = writer.test(state(predicate.where, writer).true)
        chosen = f"{writer.value(f'@(n) := [item | some item in {chosen}; {where}(item)]')}(n)"
    keys = [
        ", ".join(f"with_initial({at(key, item)}, {initial})" for item in ("a", "b"))
        for key in predicate.keys
        for initial in [literal(predicate.defaults.get(key))]
    ]
    pairs = f"list := {chosen}; some i, a in list; some j, b in list; i < j"
    same = "; ".join(f"equal_true({key})" for key in keys)
    twice = f"{writer.value(f'@(n) := [b | {pairs}; {same}]')}(n)"
    words = ("true", "false") if len(keys) == 1 else ("false",)
    heads = [f"@(a, b) if equal_{word}({key})" for key in keys for word in words]
    known = writer.value("\n".join(heads))
    unknown = f"{writer.value(f'@(n) := [b | {pairs}; not {known}(a, b)]')}(n)"
    none = f"count({twice}) == 0"
    place = writer.first(
        [((f"count({twice}) > 0",), at(predicate.keys[0], f"{twice}[0]"))],
        first_list(predicate.path),
    )
    return Statement((none, f"count({unknown}) == 0"), (f"count({twice}) > 0",), place)


# Lists and references ------------------------------------------------------------------------


@_says(Refers, "type", "predicate")
def _(predicate: Refers, writer: Writer) -> Statement:
    inner = state(predicate.predicate, writer)
    node = at(predicate.path)
    target = f"refers({node}, {literal(predicate.type)})"
    true, false = writer.test(inner.true), writer.test(inner.false)
    return Statement((f"{true}({target})",), (f"{false}({target})",), node)


@_says(IsReference, "type", "attribute")
def _(predicate: IsReference, writer: Writer) -> Statement:
    return _call("reference", predicate.path, predicate.type, predicate.attribute)


def _first_item(all_items: str, test: str, place: str, otherwise: str, writer: Writer) -> str:
    """The place in the first item for which a test holds."""
    inner = writer.value(f"@(n) := {place}")
    found = (
        f"{writer.value(f'@(n) := [{inner}(item) | some item in {all_items}; {test}(item)]')}(n)"
    )
    return writer.first([((f"count({found}) > 0",), f"{found}[0]")], otherwise)


@_says(Each, "predicate")
def _(predicate: Each, writer: Writer) -> Statement:
    inner = state(predicate.predicate, writer)
    true, false = writer.test(inner.true), writer.test(inner.false)
    all_items, outer = items(predicate.path, writer), first_list(predicate.path)
    every = f"every item in {all_items} {{ {true}(item) }}"
    return Statement(
        (f"{writer.test((complete(predicate.path, writer), every))}(n)",),
        (f"{writer.test((f'some item in {all_items}', f'{false}(item)'))}(n)",),
        _first_item(all_items, false, inner.place, outer, writer),
    )


@_says(Some, "predicate")
def _(predicate: Some, writer: Writer) -> Statement:
    inner = state(predicate.predicate, writer)
    true, false = writer.test(inner.true), writer.test(inner.false)
    all_items, outer = items(predicate.path, writer), first_list(predicate.path)
    every = f"every item in {all_items} {{ {false}(item) }}"
    return Statement(
        (f"{writer.test((f'some item in {all_items}', f'{true}(item)'))}(n)",),
        (f"{writer.test((complete(predicate.path, writer), every))}(n)",),
        _first_item(all_items, true, inner.place, outer, writer),
    )


@_says(AtMostItems, "high", "predicate")
def _(predicate: AtMostItems, writer: Writer) -> Statement:
    inner = state(predicate.predicate, writer)
    true, known = writer.test(inner.true), writer.test(inner.true, inner.false)
    all_items = items(predicate.path, writer)
    number = f"count([item | some item in {all_items}; {true}(item)])"
    every = f"every item in {all_items} {{ {known}(item) }}"
    few = (complete(predicate.path, writer), every, f"{number} <= {predicate.high}")
    return Statement(
        (f"{writer.test(few)}(n)",),
        (f"{number} > {predicate.high}",),
        first_list(predicate.path),
    )


@_says(Among, "items", "key", "where", "of", "type")
def _(predicate: Among, writer: Writer) -> Statement:
    """The functions take the value and the owner of the list."""
    key = at(predicate.key)
    true: Lines = (f"same_true(value, {key})",)
    false: list[Lines] = [(f"{key}.v == null",), (f"same_false(value, {key})",)]
    if predicate.where is not None:
        where = state(predicate.where, writer)
        true, false = (*true, *where.true), [*false, where.false]
    is_it = writer.value(f"@(value, n) if {block(true)}")
    is_not = writer.value("\n".join(f"@(value, n) if {block(lines)}" for lines in false))
    all_items = items(predicate.items, writer)
    found = (f"some item in {all_items}", f"{is_it}(value, item)")
    none = (
        "value.v != null",
        complete(predicate.items, writer),
        f"every item in {all_items} {{ {is_not}(value, item) }}",
    )
    node = at(predicate.path)
    owner = f"refers({at(predicate.of)}, {literal(predicate.type)})" if predicate.of else "n"
    return Statement(
        (f"{writer.value(f'@(value, n) if {block(found)}')}({node}, {owner})",),
        (f"{writer.value(f'@(value, n) if {block(none)}')}({node}, {owner})",),
        node,
    )


@_says(Attribute, "key", "predicate")
def _(predicate: Attribute, writer: Writer) -> Statement:
    inner = state(predicate.predicate, writer)
    node = at(predicate.path)
    entry = f"entry({node}, {literal(predicate.key)})"
    true, false = writer.test(inner.true), writer.test(inner.false)
    place = f"{writer.value(f'@(n) := {inner.place}')}({entry})"
    return Statement(
        (f"{true}({entry})",),
        (f"{false}({entry})",),
        writer.first([((f"{entry}.v != null",), place)], node),
    )


# Combinations --------------------------------------------------------------------------------


@_says(All, "parts")
def _(predicate: All, writer: Writer) -> Statement:
    parts = [state(part, writer) for part in predicate.parts]
    return Statement(
        tuple(line for part in parts for line in part.true),
        (f"{writer.test(*(part.false for part in parts))}(n)",),
        writer.first([(part.false, part.place) for part in parts], parts[0].place),
    )


@_says(Either, "parts")
def _(predicate: Either, writer: Writer) -> Statement:
    parts = [state(part, writer) for part in predicate.parts]
    return Statement(
        (f"{writer.test(*(part.true for part in parts))}(n)",),
        tuple(line for part in parts for line in part.false),
        writer.first(
            [((f"{part.place}.v != null",), part.place) for part in parts], parts[0].place
        ),
    )


@_says(Not, "part")
def _(predicate: Not, writer: Writer) -> Statement:
    part = state(predicate.part, writer)
    return Statement(part.false, part.true, part.place)


@_says(AtMostOne, "parts")
def _(predicate: AtMostOne, writer: Writer) -> Statement:
    parts = [state(part, writer) for part in predicate.parts]
    pairs = [(a, b) for index, b in enumerate(parts) for a in parts[:index]]
    only = [
        (*part.true, *(line for other in parts if other is not part for line in other.false))
        for part in parts
    ]
    none = tuple(line for part in parts for line in part.false)
    return Statement(
        (f"{writer.test(*only, none)}(n)",),
        (f"{writer.test(*((*a.true, *b.true) for a, b in pairs))}(n)",),
        writer.first([((*a.true, *b.true), b.place) for a, b in pairs], parts[0].place),
    )
