"""What a code of a finding is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Code:
    """One kind of mistake, and its page in `explain` and docs/findings.md."""

    id: str
    """`M` and four digits. An id never changes its meaning and is never used again."""
    title: str
    """What is wrong, in one line."""
    cause: str
    """Why it is wrong: what CloudFormation, ECS or Elastic Load Balancing does with it."""
    fix: str
    """What to write instead."""
    example: str
    """YAML as it should be written, with a comment at the line that matters; below a stack where
    nothing else is said."""
    sources: tuple[str, ...] = ()
    """Pages that say so, by their titles."""
