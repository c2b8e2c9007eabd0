"""What a rule is: a function from a view to faults, and what its page says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from moorage.cfn.nodes import Node
from moorage.cfn.view import Resource, View


@dataclass(frozen=True)
class Fault:
    """What is wrong, where, what AWS says or does, and what to write instead."""

    at: Node
    message: str
    hint: str


Find = Callable[[View], Iterator[Fault]]


@dataclass(frozen=True)
class Rule:
    """`E93xx` for what fails or cannot work, `W93xx` for races, latent and advisable things."""

    id: str
    title: str
    """What the fault is, in one line."""
    goes_wrong: str
    """What happens at deployment or after it."""
    says: tuple[str, ...]
    """AWS's own error texts, as far as they are known."""
    fix: str
    sources: tuple[str, ...]
    cases: tuple[str, ...]
    """The ids of the known failures that it finds."""
    find: Find


def rule(
    code: str,
    title: str,
    *,
    fix: str,
    sources: tuple[str, ...],
    cases: tuple[str, ...] = (),
    says: tuple[str, ...] = (),
) -> Callable[[Find], Rule]:
    """Makes a function a rule; its docstring tells what goes wrong."""

    def made(find: Find) -> Rule:
        goes_wrong = " ".join((find.__doc__ or "").split())
        return Rule(code, title, goes_wrong, says, fix, sources, cases, find)

    return made


def fault(at: Node | Resource, message: str, hint: str) -> Fault:
    """A fault at a property, or at a resource as a whole. A property that should be there and is
    not may be named too: it is shown at the nearest place that exists."""
    return Fault(at.body if isinstance(at, Resource) else at, message, hint)
