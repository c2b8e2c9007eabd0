"""A rule: a function from a view of templates to problems, and the text of the rule's page."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from moorage.cfn.nodes import Node
from moorage.cfn.stack import Resource
from moorage.cfn.view import View
from moorage.records import entity


@entity
class Problem:
    """What is wrong, where, and what to write instead.

    The message has no period at its end, the hint has one.
    """

    node: Node
    message: str
    hint: str


RuleFunction = Callable[[View], Iterator[Problem]]


@entity
class Rule:
    """`E9xxx`: the deployment fails or what is deployed cannot work. `W9xxx`: a race, a problem of
    a later deployment, or advice."""

    id: str
    title: str
    """What is wrong, in one line."""
    description: str
    """Why it is wrong, and what happens during or after the deployment."""
    error_messages: tuple[str, ...]
    """What AWS reports, as far as it is known."""
    fix: str
    sources: tuple[str, ...]
    failure_ids: tuple[str, ...]
    """The ids of the known failures that the rule finds."""
    check: RuleFunction
    compares_defaults: bool = False
    """Whether it compares the default values of several parameters: then it gets no scenario with
    another value of only one of them."""
    types: frozenset[str] | None = None
    """The types of resources without which it finds nothing; None if it is not about types."""


def rule(
    rule_id: str,
    title: str,
    *,
    fix: str,
    sources: tuple[str, ...],
    failure_ids: tuple[str, ...] = (),
    error_messages: tuple[str, ...] = (),
    compares_defaults: bool = False,
) -> Callable[[RuleFunction], Rule]:
    """Turns a function into a rule. The function's docstring is the rule's description."""

    def decorate(check: RuleFunction) -> Rule:
        description = " ".join((check.__doc__ or "").split())
        return Rule(
            rule_id,
            title,
            description,
            error_messages,
            fix,
            sources,
            failure_ids,
            check,
            compares_defaults,
        )

    return decorate


def problem(place: Node | Resource, message: str, hint: str) -> Problem:
    """A problem of a property, or of a resource. The property may be missing: then the problem is
    shown at its nearest parent that exists."""
    return Problem(place.body if isinstance(place, Resource) else place, message, hint)
