"""The process of AWS's engine, seen from this one: it is started when it is needed, and ends with
this process."""

from __future__ import annotations

import atexit
import json
import os
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from moorage.lint.own_python import SET_PATH, start_python

PROGRAM = f"""
{SET_PATH}
from moorage.lint.engine_process import main
main()
"""


class EngineProcess:
    """A process that answers requests (`engine_process`). It imports from where this one does."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            start_python(PROGRAM),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._is_ready = False
        self.has_ended = False
        self.unread = 0
        """How many answers are to be read before it can be asked again."""

    @property
    def id(self) -> int:
        """The id of the process."""
        return self._process.pid

    @property
    def is_engine_missing(self) -> bool:
        """Whether it ended because the engine is not installed, or cannot run on this machine."""
        return self.has_ended and not self._is_ready and not self.was_killed

    def send(self, request: Mapping[str, Any], answers: int) -> None:
        """Sends a request, without waiting for its answers."""
        self.unread = answers
        self._write(json.dumps(request).encode())

    def read(self) -> list[Any]:
        """The answers to the request; fewer if the process ends before."""
        if not self._is_ready:
            self._is_ready = self._read_line() is not None
        answers = list[Any]()
        while self.unread and (line := self._read_line()) is not None:
            answers.append(json.loads(line))
            self.unread -= 1
        return answers

    @property
    def was_killed(self) -> bool:
        """Whether it ended for a reason that has nothing to do with its templates."""
        return self.has_ended and self._process.returncode in _FROM_OUTSIDE

    @property
    def has_exceeded_time(self) -> bool:
        """Whether it ended because a template took more time than it may have."""
        return self.has_ended and self._is_ready and self._process.returncode == -signal.SIGPROF

    def close(self) -> None:
        """Ends it, and waits until it has ended."""
        if not self.has_ended:
            self.has_ended = True
            if self.unread or not self._is_ready:
                self._process.kill()
            self._write(b"")
            with suppress(OSError):
                self._process.communicate()

    def _read_line(self) -> bytes | None:
        assert self._process.stdout is not None
        line = b"" if self.has_ended else self._process.stdout.readline()
        if line.endswith(b"\n"):
            return line
        self.close()
        return None

    def _write(self, line: bytes) -> None:
        assert self._process.stdin is not None
        with suppress(OSError):  # it has ended, which reading shows
            self._process.stdin.write(line + b"\n")
            self._process.stdin.flush()


_FROM_OUTSIDE = frozenset(
    -number for number in (signal.SIGHUP, signal.SIGINT, signal.SIGKILL, signal.SIGTERM)
)
"""How a process ends that somebody else ended, such as a system without memory. Its own limits end
it in other ways."""
_processes: dict[int, EngineProcess] = {}
"""The process by the id of the one that started it: after a fork, a parent's is not the child's."""


def ask_engine(request: Mapping[str, Any], answers: int) -> EngineProcess | None:
    """Sends a request that has so many answers to the process of the engine, and returns the
    process; None if there is no engine."""
    process = _processes.get(os.getpid())
    if process is not None and process.is_engine_missing:
        return None
    if process is not None and process.unread:  # somebody gave up waiting
        process.close()
    if process is None or process.has_ended:
        process = _processes[os.getpid()] = EngineProcess()
    process.send(request, answers)
    return process


def start_engine() -> None:
    """Lets the process of the engine start, unless it has been started."""
    if os.getpid() not in _processes:
        ask_engine({"texts": [], "known": {}}, 0)


@atexit.register
def close_engine() -> None:
    """Ends the process of the engine, if there is one, and waits until it has ended."""
    if os.getpid() in _processes:
        _processes[os.getpid()].close()
