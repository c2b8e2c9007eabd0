"""One YAML file -> plain data, with the line of each value."""

from __future__ import annotations

import io
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path as FilePath
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from moorage.facts.secret_values import hide_assigned
from moorage.findings.finding import Finding, Path, Place
from moorage.findings.wording import CONTROL, shown
from moorage.pipeline.limits import LIMIT_CODE, PARAMS, LimitError, read_bytes
from moorage.pipeline.yaml_indentation import explain_continued_item
from moorage.pipeline.yaml_lines import SyntaxProblem, is_item
from moorage.pipeline.yaml_nodes import compose
from moorage.pipeline.yaml_quotes import explain_open_quote, leaves_its_map
from moorage.pipeline.yaml_syntax import explain_syntax_error
from moorage.records import record

_CONTROL_HINT = "Remove it. Text can have line breaks and tabs, and no other control character."
_KEY_CONTROL = re.compile(CONTROL.pattern.replace("]", r"\t\n\r]"))
_TAG = "tag:yaml.org,2002:"
_PLAIN = frozenset(_TAG + kind for kind in ("map", "seq", "str", "int", "float", "bool", "null"))
_KINDS = {"int": "a whole number", "float": "a number", "bool": "true or false", "null": "empty"}
_MAX_SHOWN = 40


@record
class File:
    """A YAML file as plain data. `data` is None where it could not be read."""

    data: Any
    places: Mapping[Path, Place]
    findings: tuple[Finding, ...]


def read_yaml(path: FilePath, compose: Callable[[str], Node | None] = compose) -> File:
    """Reads a file whose document is a map; problems of its YAML are in `findings`. `compose` makes
    the nodes of a text."""
    name = str(path)
    composed = _compose_file(path, compose)
    if isinstance(composed, SyntaxProblem):
        place = Place(name, composed.line)
        problem = Finding(composed.code, "error", place, (), composed.message, composed.hint)
        return File(None, {}, (problem,))
    root, text = composed
    reader = _Reader(name, text.splitlines())
    data = reader.read(root, (), ())
    return File(None if reader.is_cut else data, reader.places, tuple(reader.findings))


def _compose_file(
    path: FilePath, compose: Callable[[str], Node | None]
) -> tuple[MappingNode, str] | SyntaxProblem:
    """The root of a file's document and the text of the file, or why there is none."""
    try:
        content = read_bytes(path, PARAMS)
        # Lines end as in any text file: with LF, CRLF or CR.
        text = io.StringIO(content.decode(), newline=None).read()
        root = _compose_node(text, compose)
    except LimitError as error:
        return SyntaxProblem(LIMIT_CODE, error.line, error.message, error.hint)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        return SyntaxProblem("M1001", line, "The file is not UTF-8 text", "Save it as UTF-8.")
    except OSError as error:
        reason = error.strerror or str(error)
        hint = "Check its name and permissions."
        return SyntaxProblem("M1001", 1, f"The file cannot be read: {reason}", hint)
    except MarkedYAMLError as error:
        problem = explain_syntax_error(error, text)
        message, hint = hide_assigned(problem.message, text), hide_assigned(problem.hint, text)
        return replace(problem, message=message, hint=hint)
    except (YAMLError, ValueError) as error:
        hint = "Save the file as plain UTF-8 text."
        return SyntaxProblem("M1002", 1, f"This is not YAML: {str(error).splitlines()[0]}", hint)
    if isinstance(root, SyntaxProblem):
        return root
    if isinstance(root, MappingNode):
        return root, text
    if root is None or (isinstance(root, ScalarNode) and root.tag == _TAG + "null"):
        hint = "Write at least `app:`, `region:` and `stacks:`, or delete the file."
        return SyntaxProblem("M1004", 1, "The file is empty", hint)
    hint = "Begin with `app:`, `region:` and `stacks:`."
    return SyntaxProblem("M1006", 1, "The file is not a map of keys and values", hint)


def _compose_node(text: str, compose: Callable[[str], Node | None]) -> Node | SyntaxProblem | None:
    if control := CONTROL.search(text):
        line = text.count("\n", 0, control.start()) + 1
        message = _describe_control(control[0], "The file")
        return SyntaxProblem("M1022", line, message, _CONTROL_HINT)
    return compose(text)


def read_scalar(text: str) -> str | int | float | bool:
    """A value of the command line, as the same word without quotes in params: `512` is a number.

    >>> read_scalar("512"), read_scalar("true"), read_scalar("1.50"), read_scalar("[1]")
    (512, True, '1.50', '[1]')
    """
    yaml = YAML(typ="safe", pure=True)
    tag = yaml.resolver.resolve(ScalarNode, text, (True, False))
    kind = str(tag).removeprefix(_TAG)
    if kind not in ("int", "float", "bool") or len(text) > PARAMS.number:
        return text
    value: int | float | bool = yaml.constructor.construct_object(ScalarNode(tag, text))
    return value if kind == "bool" or str(value) == text else text


class _Reader:
    """Converts YAML nodes to plain data, and records the line of each value and all problems."""

    def __init__(self, file: str, lines: list[str]) -> None:
        self.file = file
        self.lines = lines
        self.is_cut = False
        """Whether keys are missing because a quote is not closed."""
        self.places: dict[Path, Place] = {}
        self.findings: list[Finding] = []
        self._reported: set[tuple[Place, str]] = set()
        yaml = YAML(typ="safe", pure=True)
        self._constructor, self._resolver = yaml.constructor, yaml.resolver

    def read(self, node: Node, path: Path, ancestors: tuple[Node, ...]) -> Any:
        if node in ancestors:
            message = "The alias is inside its own anchor"
            self._report("M1006", node, path, message, "Write out the value.")
            return None
        if len(ancestors) == PARAMS.depth:  # aliases can nest deeper than the text
            problem = LimitError("depth", PARAMS)
            self._report(LIMIT_CODE, node, path, problem.message, problem.hint)
            return None
        if node.tag not in _PLAIN and node.tag != _TAG + "timestamp":
            hint = "Write a plain value. Below `overrides:`, write functions in full: `Ref: ...`."
            message = f"The tag {shown(str(node.tag).replace(_TAG, '!!'))} has no meaning in params"
            self._report("M1006", node, path, message, hint)
            return None
        if isinstance(node, MappingNode):
            return self._read_map(node, path, (*ancestors, node))
        if isinstance(node, SequenceNode):
            return self._read_list(node, path, (*ancestors, node))
        return self._read_scalar(node, path) if isinstance(node, ScalarNode) else None

    def _read_map(
        self, node: MappingNode, path: Path, ancestors: tuple[Node, ...]
    ) -> dict[str, Any]:
        written: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        lines: dict[str, int] = {}
        for key_node, value_node in node.value:
            if key_node.tag == _TAG + "merge":
                for inherited in self._read_merged(key_node, value_node, path, ancestors):
                    merged = inherited | merged
            elif not isinstance(key_node, ScalarNode):
                hint = "Write text as the key. Put a value that begins with `{` in quotes."
                self._report("M1006", key_node, path, "A key is not text", hint)
            elif control := _KEY_CONTROL.search(key_node.value):
                message = _describe_control(control[0], "A key")
                self._report("M1022", key_node, (*path, key_node.value), message, _CONTROL_HINT)
            elif key_node.value in written:
                key = key_node.value
                hint = f"It is in line {lines[key]} already. Keep one of them."
                message = f"{shown(key)} is written twice in one map"
                self._report("M1003", key_node, (*path, key), message, hint)
            else:
                key = key_node.value
                lines[key] = key_node.start_mark.line + 1
                self.places[(*path, key)] = Place(self.file, lines[key])
                written[key] = self.read(value_node, (*path, key), ancestors)
        return merged | written

    def _read_merged(
        self, key_node: Node, node: Node, path: Path, ancestors: tuple[Node, ...]
    ) -> Iterator[dict[str, Any]]:
        """The maps that `<<` merges; if several have the same key, the first one counts."""
        parts = node.value if isinstance(node, SequenceNode) else [node]
        for part in parts:
            if not isinstance(part, MappingNode):
                message = "`<<` merges something that is not a map"
                self._report("M1006", key_node, path, message, "Name the anchor of a map.")
                continue
            before, self.places = self.places, {}
            value = self.read(part, path, ancestors)
            inherited, self.places = self.places, before
            for inner, place in inherited.items():
                self.places.setdefault(inner, place)
            yield value or {}

    def _read_list(self, node: SequenceNode, path: Path, ancestors: tuple[Node, ...]) -> list[Any]:
        result = []
        for index, item in enumerate(node.value):
            self.places[(*path, index)] = Place(self.file, item.start_mark.line + 1)
            result.append(self.read(item, (*path, index), ancestors))
        return result

    def _read_scalar(self, node: ScalarNode, path: Path) -> Any:
        if swallowed := _find_swallowed_line(node, self.lines):
            self.is_cut |= swallowed.code == "M1002"
            place = Place(self.file, swallowed.line)
            self._add(
                Finding(swallowed.code, "error", place, path, swallowed.message, swallowed.hint)
            )
            return None
        kind = str(node.tag).removeprefix(_TAG)
        if control := CONTROL.search(node.value):
            message = _describe_control(control[0], "The text")
            self._report("M1022", node, path, message, _CONTROL_HINT)
            return None
        if kind in ("timestamp", "str"):
            return node.value
        if (
            kind not in _KINDS
            or self._resolver.resolve(ScalarNode, node.value, (True, False)) != node.tag
        ):
            words = _KINDS.get(kind, "a single value")
            message = f"{shown(node.value[:_MAX_SHOWN])} is not {words}, but has the tag of one"
            self._report("M1006", node, path, message, "Write a plain value, without a tag.")
            return None
        if kind in ("int", "float") and len(node.value) > PARAMS.number:
            problem = LimitError("number", PARAMS)
            self._report(LIMIT_CODE, node, path, problem.message, problem.hint)
            return None
        try:
            value = self._constructor.construct_object(node)
            # `1.50` and `007` are text: as numbers they would be written differently.
            number = isinstance(value, int | float) and not isinstance(value, bool)
            return node.value if number and str(value) != node.value else value
        except (YAMLError, ValueError) as error:
            reason = str(error).splitlines()[0]
            message = f"{shown(node.value[:_MAX_SHOWN])} cannot be read: {reason}"
            self._report("M1002", node, path, message, "Put it in quotes if it is text.")
            return None

    def _report(self, code: str, node: Node, path: Path, message: str, hint: str) -> None:
        """Records a problem; a problem inside of an anchor only once."""
        place = Place(self.file, node.start_mark.line + 1)
        self._add(Finding(code, "error", place, path, message, hint))

    def _add(self, finding: Finding) -> None:
        known = (finding.place, finding.message)
        if known not in self._reported:
            self._reported.add(known)
            self.findings.append(finding)


def _describe_control(character: str, where: str) -> str:
    """The message about a control character in a text, without the character itself."""
    name = unicodedata.name(character, "").lower()
    words = f", {name}" if name else ", a control character"
    return f"{where} has the character U+{ord(character):04X}{words}"


def _find_swallowed_line(node: ScalarNode, lines: list[str]) -> SyntaxProblem | None:
    """A line that YAML reads as part of the text above it: an item that is indented too deep, or
    the lines after an open quote. The parser accepts both."""
    first, last = node.start_mark.line + 1, node.end_mark.line + 1
    if first == last or node.style in ("|", ">"):
        return None
    if node.style in ("'", '"'):
        is_open = leaves_its_map(first, last, lines)
        return explain_open_quote(first, node.start_mark.column, lines) if is_open else None
    items = [number for number in range(first + 1, last + 1) if is_item(lines[number - 1])]
    return explain_continued_item(items[0], first, lines) if items else None
