"""Words that messages of several rules share."""

from __future__ import annotations

from collections.abc import Iterable

from moorage.cfn.nodes import Node


def join_and(words: Iterable[str]) -> str:
    """
    >>> join_and(["a"]), join_and(["a", "b", "c"])
    ('a', 'a, b and c')
    """
    return _join(words, "and")


def join_or(words: Iterable[str]) -> str:
    """
    >>> join_or(["a", "b"]), join_or(["a", "b", "c"])
    ('a or b', 'a, b or c')
    """
    return _join(words, "or")


def _join(words: Iterable[str], conjunction: str) -> str:
    *first, last = words
    return f"{', '.join(first)} {conjunction} {last}" if first else last


def quote(words: Iterable[str]) -> list[str]:
    """
    >>> quote(["a", "b"])
    ['`a`', '`b`']
    """
    return [f"`{word}`" for word in words]


def name_container(container: Node) -> str:
    """A container definition as messages name it: by its name, if that is known."""
    name = container["Name"].text
    return f"container `{name}`" if name else "a container"
