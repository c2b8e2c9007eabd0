"""The folder of the user's caches: results that are found again by a hash of what they depend on.

Nothing in it is trusted: each cache compares what it reads with a digest, and a folder that cannot
be used, or that belongs to somebody else, means that there is no cache.
"""

from __future__ import annotations

import os
import stat
import time
from contextlib import suppress
from pathlib import Path

_NAME = "moorage"
_VARIABLE = "XDG_CACHE_HOME"
_OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH


def find_cache_folder(part: str) -> Path | None:
    """The folder of one of the caches, such as `lint`, which only this user can write to; None if
    there is none and none can be created.

    It is below `$XDG_CACHE_HOME`, or `~/.cache` (XDG Base Directory Specification: a value that is
    no absolute path is ignored).
    """
    given = os.environ.get(_VARIABLE, "")
    parent = given if os.path.isabs(given) else os.path.expanduser("~/.cache")
    if not os.path.isabs(parent):  # no home folder is known
        return None
    folder = Path(parent, _NAME)
    try:
        os.makedirs(parent, mode=0o700, exist_ok=True)
        for each in (folder, folder / part):
            _create(each)
            if not _is_own(each):
                return None
    except (OSError, ValueError):
        return None
    return folder / part


def find_day() -> str:
    """The day, which decides findings: cfn-lint compares it with the end of support of a runtime of
    Lambda (its rules E2531, E2533 and W2531)."""
    return time.strftime("%Y-%m-%d")


def _create(folder: Path) -> None:
    with suppress(FileExistsError):
        os.mkdir(folder, mode=0o700)


def _is_own(folder: Path) -> bool:
    """Whether this user alone can write to a folder, which is no link."""
    status = os.lstat(folder)
    is_folder = stat.S_ISDIR(status.st_mode)
    return is_folder and status.st_uid == os.geteuid() and not status.st_mode & _OTHERS_MAY_WRITE


def read_entry(file: Path, limit: int) -> bytes | None:
    """The content of a file of a cache; None if it is missing, unreadable, no regular file, or
    larger than `limit` bytes."""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError):
        return None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_size > limit:
            return None
        with open(descriptor, "rb", closefd=False) as opened:
            return opened.read(limit)
    except OSError:
        return None
    finally:
        os.close(descriptor)


def write_entry(file: Path, content: bytes) -> None:
    """Writes a file of a cache, or nothing where the file system refuses it. Another process sees
    the old content or the new one, never a part."""
    unfinished = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        os.makedirs(file.parent, mode=0o700, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        with open(os.open(unfinished, flags, 0o600), "wb") as opened:
            opened.write(content)
        os.replace(unfinished, file)
    except (OSError, ValueError):
        with suppress(OSError, ValueError):
            os.unlink(unfinished)
