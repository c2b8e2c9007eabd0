"""Words, lines and blocks of an nginx configuration."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence


def plain(text: str) -> str:
    """The same text without tabs and without spaces at the ends of lines, which YAML could show
    in one long line only. Neither means anything to nginx."""
    return "\n".join(line.rstrip() for line in text.expandtabs(4).split("\n"))


def seconds(number: int) -> str:
    return f"{number}s"


def word(text: str) -> str:
    """One word of a configuration, in quotes where it needs them.

    >>> word("/api/"), word("a b"), word(""), word(r"\\.php$")
    ('/api/', '"a b"', "''", '\\\\.php$')
    """
    if not text:
        return "''"
    return quoted(text) if re.search(r"[\s{};#\"']", text) else _escaped(text)


def quoted(text: str) -> str:
    return '"' + _escaped(text).replace('"', '\\"') + '"'


def _escaped(text: str) -> str:
    """A backslash before some letters is read as an escape, in quotes or without."""
    return re.sub(r"\\(?=[\\\"'trn]|$)", r"\\\\", text)


def wrapped(name: str, words: Iterable[str]) -> list[str]:
    """A directive with one word to a line."""
    lines = [f"    {one}" for one in words]
    return [name, *lines[:-1], f"{lines[-1]};"] if lines else []


def block(head: str, lines: Iterable[str]) -> list[str]:
    return [f"{head} {{", *(_indented(line) for line in lines), "}"]


def _indented(line: str) -> str:
    """A line of a text in quotes keeps to the left: spaces would be part of it."""
    first, *rest = line.split("\n")
    return "\n".join([f"    {first}" if first else "", *rest])


def spaced(groups: Iterable[Sequence[str]]) -> Iterator[str]:
    for index, group in enumerate(groups):
        if index:
            yield ""
        yield from group
