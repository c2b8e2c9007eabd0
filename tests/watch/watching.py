"""`moorage watch` in a process of its own, whose output is read line by line."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Protocol

from warm_process import WarmCommand

_LONGEST = 120.0
"""Seconds after which a line that is waited for is missing."""
_ENDED = "the output has ended"


class Process(Protocol):
    """What is used of a process."""

    pid: int

    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int: ...
    def send_signal(self, number: int) -> None: ...
    def kill(self) -> None: ...


class Watching:
    """The command, and what it prints into a pipe."""

    def __init__(self, process: Process, output: int) -> None:
        self.process = process
        self._lines: SimpleQueue[str] = SimpleQueue()
        self._seen: list[str] = []
        Thread(target=self._read, args=(output,), daemon=True).start()

    def __enter__(self) -> Watching:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()

    def _read(self, output: int) -> None:
        with open(output, encoding="utf-8") as lines:
            for line in lines:
                self._lines.put(line.rstrip("\n"))
        self._lines.put(_ENDED)

    def read_until(self, begins: str) -> list[str]:
        """The lines up to the first one that begins like this."""
        lines: list[str] = []
        while not lines or not lines[-1].startswith(begins):
            try:
                lines.append(self._lines.get(timeout=_LONGEST))
            except Empty:
                raise AssertionError(f"no line begins with {begins!r} after {self._seen}") from None
            self._seen.append(lines[-1])
            assert lines[-1] != _ENDED or begins == _ENDED, self._seen
        return lines

    def read_rest(self) -> list[str]:
        """The lines up to the end of the process."""
        return self.read_until(_ENDED)[:-1]

    def end(self, number: int = signal.SIGINT) -> int:
        """Sends a signal; returns the exit code."""
        self.process.send_signal(number)
        return self.process.wait(_LONGEST)


def save(file: Path, text: str) -> None:
    """Gives a file a content in one step: there is no moment when it is empty."""
    new = file.with_name(f".{file.name}.new")
    new.write_text(text)
    new.replace(file)


def own_environment(folder: Path) -> dict[str, str]:
    """Variables with which a command keeps its findings in the folder."""
    return {**os.environ, "XDG_CACHE_HOME": str(folder / "cache")}


def watch(folder: Path, *argv: str) -> Watching:
    """Starts the command in a folder."""
    reading, writing = os.pipe()
    with open(os.devnull) as stdin:
        files = (stdin.fileno(), writing, writing)
        process = WarmCommand(["watch", *argv], own_environment(folder), files, cwd=folder)
    os.close(writing)
    return Watching(process, reading)
