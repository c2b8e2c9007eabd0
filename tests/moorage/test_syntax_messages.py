"""Mistakes in the syntax of YAML: the finding names the line, and says what to write instead."""

from __future__ import annotations

from pathlib import Path

import pytest
from params_findings import HEADER, findings
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError

from moorage.pipeline.load import load
from moorage.pipeline.yaml_syntax import SyntaxProblem, explain_syntax_error


def explain(text: str) -> SyntaxProblem:
    with pytest.raises(MarkedYAMLError) as error:
        YAML(typ="safe", pure=True).load(text)
    return explain_syntax_error(error.value, text)


@pytest.mark.parametrize("value", ["x", '"x"', "[1]", "1", "{}"])
@pytest.mark.parametrize("spaces", [1, 2, 3])
def test_a_line_that_is_indented_too_much(value: str, spaces: int) -> None:
    problem = explain(f"a:\n  b: {value}\n{' ' * (2 + spaces)}c: 1\n")
    assert (problem.code, problem.line) == ("M1008", 3)
    assert problem.message.startswith(f"`c:` is indented by {2 + spaces} spaces, deeper than `b:`")
    assert problem.hint == "Indent it by 2 spaces, like `b:` in line 2."


@pytest.mark.parametrize(
    ("text", "line", "hint"),
    [
        ("a:\n  b:\n    c: 1\n   d: 2\n", 4, "Indent it by 4 spaces, like `c:` in line 3, or"),
        ("a:\n  b: 1\n c: 2\n", 3, "Indent it by 2 spaces, like `b:` in line 2, or begin it in"),
        ("a:\n  - b\n - c\n", 3, "Indent it by 2 spaces, like the item in line 2."),
        ("a:\n  - b: 1\n   c: 2\n", 3, "Indent it by 4 spaces, like `b:` in line 2, or"),
        (" a: 1\nb: 2\n", 2, "Begin both in the first column."),
        ("a: 1\n b: 2\n", 2, "Begin it in the first column, like `a:` in line 1."),
    ],
)
def test_a_line_that_is_not_aligned(text: str, line: int, hint: str) -> None:
    problem = explain(text)
    assert (problem.code, problem.line) == ("M1008", line)
    assert problem.hint.startswith(hint)


STACK = "stacks:\n  web:\n    template: service\n"


@pytest.mark.parametrize(
    ("text", "line", "message", "hint"),
    [
        (
            f"{STACK}  cpu: 512\n    memory: 1024\n",
            4,
            "`cpu:` is indented by 2 spaces, less than `template:` in line 3 and `memory:` in line "
            "5",
            "Indent it by 4 spaces, like `template:` in line 3. If it is right, indent `memory:` "
            "by 2 spaces, like `cpu:` in line 4.",
        ),
        (
            f"{STACK}  containers:\n      web: {{}}\n    cpu: 512\n",
            4,
            "`containers:` is indented by 2 spaces, less than `template:` in line 3 and `cpu:` in "
            "line 6",
            "Indent it by 4 spaces, like `template:` in line 3.",
        ),
        (
            "a:\n  b:\n  c: 1\n    d: 2\n",
            3,
            "`c:` is indented by 2 spaces, less than `d:` in line 4",
            "Indent it by 4 spaces, like `d:` in line 4.",
        ),
        (
            "a:\n  b:\n   c: 1\n    d: 2\n",
            3,
            "`c:` is indented by 3 spaces, less than `d:` in line 4",
            "Indent it by 4 spaces, like `d:` in line 4.",
        ),
        (
            "a:\n  b: {}\nc: {}\n  d: {}\n",
            3,
            "`c:` begins in the first column, left of `b:` in line 2 and `d:` in line 4",
            "Indent it by 2 spaces, like `b:` in line 2. If it is right, begin `d:` in the first "
            "column, like `c:` in line 3.",
        ),
        (
            "a:\n  - x\n- y\n  - z\n",
            3,
            "`- y` begins in the first column, and the item in line 2 is indented by 2 spaces",
            "Indent it by 2 spaces, like the item in line 2.",
        ),
        (
            "a:\n  - x: 1\n    - y: 2\n",
            3,
            "`- y: 2` is indented by 4 spaces, and the item in line 2 by 2 spaces",
            "Indent it by 2 spaces, like the item in line 2.",
        ),
        (
            "a:\n  b:\n    - c: 1\n    d: 2\n      e: 3\n",
            4,
            "`d:` is indented by 4 spaces, and `c:` in line 3 by 6 spaces",
            "Indent it by 6 spaces, like `c:` in line 3, or indent it by 2 spaces, like `b:` in "
            "line 2.",
        ),
    ],
)
def test_a_line_that_is_indented_too_little_is_the_one_that_is_named(
    text: str, line: int, message: str, hint: str
) -> None:
    problem = explain(text)
    assert problem == SyntaxProblem("M1008", line, message, hint)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: {b: ${stage}, c: 1}\n", "${stage}"),
        ("a: {b: 1, c: shop-${env}/x}\n", "shop-${env}/x"),
        ("a: [${env}]\n", "${env}"),
        ("a:\n  - {b: 1,\n     c: ${env}}\n", "${env}"),
    ],
)
def test_a_reference_between_brackets_needs_quotes(text: str, value: str) -> None:
    problem = explain(text)
    assert problem.line == 1 + text[: text.index(value)].count("\n")
    assert problem.message == f"This is not YAML: `{value}` has no quotes"
    assert problem.hint == f'Inside of brackets, write `"{value}"`.'


def test_a_reference_with_quotes_is_not_the_mistake() -> None:
    problem = explain('a: {b: "x: ${env}", c: 1\nd: 2\n')
    assert "is not closed" in problem.message


@pytest.mark.parametrize(
    ("text", "line", "hint"),
    [
        ("  - x\n   - y\n", 5, "Indent it by 2 spaces, like the item in line 4."),
        ("  - x\n    - y\n", 5, "Indent it by 2 spaces, like the item in line 4."),
        (" 80\n  - 81\n", 4, "Write all values of `a:` as items below it, or remove the item."),
    ],
)
def test_an_item_that_continues_the_text_above_it(
    tmp_path: Path, text: str, line: int, hint: str
) -> None:
    text = f"{HEADER}a:{text}" if text[1] == "8" else f"{HEADER}a:\n{text}"
    reported = [finding for finding in findings(tmp_path, text) if finding.code == "M1008"]
    assert [(finding.place.line, finding.hint) for finding in reported] == [(line, hint)]


@pytest.mark.parametrize(
    ("text", "line", "message", "hint"),
    [
        ('a: "b\nc: 2\n', 1, "the quote before `b` is not closed", 'Write `a: "b"`.'),
        ("a: 'b\nc: ['d']\n", 1, "the quote before `b` is not closed", "Write `a: 'b'`."),
        ('a: 1\nb: "c\nd: "e"\n', 2, "the quote before `c` is not closed", 'Write `b: "c"`.'),
        ("a: 'b\"\nc: 'd'\n", 1, 'the quote before `b"` is not closed', "Write `a: 'b'`."),
        (
            'a: "b\\"\nc: "d"\n',
            1,
            'the quote before `b\\"` is not closed',
            'Write `a: "b"`: `\\"` does not close it.',
        ),
        ('"a: b\nc: "d"\n', 1, "the quote before `a: b` is not closed", 'Write `"a: b"`.'),
        (
            'a: ["b, "c"]\n',
            1,
            "the quote before `b` is not closed",
            'Write a " where the value ends: `"b"`.',
        ),
        (
            'a: ["b", "c]\nd: "e"\n',
            1,
            "the quote before `c` is not closed",
            'Write a " where the value ends: `"c"`.',
        ),
        (
            "a: 'it's'\n",
            1,
            "a quote inside of the value ends it before `s'`",
            "Write the quote inside twice, `''`, or put the value in double quotes.",
        ),
        (
            'a: "say "hi" now"\n',
            1,
            'a quote inside of the value ends it before `hi"`',
            'Write it as `\\"`, or put the value in single quotes.',
        ),
        (
            "# it's\na: |\n  it's 'b\nc: it's \"d\ne: 'f\ng: [\n",
            5,
            "the quote before `f` is not closed",
            "Write `e: 'f'`.",
        ),
    ],
)
def test_the_line_where_an_open_quote_begins(text: str, line: int, message: str, hint: str) -> None:
    expected = SyntaxProblem("M1002", line, f"This is not YAML: {message}", hint)
    assert explain(text) == expected


def test_an_open_quote_that_the_next_one_closes(tmp_path: Path) -> None:
    reported = findings(tmp_path, 'region: "eu-central-1\napp: shop"\nstacks: {network: {}}\n')
    assert [(f.code, f.place.line) for f in reported] == [("M1002", 1)]


@pytest.mark.parametrize(
    "text", ['"b\n  c"', '"b\n\n  c"', "b\n  c", "|\n  b\n  - c", '["b\n  c"]']
)
def test_text_of_several_lines(tmp_path: Path, text: str) -> None:
    (tmp_path / "dev.yaml").write_text(f"a: {text}\nd: 1\n")
    assert load(tmp_path, "dev")[1] == []


@pytest.mark.parametrize(
    ("text", "line", "hint"),
    [
        ("a: Shop: home\n", 1, 'Put it in quotes: `a: "Shop: home"`.'),
        ("a:\n  b:1\n  c: 2\n", 2, "Write `b: 1`."),
        ("app shop\nregion: x\n", 1, "Write `key: value`, or remove the line."),
        ("a:\n  b: one\n   two\n   c: 3\n", 4, "Indent `c:` by 2 spaces, like `b:` in line 2, or"),
        ("a: {b: 1\nc: 2\n", 2, "Close it before this place"),
        ("a:\n\tb: 1\n", 2, "Indent with spaces."),
        ("a:\n- b\nc: 1\n- d\n", 4, "Write `key: value`, or indent the item"),
        ("a:\n  - b\n  c: 1\n", 3, "Begin the line with `- `"),
        ('a: "b"c\n', 1, "Put the whole value in quotes."),
        ("a: *.example.com\n", 1, "Put text that begins with `*` in quotes."),
    ],
)
def test_other_mistakes_of_syntax(text: str, line: int, hint: str) -> None:
    problem = explain(text)
    assert (problem.code, problem.line) == ("M1002", line)
    assert problem.hint.startswith(hint)
