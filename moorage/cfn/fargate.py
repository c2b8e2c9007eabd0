"""Sizes of tasks, as texts of templates and as Fargate has them."""

from __future__ import annotations

import re

_GIB = 1024

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
"""CPU units and the MiB of memory that go with them. Source: cfn-lint's schema extension
fargate_cpu_memory for AWS::ECS::TaskDefinition, after "Task size" in the Amazon ECS developer
guide."""

_AMOUNT = re.compile(r"(\d{1,9}|\d{0,4}\.\d{1,6})\s*(vcpu|gb)?", re.IGNORECASE)


def size(text: str | None) -> int | None:
    """CPU units or MiB, which may be written in whole vCPUs or GBs.

    >>> size("512"), size(".5 vCPU"), size("2GB"), size("much"), size("0.5")
    (512, 512, 2048, None, None)
    """
    match = _AMOUNT.fullmatch(text.strip()) if text is not None else None
    if match is None or (match[2] is None and "." in match[1]):
        return None
    return round(float(match[1]) * _GIB) if match[2] else int(match[1])


def fits(cpu: int, memory: int) -> bool:
    """Whether Fargate has a task of that size."""
    return memory in SIZES.get(cpu, ())
