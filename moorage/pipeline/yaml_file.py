"""One YAML file -> plain data, with the line of each value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from moorage.findings.finding import Finding, Path, Place
from moorage.pipeline.yaml_indentation import explain_continued_item
from moorage.pipeline.yaml_lines import SyntaxProblem, is_item
from moorage.pipeline.yaml_quotes import explain_open_quote, leaves_its_map
from moorage.pipeline.yaml_syntax import explain_syntax_error

_TAG = "tag:yaml.org,2002:"
_PLAIN = frozenset(_TAG + kind for kind in ("map", "seq", "str", "int", "float", "bool", "null"))
_MAX_VALUES = 100_000
"""Values that are read from a file, aliases expanded: far more than params have."""
_MAX_DEPTH = 64
"""Levels of nesting that are read: far more than params have, far fewer than recursion allows."""


@dataclass(frozen=True)
class File:
    """A YAML file as plain data. `data` is None where it could not be read."""

    data: Any
    places: Mapping[Path, Place]
    findings: tuple[Finding, ...]


def read_yaml(path: FilePath) -> File:
    """Reads a file whose document is a map; problems of its YAML are in `findings`."""
    name = str(path)

    def failed(code: str, line: int, message: str, hint: str) -> File:
        return File(None, {}, (Finding(code, "error", Place(name, line), (), message, hint),))

    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        return failed("M1001", line, "The file is not UTF-8 text", "Save it as UTF-8.")
    except OSError as error:
        reason = error.strerror or str(error)
        hint = "Check its name and permissions."
        return failed("M1001", 1, f"The file cannot be read: {reason}", hint)
    try:
        root = _compose_node(text)
    except MarkedYAMLError as error:
        problem = explain_syntax_error(error, text)
        return failed(problem.code, problem.line, problem.message, problem.hint)
    except (YAMLError, ValueError, RecursionError) as error:
        hint = "Save the file as plain UTF-8 text."
        return failed("M1002", 1, f"This is not YAML: {str(error).splitlines()[0]}", hint)
    if root is None or (isinstance(root, ScalarNode) and root.tag == _TAG + "null"):
        hint = "Write at least `app:`, `region:` and `stacks:`, or delete the file."
        return failed("M1004", 1, "The file is empty", hint)
    if not isinstance(root, MappingNode):
        hint = "Begin with `app:`, `region:` and `stacks:`."
        return failed("M1006", 1, "The file is not a map of keys and values", hint)
    reader = _Reader(name, text.splitlines())
    data = reader.read(root, (), ())
    if len(reader.places) > _MAX_VALUES:
        message = f"The file has more than {_MAX_VALUES:,} values after its aliases are expanded"
        return failed("M1006", 1, message, "Remove some of the aliases.")
    return File(None if reader.is_cut else data, reader.places, tuple(reader.findings))


def _compose_node(text: str) -> Node | None:
    yaml = YAML(typ="safe", pure=True)
    yaml.composer.warn_double_anchors = False  # allowed: the last one above an alias counts
    root: Node | None = yaml.compose(text)
    return root


class _Reader:
    """Converts YAML nodes to plain data, and records the line of each value and all problems."""

    def __init__(self, file: str, lines: list[str]) -> None:
        self.file = file
        self.lines = lines
        self.is_cut = False
        """Whether keys are missing, because they are inside of a quote that is not closed."""
        self.places: dict[Path, Place] = {}
        self.findings: list[Finding] = []
        self._constructor = YAML(typ="safe", pure=True).constructor

    def read(self, node: Node, path: Path, ancestors: tuple[Node, ...]) -> Any:
        if node in ancestors:
            message = "The alias is inside of its own anchor"
            self._report("M1006", node, path, message, "Write out the value.")
            return None
        if len(self.places) > _MAX_VALUES:
            return None
        if len(ancestors) == _MAX_DEPTH:
            message = f"The value is nested more than {_MAX_DEPTH} levels deep"
            self._report("M1006", node, path, message, "Write it with fewer levels.")
            return None
        if node.tag not in _PLAIN and node.tag != _TAG + "timestamp":
            hint = "Write a plain value. Below `overrides:`, write functions in full: `Ref: ...`."
            message = f"The tag `{str(node.tag).replace(_TAG, '!!')}` has no meaning in params"
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
                for inherited in self._read_merged(value_node, path, ancestors):
                    merged = inherited | merged
            elif not isinstance(key_node, ScalarNode):
                hint = "Write text as the key. Put a value that begins with `{` in quotes."
                self._report("M1006", key_node, path, "A key is not text", hint)
            elif key_node.value in written:
                key = key_node.value
                hint = f"It is in line {lines[key]} already. Keep one of them."
                message = f"`{key}` is written twice in one map"
                self._report("M1003", key_node, (*path, key), message, hint)
            else:
                key = key_node.value
                lines[key] = key_node.start_mark.line + 1
                self.places[(*path, key)] = Place(self.file, lines[key])
                written[key] = self.read(value_node, (*path, key), ancestors)
        return merged | written

    def _read_merged(
        self, node: Node, path: Path, ancestors: tuple[Node, ...]
    ) -> Iterator[dict[str, Any]]:
        """The maps that `<<` merges; of two that have a key the first counts."""
        parts = node.value if isinstance(node, SequenceNode) else [node]
        for part in parts:
            if not isinstance(part, MappingNode):
                message = "`<<` merges something that is not a map"
                self._report("M1006", node, path, message, "Name the anchor of a map.")
                continue
            before = dict(self.places)
            value = self.read(part, path, ancestors)
            self.places = {**self.places, **before}
            yield value or {}

    def _read_list(self, node: SequenceNode, path: Path, ancestors: tuple[Node, ...]) -> list[Any]:
        result = []
        for index, item in enumerate(node.value):
            self.places[(*path, index)] = Place(self.file, item.start_mark.line + 1)
            result.append(self.read(item, (*path, index), ancestors))
        return result

    def _read_scalar(self, node: ScalarNode, path: Path) -> Any:
        if problem := _find_swallowed_line(node, self.lines):
            self.is_cut |= problem.code == "M1002"
            place = Place(self.file, problem.line)
            self._add(Finding(problem.code, "error", place, path, problem.message, problem.hint))
            return None
        if node.tag == _TAG + "timestamp":
            return node.value
        try:
            value = self._constructor.construct_object(node)
            # `1.50` and `007` are meant as text: as numbers they would be written back differently.
            number = isinstance(value, int | float) and not isinstance(value, bool)
            return node.value if number and str(value) != node.value else value
        except (YAMLError, ValueError) as error:
            text = node.value if len(node.value) <= 40 else f"{node.value[:40]}..."
            message = f"`{text}` cannot be read: {str(error).splitlines()[0]}"
            self._report("M1002", node, path, message, "Put it in quotes if it is text.")
            return None

    def _report(self, code: str, node: Node, path: Path, message: str, hint: str) -> None:
        """Records a problem; one inside of an anchor only once."""
        place = Place(self.file, node.start_mark.line + 1)
        self._add(Finding(code, "error", place, path, message, hint))

    def _add(self, finding: Finding) -> None:
        known = ((f.place, f.message) for f in self.findings)
        if (finding.place, finding.message) not in known:
            self.findings.append(finding)


def _find_swallowed_line(node: ScalarNode, lines: list[str]) -> SyntaxProblem | None:
    """A line that became part of the text above it: an item that is too deep, or what follows an
    open quote. The parser accepts both."""
    first, last = node.start_mark.line + 1, node.end_mark.line + 1
    if first == last or node.style in ("|", ">"):
        return None
    if node.style in ("'", '"'):
        is_open = leaves_its_map(first, last, lines)
        return explain_open_quote(first, node.start_mark.column, lines) if is_open else None
    items = [number for number in range(first + 1, last + 1) if is_item(lines[number - 1])]
    return explain_continued_item(items[0], first, lines) if items else None
