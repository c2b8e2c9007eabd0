"""The command line as tests call it, in their own process."""

from __future__ import annotations

from collections.abc import Sequence

from moorage import cli


def main(argv: Sequence[str]) -> int:
    """Runs a command with the built-in kinds of stacks; returns the exit code."""
    return cli.main(argv, "templates")
