"""Limits for the size of params, and of templates that are given to `check`: both are untrusted.

A YAML of a kilobyte can describe a billion values, and a deep one can exhaust the stack. So each
size has a limit, far above what deployments need, which is checked while the text is read.
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path as FilePath
from typing import Any

import yaml

from moorage.findings.finding import Finding, Place
from moorage.records import record

LIMIT_CODE = "M1021"


@record
class Limits:
    """The most that is read of a file. _MESSAGES describes each field."""

    bytes: int
    depth: int
    nodes: int
    expanded: int
    aliases: int
    merges: int
    keys: int
    scalar: int
    key: int
    number: int


PARAMS = Limits(
    bytes=1024 * 1024,
    depth=64,
    nodes=50_000,
    expanded=100_000,
    aliases=5_000,
    merges=2_000,
    keys=2_000,
    scalar=65_536,
    key=1_024,
    number=64,
)
"""A stack needs about 20 lines of params; 1,000 services have 30,000 to 50,000 values."""

TEMPLATE = Limits(
    bytes=1024 * 1024,
    depth=64,
    nodes=200_000,
    expanded=200_000,
    aliases=5_000,
    merges=2_000,
    keys=2_000,
    scalar=512 * 1024,
    key=1_024,
    number=64,
)
"""CloudFormation takes templates of 1,000,000 bytes at most, with 500 resources, 200 parameters,
200 outputs and 200 mappings (cfn-lint's `LIMITS`)."""

ASSEMBLY = replace(TEMPLATE, bytes=64 * 1024 * 1024)
"""The most that is read of the manifest of a cloud assembly, which lists each construct of an app:
about 300 bytes a construct."""

_MESSAGES = {
    "bytes": ("is larger than {:,} bytes", "Split it, or remove what is not needed."),
    "depth": ("nests values more than {} levels deep", "Write it with fewer levels."),
    "nodes": ("has more than {:,} keys and values", "Split it."),
    "expanded": (
        "has more than {:,} keys and values after its aliases are expanded",
        "Remove some of the aliases.",
    ),
    "aliases": ("has more than {:,} aliases", "Remove some of the aliases."),
    "merges": ("has more than {:,} merges (`<<`)", "Remove some of them."),
    "keys": ("has a map with more than {:,} keys", "Split the map."),
    "scalar": ("has a text longer than {:,} characters", "Shorten it."),
    "key": ("has a key longer than {:,} characters", "Shorten it."),
    "number": ("has a number longer than {} characters", "Put it in quotes if it is text."),
}


class LimitError(Exception):
    """An input has more of something than is read."""

    def __init__(self, limit: str, limits: Limits, line: int = 1) -> None:
        message_format, self.hint = _MESSAGES[limit]
        self.message = f"The file {message_format.format(getattr(limits, limit))}"
        self.line = line
        super().__init__(f"{self.message}. {self.hint}")

    def finding(self, file: str) -> Finding:
        """The finding about the file with that name."""
        return Finding(LIMIT_CODE, "error", Place(file, self.line), (), self.message, self.hint)


def read_bytes(path: FilePath, limits: Limits, *, pipes: bool = False) -> bytes:
    """A file's content. Only regular files are read, and with `pipes` what a shell passes as one.

    Raises LimitError where it is too large, OSError where it cannot be read.
    """
    # Without a writer, opening a named pipe would wait forever.
    descriptor = os.open(path, os.O_RDONLY | (0 if pipes else os.O_NONBLOCK))
    with open(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) and not (pipes and stat.S_ISFIFO(status.st_mode)):
            raise OSError(0, "Not a regular file", str(path))
        if status.st_size > limits.bytes:
            raise LimitError("bytes", limits)
        content = file.read(limits.bytes + 1)
    if len(content) > limits.bytes:
        raise LimitError("bytes", limits)
    return content


def check_template(text: str) -> None:
    """Raises LimitError for a template that is too large for the parsers and the rules.

    A text that is neither YAML nor JSON is measured up to the mistake, where parsers stop too.
    """
    if len(text) > TEMPLATE.bytes:
        raise LimitError("bytes", TEMPLATE)
    meter = Meter(TEMPLATE)
    try:
        for event in yaml.parse(text, Loader=_Loader):
            meter.feed(event)
    except (yaml.YAMLError, ValueError):
        _check_json(text)


_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_JSON_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+"|[\[\]{}]|-?[0-9][0-9.eE+-]*+|[,:]', re.DOTALL)


def _check_json(text: str) -> None:
    """As check_template, for JSON that is not YAML because it is indented with tabs."""
    meter = Meter(TEMPLATE)
    for number, token in _json_tokens(text):
        if token in "[{":
            meter.open(number, is_map=token == "{")
        elif token in "]}":
            meter.close(number)
        elif token not in ",:":
            meter.scalar(token, number)


def _json_tokens(text: str) -> Iterator[tuple[int, str]]:
    line, at = 1, 0
    for match in _JSON_TOKEN.finditer(text):
        line += text.count("\n", at, match.start())
        at = match.start()
        yield line, match[0]


@dataclass
class _Container:
    """A map or list that is being read."""

    is_map: bool
    anchor: str | None
    size: int = 1
    height: int = 1
    """How many levels it has, aliases expanded."""
    keys: int = 0
    at_key: bool = True


@dataclass
class Meter:
    """Measures a document by the events of a parser, ruamel.yaml's or PyYAML's."""

    limits: Limits
    nodes: int = 0
    aliases: int = 0
    merges: int = 0
    _parents: list[_Container] = field(default_factory=list)
    _sizes: dict[str, int] = field(default_factory=dict)
    """Nodes below each anchor, aliases expanded."""
    _heights: dict[str, int] = field(default_factory=dict)
    """Levels of each anchor, aliases expanded."""

    def feed(self, event: Any) -> None:
        """Raises LimitError if the document is too large up to this event."""
        kind = type(event).__name__
        if kind in ("MappingStartEvent", "SequenceStartEvent"):
            is_map = kind == "MappingStartEvent"
            self.open(event.start_mark.line + 1, is_map=is_map, anchor=event.anchor)
        elif kind in ("MappingEndEvent", "SequenceEndEvent"):
            self.close(event.start_mark.line + 1)
        elif kind == "ScalarEvent":
            self.scalar(event.value, event.start_mark.line + 1, event.anchor)
        elif kind == "AliasEvent":
            self.alias(event.anchor, event.start_mark.line + 1)

    def open(self, line: int, *, is_map: bool, anchor: str | None = None) -> None:
        self._count(line)
        if len(self._parents) == self.limits.depth:
            raise LimitError("depth", self.limits, line)
        self._parents.append(_Container(is_map, anchor))

    def close(self, line: int) -> None:
        if not self._parents:
            return  # the document is invalid
        closed = self._parents.pop()
        if closed.anchor is not None:
            self._sizes[closed.anchor] = closed.size
            self._heights[closed.anchor] = closed.height
        self._add(closed.size, line, closed.height)

    def scalar(self, value: str, line: int, anchor: str | None = None) -> None:
        is_key = bool(self._parents) and self._parents[-1].is_map and self._parents[-1].at_key
        self._count(line)
        if len(value) > self.limits.scalar:
            raise LimitError("scalar", self.limits, line)
        if is_key and len(value) > self.limits.key:
            raise LimitError("key", self.limits, line)
        if is_key and value == "<<":
            self.merges += 1
            if self.merges > self.limits.merges:
                raise LimitError("merges", self.limits, line)
        if anchor is not None:
            self._sizes[anchor] = 1
            self._heights[anchor] = 0
        self._add(1, line)

    def alias(self, name: str, line: int) -> None:
        self.aliases += 1
        if self.aliases > self.limits.aliases:
            raise LimitError("aliases", self.limits, line)
        height = self._heights.get(name, 0)
        if len(self._parents) + height > self.limits.depth:
            raise LimitError("depth", self.limits, line)
        self._add(self._sizes.get(name, 1), line, height)

    def _count(self, line: int) -> None:
        self.nodes += 1
        if self.nodes > self.limits.nodes:
            raise LimitError("nodes", self.limits, line)

    def _add(self, size: int, line: int, height: int = 0) -> None:
        """Counts a node that is complete, in the map or list around it."""
        if not self._parents:
            return
        parent = self._parents[-1]
        parent.size += size
        parent.height = max(parent.height, height + 1)
        if parent.size > self.limits.expanded:
            raise LimitError("expanded", self.limits, line)
        if not parent.is_map:
            return
        if parent.at_key:
            parent.keys += 1
            if parent.keys > self.limits.keys:
                raise LimitError("keys", self.limits, line)
        parent.at_key = not parent.at_key


def parse_json(text: str) -> Any:
    """JSON of another program. Raises ValueError where it is not JSON, or nested too deep."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deep") from None
