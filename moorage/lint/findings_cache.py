"""Results by the hash of all that they depend on, in the user's cache folder.

Each is a file of its own. What is unreadable, cut off, changed, or written for another key is not
there. The files that were not used for longest are removed, so that they stay few.
"""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from moorage.cache_folder import find_cache_folder, read_entry, write_entry
from moorage.records import record

MAX_ENTRY = 256 * 1024
"""Bytes of the largest result that is kept."""
MAX_FILES, MAX_BYTES = 64, 1024 * 1024
"""Files, and their bytes, in each of the 256 folders."""


class Cache(Protocol):
    """Where results are kept."""

    def read(self, key: str, *, not_before: int = 0) -> Any:
        """The value that was written for a key; None if there is none."""

    def write(self, key: str, value: Any) -> None:
        """Keeps a value of JSON, which is not None."""


@record
class FindingsCache:
    """The results in a folder, which exists and belongs to this user."""

    folder: Path

    def read(self, key: str, *, not_before: int = 0) -> Any:
        """The value that was written for a key, a SHA-256 in hexadecimal digits; None if there is
        none. With `not_before`, nanoseconds of the file system's clock, older ones do not count."""
        file = self._file(key)
        content = read_entry(file, MAX_ENTRY)
        if content is None:
            return None
        digest, _, payload = content.partition(b"\n")
        if digest != _digest(key, payload):
            return None
        with suppress(OSError):
            if not_before and os.stat(file).st_mtime_ns < not_before:
                return None
            os.utime(file)
        try:
            return json.loads(payload)
        except (ValueError, RecursionError):
            return None

    def write(self, key: str, value: Any) -> None:
        """Keeps a value of JSON, which is not None, unless it is too large."""
        payload = json.dumps(value, separators=(",", ":")).encode()
        content = _digest(key, payload) + b"\n" + payload
        if len(content) <= MAX_ENTRY:
            file = self._file(key)
            write_entry(file, content)
            _remove_oldest(file.parent)

    def _file(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key[2:]}.json"


def open_cache() -> FindingsCache | None:
    """The cache in the user's cache folder; None if that cannot be used."""
    folder = find_cache_folder("lint")
    return None if folder is None else FindingsCache(folder)


def _digest(key: str, payload: bytes) -> bytes:
    return hashlib.sha256(key.encode() + b"\n" + payload).hexdigest().encode()


def _remove_oldest(folder: Path) -> None:
    """Removes the files that were not used for longest, beyond the bounds."""
    files = []
    with suppress(OSError):
        for entry in os.scandir(folder):
            with suppress(OSError):  # another process removes files, too
                status = entry.stat(follow_symlinks=False)
                files.append((status.st_mtime_ns, status.st_size, entry.path))
    kept_files = kept_bytes = 0
    for _, size, path in sorted(files, reverse=True):
        kept_files, kept_bytes = kept_files + 1, kept_bytes + size
        if kept_files > MAX_FILES or kept_bytes > MAX_BYTES:
            with suppress(OSError):
                os.unlink(path)
