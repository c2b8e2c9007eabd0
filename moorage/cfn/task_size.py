"""CPU and memory of Fargate tasks, as templates write them."""

from __future__ import annotations

import re

from moorage.facts.fargate import SIZES

_UNITS_PER_VCPU_OR_GB = 1024

_AMOUNT = re.compile(r"([0-9]{1,9}|[0-9]{0,4}\.[0-9]{1,6})\s*(vcpu|gb)?", re.IGNORECASE)


def parse_size(text: str | None) -> int | None:
    """The CPU units or MiB of a text, which may be in vCPU or GB; None if it is neither.

    >>> parse_size("512"), parse_size(".5 vCPU"), parse_size("2GB"), parse_size("0.5")
    (512, 512, 2048, None)
    """
    match = _AMOUNT.fullmatch(text.strip()) if text is not None else None
    if match is None or (match[2] is None and "." in match[1]):
        return None
    return round(float(match[1]) * _UNITS_PER_VCPU_OR_GB) if match[2] else int(match[1])


def is_fargate_size(cpu: int, memory: int) -> bool:
    """Whether Fargate supports this combination of CPU units and MiB of memory."""
    return memory in SIZES.get(cpu, ())
