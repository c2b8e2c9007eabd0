"""params/base.yaml and params/<env>.yaml -> one Document that knows each value's file and line.

YAML is read by version 1.2, where `on` and `off` are words and a date is text; so is a number that
would be written back otherwise, such as 1.50 or 007. The environment's file is laid over the base
by the merge rule of `moorage.merge`; `${env}`, `${app}`, `${region}` and `${account}` are put in,
`$${` stands for a plain `${`. Map keys come out sorted, so that the order in which somebody wrote
them changes nothing further on.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path as FilePath
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from moorage.findings.finding import Finding, Path, Place
from moorage.findings.wording import shown
from moorage.model import NAME, TextFile, wrong
from moorage.pipeline.merge import merged

BASE = "base"
_REFERENCE = re.compile(r"\$(\$?)\{([^}]*)\}")
_HEADER = ("app", "region", "account")
_TAG = "tag:yaml.org,2002:"
_PLAIN = frozenset(_TAG + kind for kind in ("map", "seq", "str", "int", "float", "bool", "null"))
_MOST = 100_000
"""Values that are read of a file, aliases written out: far more than params need."""
_DEEPEST = 64
"""Levels of nesting that are read: far more than params need, far less than the stack bears."""


@dataclass(frozen=True)
class Document:
    """The params of one environment as plain data, merged and interpolated."""

    env: str
    file: str
    data: Mapping[str, Any]
    places: Mapping[Path, Place]
    broken: frozenset[Path] = frozenset()
    """Where a finding stands already and no value that could be judged."""
    read: Callable[[str], TextFile] | None = None
    """Reads a file that a value names; raises the error of a params field where it cannot."""

    def place(self, path: Path) -> Place:
        """The line of a value, or of the nearest thing around it."""
        for end in range(len(path), 0, -1):
            if path[:end] in self.places:
                return self.places[path[:end]]
        return Place(self.file, 1)


@dataclass(frozen=True)
class _File:
    data: Any
    places: Mapping[Path, Place]
    findings: tuple[Finding, ...]


def environments(folder: FilePath) -> list[str]:
    """The names of the environments that have a params file, sorted; an editor's dotfiles do not
    count.
    """
    names = (path.stem for path in folder.glob("*.yaml") if not path.name.startswith("."))
    return sorted(name for name in names if name != BASE)


def load(folder: FilePath, env: str) -> tuple[Document | None, list[Finding]]:
    """The params of one environment; None where a finding makes them unreadable."""
    base_path, env_path = folder / f"{BASE}.yaml", folder / f"{env}.yaml"
    base = _read(base_path) if base_path.exists() else _File({}, {}, ())
    own = _read(env_path)
    findings = [*base.findings, *own.findings]
    if not NAME.fullmatch(env):
        hint = "Rename the file to lower-case letters, digits and single hyphens, as in `dev.yaml`."
        message = f"`{env}` cannot name an environment"
        findings.append(Finding("M1006", "error", Place(str(env_path), 1), (), message, hint))
    if not isinstance(base.data, dict) or not isinstance(own.data, dict):
        return None, findings
    places = {**base.places, **own.places}
    document = Document(env, str(env_path), _merged_files(base.data, own.data), places)
    findings += [*_empty_stacks(base, {}), *_empty_stacks(own, base.data)]
    document, more = _interpolated(document)
    findings += more
    broken = frozenset(one.path for one in findings if one.path and _lost(document.data, one.path))
    return replace(document, broken=broken, read=partial(text_file, folder)), findings


_LARGEST = 65_536
"""Characters that are read of a file which the params name: more than a template can hold."""


def text_file(folder: FilePath, name: str) -> TextFile:
    """A file that the params name, relative to their folder; its lines end with a line feed."""
    path = folder / name
    hint = f"Name a text file from `{folder}`, such as `nginx/web.conf`."
    if FilePath(name).is_absolute():
        raise wrong("M1001", f"{shown(name)} is found on this machine only", hint)
    try:
        text = path.read_text(encoding="utf-8")
    except (UnicodeDecodeError, ValueError):
        raise wrong("M1001", f"`{path}` is not UTF-8 text", "Save it as UTF-8.") from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise wrong("M1001", f"`{path}` cannot be read: {reason}", hint) from None
    if len(text) > _LARGEST:
        message = f"`{path}` has {len(text):,} characters"
        raise wrong("M1105", message, f"At most {_LARGEST:,} are read.")
    return TextFile(path.as_posix(), text)


def _lost(data: Any, path: Path) -> bool:
    """Whether nothing is at a path, or text with a `${...}` that means nothing."""
    for step in path:
        try:
            data = data[step]
        except (KeyError, IndexError, TypeError):
            return True
    return data is None or (isinstance(data, str) and "${" in data)


def _empty_stacks(file: _File, base: dict[str, Any]) -> Iterator[Finding]:
    """Stacks with nothing behind their name: null, which deletes, where there is none to delete."""
    stacks, below = file.data.get("stacks"), base.get("stacks")
    known = {finding.path for finding in file.findings}
    for name, stack in stacks.items() if isinstance(stacks, dict) else ():
        path = ("stacks", name)
        deletes = isinstance(below, dict) and name in below
        if stack is None and not deletes and path not in known:
            hint = f"Write `{name}: {{}}` for a stack with all its defaults."
            message = "Nothing stands here, which would delete the stack"
            yield Finding("M1006", "error", file.places[path], path, message, hint)


def _merged_files(base: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """Both files as one. A null below `overrides:` stays: there it is the word for delete."""
    result: dict[str, Any] = merged(merged({}, base), own)
    stacks = result.get("stacks")
    if not isinstance(stacks, dict):
        return _ordered(result)
    for name, stack in stacks.items():
        patches = [_overrides(file, name) for file in (base, own)]
        if isinstance(stack, dict) and "overrides" in stack:
            stacks[name] = stack | {"overrides": merged(*patches, keep_nulls=True)}
    return _ordered(result)


def _overrides(file: dict[str, Any], stack: str) -> Any:
    stacks = file.get("stacks")
    entry = stacks.get(stack) if isinstance(stacks, dict) else None
    patch = entry.get("overrides") if isinstance(entry, dict) else None
    return {} if patch is None else patch


def _ordered(data: dict[str, Any]) -> dict[str, Any]:
    """The same map with the keys sorted, on every level."""
    return {key: _in_order(data[key]) for key in sorted(data)}


def _in_order(value: Any) -> Any:
    if isinstance(value, list):
        return [_in_order(item) for item in value]
    return _ordered(value) if isinstance(value, dict) else value


# Reading -------------------------------------------------------------------------------------


def _read(path: FilePath) -> _File:
    name = str(path)

    def failed(code: str, line: int, message: str, hint: str) -> _File:
        return _File(None, {}, (Finding(code, "error", Place(name, line), (), message, hint),))

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
    return _File(data, reader.places, tuple(reader.findings))


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


# Interpolation -------------------------------------------------------------------------------


def _interpolated(document: Document) -> tuple[Document, list[Finding]]:
    """`${...}` replaced in every string; app, region and account can only use `${env}`."""
    findings: list[Finding] = []

    def filled(value: Any, path: Path, names: Mapping[str, str], known: tuple[str, ...]) -> Any:
        if isinstance(value, dict):
            return {key: filled(item, (*path, key), names, known) for key, item in value.items()}
        if isinstance(value, list):
            return [filled(item, (*path, at), names, known) for at, item in enumerate(value)]
        if not isinstance(value, str):
            return value

        def replacement(match: re.Match[str]) -> str:
            escaped, name = match.groups()
            if not escaped and name not in names:
                message, hint = _unknown_name(name, names, known)
                place = document.place(path)
                findings.append(Finding("M1005", "error", place, path, message, hint))
            return "${" + name + "}" if escaped else names.get(name, match.group())

        return _REFERENCE.sub(replacement, value)

    env = {"env": document.env}
    own = {key: document.data[key] for key in _HEADER if key in document.data}
    header = {key: filled(value, (key,), env, ()) for key, value in own.items()}
    names = env | {key: str(value) for key, value in header.items()}
    rest = {key: value for key, value in document.data.items() if key not in header}
    data = _ordered(header | filled(rest, (), names, _HEADER))
    return Document(document.env, document.file, data, document.places), findings


def _unknown_name(name: str, names: Mapping[str, str], known: tuple[str, ...]) -> tuple[str, str]:
    if name in known:
        return f"`${{{name}}}` has no value", f"Add `{name}:` at the top of the params."
    near = difflib.get_close_matches(name, [*names, *known], n=1)
    choices = ", ".join(f"`${{{one}}}`" for one in (near or sorted({*names, *known})))
    return (
        f"`${{{name}}}` does not exist",
        f"Use {choices}, or write `$${{{name}}}` for a plain `${{{name}}}`.",
    )
