"""A YAML parser's error -> the mistake in the line, and what to write instead. Pure."""

from __future__ import annotations

import json
import re

from ruamel.yaml.error import MarkedYAMLError

from moorage.pipeline.yaml_indentation import (
    explain_indentation,
    explain_item,
    explain_key,
    explain_line_above,
    indent_like,
    too_deep,
)
from moorage.pipeline.yaml_lines import KeyLine, SyntaxProblem, content_above, key_line, shorten
from moorage.pipeline.yaml_quotes import find_open_quote


def explain_syntax_error(error: MarkedYAMLError, text: str) -> SyntaxProblem:
    """The most likely mistake behind an error of ruamel.yaml's parser."""
    mark, start = error.problem_mark or error.context_mark, error.context_mark
    line, column = (mark.line + 1, mark.column) if mark else (1, 0)
    problem = (error.problem or error.context or "it cannot be parsed").strip()
    lines = text.splitlines()
    if "another document" in problem:
        hint = "Write it into another file, or remove the `---`."
        return SyntaxProblem("M1006", line, "A second document begins here", hint)
    if explained := find_open_quote(lines, line) or _explain_line(problem, line, column, lines):
        return explained
    if start and "flow" in (error.context or ""):
        if unquoted := _find_unquoted_reference(lines[:line], start.line):
            return unquoted
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


_REFERENCE = re.compile(
    r"(?:(?<=[\[{,])|(?<=[:,] ))[^\s\"',:\[\]{}]*\$\{[^\s}]{0,256}+\}[^\s\"',\[\]{}]*"
)
"""Text such as `kelp-${env}` that begins a value between brackets."""


def _find_unquoted_reference(lines: list[str], first: int) -> SyntaxProblem | None:
    """A text with `${...}` between brackets and without quotes: YAML reads its brace as a map."""
    for number, line in enumerate(lines[first:], first + 1):
        for match in _REFERENCE.finditer(line):
            before = line[: match.start()]
            if before.count('"') % 2 == before.count("'") % 2 == 0:
                message = f"This is not YAML: `{shorten(match[0])}` has no quotes"
                hint = f'Inside of brackets, write `"{shorten(match[0])}"`.'
                return SyntaxProblem("M1002", number, message, hint)
    return None


def _explain_line(problem: str, line: int, column: int, lines: list[str]) -> SyntaxProblem | None:
    """A line that is indented wrongly, or has a colon too many."""
    if "mapping values are not" in problem:
        return _explain_colon(line, column, lines)
    if "block mapping start" in problem or "block sequence start" in problem:
        return explain_indentation(line, lines)
    if "but found '-'" in problem:
        return explain_item(line, lines)
    return explain_key(line, lines) if "but found '?'" in problem else None


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
"""Part of a message of ruamel.yaml, what it means, and what to write. The first match counts."""


# Colons ----------------------------------------------------------------------------------------


def _explain_colon(number: int, column: int, lines: list[str]) -> SyntaxProblem:
    """A colon that YAML does not allow: a second one in a line, or one in a line that continues the
    text above it."""
    line = key_line(number, lines)
    if line is None or line.column + len(line.key) < column:
        return _explain_second_colon(number, column, lines)
    above, before = _key_line_above(number, lines), content_above(number, lines)
    if above is not None and above.number == before and line.column > above.column:
        return explain_line_above(number, lines) or too_deep(line, above)
    text = lines[before - 1].strip() if before else ""
    if match := re.fullmatch(r"(?:- +)*([\w.-]+):(\S.*)", text):
        message = f"This is not YAML: there is no space after the colon of `{match[1]}:`"
        return SyntaxProblem("M1002", before, message, f"Write `{match[1]}: {match[2]}`.")
    continues = above is not None and above.value and line.column > above.column
    if before and above is not None and continues:
        message = f"This is not YAML: a key follows text that begins in line {above.number}"
        hint = f"{indent_like(above, f'`{line.key}:`')}, or put the text in quotes."
        return SyntaxProblem("M1002", number, message, hint)
    if before:
        message = f"This is not YAML: the line `{shorten(text)}` has no colon"
        hint = "Write `key: value`, or remove the line."
        return SyntaxProblem("M1002", before, message, hint)
    return _explain_second_colon(number, column, lines)


def _explain_second_colon(number: int, column: int, lines: list[str]) -> SyntaxProblem:
    line = key_line(number, lines)
    message = "This is not YAML: the value contains a colon and a space"
    hint = "Put text with a colon in quotes."
    if line is not None and line.value.strip() and "#" not in line.value:
        value = json.dumps(line.value.strip(), ensure_ascii=False)
        hint = f"Put it in quotes: `{line.key}: {shorten(value)}`."
    return SyntaxProblem("M1002", number, message, hint)


def _key_line_above(number: int, lines: list[str]) -> KeyLine | None:
    above = range(number - 1, 0, -1)
    return next((line for n in above if (line := key_line(n, lines))), None)
