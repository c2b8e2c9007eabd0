"""A stack of the environment that another stack uses, with its handle."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from moorage.model import Base, Environment
from moorage.records import record

from .stack_lookup import find_stack

P = TypeVar("P", bound=Base)
H = TypeVar("H")


@record
class UsedStack(Generic[P, H]):
    """A stack that another one uses."""

    name: str
    params: P
    handle: H


def resolve_stack(
    env: Environment,
    kind: type[P],
    name: str | None,
    build_handle: Callable[[str, P, Environment], H],
) -> UsedStack[P, H] | None:
    """The stack of that name, or the only one of that kind; None if `find_stack` finds none, which
    `find_stack_problems` reports."""
    stack = find_stack(env, kind, name)
    return UsedStack(*stack, build_handle(*stack, env)) if stack else None
