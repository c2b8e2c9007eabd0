"""A command on a pseudo-terminal, in a process of its own: what it shows, and what is typed."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from warm_process import WarmCommand

ROOT = Path(__file__).parents[2]
_LONGEST = 60.0
"""Seconds after which what is waited for is missing."""


class Terminal:
    """`python build.py` with these arguments, in a process that is forked from one that has loaded
    it. Ctrl-C reaches it by its terminal."""

    def __init__(self, argv: Sequence[str], environ: Mapping[str, str]) -> None:
        self._parent, child = pty.openpty()
        environ = {**environ, "TERM": "xterm", "COLUMNS": "200"}
        self.process = WarmCommand(argv, environ, (child, child, child), on_terminal=True)
        os.close(child)
        self.shown = ""
        self._read_until = 0

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._parent)

    def expect(self, text: str) -> None:
        """Waits until it has shown a text after what was waited for before."""
        self.wait_until(lambda: text in self.text[self._read_until :], text)
        self._read_until = self.text.index(text, self._read_until) + len(text)

    def wait_until(self, happened: Callable[[], object], what: str) -> None:
        """Reads what it shows until something has happened."""
        end = time.monotonic() + _LONGEST
        while not happened():
            assert time.monotonic() < end, f"{what!r} is missing: {self.text}"
            assert self._read() or happened(), f"it ended before {what!r}: {self.text}"

    def _read(self) -> bool:
        """Reads for a moment. Returns whether the process can still show something."""
        if select.select([self._parent], [], [], 0.02)[0]:
            try:
                self.shown += os.read(self._parent, 65536).decode(errors="replace")
            except OSError:  # every process has closed the terminal
                return False
        return True

    @property
    def text(self) -> str:
        """What was shown, without colours and cursor movements, and with line ends of Unix."""
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self.shown).replace("\r\n", "\n")

    def type(self, text: str) -> None:
        """Types a line."""
        os.write(self._parent, f"{text}\n".encode())

    def interrupt(self) -> None:
        """Presses Ctrl-C."""
        os.write(self._parent, b"\x03")

    def terminate(self) -> None:
        """Sends the signal with which CI cancels a job."""
        self.process.send_signal(signal.SIGTERM)

    def wait(self) -> int:
        """Waits for its end, and returns its exit code."""
        end = time.monotonic() + _LONGEST
        while self._read():
            assert time.monotonic() < end, f"it does not end: {self.text}"
        return self.process.wait(_LONGEST)
