"""The state of what a run reads: of files their content, of folders the names in them.

What is installed (the standard library and site-packages) is large and seldom changes: there, size
and time of change take the place of the content.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from hashlib import sha256
from typing import Literal

Kind = Literal["content", "names", "modules", "installed", "tree"]
"""What counts of a path: the content of a file, the names in a folder, those of them that Python
can import, the size and time of an installed file, or those of all files below a folder."""
Input = tuple[Kind, str]
"""What counts of a path, and the path."""

_MAX_SIZE = 8 << 20
"""Of larger files, size and time count."""
_STANDARD_LIBRARY = f"{os.path.dirname(os.__file__)}{os.sep}"
_PACKAGES = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")
_MODULE_ENDINGS = (".py", ".pyc", ".so", ".pth", ".dist-info", ".egg-info", ".egg-link")

ABSENT, FOLDER = "absent", "folder"


def is_installed(path: str) -> bool:
    """Whether a path belongs to the standard library or to an installed package."""
    return path.startswith(_STANDARD_LIBRARY) or any(part in path for part in _PACKAGES)


def find_state(kind: Kind, path: str) -> str:
    """The state of a path now. Never raises OSError."""
    try:
        return _STATES[kind](path)
    except (FileNotFoundError, NotADirectoryError):
        return ABSENT
    except (OSError, ValueError) as error:
        return f"unusable: {type(error).__name__} {getattr(error, 'errno', '')}"


def file_state(content: bytes, *, executable: bool = False) -> str:
    """The state of a regular file with that content."""
    return sha256(content).hexdigest() + (" executable" if executable else "")


def combine(states: Mapping[Input, str]) -> str:
    """One hash for the states of all inputs."""
    digest = sha256()
    for (kind, path), state in sorted(states.items()):
        digest.update(f"{kind}\0{path}\0{state}\0\0".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def join_names(names: Iterable[str]) -> str:
    """The state of a folder with these names."""
    return "\0".join(sorted(names))


def walk(folder: str) -> Iterator[tuple[str, bool]]:
    """The paths of a folder and of all below it, without bytecode, and whether each one is a
    folder; nothing if it cannot be read."""
    try:
        with os.scandir(folder) as found:
            entries = [*found]
    except OSError:
        return
    yield folder, True
    for entry in entries:
        if not entry.is_dir(follow_symlinks=False):
            yield entry.path, False
        elif entry.name != "__pycache__":
            yield from walk(entry.path)


def _find_content(path: str) -> str:
    status = os.lstat(path)
    link = ""
    if stat.S_ISLNK(status.st_mode):
        link, status = f"link to {os.readlink(path)}: ", os.stat(path)
    if stat.S_ISDIR(status.st_mode):
        return link + FOLDER
    if not stat.S_ISREG(status.st_mode):
        return f"{link}special {status.st_mode} {status.st_rdev}"
    if status.st_size > _MAX_SIZE:
        return f"{link}{_describe(status)}"
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb", buffering=0) as file:
        return link + file_state(file.readall(), executable=bool(status.st_mode & 0o100))


def _find_names(path: str) -> str:
    with os.scandir(path) as entries:
        return join_names(
            f"{entry.name}/" if entry.is_dir(follow_symlinks=False) else entry.name
            for entry in entries
            if entry.name != "__pycache__"
        )


def _find_modules(path: str) -> str:
    names = (name for name in os.listdir(path) if name != "__pycache__")
    return join_names(name for name in names if "." not in name or name.endswith(_MODULE_ENDINGS))


def _find_installed(path: str) -> str:
    return _describe(os.stat(path))


def _find_tree(path: str) -> str:
    digest = sha256()
    for inner, is_folder in sorted(walk(path)):
        state = FOLDER if is_folder else find_state("installed", inner)
        digest.update(f"{inner}\0{state}\0".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _describe(status: os.stat_result) -> str:
    return f"{status.st_size} bytes, {status.st_mtime_ns}"


_STATES: Mapping[Kind, Callable[[str], str]] = {
    "content": _find_content,
    "names": _find_names,
    "modules": _find_modules,
    "installed": _find_installed,
    "tree": _find_tree,
}
