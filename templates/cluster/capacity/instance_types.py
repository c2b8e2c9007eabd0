"""What the name of an instance type says about its processors."""

from __future__ import annotations

import re


def is_graviton(instance_type: str) -> bool:
    """Whether a type has Arm processors: a `g` after its generation (Amazon EC2 instance types,
    "Instance type naming conventions"), or the first of them, `a1`."""
    match = re.match(r"([a-z-]+)\d+([a-z0-9-]*)\.", instance_type)
    return match is not None and (match[1] == "a" or "g" in match[2].split("-")[0])


def find_architecture(instance_types: list[str]) -> str:
    """What images must be built for."""
    return "ARM64" if is_graviton(instance_types[0]) else "X86_64"


def find_common_architecture(patterns: list[str]) -> str | None:
    """The architecture of all types that patterns allow; None where both are, or nobody tells."""
    families = [re.fullmatch(r"[a-z-]+\d+[a-z0-9-]*\..*", one) for one in patterns]
    found = {find_architecture([one]) for one in patterns}
    return found.pop() if len(found) == 1 and all(families) else None
