"""The order of stack sets. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from moorage.deploy.target import DeployStack


def find_users(stacks: Iterable[DeployStack], name: str) -> frozenset[str]:
    """The names of the stacks that need a stack, or one that needs it. `stacks` are in the order of
    their deployment."""
    found = {name}
    for stack in stacks:
        if found.intersection(stack.depends_on):
            found.add(stack.name)
    return frozenset(found - {name})
