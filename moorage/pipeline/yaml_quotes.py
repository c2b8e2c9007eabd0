"""Quotes in YAML that are not closed, or that end too early. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from moorage.pipeline.yaml_lines import SyntaxProblem, has_content, indentation, shorten
from moorage.records import record

_BLOCK_SCALAR = re.compile(r"(^|.*[\s:-])[|>][-+0-9]*\s*(#.*)?")
_OPENING = re.compile(r"""(?:^|(?<=[\s\[{,]))["']|(?:^|(?<=\s))#""")
_BEFORE_A_VALUE = re.compile(r"(^|.*[\[{,]|.*[:?-]\s+)\s*|.*[!&]\S*\s+")
_ENDS = {
    '"': re.compile(r'(?:[^"\\]|\\.)*"', re.DOTALL),
    "'": re.compile(r"(?:[^']|'')*'", re.DOTALL),
}


@record
class _Quoted:
    """A text in quotes, from its opening quote on."""

    line: int
    column: int
    quote: str
    text: str
    """The rest of the line after the opening quote."""
    length: int
    """Characters up to and including the closing quote; 0 if there is none."""
    rest: str
    """All of the file after the opening quote."""


def find_open_quote(lines: list[str], last: int) -> SyntaxProblem | None:
    """The first quote, up to line `last`, that is not closed or is closed too early."""
    for quoted in _quoted_texts(lines):
        if quoted.line > last:
            return None
        if not quoted.length or leaves_its_map(quoted.line, _last_line(quoted), lines):
            return explain_open_quote(quoted.line, quoted.column, lines)
        if "\n" in quoted.rest[: quoted.length]:
            continue
        after = quoted.text[quoted.length :]
        if after and not re.match(r"[\s,\]}:]", after):
            return _explain_text_after(quoted, lines)
    return None


def leaves_its_map(first: int, last: int, lines: list[str]) -> bool:
    """Whether text in quotes continues in a line that is not indented deeper than its first line.

    YAML does not allow that (YAML 1.2.2, section 7.3, s-flow-line-prefix), ruamel.yaml does.
    """
    start = indentation(lines[first - 1])
    between = lines[first : min(last, len(lines))]
    return any(line.strip() and indentation(line) <= start for line in between)


def explain_open_quote(number: int, column: int, lines: list[str]) -> SyntaxProblem:
    """A quote that is not closed in its line. `column` is where it opens, from 0."""
    line = lines[number - 1]
    quote, text = line[column], line[column + 1 :].rstrip()
    before = line[:column]
    in_brackets = re.search(r"[\[{]", before) is not None
    value = re.split(r"[,\]}]", text)[0] if in_brackets else text
    message = f"This is not YAML: the quote before `{shorten(value)}` is not closed"
    hint = f"Write a {quote} where the value ends: `{quote}{value}{quote}`."
    if not in_brackets:
        before = f"{before.strip()} ".lstrip()
        hint = f"Write `{before}{quote}{text.rstrip(_other(quote))}{quote}`."
        if quote == '"' and text.endswith('\\"'):
            hint = f'Write `{before}{quote}{text[:-2]}{quote}`: `\\"` does not close it.'
    return SyntaxProblem("M1002", number, message, hint)


def _explain_text_after(quoted: _Quoted, lines: list[str]) -> SyntaxProblem | None:
    """Text in quotes that is followed by more text with quotes: a quote in the middle ended it."""
    inside, after = quoted.text[: quoted.length - 1], quoted.text[quoted.length :]
    is_apostrophe = quoted.quote == "'" and re.search(r"\w$", inside) and re.match(r"\w", after)
    more = after.count(quoted.quote)
    if not more:
        return None
    if not is_apostrophe and more % 2:
        return explain_open_quote(quoted.line, quoted.column, lines)
    word = shorten(re.split(r"[\s,\]}]", after)[0])
    message = f"This is not YAML: a quote inside of the value ends it before `{word}`"
    hint = 'Write it as `\\"`, or put the value in single quotes.'
    if quoted.quote == "'":
        hint = "Write the quote inside twice, `''`, or put the value in double quotes."
    return SyntaxProblem("M1002", quoted.line, message, hint)


def _other(quote: str) -> str:
    return "'" if quote == '"' else '"'


def _last_line(quoted: _Quoted) -> int:
    return quoted.line + quoted.rest.count("\n", 0, quoted.length)


def _quoted_texts(lines: list[str]) -> Iterator[_Quoted]:
    """All quoted texts that are values or keys, in the order of the file."""
    number, column, block = 1, 0, -1
    while number <= len(lines):
        line = lines[number - 1]
        if column == 0 and block >= 0 and (indentation(line) > block or not line.strip()):
            number += 1
            continue
        block = block if column else -1
        match = _OPENING.search(line, column)
        if match is None or match[0] == "#" or not has_content(line):
            content = line[: match.start()] if match else line
            block = indentation(line) if _BLOCK_SCALAR.fullmatch(content) else -1
            number, column = number + 1, 0
            continue
        opened = match.start()
        if not _BEFORE_A_VALUE.fullmatch(line[:opened]):
            column = opened + 1
            continue
        rest = "\n".join([line[opened + 1 :], *lines[number:]])
        end = _ENDS[match[0]].match(rest)
        quoted = _Quoted(
            number, opened, match[0], line[opened + 1 :], end.end() if end else 0, rest
        )
        yield quoted
        if end is None:
            return
        below = rest.count("\n", 0, end.end())
        column = end.end() - rest.rfind("\n", 0, end.end()) - 1 if below else opened + 1 + end.end()
        number += below
