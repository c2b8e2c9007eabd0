"""Sizes of tasks on Fargate."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from moorage.facts.fargate import SIZES
from moorage.findings.finding import Problem


def fargate_size_problems(cpu: int, memory: int) -> Iterator[Problem]:
    """Reports a combination of CPU units and MiB that Fargate does not support, with the nearest
    ones that it supports."""
    if cpu not in SIZES:
        hint = f"Write `cpu: {_either(_nearest(cpu, list(SIZES), 2))}`."
        yield Problem(
            "M1203", ("cpu",), f"Fargate does not support tasks with {cpu} CPU units", hint
        )
    elif memory not in SIZES[cpu]:
        message = f"Fargate does not support tasks with {cpu} CPU units and {memory} MiB"
        hint = f"Write `memory: {_either(_nearest(memory, list(SIZES[cpu]), 3))}`"
        sizes = [size for size, memories in SIZES.items() if memory in memories]
        hint += f", or `cpu: {_either(sizes)}` with this memory." if sizes else "."
        because = (("cpu",), ("memory",))
        yield Problem("M1203", ("memory",), message, hint, because=because)


def _nearest(number: int, choices: Sequence[int], count: int) -> list[int]:
    return sorted(sorted(choices, key=lambda choice: abs(choice - number))[:count])


def _either(numbers: Sequence[int]) -> str:
    """The numbers as alternatives, inside backquotes: 256`, `512` or `1024."""
    *others, last = map(str, numbers)
    return f"{'`, `'.join(others)}` or `{last}" if others else last
