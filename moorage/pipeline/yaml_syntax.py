"""A YAML parser's error -> the mistake in the line, and what to write instead. Pure."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from ruamel.yaml.error import MarkedYAMLError

_KEY = re.compile(r"(?P<indent> *)(?P<dashes>(?:- +)*)(?P<key>[^\s#][^:]*?) *:(?= |$)(?P<value>.*)")


@dataclass(frozen=True)
class SyntaxProblem:
    """Why a file cannot be parsed."""

    code: str
    line: int
    message: str
    hint: str


@dataclass(frozen=True)
class _KeyLine:
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


def explain_syntax_error(error: MarkedYAMLError, text: str) -> SyntaxProblem:
    """The most likely mistake behind an error of ruamel.yaml's parser."""
    mark, start = error.problem_mark or error.context_mark, error.context_mark
    line, column = (mark.line + 1, mark.column) if mark else (1, 0)
    problem = (error.problem or error.context or "it cannot be parsed").strip()
    lines = text.splitlines()
    if "another document" in problem:
        hint = "Write it into another file, or remove the `---`."
        return SyntaxProblem("M1006", line, "A second document begins here", hint)
    if start and "quoted scalar" in (error.context or ""):
        hint = "Close it. If it is closed, look for an open quote above it."
        message = "This is not YAML: the quote that opens here is never closed"
        return SyntaxProblem("M1002", start.line + 1, message, hint)
    if "mapping values are not" in problem:
        return _explain_colon(line, column, lines)
    if "block mapping start" in problem or "block sequence start" in problem:
        return _explain_indentation(line, lines)
    if start and "flow" in (error.context or ""):
        bracket = "{" if "mapping" in (error.context or "") else "["
        message = f"This is not YAML: the `{bracket}` in line {start.line + 1} is not closed"
        hint = "Close it before this place, or write the comma or quote that is missing after it. "
        hint += "Text that begins with a bracket needs quotes."
        return SyntaxProblem("M1002", line, message, hint)
    for sign, message, hint in _OTHER_MISTAKES:
        if sign in problem:
            return SyntaxProblem("M1002", line, f"This is not YAML: {message or problem}", hint)
    if start and start.line + 1 < line:
        problem += f", {error.context} that begins on line {start.line + 1}"
    hint = "Check the indentation, colons, quotes and brackets on and above this line."
    return SyntaxProblem("M1002", line, f"This is not YAML: {problem}", hint)


_OTHER_MISTAKES = (
    (r"\t", "a tab is used where only spaces are allowed", "Indent with spaces."),
    ("but found '-'", "a list item is written where a key belongs", "Write `key: value`, or indent "
     "the item below the key that the list belongs to."),
    ("but found '?'", "a key is written where a list item belongs", "Begin the line with `- `, or "
     "indent it like the keys of the item above it."),
    ("but found '<scalar>'", "text follows the end of a value", "Put the whole value in quotes."),
    ("cannot start any token", "", "Put text that begins with it in quotes."),
    ("undefined alias", "", "Put text that begins with `*` in quotes."),
    ("alphabetic or numeric", "", "Put text that begins with `*` or `&` in quotes."),
)  # fmt: skip
"""A part of what ruamel.yaml reports, what it means, and what to write. The first that fits."""


# Colons ----------------------------------------------------------------------------------------


def _explain_colon(number: int, column: int, lines: list[str]) -> SyntaxProblem:
    """A colon where none can be: a second one in a line, or a line that continues the one above."""
    line = _key_line(number, lines)
    if line is None or line.column + len(line.key) < column:
        return _explain_second_colon(number, column, lines)
    above, before = _key_line_above(number, lines), _content_above(number, lines)
    if above is not None and above.number == before and line.column > above.column:
        return _too_deep(line, above)
    text = lines[before - 1].strip() if before else ""
    if match := re.fullmatch(r"(?:- +)*([\w.-]+):(\S.*)", text):
        message = f"This is not YAML: there is no space after the colon of `{match[1]}:`"
        return SyntaxProblem("M1002", before, message, f"Write `{match[1]}: {match[2]}`.")
    continues = above is not None and above.value and line.column > above.column
    if before and above is not None and continues:
        message = f"This is not YAML: a key follows text that begins in line {above.number}"
        hint = f"{_indent(above, f'`{line.key}:`')}, or put the text in quotes."
        return SyntaxProblem("M1002", number, message, hint)
    if before:
        message = f"This is not YAML: the line `{_shorten(text)}` has no colon"
        hint = "Write `key: value`, or remove the line."
        return SyntaxProblem("M1002", before, message, hint)
    return _explain_second_colon(number, column, lines)


def _explain_second_colon(number: int, column: int, lines: list[str]) -> SyntaxProblem:
    line = _key_line(number, lines)
    message = "This is not YAML: the value contains a colon and a space"
    hint = "Put text with a colon in quotes."
    if line is not None and line.value.strip() and "#" not in line.value:
        value = json.dumps(line.value.strip(), ensure_ascii=False)
        hint = f"Put it in quotes: `{line.key}: {_shorten(value)}`."
    return SyntaxProblem("M1002", number, message, hint)


# Indentation -----------------------------------------------------------------------------------


def _explain_indentation(number: int, lines: list[str]) -> SyntaxProblem:
    """A line whose column is that of no map or list around it."""
    text = lines[number - 1]
    indent, is_item = len(text) - len(text.lstrip(" ")), text.lstrip(" ").startswith("-")
    word = _line_word(number, lines)
    around = _open_lines(number, lines, items=is_item) or _open_lines(number, lines, items=False)
    deepest = max(around, key=lambda key: key.number, default=None)
    if deepest is None:
        hint = "Align it with the keys or items that it belongs to."
        return SyntaxProblem("M1008", number, f"{word} is not aligned with the lines above", hint)
    if deepest.number == _content_above(number, lines) and indent > deepest.column:
        return _too_deep(_KeyLine(number, word.strip("`").rstrip(":"), indent), deepest)
    nearest = sorted(around, key=lambda line: (abs(line.column - indent), -line.column))[:2]
    if len(around) == 1 and indent == 0:
        message = f"{nearest[0]} is indented by {_spaces(nearest[0].column)}, and {word} is not"
        return SyntaxProblem("M1008", number, message, "Begin both in the first column.")
    message = f"{word} is indented by {_spaces(indent)}, which matches no line above it"
    first, *others = [_indent(near) for near in nearest]
    hint = ", or ".join([first, *(other[0].lower() + other[1:] for other in others)])
    return SyntaxProblem("M1008", number, message, f"{hint}.")


def _too_deep(line: _KeyLine, above: _KeyLine) -> SyntaxProblem:
    message = f"`{line.key}:` is indented by {_spaces(line.column)}, deeper than {above}"
    return SyntaxProblem("M1008", line.number, message, f"{_indent(above)}.")


def _indent(like: _KeyLine, word: str = "it") -> str:
    """How to indent a line like another one."""
    if like.column:
        return f"Indent {word} by {_spaces(like.column)}, like {like}"
    return f"Begin {word} in the first column, like {like}"


def _key_line(number: int, lines: list[str]) -> _KeyLine | None:
    """A line as a key and its value; None where it is anything else."""
    match = _KEY.fullmatch(lines[number - 1].rstrip()) if number <= len(lines) else None
    if match is None:
        return None
    column = len(match["indent"]) + len(match["dashes"])
    return _KeyLine(number, match["key"].strip("\"'"), column, match["value"].strip())


def _key_line_above(number: int, lines: list[str]) -> _KeyLine | None:
    """The nearest line above that begins with a key."""
    key_lines = (_key_line(above, lines) for above in range(number - 1, 0, -1))
    return next((line for line in key_lines if line is not None), None)


def _content_above(number: int, lines: list[str]) -> int:
    """The number of the nearest line above that is neither empty nor a comment; 0 for none."""
    above = range(number - 1, 0, -1)
    return next((n for n in above if lines[n - 1].split("#")[0].strip()), 0)


def _open_lines(number: int, lines: list[str], *, items: bool) -> list[_KeyLine]:
    """The keys, or items, above a line whose maps, or lists, no line in between ends; the
    outermost last."""
    found: list[_KeyLine] = []
    for above in range(number - 1, 0, -1):
        text = lines[above - 1]
        line = _key_line(above, lines)
        if items and text.lstrip(" ").startswith("- "):
            line = _KeyLine(above, "", len(text) - len(text.lstrip(" ")))
        elif items:
            line = None
        if line is not None and (not found or line.column < found[-1].column):
            found.append(line)
    return found


def _line_word(number: int, lines: list[str]) -> str:
    line = _key_line(number, lines)
    return f"`{line.key}:`" if line else f"`{_shorten(lines[number - 1].strip())}`"


def _spaces(count: int) -> str:
    return f"{count} space" if count == 1 else f"{count} spaces"


def _shorten(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:60]}..."
