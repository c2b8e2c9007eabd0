"""References in raw values, whatever their scenario."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from moorage.cfn.values import Path

IMPORT = "Fn::ImportValue"
COLLECTIONS = (dict, list)


def texts(value: Any) -> Iterator[str]:
    """The texts in a list, or the value itself if it is a text."""
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, str):
            yield item


def names_in_sub(text: Any) -> Iterator[str]:
    """The names in a text of Fn::Sub, without attributes."""
    if isinstance(text, str):
        for part in text.split("${")[1:]:
            yield part.split("}")[0].split(".")[0].strip()


def imports(raw: Any) -> Iterator[Any]:
    """The arguments of every Fn::ImportValue, at any depth."""
    todo = [raw]
    while todo:
        value = todo.pop()
        if isinstance(value, dict):
            if IMPORT in value:
                yield value[IMPORT]
            todo += value.values()
        elif isinstance(value, list):
            todo += value


def has_text_with(word: str, raw: Mapping[str, Any] | list[Any]) -> bool:
    """Whether a text in a map or list contains a word, at any depth."""
    todo = [raw]
    while todo:
        value = todo.pop()
        for item in value.values() if isinstance(value, Mapping) else value:
            if isinstance(item, str):
                if word in item:
                    return True
            elif isinstance(item, COLLECTIONS):
                todo.append(item)
    return False


_FOUND = frozenset((IMPORT, "Fn::Select", "Fn::Split"))


class Call(NamedTuple):
    """An intrinsic function in a template, of those that rules look for."""

    name: str
    argument: Any
    path: Path
    """The path of the map that has the function as its key."""


def find_calls(raw: Any, path: Path) -> Iterator[Call]:
    """The functions with a name of `_FOUND`, at any depth, also in branches that are not taken.
    `path` is that of the value. The others are most, and would take memory."""
    todo: list[tuple[Any, Path]] = [(raw, path)]
    while todo:
        value, here = todo.pop()
        if isinstance(value, dict):
            for key, inner in value.items():
                if isinstance(inner, COLLECTIONS):
                    todo.append((inner, (*here, key)))
                if key in _FOUND:
                    yield Call(key, inner, here)
        elif isinstance(value, list):
            todo += (
                (inner, (*here, index))
                for index, inner in enumerate(value)
                if isinstance(inner, COLLECTIONS)
            )


def references(raw: Any) -> Iterator[Any]:
    """Every Ref and Fn::GetAtt, at any depth."""
    todo = [raw]
    while todo:
        value = todo.pop()
        if isinstance(value, Mapping):
            if [*value] in (["Ref"], ["Fn::GetAtt"]):
                yield value
            todo += value.values()
        elif isinstance(value, list):
            todo += value
