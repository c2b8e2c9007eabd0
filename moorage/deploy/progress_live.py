"""Progress on a terminal: a table of the stacks that changes in place, with rich."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from moorage.deploy.progress import Progress, StackProgress, count_done
from moorage.deploy.progress_lines import ended_text, rollout_text, time_text

_STYLES = {"failed": "red", "succeeded": "green", "unchanged": "dim", "started": "yellow"}
_MAX_RESOURCES = 5
"""Resources in progress that are shown of each stack."""


def progress_view(progress: Progress, now: float) -> RenderableType:
    """The stacks, each with what CloudFormation and ECS do now. `now` is in seconds since the start
    of the command."""
    return Group(*(part for name, stack in progress.items() for part in _stack(name, stack, now)))


def _stack(name: str, stack: StackProgress, now: float) -> Iterator[RenderableType]:
    row = Table.grid(padding=(0, 1))
    row.add_column(width=2)
    row.add_column(min_width=16)
    row.add_column()
    if stack.result is not None:
        mark: RenderableType = Text("x" if stack.result == "failed" else "*")
        text = Text(ended_text(stack), style=_STYLES[stack.result])
    elif stack.started is None:
        mark, text = Text(" "), Text("waits", style="dim")
    else:
        mark, text = Spinner("dots"), Text(_doing(stack, now))
    row.add_row(mark, Text(name, style="bold"), text)
    yield row
    if stack.result is None:
        yield from (Text(f"      {line}", style="dim") for line in _details(stack))


def _doing(stack: StackProgress, now: float) -> str:
    done, begun = count_done(stack)
    expected = f" of usually {time_text(stack.expected)}" if stack.expected else ""
    resources = f", {done} of {begun} resources done" if begun else ""
    return f"{stack.status} {time_text(now - (stack.started or 0))}{expected}{resources}"


def _details(stack: StackProgress) -> Iterator[str]:
    for logical_id, rollout in stack.rollouts.items():
        yield f"{logical_id}: {rollout_text(rollout)}"
    busy = [
        f"{logical_id} ({resource.type}) {resource.status}"
        for logical_id, resource in stack.resources.items()
        if resource.status.endswith("_IN_PROGRESS") and logical_id not in stack.rollouts
    ]
    yield from busy[:_MAX_RESOURCES]
    if len(busy) > _MAX_RESOURCES:
        yield f"and {len(busy) - _MAX_RESOURCES} more"
    yield from stack.notes[-1:]
