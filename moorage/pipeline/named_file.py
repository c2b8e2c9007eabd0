"""Opens files that params name. The authors of params may not be allowed to read the files of this
machine, so a name must not lead out of the folder of the params, to a device, or to a pipe."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path as FilePath

from moorage.records import record

READ_EVENT = "moorage.read_named_file"
"""The audit event of reading a named file, with its path. The event `open` has only a part of the
path, since each folder on the way is opened on its own."""

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
"""With O_NONBLOCK, opening a pipe does not wait for a writer; the pipe is refused afterwards."""


@record
class FileRefusedError(Exception):
    """A file that must not be read. The message says why, without its name."""

    code: str
    message: str


def leads_outside(folder: FilePath, name: str) -> bool:
    """Whether a name in a folder, or a symbolic link on its way, leads out of the folder."""
    root, target = os.path.realpath(folder), os.path.realpath(folder / name)
    return os.path.commonpath([root, target]) != root


def read_named_file(folder: FilePath, name: str, limit: int) -> bytes:
    """The content of a regular file of at most `limit` bytes below a folder.

    Symbolic links are followed if they stay in the folder. They are resolved first, and then no
    link is followed: what is opened is inside the folder even if somebody replaces a part of the
    path in between. Raises FileRefusedError, OSError, and ValueError for a name with a NUL.
    """
    sys.audit(READ_EVENT, str(folder / name))
    if leads_outside(folder, name):
        raise FileRefusedError("M1011", "is outside the folder of the params")
    descriptor = _open(os.path.realpath(folder), os.path.realpath(folder / name))
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise FileRefusedError("M1012", "is not a regular file")
        content = _read(descriptor, limit + 1) if status.st_size <= limit else b""
    finally:
        os.close(descriptor)
    if max(status.st_size, len(content)) > limit:
        raise FileRefusedError("M1010", "is larger than a template can be")
    return content


def _read(descriptor: int, most: int) -> bytes:
    with open(descriptor, "rb", closefd=False) as file:
        return file.read(most)


def _open(root: str, target: str) -> int:
    """Opens a file below `root`, without following symbolic links, and returns its descriptor."""
    *folders, last = os.path.relpath(target, root).split(os.sep)
    parent = os.open(root, _FOLDER)
    try:
        for folder in folders:
            child = os.open(folder, _FOLDER, dir_fd=parent)
            os.close(parent)
            parent = child
        descriptor = os.open(last, _FILE, dir_fd=parent)
    finally:
        os.close(parent)
    return descriptor
