"""A YAML file with wrong indentation -> which line is wrong, and how to indent it. Pure.

The parser stops at a line that matches no map or list above it. But if this line is aligned with an
earlier one, the line between them is the wrong one.
"""

from __future__ import annotations

from moorage.pipeline.yaml_lines import (
    KeyLine,
    SyntaxProblem,
    content_above,
    indentation,
    is_item,
    key_line,
    line_word,
    open_lines,
    spaces,
)

_USUAL_STEPS = (2, 4)


def explain_indentation(number: int, lines: list[str]) -> SyntaxProblem:
    """A line whose column matches no map or list above it."""
    indent = indentation(lines[number - 1])
    word, around = line_word(number, lines), _of_same_kind(number, lines)
    deepest = max(around, key=lambda line: line.number, default=None)
    if deepest is None:
        hint = "Align it with the keys or items that it belongs to."
        return SyntaxProblem("M1008", number, f"{word} is not aligned with the lines above", hint)
    if problem := explain_line_above(number, lines):
        return problem
    if deepest.number == content_above(number, lines) and indent > deepest.column:
        return too_deep(KeyLine(number, word.strip("`").rstrip(":"), indent), deepest)
    nearest = sorted(around, key=lambda line: (abs(line.column - indent), -line.column))[:2]
    if len(around) == 1 and indent == 0:
        message = f"{nearest[0]} is indented by {spaces(nearest[0].column)}, and {word} is not"
        return SyntaxProblem("M1008", number, message, "Begin both in the first column.")
    message = f"{word} {_where(indent)}, which matches no line above it"
    return SyntaxProblem("M1008", number, message, f"{_either(nearest)}.")


def explain_line_above(number: int, lines: list[str]) -> SyntaxProblem | None:
    """The line above, if that is the one with wrong indentation: it is indented too little.

    That is so if this line is aligned with a line before that one, or continues the map that that
    line should have begun.
    """
    indent = indentation(lines[number - 1])
    outer = [line for line in open_lines(number, lines) if line.column < indent]
    if not outer or is_item(lines[number - 1]):
        return None
    wrong = outer[0]
    if is_item(lines[wrong.number - 1]):
        return None
    same = [line for line in open_lines(wrong.number, lines) if line.column == indent and line.key]
    parent = key_line(content_above(wrong.number, lines) or wrong.number, lines)
    line = key_line(number, lines)
    if same:
        return _too_shallow(wrong, same[0], line)
    if line is None or parent is None or parent == wrong or parent.value:
        return None
    begins = parent.column == wrong.column
    begins |= parent.column < wrong.column and (
        wrong.column - parent.column not in _USUAL_STEPS and indent - parent.column in _USUAL_STEPS
    )
    return _too_shallow(wrong, line, None) if begins else None


def explain_item(number: int, lines: list[str]) -> SyntaxProblem | None:
    """An item in the column of a key: it belongs to a list above, and is only indented wrongly."""
    items = [line for line in open_lines(number, lines) if not line.key]
    return _not_aligned(number, lines, items[:1]) if items else None


def explain_key(number: int, lines: list[str]) -> SyntaxProblem | None:
    """A key in the column of items: a key of the item above, or of the map around the list."""
    indent = indentation(lines[number - 1])
    around = open_lines(number, lines)
    if key_line(number, lines) is None or is_item(lines[number - 1]):
        return None
    inner = [line for line in around if line.key and line.column > indent][-1:]
    outer = [line for line in around if line.key and line.column < indent][:1]
    return _not_aligned(number, lines, [*inner, *outer]) if inner else None


def explain_continued_item(number: int, first: int, lines: list[str]) -> SyntaxProblem:
    """An item that YAML reads as part of the text above it, which begins in line `first`."""
    items = [line for line in open_lines(first + 1, lines) if not line.key]
    if is_item(lines[first - 1]):
        return _not_aligned(number, lines, items[:1])
    above = key_line(first, lines)
    owner = above.name if above else f"line {first}"
    message = f"The item {line_word(number, lines)} follows the value of {owner}, and continues it"
    hint = f"Write all values of {owner} as items below it, or remove the item."
    return SyntaxProblem("M1008", number, message, hint)


def too_deep(line: KeyLine, above: KeyLine) -> SyntaxProblem:
    message = f"`{line.key}:` is indented by {spaces(line.column)}, deeper than {above}"
    return SyntaxProblem("M1008", line.number, message, f"{indent_like(above)}.")


def indent_like(like: KeyLine, word: str = "it") -> str:
    """How to indent a line like another one."""
    if like.column:
        return f"Indent {word} by {spaces(like.column)}, like {like}"
    return f"Begin {word} in the first column, like {like}"


def _too_shallow(wrong: KeyLine, like: KeyLine, after: KeyLine | None) -> SyntaxProblem:
    """`after` is the line that the parser stopped at, where that one could be the wrong one."""
    less = "less than" if wrong.column else "left of"
    message = f"{wrong.name} {_where(wrong.column)}, {less} {like}"
    if after is not None:
        message += f" and {after}"
    hint = indent_like(like)
    if after is not None and wrong.value:
        other = indent_like(wrong, after.name)
        hint += f". If it is right, {other[0].lower()}{other[1:]}"
    return SyntaxProblem("M1008", wrong.number, message, f"{hint}.")


def _not_aligned(number: int, lines: list[str], around: list[KeyLine]) -> SyntaxProblem:
    indent = indentation(lines[number - 1])
    where = _where(around[0].column, indent)
    message = f"{line_word(number, lines)} {_where(indent)}, and {around[0]} {where}"
    return SyntaxProblem("M1008", number, message, f"{_either(around)}.")


def _where(column: int, other: int = 0) -> str:
    """Where a line begins; `other` is the column of a line that was named before."""
    if column == 0:
        return "begins in the first column"
    return f"by {spaces(column)}" if other else f"is indented by {spaces(column)}"


def _either(lines: list[KeyLine]) -> str:
    first, *others = [indent_like(line) for line in lines]
    return ", or ".join([first, *(other[0].lower() + other[1:] for other in others)])


def _of_same_kind(number: int, lines: list[str]) -> list[KeyLine]:
    """The open items around an item, or the open keys around a key."""
    around = open_lines(number, lines)
    keys = [line for line in around if line.key]
    items = [line for line in around if not line.key]
    return (is_item(lines[number - 1]) and items) or keys
