"""A generated file that users may edit. An edited file is not overwritten."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

_CHECKSUM = re.compile(r"^(# .* Checksum: )([0-9a-f]{16})\.\n", re.MULTILINE)
_NONE = "0" * 16


class EditedError(Exception):
    """The file has edits, or was not generated."""


def checksum_line(text: str) -> str:
    """A comment for the first line of a file, with the place of the checksum."""
    return f"# {text} Checksum: {_NONE}."


def add_checksum(text: str) -> str:
    """The text of a file with its checksum in the line of `checksum_line`."""
    return _CHECKSUM.sub(lambda match: f"{match[1]}{_checksum(text)}.\n", text, count=1)


def write_generated(path: Path, text: str) -> bool:
    """Writes the file unless it has this text already; whether it did. Raises EditedError, and
    writes nothing, if the file has other text than was generated."""
    if path.exists():
        before = path.read_text(encoding="utf-8", errors="replace")
        if before == text:
            return False
        if not _is_unedited(before):
            raise EditedError
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")
    return True


def _is_unedited(text: str) -> bool:
    match = _CHECKSUM.search(text)
    return match is not None and match[2] == _checksum(text)


def _checksum(text: str) -> str:
    plain = _CHECKSUM.sub(lambda match: f"{match[1]}{_NONE}.\n", text, count=1)
    return hashlib.sha256(plain.encode()).hexdigest()[:16]
