"""What the generators of Rego share: nodes, lists and functions."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from moorage.records import record

Lines = tuple[str, ...]


class InexpressibleError(Exception):
    """A predicate that the engine cannot evaluate. The text says which."""


@record
class Statement:
    """A predicate in Rego, about the node `n`. It is unknown where neither `true` nor `false`
    holds."""

    true: Lines
    """Expressions that hold together if the predicate is true."""
    false: Lines
    place: str
    """The node to change, if the predicate is false and should be true."""


@dataclass
class Writer:
    """Collects the functions that statements need. Equal functions are written once."""

    names: dict[str, str] = field(default_factory=dict)
    """By their text."""

    def test(self, *bodies: Lines) -> str:
        """The name of a function that is true for a node if one of the bodies holds."""
        return self._name("".join(f"@(n) if {block(body)}\n" for body in bodies))

    def value(self, text: str) -> str:
        """The name of a function with this text, in which `@` is its name."""
        return self._name(f"{text}\n")

    def nodes(self, lines: Lines) -> str:
        """The name of a list of each node `n` that the lines bind, computed once."""
        return self._name(f"@ := [n | {'; '.join(lines)}]\n", "parts")

    def first(self, choices: Iterable[tuple[Lines, str]], otherwise: str) -> str:
        """A call that returns the expression of the first choice that holds for the node `n`."""
        heads = ("@(n) := ", "else := ")
        cases = [f"{expression} if {block(body)}\n" for body, expression in choices]
        if not cases:
            return otherwise
        texts = [f"{heads[min(index, 1)]}{case}" for index, case in enumerate(cases)]
        return f"{self.value(''.join(texts) + f'else := {otherwise}')}(n)"

    def _name(self, text: str, prefix: str = "f") -> str:
        return self.names.setdefault(text, f"{prefix}{len(self.names) + 1}")

    def functions_of(self, text: str) -> dict[str, str]:
        """The functions and lists that a text uses, directly or through others, by name."""
        texts = {
            name: re.sub(r"^@", name, text, flags=re.MULTILINE) for text, name in self.names.items()
        }
        needed: dict[str, str] = {}
        todo = [text]
        while todo:
            for name in re.findall(r"\b(?:f[0-9]+(?=\()|parts[0-9]+\b)", todo.pop()):
                if name in texts and name not in needed:
                    needed[name] = texts[name]
                    todo.append(texts[name])
        return {name: text for name, text in texts.items() if name in needed}


_WIDTH = 160
"""Of a block on one line: the engine refuses files of more than 20,000 lines."""


def block(lines: Sequence[str]) -> str:
    """Expressions in braces, on one line if that is short."""
    texts = lines or ("true",)
    if sum(len(text) + 2 for text in texts) <= _WIDTH and not any("\n" in text for text in texts):
        return f"{{ {'; '.join(texts)} }}"
    inner = "".join(f"\t{text}\n" for text in texts)
    return f"{{\n{inner}}}"


_LONG = 400
"""The engine refuses lines of more than 1,024 characters."""


def literal(value: Any) -> str:
    """A value of Python as one of Rego."""
    if isinstance(value, str) and len(value) > _LONG:
        parts = [value[start : start + _LONG] for start in range(0, len(value), _LONG)]
        lines = ",\n\t\t".join(map(literal, parts))
        return f'concat("", [\n\t\t{lines},\n\t])'
    text = json.dumps(value, ensure_ascii=False)
    if isinstance(value, tuple) and len(text) > _LONG:
        lines = ",\n\t\t".join(map(literal, value))
        return f"[\n\t\t{lines},\n\t]"
    return text


def at(path: str, node: str = "n") -> str:
    """The node at a path of a constraint.

    >>> at("HealthCheck.Path"), at("/Protocol")
    ('get(get(n, "HealthCheck"), "Path")', 'get(root(n.r, n.s), "Protocol")')
    >>> at("@UpdatePolicy.UseOnlineResharding")
    'get(attribute(n, "UpdatePolicy", "updatePolicy"), "UseOnlineResharding")'
    """
    if re.search(r"[][*<>{}]|.@", path):
        raise InexpressibleError(f"the path `{path}`")
    if path.startswith("/"):
        node, path = f"root({node}.r, {node}.s)", path[1:]
    elif path.startswith("@"):
        name, _, path = path[1:].partition(".")
        node = f"attribute({node}, {literal(name)}, {literal(name[0].lower() + name[1:])})"
    for key in path.split(".") if path else ():
        node = f"get({node}, {literal(key)})"
    return node


def _lists(path: str) -> list[tuple[str, str]]:
    """The paths to the lists in a path, each with the function that returns its items.

    >>> _lists("Policy.Statement[*].Action"), _lists("Ports[]")
    ([('Policy.Statement', 'items_or_value'), ('Action', 'items')], [('Ports', 'items')])
    """
    parts = re.split(r"(\[\*?\])\.?", path)
    functions = {"[]": "items", "[*]": "items_or_value"}
    lists = [(step, functions[mark]) for step, mark in zip(parts[::2], parts[1::2], strict=False)]
    return [*lists, (parts[-1], "items")] if parts[-1] or not lists else lists


def first_list(path: str) -> str:
    """The outermost list of a path."""
    return at(_lists(path)[0][0])


def items(path: str, writer: Writer) -> str:
    """The items of the list at a path, or of all lists if it has `[]`. With `[*]`, a value that is
    no list is its only item."""
    return _items(_lists(path), writer)


def _items(lists: Sequence[tuple[str, str]], writer: Writer) -> str:
    (outer, function), *inner = lists
    if not inner:
        return f"{function}({at(outer)})"
    loops = "".join(
        f"; some i{depth} in {function}({at(step, f'i{depth - 1}')})"
        for depth, (step, function) in enumerate(inner, 1)
    )
    text = f"@(n) := [i{len(inner)} | some i0 in {function}({at(outer)}){loops}]"
    return f"{writer.value(text)}(n)"


def complete(path: str, writer: Writer) -> str:
    """That `items` has all items."""
    tests = {"items": "is_complete", "items_or_value": "is_complete_or_value"}
    lists = _lists(path)
    step, function = lists[0]
    lines = [f"{tests[function]}({at(step)})"]
    for depth, (step, function) in enumerate(lists[1:], 1):
        owners = _items(lists[:depth], writer)
        list_of_owner = f"{tests[function]}({at(step, 'owner')})"
        lines.append(f"every owner in {owners} {{ {list_of_owner} }}")
    return f"{writer.test(tuple(lines))}(n)"
