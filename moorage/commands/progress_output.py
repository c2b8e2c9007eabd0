"""Shows the progress of a deployment: live on a terminal, otherwise as lines, or as JSON."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from moorage.deploy.progress import Event, Progress

Emit = Callable[["Event"], None]


@contextmanager
def show_events(form: str, now: Callable[[], float]) -> Iterator[Emit]:
    """Yields the function that takes the events. `now` gives seconds since the start."""
    if form == "text" and sys.stdout.isatty():
        with _show_live(now) as emit:
            yield emit
        return
    from moorage.deploy.progress_json import event_json
    from moorage.deploy.progress_lines import event_lines

    render = event_json if form == "json" else event_lines
    yield _Reducer(lambda *change: _print_lines(render(*change)))


class _Reducer:
    """Keeps the state, and calls `show` with each change of it."""

    def __init__(self, show: Callable[[Progress, Event, Progress], None]) -> None:
        self.progress: Progress = {}
        self._show = show

    def __call__(self, event: Event) -> None:
        from moorage.deploy.progress import reduce

        before, self.progress = self.progress, reduce(self.progress, event)
        self._show(before, event, self.progress)


def _print_lines(lines: Iterator[str]) -> None:
    from moorage.commands.terminal import print_line

    for line in lines:
        print_line(line)
    sys.stdout.flush()


@contextmanager
def _show_live(now: Callable[[], float]) -> Iterator[Emit]:
    from rich.live import Live

    from moorage.deploy.progress_live import progress_view

    reducer = _Reducer(lambda *change: None)
    with Live(
        get_renderable=lambda: progress_view(reducer.progress, now()),
        refresh_per_second=4,
        vertical_overflow="visible",
    ):
        yield reducer
