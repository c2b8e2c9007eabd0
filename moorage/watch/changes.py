"""Paths that change in folders, also in folders that are deleted and created again."""

from __future__ import annotations

import os
import threading
from collections.abc import Collection
from pathlib import Path
from queue import Empty, SimpleQueue

from watchfiles import Change, watch

_QUIET = 20
"""Milliseconds without a change after which the changes so far are passed on: an editor that saves
a file makes several within a few of them."""
_MOST = 200
"""Milliseconds after which changes are passed on even if there are more and more."""

_Found = set[tuple[Change, str]] | OSError


class Changes:
    """Collects changes below `folders`, and directly in the folders around them, in threads.

    The current folder is one of the folders around them. A folder that does not exist is watched
    as soon as it does. `wait` and `take` raise OSError where the operating system refuses to watch
    a folder.
    """

    def __init__(self, folders: Collection[Path]) -> None:
        self._found: SimpleQueue[_Found] = SimpleQueue()
        self._folders: list[Path] = []
        self._around: list[Path] = []
        self._collectors: list[_Collector] = []
        self.follow(folders)

    def __enter__(self) -> Changes:
        return self

    def __exit__(self, *_: object) -> None:
        for collector in self._collectors:
            collector.end()

    def follow(self, folders: Collection[Path]) -> None:
        """Collects changes below these folders from now on."""
        absolute = [Path(os.path.abspath(folder)) for folder in folders]
        if absolute != self._folders:
            self._folders, self._around = absolute, find_surrounding(absolute)
            self._begin_again()

    def wait(self, seconds: float | None = None) -> set[str]:
        """Waits for a change, and returns the paths that have changed. Empty if nothing changes
        within `seconds`. For a folder that was deleted or created,
        its own path can be all that is returned."""
        try:
            found = [self._found.get(timeout=seconds)]
        except Empty:
            return set()
        return self._read(found) | self.take()

    def take(self) -> set[str]:
        """The paths that have changed since the last call, without waiting."""
        found: list[_Found] = []
        while not self._found.empty():
            found.append(self._found.get())
        return self._read(found)

    def _read(self, found: list[_Found]) -> set[str]:
        paths: set[str] = set()
        for changes in found:
            if isinstance(changes, OSError):
                raise changes
            paths |= {
                path for kind, path in changes if kind != Change.modified or not os.path.isdir(path)
            }
            watched = {*self._folders, *self._around}
            if any(Path(path) in watched for kind, path in changes if kind != Change.modified):
                self._begin_again()
        return paths

    def _begin_again(self) -> None:
        """Starts other collectors, and then ends those before, so that no change is missed."""
        before, self._collectors = self._collectors, []
        for folders, recursive in ((self._folders, True), (self._around, False)):
            existing = [folder for folder in folders if folder.is_dir()]
            if existing:
                self._collectors.append(_Collector(existing, self._found, recursive=recursive))
        for collector in before:
            collector.end()


def find_surrounding(folders: Collection[Path]) -> list[Path]:
    """The current folder, the folders around each folder up to it, and for a folder elsewhere the
    one that it is in."""
    here = Path.cwd()
    around = {here}
    for folder in folders:
        inside = [parent for parent in folder.parents if parent.is_relative_to(here)]
        around |= {*inside} or {folder.parent}
    return sorted(around)


class _Collector:
    """A thread that puts changes into a queue until `end` is called."""

    def __init__(
        self, folders: Collection[Path], found: SimpleQueue[_Found], *, recursive: bool
    ) -> None:
        self._folders, self._found, self._recursive = folders, found, recursive
        self._is_ended = False
        self._has_begun = threading.Event()
        threading.Thread(target=self._collect, daemon=True).start()
        self._has_begun.wait()

    def end(self) -> None:
        self._is_ended = True

    def is_set(self) -> bool:
        """Whether to end. watchfiles asks again and again, and first when it has begun to watch."""
        self._has_begun.set()
        return self._is_ended

    def _collect(self) -> None:
        try:
            for changes in watch(
                *self._folders,
                watch_filter=None,
                debounce=_MOST,
                step=_QUIET,
                stop_event=self,
                raise_interrupt=False,
                recursive=self._recursive,
                ignore_permission_denied=True,
            ):
                self._found.put(changes)
        except FileNotFoundError:  # deleted again; the folder around it is watched, too
            pass
        except OSError as error:
            self._found.put(error)
        except RuntimeError as error:  # an error of the operating system without a type of its own
            self._found.put(OSError(str(error)))
        finally:
            self._has_begun.set()
