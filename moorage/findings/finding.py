"""What a finding is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from moorage.facts.secret_values import hide
from moorage.records import record

Path = tuple[str | int, ...]
"""The place of a value in a document: keys and list indices from the root."""

Level = Literal["error", "warning", "info"]


@record
class Place:
    """A line of a file; lines count from 1."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@record
class Finding:
    """What the user should change, or know: what is wrong, where, and what to write.

    Its texts never contain what looks like a secret: they end up in the logs of builds.
    """

    code: str
    level: Level
    place: Place
    path: Path
    message: str
    hint: str = ""
    construct: str = ""
    """The path of the CDK construct that it is about, if the CDK wrote the template."""
    created_at: Place | None = None
    """Where the CDK app creates the construct, if that is known."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "message", hide(self.message))
        object.__setattr__(self, "hint", hide(self.hint))


@record
class Problem:
    """A finding of a stack kind, before its line is known.

    `path` begins at the params of the stack. `because` has the other params that the problem
    depends on: if one of them has a finding already, this problem only follows from it and is
    dropped.
    """

    code: str
    path: Path
    message: str
    hint: str = ""
    level: Level = "error"
    because: Sequence[Path] = ()
    place: Place | None = None
    """Its place, if that is in a file that the params name."""
    once: bool = False
    """Whether it is one mistake for all stacks that have it: it is reported at the first one."""
