"""What a finding is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Path = tuple[str | int, ...]
"""Where a value stands in a document: keys and list indices from the root."""


Level = Literal["error", "warning", "info"]


@dataclass(frozen=True)
class Place:
    """A line of a file; lines count from 1."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True)
class Finding:
    """What the user should change, or know: what is wrong, where, and what to write instead."""

    code: str
    level: Level
    place: Place
    path: Path
    message: str
    hint: str = ""


@dataclass(frozen=True)
class Problem:
    """A finding of a template module, before its line is known.

    `path` counts from the stack's own properties. `because` names the other properties that the
    judgement rests on: where one of those is already a finding of its own, this problem is only
    its echo and is left out.
    """

    code: str
    path: Path
    message: str
    hint: str = ""
    level: Level = "error"
    because: Sequence[Path] = ()
    place: Place | None = None
    """Where it stands, if that is in a file that the params name."""
