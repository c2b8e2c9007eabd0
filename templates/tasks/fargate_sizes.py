"""Sizes of tasks on Fargate."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.facts.fargate import SIZES
from moorage.findings.finding import Problem


def fargate_size_problems(cpu: int, memory: int) -> Iterator[Problem]:
    """Whether Fargate has a task of that size, with the nearest ones where it has not."""
    both = (("cpu",), ("memory",))
    if cpu not in SIZES:
        near = sorted(sorted(SIZES, key=lambda one: abs(one - cpu))[:2])
        hint = f"Use {near[0]} or {near[1]}."
        yield Problem("M1203", ("cpu",), f"Fargate has no task with {cpu} CPU units", hint)
    elif memory not in SIZES[cpu]:
        near = sorted(sorted(SIZES[cpu], key=lambda one: abs(one - memory))[:3])
        larger = [one for one, memories in SIZES.items() if memory in memories]
        other = f" For {memory} MiB use cpu {', '.join(map(str, larger))}." if larger else ""
        hint = f"Use memory {', '.join(map(str, near[:-1]))} or {near[-1]}.{other}"
        message = f"{memory} MiB does not fit cpu {cpu}"
        yield Problem("M1203", ("memory",), message, hint, because=both)
