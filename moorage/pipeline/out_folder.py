"""The folder out/<env> on disk: no link is followed, and only files that a build wrote are removed.

`SHA256SUMS` has the hash of each file that the last build wrote, in the format of `sha256sum
--check`. A file with any other content belongs to the user, whatever its name is.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping, Set
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

SUMS = "SHA256SUMS"
_SUM = re.compile(r"([0-9a-f]{64})  ([^/\n]{1,255})")
_UNFINISHED = re.compile(r"\.moorage-[0-9]+-[0-9]+\.half")
"""Names of temporary files; those that remain are from builds that were killed."""
_FLAGS = os.O_NOFOLLOW | os.O_CLOEXEC

Sums = Mapping[str, Set[str]]
"""Hashes by the name of a file: several while a build writes, one when it has finished."""


def hash_text(text: str) -> str:
    """The SHA-256 of a text in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def format_sums(sums: Sums) -> str:
    """The content of SHA256SUMS."""
    return "".join(f"{digest}  {name}\n" for name in sorted(sums) for digest in sorted(sums[name]))


class OutFolder:
    """An open folder. Names of files are relative to it."""

    def __init__(self, path: Path, descriptor: int, *, locked: bool) -> None:
        self.path, self._descriptor, self._locked = path, descriptor, locked

    def names(self) -> list[str]:
        """The names of all regular files, sorted."""
        with _naming(self.path):
            return sorted(name for name in os.listdir(self._descriptor) if self._is_file(name))

    def exists(self, name: str) -> bool:
        """Whether there is a file or a link of that name."""
        with suppress(FileNotFoundError):
            self._status(name)
            return True
        return False

    def read(self, name: str) -> bytes | None:
        """The content of a file; None if there is no regular file. Raises OSError."""
        with _naming(self.path / name):
            if not self._is_file(name):
                return None
            descriptor = os.open(name, os.O_RDONLY | _FLAGS, dir_fd=self._descriptor)
            with open(descriptor, "rb") as file:
                return file.read()

    def read_sums(self) -> dict[str, set[str]]:
        """What the last build wrote. Other lines, as of a merge conflict, are skipped."""
        sums: dict[str, set[str]] = {}
        for line in (self.read(SUMS) or b"").decode("utf-8", "replace").splitlines():
            if match := _SUM.fullmatch(line):
                sums.setdefault(match[2], set()).add(match[1])
        return sums

    def is_built(self, name: str, sums: Sums) -> bool:
        """Whether a file has the content that a build wrote."""
        content = self.read(name) if name in sums else None
        return content is not None and hashlib.sha256(content).hexdigest() in sums[name]

    def is_executable(self, name: str) -> bool:
        """Whether the owner may execute a file."""
        return bool(self._status(name).st_mode & 0o100)

    def write(self, name: str, text: str, *, executable: bool = False) -> None:
        """Writes a file under a name of this process, then renames it. Raises OSError."""
        mode = 0o777 if executable else 0o666
        with _naming(self.path / name):
            unfinished, descriptor = self._create(mode)
            try:
                with open(descriptor, "wb") as file:
                    file.write(text.encode())
                os.replace(
                    unfinished, name, src_dir_fd=self._descriptor, dst_dir_fd=self._descriptor
                )
            except BaseException:
                with suppress(OSError):
                    os.unlink(unfinished, dir_fd=self._descriptor)
                raise

    def refuse_folders(self, names: Iterable[str]) -> None:
        """Raises OSError where a folder has the name of a file."""
        for name in names:
            if self._is_folder(name):
                reason = os.strerror(errno.EISDIR)
                raise OSError(errno.EISDIR, reason, str(self.path / name))

    def remove(self, name: str) -> None:
        """Removes a file. Raises OSError."""
        with _naming(self.path / name), suppress(FileNotFoundError):
            os.unlink(name, dir_fd=self._descriptor)

    def remove_unfinished(self) -> None:
        """Removes temporary files of killed builds. Without a lock, other builds may still be
        writing."""
        with _naming(self.path):
            names = os.listdir(self._descriptor) if self._locked else ()
            unfinished = [name for name in names if _UNFINISHED.fullmatch(name)]
            files = [name for name in unfinished if self._is_file(name)]
        for name in files:
            self.remove(name)

    def _create(self, mode: int) -> tuple[str, int]:
        for number in count():
            name = f".moorage-{os.getpid()}-{number}.half"
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _FLAGS
            with suppress(FileExistsError):
                return name, os.open(name, flags, mode, dir_fd=self._descriptor)
        raise AssertionError

    def _is_file(self, name: str) -> bool:
        try:
            return stat.S_ISREG(self._status(name).st_mode)
        except FileNotFoundError:
            return False

    def _is_folder(self, name: str) -> bool:
        try:
            return stat.S_ISDIR(self._status(name).st_mode)
        except FileNotFoundError:
            return False

    def _status(self, name: str) -> os.stat_result:
        return os.stat(name, dir_fd=self._descriptor, follow_symlinks=False)


@contextmanager
def open_folder(path: Path, *, create: bool = False, lock: bool = False) -> Iterator[OutFolder]:
    """Opens out/<env>. With `lock`, no other build writes to it until it is closed.

    Raises OSError if the folder or its parent is a link or cannot be used.
    """
    for folder in (path.parent, path):
        if folder.is_symlink():
            raise OSError(errno.ELOOP, "It is a link, and no link is followed", str(folder))
    if create and not path.exists():
        path.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | _FLAGS)
    try:
        locked = False
        with suppress(OSError):  # some network file systems have no locks
            if lock:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                locked = True
        yield OutFolder(path, descriptor, locked=locked)
    finally:
        os.close(descriptor)


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Adds the path to an error that the operating system reports without one."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error
