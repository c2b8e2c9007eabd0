"""Sizes of tasks, as texts of templates and as Fargate has them."""

from __future__ import annotations

import re

from moorage.facts.fargate import SIZES

_GIB = 1024

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
