"""What a rule is: a function from a view to faults, and what its page says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from moorage.cfn.nodes import Node
from moorage.cfn.view import Resource, View


@dataclass(frozen=True)
class Problem:
    """What is wrong, where, what AWS says or does, and what to write instead."""

    node: Node
    message: str
    hint: str


RuleFunction = Callable[[View], Iterator[Problem]]


@dataclass(frozen=True)
class Rule:
    """`E93xx` for what fails or cannot work, `W93xx` for races, latent and advisable things."""

    id: str
    title: str
    """What the fault is, in one line."""
    description: str
    """What happens at deployment or after it."""
    error_messages: tuple[str, ...]
    """AWS's own error texts, as far as they are known."""
    fix: str
    sources: tuple[str, ...]
    failure_ids: tuple[str, ...]
    """The ids of the known failures that it finds."""
    check: RuleFunction


def rule(
    code: str,
    title: str,
    *,
    fix: str,
    sources: tuple[str, ...],
    failure_ids: tuple[str, ...] = (),
    error_messages: tuple[str, ...] = (),
) -> Callable[[RuleFunction], Rule]:
    """Makes a function a rule; its docstring tells what goes wrong."""

    def made(check: RuleFunction) -> Rule:
        description = " ".join((check.__doc__ or "").split())
        return Rule(code, title, description, error_messages, fix, sources, failure_ids, check)

    return made


def problem(at: Node | Resource, message: str, hint: str) -> Problem:
    """A fault at a property, or at a resource as a whole. A property that should be there and is
    not may be named too: it is shown at the nearest place that exists."""
    return Problem(at.body if isinstance(at, Resource) else at, message, hint)
