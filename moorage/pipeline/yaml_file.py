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

_TAG = "tag:yaml.org,2002:"


_PLAIN = frozenset(_TAG + kind for kind in ("map", "seq", "str", "int", "float", "bool", "null"))


_MOST = 100_000
"""Values that are read of a file, aliases written out: far more than params need."""


_DEEPEST = 64
"""Levels of nesting that are read: far more than params need, far less than the stack bears."""


@dataclass(frozen=True)
class File:
    data: Any
    places: Mapping[Path, Place]
    findings: tuple[Finding, ...]


def read(path: FilePath) -> File:
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
        return failed(
            "M1001", 1, f"The file cannot be read: {reason}", "Check its name and rights."
        )
    try:
        root = _root(text)
    except MarkedYAMLError as error:
        return failed(*_not_yaml(error))
    except (YAMLError, ValueError, RecursionError) as error:
        hint = "Save the file as plain UTF-8 text."
        return failed("M1002", 1, f"This is not YAML: {str(error).splitlines()[0]}", hint)
    if root is None or (isinstance(root, ScalarNode) and root.tag == _TAG + "null"):
        hint = "Write at least `app:`, `region:` and `stacks:`, or delete the file."
        return failed("M1004", 1, "The file is empty", hint)
    if not isinstance(root, MappingNode):
        hint = "Begin with `app:`, `region:` and `stacks:`."
        return failed("M1006", 1, "The file must hold a map", hint)
    reader = _Reader(name)
    data = reader.value(root, (), ())
    if len(reader.places) > _MOST:
        message = f"With its aliases written out the file has more than {_MOST:,} values"
        return failed("M1006", 1, message, "Leave some aliases out: params are never that many.")
    return File(data, reader.places, tuple(reader.findings))


# What ruamel.yaml says of the usual mistakes, what that means, and what to do about it.
_MISTAKES = (
    (r"\t", "a tab stands where only spaces can", "Indent with spaces."),
    ("but found '<block", "the line is indented unlike those above it", "Align it with them."),
    ("but found '-'", "the line is indented unlike those above it", "Align it with them."),
    ("mapping values are not", "there is a colon too many", "Put text with a colon in quotes."),
    ("cannot start any token", "", "Put text that begins with it in quotes."),
    ("undefined alias", "", "Put text that begins with `*` in quotes."),
    ("alphabetic or numeric", "", "Put text that begins with `*` or `&` in quotes."),
)


def _not_yaml(error: MarkedYAMLError) -> tuple[str, int, str, str]:
    """Code, line, message and hint where a file cannot be parsed."""
    mark, start = error.problem_mark or error.context_mark, error.context_mark
    line = mark.line + 1 if mark else 1
    problem = (error.problem or error.context or "it cannot be parsed").strip()
    if "another document" in problem:
        hint = "Give it a file of its own, or remove the `---`."
        return "M1006", line, "A second document begins here", hint
    if start and "quoted scalar" in (error.context or ""):
        hint = "Close it, and look for another one that is missing above."
        return "M1002", start.line + 1, "This is not YAML: the quote here is never closed", hint
    for sign, message, hint in _MISTAKES:
        if sign in problem:
            return "M1002", line, f"This is not YAML: {message or problem}", hint
    if start and start.line + 1 < line:
        problem += f", {error.context} that begins on line {start.line + 1}"
    hint = "Check the indentation, colons, quotes and brackets on and above this line."
    return "M1002", line, f"This is not YAML: {problem}", hint


def _root(text: str) -> Node | None:
    yaml = YAML(typ="safe", pure=True)
    yaml.composer.warn_double_anchors = False  # YAML allows them: the nearest one above counts
    root: Node | None = yaml.compose(text)
    return root


class _Reader:
    """Turns YAML nodes into plain data, noting the line of each value and all faults on the way."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.places: dict[Path, Place] = {}
        self.findings: list[Finding] = []
        self._constructor = YAML(typ="safe", pure=True).constructor

    def value(self, node: Node, path: Path, around: tuple[Node, ...]) -> Any:
        if node in around:
            self._fault(
                "M1006", node, path, "The alias stands inside its own anchor", "Write it out."
            )
            return None
        if len(self.places) > _MOST:
            return None
        if len(around) == _DEEPEST:
            message = f"More than {_DEEPEST} levels stand inside each other"
            self._fault("M1006", node, path, message, "Params are never that deep.")
            return None
        if node.tag not in _PLAIN and node.tag != _TAG + "timestamp":
            hint = "Params are plain values; below `overrides:` write functions as `Ref: ...`."
            message = f"The tag `{str(node.tag).replace(_TAG, '!!')}` has no meaning here"
            self._fault("M1006", node, path, message, hint)
            return None
        if isinstance(node, MappingNode):
            return self._map(node, path, (*around, node))
        if isinstance(node, SequenceNode):
            return self._list(node, path, (*around, node))
        return self._scalar(node, path) if isinstance(node, ScalarNode) else None

    def _map(self, node: MappingNode, path: Path, around: tuple[Node, ...]) -> dict[str, Any]:
        own: dict[str, Any] = {}
        lines: dict[str, int] = {}
        anchored: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if key_node.tag == _TAG + "merge":
                for inherited in self._anchored(value_node, path, around):
                    anchored = inherited | anchored
            elif not isinstance(key_node, ScalarNode):
                self._fault(
                    "M1006", key_node, path, "A key must be plain text", "Write it as text."
                )
            elif key_node.value in own:
                key = key_node.value
                hint = f"It stands on line {lines[key]} already. Keep one of them."
                self._fault("M1003", key_node, (*path, key), f"`{key}` stands twice", hint)
            else:
                key = key_node.value
                lines[key] = key_node.start_mark.line + 1
                self.places[(*path, key)] = Place(self.file, lines[key])
                own[key] = self.value(value_node, (*path, key), around)
        return anchored | own

    def _anchored(
        self, node: Node, path: Path, around: tuple[Node, ...]
    ) -> Iterator[dict[str, Any]]:
        """The maps that `<<` takes in; of two that hold a key the first counts."""
        parts = node.value if isinstance(node, SequenceNode) else [node]
        for part in parts:
            if not isinstance(part, MappingNode):
                self._fault("M1006", node, path, "`<<` takes a map", "Name an anchored map.")
                continue
            before = dict(self.places)
            value = self.value(part, path, around)
            self.places = {**self.places, **before}
            yield value or {}

    def _list(self, node: SequenceNode, path: Path, around: tuple[Node, ...]) -> list[Any]:
        result = []
        for index, item in enumerate(node.value):
            self.places[(*path, index)] = Place(self.file, item.start_mark.line + 1)
            result.append(self.value(item, (*path, index), around))
        return result

    def _scalar(self, node: ScalarNode, path: Path) -> Any:
        if node.tag == _TAG + "timestamp":
            return node.value
        try:
            value = self._constructor.construct_object(node)
            # `1.50` and `007` are text to whoever writes them so: as numbers they would change.
            number = isinstance(value, int | float) and not isinstance(value, bool)
            return node.value if number and str(value) != node.value else value
        except (YAMLError, ValueError) as error:
            shown = node.value if len(node.value) <= 40 else f"{node.value[:40]}..."
            message = f"`{shown}` cannot be read: {str(error).splitlines()[0]}"
            self._fault("M1002", node, path, message, "Put it in quotes if it is text.")
            return None

    def _fault(self, code: str, node: Node, path: Path, message: str, hint: str) -> None:
        """Notes a fault; one inside an anchor once, however often it is used."""
        place = Place(self.file, node.start_mark.line + 1)
        if not any((one.place, one.message) == (place, message) for one in self.findings):
            self.findings.append(Finding(code, "error", place, path, message, hint))
