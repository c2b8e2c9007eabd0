"""References in raw values, whatever their scenario."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

IMPORT = "Fn::ImportValue"


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
        if isinstance(value, Mapping):
            if IMPORT in value:
                yield value[IMPORT]
            todo += value.values()
        elif isinstance(value, list):
            todo += value


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
