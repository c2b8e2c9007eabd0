"""Words, lines and blocks of an nginx configuration."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence


def normalize_whitespace(text: str) -> str:
    """The same text without tabs, and without spaces at the ends of lines.

    With these, YAML could only write the text as one long line. nginx ignores both.
    """
    return "\n".join(line.rstrip() for line in text.expandtabs(4).split("\n"))


def format_seconds(number: int) -> str:
    """A time as nginx writes it."""
    return f"{number}s"


def quote_word(text: str) -> str:
    """A text as one word of a configuration, in quotes if it needs them.

    >>> quote_word("/api/"), quote_word("a b"), quote_word(""), quote_word(r"\\.php$")
    ('/api/', '"a b"', "''", '\\\\.php$')
    """
    if not text:
        return "''"
    return quote(text) if re.search(r"[\s{};#\"']", text) else _escape(text)


def quote(text: str) -> str:
    """A text as one word of a configuration, in quotes."""
    return '"' + _escape(text).replace('"', '\\"') + '"'


def _escape(text: str) -> str:
    """Doubles the backslashes that nginx would read as the beginning of an escape sequence."""
    return re.sub(r"\\(?=[\\\"'trn]|$)", r"\\\\", text)


def wrap_words(name: str, words: Iterable[str]) -> list[str]:
    """The lines of a directive with one argument on each."""
    lines = [f"    {word}" for word in words]
    return [name, *lines[:-1], f"{lines[-1]};"] if lines else []


def block_lines(head: str, lines: Iterable[str]) -> list[str]:
    """The lines of a block."""
    return [f"{head} {{", *(_indent(line) for line in lines), "}"]


def _indent(line: str) -> str:
    """Indents the first line of a text. The following lines are inside quotes, where spaces would
    become a part of the text."""
    first, *following = line.split("\n")
    return "\n".join([f"    {first}" if first else "", *following])


def separate_groups(groups: Iterable[Sequence[str]]) -> Iterator[str]:
    """The lines of all groups, with an empty line between groups."""
    for index, group in enumerate(groups):
        if index:
            yield ""
        yield from group
