"""Sizes of tasks on Fargate."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.model import Problem

_GIB = 1024

# CPU units -> MiB of memory. Source: cfn-lint's schema extension for AWS::ECS::TaskDefinition,
# fargate_cpu_memory, after "Task size" in the Amazon ECS developer guide.
SIZES: dict[int, tuple[int, ...]] = {
    256: (512, 1 * _GIB, 2 * _GIB),
    512: tuple(range(1 * _GIB, 4 * _GIB + 1, _GIB)),
    1024: tuple(range(2 * _GIB, 8 * _GIB + 1, _GIB)),
    2048: tuple(range(4 * _GIB, 16 * _GIB + 1, _GIB)),
    4096: tuple(range(8 * _GIB, 30 * _GIB + 1, _GIB)),
    8192: tuple(range(16 * _GIB, 60 * _GIB + 1, 4 * _GIB)),
    16384: tuple(range(32 * _GIB, 120 * _GIB + 1, 8 * _GIB)),
    32768: (60 * _GIB, 120 * _GIB, 244 * _GIB),
}


def size_problems(cpu: int, memory: int) -> Iterator[Problem]:
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
