"""A container of a task, with the place in the params that adds it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from moorage.findings.finding import Path
from moorage.records import record

from .containers import Container


@record
class Origin:
    """The place in the params that adds a container to the task."""

    path: Path
    keys: frozenset[str] | None = None
    """The keys of a container that this place has; None for all of them."""
    renamed: Mapping[str, str] = field(default_factory=dict)
    """For keys of a container whose list is a single value here: the key of that value."""
    feature: str = ""
    """The feature that adds the container, as messages name it; empty for one of `containers:`."""

    def locate(self, below: Path) -> Path:
        """The path in the params of the value at the path `below` the container.

        >>> Origin(("proxy",), frozenset({"user"}), {"ports": "port"}).locate(("ports", 0))
        ('proxy', 'port')
        """
        key = str(below[0]) if below else ""
        if key in self.renamed:
            return (*self.path, self.renamed[key])
        if self.keys is not None and key not in self.keys:
            return self.path
        return (*self.path, *below)


@record
class TaskContainer:
    """A container of a task."""

    params: Container
    origin: Origin

    @property
    def is_declared(self) -> bool:
        """Whether it is declared below `containers:`, and not added by another key."""
        return self.origin.path[0] == "containers"
