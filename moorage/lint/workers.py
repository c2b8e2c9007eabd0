"""Processes that run cfn-lint, beside this one.

They need no more than sockets: no shared memory, and no semaphores. On Linux one process loads
cfn-lint and forks the others; a process that has only loaded cfn-lint has no threads, so that is
safe. Elsewhere, each one is started and loads cfn-lint itself.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from moorage.findings.finding import Finding
from moorage.lint import channel
from moorage.lint.own_python import SET_PATH, start_python
from moorage.lint.settings import LintSettings, SettingsError
from moorage.lint.stored_findings import from_json

MOST = 16
"""Processes at most: each takes some 150 MB."""
_PROGRAM = f"""
{SET_PATH}
from moorage.lint.late_imports import import_late
worker = import_late("moorage.lint.worker")
worker.serve([int(text) for text in sys.argv[2:]])
"""
_QUOTA = Path("/sys/fs/cgroup/cpu.max")
_LONGEST_END = 5
"""Seconds that idle processes have to end."""


def usable_cores() -> int:
    """The cores that this process may use, at least one: also fewer than the machine has."""
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS
        cores = os.cpu_count() or 1
    with suppress(OSError, ValueError):  # Linux: Documentation/admin-guide/cgroup-v2.rst, cpu.max
        quota, period = _QUOTA.read_text().split()
        cores = min(cores, int(quota) // int(period))
    return max(cores, 1)


@dataclass
class Workers:
    """Up to `count` processes. They are started when they are needed first, or by `start`, and end
    with the block of `with`."""

    count: int
    forks: bool = sys.platform == "linux"
    """Whether one process loads cfn-lint for all."""
    _processes: list[subprocess.Popen[bytes]] = field(default_factory=list)
    _connections: list[socket.socket] = field(default_factory=list)
    _is_shared: bool = False
    """Whether all processes are there that `count` allows."""

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.end(at_once=kind is not None)

    @property
    def are_started(self) -> bool:
        return bool(self._processes)

    def start(self) -> None:
        """Starts the processes, or the first of them, which loads cfn-lint."""
        if self.are_started:
            return
        pairs = [socket.socketpair() for _ in range(self.count)]
        self._connections = [ours for ours, _ in pairs]
        theirs = [other for _, other in pairs]
        for group in [theirs] if self.forks else [[other] for other in theirs]:
            self._processes.append(_start_process(group))
        for other in theirs:
            other.close()

    def ask(self, request: dict[str, Any]) -> dict[str, Any] | None:
        """The answer of the first process; None if it has ended."""
        self.start()
        with suppress(channel.ClosedError):
            channel.send(self._connections[0], request)
            answer: dict[str, Any] = channel.receive(self._connections[0])
            return answer
        return None

    def begin(self, texts: Sequence[str], region: str | None, settings: LintSettings) -> Job:
        """Begins to lint templates. Ask for nothing else before its result."""
        self.start()
        job = Job(texts, region, settings)
        connections = self._connections[: max(len(texts), 1)]
        share = self.forks and not self._is_shared and len(texts) > 1
        self._is_shared = self._is_shared or share or not self.forks
        job.begin(connections, share=share)
        return job

    def end(self, *, at_once: bool = False) -> None:
        """Ends the processes, and waits until they have ended. Later ones can be started."""
        if at_once or not self._is_shared:
            self._kill()
        for connection in self._connections:
            connection.close()
        for process in self._processes:
            try:
                process.wait(_LONGEST_END)
            except subprocess.TimeoutExpired:
                self._kill()
                process.wait()
        self._processes, self._connections, self._is_shared = [], [], False

    def _kill(self) -> None:
        for process in self._processes:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)  # also those that it has forked


def _start_process(connections: Sequence[socket.socket]) -> subprocess.Popen[bytes]:
    """A process in a group of its own, so that Ctrl-C reaches this process alone, which ends it.

    It imports from where this one does, and not from the current folder.
    """
    descriptors = [connection.fileno() for connection in connections]
    return subprocess.Popen(
        [*start_python(_PROGRAM), *map(str, descriptors)],
        pass_fds=descriptors,
        process_group=0,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


class Job:
    """Templates that processes lint: each one takes the next when it is done with one, the largest
    first."""

    def __init__(self, texts: Sequence[str], region: str | None, settings: LintSettings) -> None:
        self._texts, self._region, self._settings = texts, region, asdict(settings)
        self._todo = deque(sorted(range(len(texts)), key=lambda index: -len(texts[index])))
        self._found: dict[int, tuple[Finding, ...]] = {}
        self._refusals: list[str] = []
        self._threads: list[threading.Thread] = []

    def begin(self, connections: Sequence[socket.socket], *, share: bool) -> None:
        """Gives templates to processes. With `share`, the first process lints one, which loads the
        schemas, before it forks the others."""
        for index, connection in enumerate(connections):
            first = self._take() if share and index == 0 else None
            arguments = (connection, first)
            thread = threading.Thread(target=self._feed, args=arguments, daemon=True)
            self._threads.append(thread)
        for thread in self._threads:
            thread.start()

    def result(self) -> dict[int, tuple[Finding, ...]]:
        """Waits for the findings, by the index of their template. A template is missing if a
        process has ended. Raises SettingsError."""
        for thread in self._threads:
            thread.join()
        if self._refusals:
            raise SettingsError(self._refusals[0])
        return self._found

    def _take(self) -> int | None:
        with suppress(IndexError):
            return self._todo.popleft()
        return None

    def _feed(self, connection: socket.socket, first: int | None) -> None:
        with suppress(channel.ClosedError, ValueError):
            if first is not None:
                self._lint(connection, first)
                channel.send(connection, {"do": "share"})
            while (index := self._take()) is not None:
                self._lint(connection, index)

    def _lint(self, connection: socket.socket, index: int) -> None:
        request = {"text": self._texts[index], "region": self._region, "settings": self._settings}
        channel.send(connection, {"do": "lint", **request})
        answer = channel.receive(connection)
        if "refused" in answer:
            self._refusals.append(answer["refused"])
        else:
            self._found[index] = from_json(answer["findings"])
