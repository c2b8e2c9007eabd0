"""Messages and progress on stderr."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from moorage.commands.environments import Step


def print_error(text: str) -> None:
    """Prints a line to stderr."""
    print(_on_one_line(text), file=sys.stderr)


def print_line(text: str) -> None:
    """Prints a line to stdout."""
    print(_on_one_line(text))


def print_text(text: str) -> None:
    """Prints lines to stdout."""
    for line in text.splitlines():
        print_line(line)


def _on_one_line(text: str) -> str:
    # Names of files can have any character. The import is late, for fast commands.
    if text.isascii() and text.isprintable():
        return text
    from moorage.findings.wording import escape_controls

    return escape_controls(text)


@contextmanager
def show_progress() -> Iterator[Step]:
    """Shows the current step on a terminal after one second, and clears it at the end."""
    if not sys.stderr.isatty():
        yield lambda env, step: None
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    progress = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    task = progress.add_task("")
    timer = threading.Timer(1.0, progress.start)
    timer.start()
    try:
        yield lambda env, step: progress.update(task, description=_on_one_line(f"{env}: {step}"))
    finally:
        timer.cancel()
        timer.join()
        progress.stop()
