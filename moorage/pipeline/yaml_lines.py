"""Lines of YAML text that cannot be parsed: their keys, columns and values. Pure."""

from __future__ import annotations

import re

from moorage.records import record

_KEY = re.compile(r"(?P<indent> *)(?P<dashes>(?:- +)*+)(?P<key>[^\s#][^:]*+):(?= |$)(?P<value>.*)")


@record
class SyntaxProblem:
    """Why a file cannot be parsed."""

    code: str
    line: int
    message: str
    hint: str


@record
class KeyLine:
    """A line that begins with a key, or with `- ` and a key; or the `- ` of an item itself."""

    number: int
    key: str
    column: int
    value: str = ""

    def __str__(self) -> str:
        return f"{self.name} in line {self.number}"

    @property
    def name(self) -> str:
        return f"`{self.key}:`" if self.key else "the item"


def key_line(number: int, lines: list[str]) -> KeyLine | None:
    """A line as a key and its value; None where it is anything else."""
    match = _KEY.fullmatch(lines[number - 1].rstrip()) if number <= len(lines) else None
    if match is None:
        return None
    column = len(match["indent"]) + len(match["dashes"])
    return KeyLine(number, match["key"].rstrip().strip("\"'"), column, match["value"].strip())


def content_above(number: int, lines: list[str]) -> int:
    """The number of the nearest line above that is neither empty nor a comment; 0 for none."""
    above = range(number - 1, 0, -1)
    return next((n for n in above if has_content(lines[n - 1])), 0)


def has_content(line: str) -> bool:
    """Whether a line is neither empty nor a comment."""
    return not line.lstrip().startswith("#") and bool(line.strip())


def open_lines(number: int, lines: list[str]) -> list[KeyLine]:
    """The keys and items above a line whose maps and lists are still open there, the innermost
    first."""
    result: list[KeyLine] = []
    for above in range(number - 1, 0, -1):
        for line in _parts(above, lines):
            if not result or line.column < result[-1].column:
                result.append(line)
    return result


def _parts(number: int, lines: list[str]) -> list[KeyLine]:
    """The key of a line and the `- ` before it, in this order."""
    text = lines[number - 1]
    key = key_line(number, lines)
    item = KeyLine(number, "", indentation(text)) if is_item(text) else None
    return [part for part in (key, item) if part is not None]


def is_item(text: str) -> bool:
    return text.lstrip(" ").startswith("- ") or text.strip() == "-"


def indentation(text: str) -> int:
    return len(text) - len(text.lstrip(" "))


def line_word(number: int, lines: list[str]) -> str:
    """How messages name a line."""
    line = key_line(number, lines)
    is_key = line is not None and not is_item(lines[number - 1])
    return f"`{line.key}:`" if line and is_key else f"`{shorten(lines[number - 1].strip())}`"


def spaces(count: int) -> str:
    return f"{count} space" if count == 1 else f"{count} spaces"


def shorten(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:60]}..."
