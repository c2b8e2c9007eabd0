"""What the benchmarks share: running a command, and goals as a table."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

RUNS = 3


@dataclass(frozen=True)
class Run:
    """What a command took."""

    seconds: float
    cpu: float
    """Seconds of CPU time, of all its processes together."""
    memory: float
    """MiB of the largest of its processes."""


@dataclass(frozen=True)
class Goal:
    """A ratio, or a number of seconds, and the most that it may be."""

    work: str
    value: float
    most: float

    @property
    def is_met(self) -> bool:
        return self.value <= self.most


def run(
    command: Sequence[str],
    folder: Path,
    environ: Mapping[str, str],
    *,
    may_find: bool = False,
) -> Run:
    """Runs a command in a folder until it ends. With `may_find`, it may end with one of the exit
    codes with which cfn-lint reports findings. Raises RuntimeError with its output for any other.

    Bytecode is kept, as it is by default: only the first run compiles.
    """
    kept = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    began = time.perf_counter()
    with subprocess.Popen(
        command,
        cwd=folder,
        env=kept | dict(environ),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (range(0, 16, 2) if may_find else (0,)):
        raise RuntimeError(f"{command[0]} ended with {process.returncode}:\n{output[-2000:]}")
    # Linux counts ru_maxrss in KiB, macOS in bytes (their getrusage manual pages).
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return Run(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / unit)


def best_of(measure: Callable[[], Run]) -> Run:
    """The least of several runs, since anything else on the machine can only slow one down."""
    runs = [measure() for _ in range(RUNS)]
    return Run(
        min(each.seconds for each in runs),
        min(each.cpu for each in runs),
        min(each.memory for each in runs),
    )


def print_table(names: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Prints Markdown; all columns but the first are numbers."""
    print(f"| {' | '.join(names)} |")
    print(f"|---|{'--:|' * (len(names) - 1)}")
    for row in rows:
        print(f"| {' | '.join(row)} |", flush=True)


def print_goals(goals: Sequence[Goal]) -> int:
    """Prints goals as Markdown; 1 if one of them is not met."""
    rows = [
        (goal.work, f"{goal.value:.3f}", f"{goal.most:.3f}", "met" if goal.is_met else "NOT MET")
        for goal in goals
    ]
    print_table(("goal", "is", "at most", ""), rows)
    return int(not all(goal.is_met for goal in goals))
