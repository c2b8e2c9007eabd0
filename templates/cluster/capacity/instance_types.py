"""What the name of an instance type says about its processors."""

from __future__ import annotations

import re


def is_graviton(instance_type: str) -> bool:
    """Whether a type has Arm processors: it has a `g` after its generation, or it is an `a1`.

    Amazon EC2 instance types, "Instance type naming conventions".
    """
    match = re.match(r"([a-z-]+)[0-9]+([a-z0-9-]*)\.", instance_type)
    return match is not None and (match[1] == "a" or "g" in match[2].split("-")[0])


def find_architecture(instance_types: list[str]) -> str:
    """The CPU architecture of the instance types, which is the same for all of them."""
    return "ARM64" if is_graviton(instance_types[0]) else "X86_64"


def find_common_architecture(patterns: list[str]) -> str | None:
    """The CPU architecture of all types that match; None if they have several, or if a pattern
    leaves it open."""
    have_family = all(re.fullmatch(r"[a-z-]+[0-9]+[a-z0-9-]*\..*", text) for text in patterns)
    architectures = {find_architecture([text]) for text in patterns}
    return architectures.pop() if len(architectures) == 1 and have_family else None
