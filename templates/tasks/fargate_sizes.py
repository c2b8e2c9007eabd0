"""Sizes of tasks on Fargate."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise

from moorage.facts.fargate import SIZES
from moorage.findings.finding import Problem


def fargate_size_problems(cpu: int, memory: int, keys: Collection[str]) -> Iterator[Problem]:
    """Reports a combination of CPU units and MiB that Fargate does not support, with those that it
    supports. `keys` are the keys in the params: the value of a missing one is a default."""
    if cpu not in SIZES:
        hint = f"Write `cpu: {_either(_nearest(cpu, list(SIZES), 2))}`."
        yield Problem(
            "M1203", ("cpu",), f"Fargate does not support tasks with {cpu} CPU units", hint
        )
    elif memory not in SIZES[cpu]:
        beginning = f"Fargate does not support tasks with {cpu} CPU units"
        message = f"{beginning} and {memory} MiB"
        sizes = [size for size, memories in SIZES.items() if memory in memories]
        alternative = f"cpu: {_either(sizes)}" if sizes else ""
        hint = f"Write `memory: {_either(_nearest(memory, list(SIZES[cpu]), 3))}`"
        path = "memory"
        if "memory" not in keys:
            message += ", the default of `memory`"
            hint, path, alternative = f"Add `memory:` with {_range(SIZES[cpu])}", "cpu", ""
        elif "cpu" not in keys and alternative:
            message = f"{beginning}, the default of `cpu`, and {memory} MiB"
            hint, alternative = f"Add `{alternative}`", f"memory: {_either(SIZES[cpu])}"
        write = "write " if hint.startswith("Add") else ""
        hint += f", or {write}`{alternative}`." if alternative else "."
        yield Problem("M1203", (path,), message, hint, because=(("cpu",), ("memory",)))


def _range(memories: Sequence[int]) -> str:
    """The sizes of memory in words."""
    steps = {after - before for before, after in pairwise(memories)}
    if len(memories) > 4 and len(steps) == 1:
        return f"{memories[0]} to {memories[-1]}, in steps of {steps.pop()}"
    return f"{', '.join(map(str, memories[:-1]))} or {memories[-1]}"


def _nearest(number: int, choices: Sequence[int], count: int) -> list[int]:
    return sorted(sorted(choices, key=lambda choice: abs(choice - number))[:count])


def _either(numbers: Sequence[int]) -> str:
    """The numbers as alternatives, inside backquotes: 256`, `512` or `1024."""
    *previous, last = map(str, numbers)
    return f"{'`, `'.join(previous)}` or `{last}" if previous else last
