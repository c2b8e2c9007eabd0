"""Observes what this process asks of the file system, so that it is known what a run depends on.

Python raises audit events (PEP 578) when a file is opened or a folder is listed. There are none
when a program only looks for a file, so the functions of `os` that do this are wrapped meanwhile.
The state of a path is taken before the program reads it: what changes afterwards differs from it.
"""

from __future__ import annotations

import importlib.metadata
import os
import shutil  # before functions of `os` are replaced: it looks at what they support
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from importlib.util import source_from_cache
from tempfile import gettempdir
from threading import get_ident
from typing import Any

from moorage.last_run.states import (
    ABSENT,
    FOLDER,
    Input,
    Kind,
    find_state,
    is_installed,
    join_names,
)

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_SYSTEM = ("/dev/", "/proc/", "/sys/")
_SAME_FOR_ALL = (os.devnull, "/sys/fs/cgroup/cpu.max")
"""Files of the system that decide no result. What others have, such as /dev/stdin, is not known to
be the same in the next run."""
_IMPORTERS = ("<frozen importlib._bootstrap_external>", importlib.metadata.__file__)
"""What lists a folder to find modules or installed packages. Other names in it do not count."""
_BYTECODE = f"{os.sep}__pycache__{os.sep}"
_PARTS_OF_NAME = len(("name", "cpython-313", "pyc"))
"""Of the name of a file with bytecode, between dots (PEP 3147)."""
_BYTECODE_PREFIX = sys.pycache_prefix or ""
_OWN_PROGRAMS = ("limited_program.py", "moorage.lint.worker", "moorage.lint.engine_process")
"""Words of programs that Moorage starts, and whose inputs are known: those that run nginx, cfn-lint
and AWS's engine."""

_UNCLEAR = frozenset(
    ("os.chdir", "os.fchdir", "os.system", "os.exec", "os.posix_spawn", "pty.spawn",
     "socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "urllib.Request",
     "subprocess.Popen", "sqlite3.connect", "moorage.incomplete")
)  # fmt: skip
"""Events after which it is not known what a run depends on."""

assert shutil


class Observer:
    """What a run reads: the state of each path that it opened, listed or looked for."""

    def __init__(self, out: str, ignored: tuple[str, ...]) -> None:
        """`out` is the folder that the run may write to. Paths that begin with one of `ignored`
        do not count."""
        self.states: dict[Input, str] = {}
        self.installed: set[str] = set()
        self.executed: set[str] = set()
        """The files whose code has run, without those that are installed."""
        self.doubts: set[str] = set()
        """What the run did that makes its result depend on more than what is known."""
        self._folder = os.getcwd()
        self._out, self._ignored = os.path.join(self._folder, out), ignored
        self._temporary = gettempdir()  # takes a lock, which no audit hook may do
        self._created: set[str] = set()
        self._relative: dict[int, str | None] = {}
        """The folder to which a call of a thread is relative; None if it is not known."""
        self._observing: set[int] = set()
        """The threads in which a state is taken, which is not to be observed."""

    def see(self, kind: Kind, path: str) -> None:
        """Takes the state of a path, unless the run has seen or created it before."""
        if (kind, path) not in self.states and self._counts(path):
            self.states[kind, path] = find_state(kind, path)

    def _counts(self, path: str) -> bool:
        if self._is_ignored(path) or path.startswith(_SYSTEM):
            return False
        return not any(path == each or path.startswith(each + os.sep) for each in self._created)

    def _is_ignored(self, path: str) -> bool:
        return path.startswith(self._ignored) and ".." not in path

    # What the run does -----------------------------------------------------------------------

    def hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Takes an audit event."""
        thread = get_ident()
        if thread in self._observing:
            return
        self._observing.add(thread)
        try:
            if not self._can_skip(event, arguments):
                self._hear(event, arguments)
        except Exception as error:  # which would stop what the run does
            self.doubts.add(f"{event}: {type(error).__name__}")
        finally:
            self._observing.discard(thread)

    def _can_skip(self, event: str, arguments: tuple[Any, ...]) -> bool:
        """Whether an event is one of the thousands that do not count: a module of Moorage is
        opened, or text is executed, as for each annotation."""
        if event == "exec":
            return bool(arguments[0].co_filename[:1] == "<")
        path = arguments[0] if event == "open" else None
        return isinstance(path, str) and self._is_ignored(path)

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            self._open(arguments[0], arguments[2] or 0)
        elif event in ("os.listdir", "os.scandir"):
            importing = event == "os.listdir" and _is_importing()
            self._look(arguments[0], "modules" if importing else "names")
        elif event == "exec":
            self._execute(arguments[0].co_filename)
        elif event == "os.mkdir":
            self._create(*arguments)
        elif event != "subprocess.Popen" or not _is_own_program(arguments[1]):
            self.doubts.add(event)

    def look_for(self, path: Any, dir_fd: int | None) -> None:
        """Takes a call of a function of `os` that looks for a path."""
        thread = get_ident()
        if thread in self._observing:
            return
        with nullcontext() if dir_fd is None else self.relative_to(dir_fd):
            self._observing.add(thread)
            try:
                self._look(path, "content")
            except Exception as error:  # the function itself raises what is right
                self.doubts.add(f"os.stat: {type(error).__name__}")
            finally:
                self._observing.discard(thread)

    @contextmanager
    def relative_to(self, dir_fd: int) -> Iterator[None]:
        """Inside, paths of this thread are relative to an open folder."""
        thread = get_ident()
        self._relative[thread] = _find_path(dir_fd)
        try:
            yield
        finally:
            del self._relative[thread]

    def _look(self, given: Any, kind: Kind) -> None:
        path = self._locate(given)
        if path is None or _is_bytecode(path):
            return
        if is_installed(path):
            if kind == "content":
                self.installed.add(path)
        else:
            self.see(kind, path)

    def _open(self, given: Any, flags: int) -> None:
        path = self._locate(given) if not isinstance(given, int) else None
        if path is not None and _is_bytecode(path):
            path = None if flags & _WRITING else _find_source(path)
        if path is None:
            return
        if path.startswith(_SYSTEM):
            self._open_system_file(path)
        elif is_installed(path):
            self.installed.add(path)
        elif flags & _WRITING:
            self._write(path)
        else:
            self.see("content", path)

    def _execute(self, file: str) -> None:
        if os.path.isabs(file) and not is_installed(file):
            self.executed.add(file)

    def _open_system_file(self, path: str) -> None:
        if path not in _SAME_FOR_ALL:
            self.doubts.add(f"{path} was opened")

    def _write(self, path: str) -> None:
        if not self._counts(path) or self._is_out(path) or path == self._temporary:
            return
        if os.path.dirname(path) == self._temporary and not os.path.lexists(path):
            self._created.add(path)
        else:
            self.doubts.add("a file outside of the folder for output was written")

    def _create(self, given: Any, mode: int, dir_fd: int = -1) -> None:
        path = self._locate(given) if dir_fd == -1 else None
        if path is not None and not self._is_out(path) and not os.path.lexists(path):
            self._created.add(path)

    def _is_out(self, path: str) -> bool:
        return path == self._out or path.startswith(self._out + os.sep)

    def _locate(self, given: Any) -> str | None:
        """The absolute path; None if it does not count."""
        path = "" if given is None or isinstance(given, int) else os.fsdecode(given)
        if os.path.isabs(path):
            return path
        folder = self._relative.get(get_ident(), self._folder)
        folder = _find_path(given) if isinstance(given, int) else folder
        if folder is None:
            self.doubts.add("the path of an open folder is not known")
            return None
        joined = os.path.join(folder, path) if path else folder
        return joined if ".." in path else os.path.normpath(joined)

    # What the run writes ---------------------------------------------------------------------

    def replace_written(self, folder: str, files: Mapping[str, str]) -> None:
        """Replaces the states of a folder of output by those after the run. `files` has the states
        of the files that it wrote: they are not read again, since another run can have changed
        them in the meantime."""
        path = os.path.normpath(os.path.join(self._folder, folder))
        below = path + os.sep
        for kind, other in [*self.states]:
            if other.startswith(below) and find_state(kind, other) == ABSENT:  # the run removed it
                self.states[kind, other] = ABSENT
        for name, state in files.items():
            self.states["content", below + name] = state
        self.states["content", path] = FOLDER
        self.states["names", path] = find_state("names", path)
        self._add_to_parents(path)

    def _add_to_parents(self, path: str) -> None:
        """Corrects what was seen of the folders above, which the run may have created."""
        parent, name = os.path.split(path)
        added: tuple[tuple[Input, str], ...] = (
            (("names", parent), f"{name}/"),
            (("modules", parent), name),
        )
        for seen, shown in added:
            names = self.states.get(seen, ABSENT)
            if names != ABSENT:
                self.states[seen] = join_names({*names.split("\0"), shown} - {""})
        if self.states.get(("content", parent)) == ABSENT:
            self.states["content", parent] = FOLDER
        if name:
            self._add_to_parents(parent)


def _is_bytecode(path: str) -> bool:
    return _BYTECODE in path or bool(_BYTECODE_PREFIX and path.startswith(_BYTECODE_PREFIX))


def _find_source(path: str) -> str | None:
    """The source of a file with bytecode; None if the path is no name of such a file."""
    folder, _, name = path.rpartition(_BYTECODE)
    parts = name.split(".")
    if (
        len(parts) == _PARTS_OF_NAME and not _BYTECODE_PREFIX
    ):  # of nearly all: the function takes longer
        return os.path.join(folder, f"{parts[0]}.py")
    try:
        return source_from_cache(path)
    except ValueError:
        return None


def _is_importing() -> bool:
    """Whether Python's import system has caused the event."""
    frame: Any = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename == __file__:
        frame = frame.f_back
    return frame is not None and frame.f_code.co_filename in _IMPORTERS


def _is_own_program(words: Any) -> bool:
    return any(own in str(word) for word in words for own in _OWN_PROGRAMS)


def _find_path(descriptor: int) -> str | None:
    """The path of an open folder; None if the system does not tell it."""
    if sys.platform == "darwin":
        import fcntl

        return os.fsdecode(fcntl.fcntl(descriptor, fcntl.F_GETPATH, bytes(1024)).rstrip(b"\0"))
    try:
        return os.readlink(f"/proc/self/fd/{descriptor}")
    except OSError:
        return None


# The process ---------------------------------------------------------------------------------

_HEARD = frozenset(("open", "exec", "os.listdir", "os.scandir", "os.mkdir")) | _UNCLEAR
_active: Observer | None = None
_is_hooked = False


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if _active is not None and event in _HEARD:
        _active.hear(event, arguments)


class _Watched:
    """A function of `os` whose first argument is a path. It is no Python function, which would
    become a method where it is assigned in a class."""

    def __init__(self, function: Callable[..., Any], *, looks: bool) -> None:
        self._function, self._looks = function, looks

    def __call__(self, path: Any, *arguments: Any, **more: Any) -> Any:
        if _active is not None:
            dir_fd = more.get("dir_fd")
            if self._looks and not isinstance(path, int):
                _active.look_for(path, dir_fd)
            elif dir_fd is not None:
                with _active.relative_to(dir_fd):
                    return self._function(path, *arguments, **more)
        return self._function(path, *arguments, **more)


_FUNCTIONS = ("stat", "lstat", "readlink", "access", "open")
"""The functions of `os` that are replaced."""
_SUPPORTS = (
    os.supports_dir_fd,
    os.supports_fd,
    os.supports_follow_symlinks,
    os.supports_effective_ids,
)


@contextmanager
def observe(observer: Observer) -> Iterator[None]:
    """Lets an observer see what happens inside."""
    global _active, _is_hooked
    if not _is_hooked:  # a hook cannot be removed
        sys.addaudithook(_hook)
        _is_hooked = True
    functions = {name: getattr(os, name) for name in _FUNCTIONS}
    watched = {name: _Watched(each, looks=name != "open") for name, each in functions.items()}
    supporting = [
        (functions_of, watched[name])
        for functions_of in _SUPPORTS
        for name, function in functions.items()
        if function in functions_of
    ]
    for functions_of, function in supporting:
        functions_of.add(function)
    for name, function in watched.items():
        setattr(os, name, function)
    _active = observer
    try:
        yield
    finally:
        _active = None
        for name, original in functions.items():
            setattr(os, name, original)
        for functions_of, function in supporting:
            functions_of.discard(function)
