"""The nodes of a YAML document.

Nearly every file is parsed by libyaml, which takes a fiftieth of the time. ruamel.yaml parses what
the two may read differently, since libyaml follows YAML 1.1, and what libyaml refuses, since the
messages are about ruamel.yaml's errors. Plain values have the types of YAML 1.2 either way.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml as pyyaml
from ruamel.yaml import YAML
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.parser import Parser
from ruamel.yaml.scanner import Scanner

from moorage.pipeline.limits import PARAMS, LimitError, Meter

_LIBYAML: Any = getattr(pyyaml, "CSafeLoader", None)  # PyYAML can be built without libyaml
_MAY_DIFFER = re.compile(
    r"[!%\t\r\0\x85\u2028\u2029\ufeff]|^(?:---|\.\.\.)|[|>][-+0-9]*#"
    r"|(?<![^\s,\[\]{}])[&*][^\s,\[\]{}]*:|[|>][^\n|>]*\n +(?:\n|\Z)",
    re.MULTILINE,
)
"""Tags, directives, tabs, several documents, what YAML 1.1 takes for the end of a line, anchors and
aliases with a colon, and block scalars that begin with a line of spaces."""


def compose(text: str) -> Node | None:
    """The root of the document in a text; None where it is empty.

    Raises LimitError where the document exceeds a limit, and YAMLError or ValueError where the text
    is not YAML or has several documents.
    """
    root = compose_with_libyaml(text)
    return compose_with_ruamel(text) if root is None else root


def compose_with_libyaml(text: str) -> Node | None:
    """The root; None where ruamel.yaml has to parse the text."""
    if _LIBYAML is None or _MAY_DIFFER.search(text):
        return None
    try:
        return _Composer(_measured(pyyaml.parse(text, Loader=_LIBYAML))).compose()
    except (pyyaml.YAMLError, LimitError, ValueError):
        return None


def _measured(events: Iterator[Any]) -> Iterator[Any]:
    meter = Meter(PARAMS)
    for event in events:
        meter.feed(event)
        yield event


class _Composer:
    """Makes the nodes of a document from PyYAML's events."""

    def __init__(self, events: Iterator[Any]) -> None:
        self._events = events
        self._anchors: dict[str, Node] = {}
        self._resolver = YAML(typ="safe", pure=True).resolver

    def compose(self) -> Node | None:
        """The root of a single document; None for no or several documents."""
        root = None
        for event in self._events:
            if isinstance(event, pyyaml.DocumentStartEvent):
                if root is not None:
                    return None
            elif isinstance(event, pyyaml.NodeEvent):
                root = self._compose_node(event)
        return root

    def _compose_node(self, event: Any) -> Node:
        """The node that begins with an event. Raises ValueError for an alias without an anchor."""
        if isinstance(event, pyyaml.AliasEvent):
            if event.anchor not in self._anchors:
                raise ValueError(event.anchor)
            return self._anchors[event.anchor]
        if isinstance(event, pyyaml.ScalarEvent):
            tag = self._resolver.resolve(ScalarNode, event.value, event.implicit)
            scalar = ScalarNode(tag, event.value, event.start_mark, event.end_mark, event.style)
            return self._add(scalar, event)
        kind = MappingNode if isinstance(event, pyyaml.MappingStartEvent) else SequenceNode
        tag = self._resolver.resolve(kind, None, event.implicit)
        node = self._add(kind(tag, [], event.start_mark, event.end_mark, event.flow_style), event)
        children = self._compose_children()
        pairs = zip(children, children, strict=True)
        node.value = [*(pairs if kind is MappingNode else children)]
        return node

    def _compose_children(self) -> Iterator[Node]:
        """The nodes in the map or list that has begun; keys and values of a map in turn."""
        for event in self._events:
            if isinstance(event, pyyaml.CollectionEndEvent):
                return
            yield self._compose_node(event)

    def _add(self, node: Node, event: Any) -> Node:
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        return node


# ruamel.yaml -----------------------------------------------------------------------------------


class _BoundedScanner(Scanner):
    """Stops at deep nesting. The parser would stop too late, since the scanner reads far ahead."""

    def fetch_flow_collection_start(self, TokenClass: Any, to_push: str) -> None:  # noqa: N803
        if self.flow_level > PARAMS.depth:
            raise LimitError("depth", PARAMS, self.reader.line + 1)
        super().fetch_flow_collection_start(TokenClass, to_push)


class _BoundedParser(Parser):
    """Stops when the document exceeds a limit."""

    def __init__(self, loader: Any) -> None:
        super().__init__(loader)
        self._meter = Meter(PARAMS)

    def get_event(self) -> Any:
        event = super().get_event()
        self._meter.feed(event)
        return event


def compose_with_ruamel(text: str) -> Node | None:
    """The same as `compose` by ruamel.yaml alone."""
    yaml = YAML(typ="safe", pure=True)
    yaml.Scanner, yaml.Parser = _BoundedScanner, _BoundedParser
    yaml.composer.warn_double_anchors = False  # allowed: the last one above an alias counts
    root: Node | None = yaml.compose(text)
    return root
