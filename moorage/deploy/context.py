"""What everything that acts on AWS is given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from uuid import uuid4

from moorage.deploy.aws import Aws
from moorage.deploy.clock import Clock
from moorage.deploy.progress import Event
from moorage.records import record

Emit = Callable[[Event], None]


def ignore_event(event: Event) -> None:
    """An Emit that drops the event."""


@record
class OpenChangeSet:
    """A change set of this command that was not executed, and not deleted yet."""

    stack: str
    """The stack's name in the params."""
    stack_name: str
    creates: bool
    """Whether its stack exists only because of it."""
    deleted: bool = False
    """Whether only that stack is left of it."""


def new_name() -> str:
    """A name for a change set, and a token for a request, that no other one has."""
    return f"moorage-{uuid4().hex}"


@record
class Context:
    """The account, the clock, and who gets the events."""

    aws: Aws
    account: str = ""
    """The ID of the account that the credentials belong to."""
    clock: Clock = field(default_factory=Clock)
    emit: Emit = ignore_event
    start: float = 0
    """The clock at the start of the command."""
    new_name: Callable[[], str] = new_name
    open_change_sets: dict[str, OpenChangeSet] = field(default_factory=dict)
    """By name. What is in it at the end of the command is deleted."""

    @property
    def at(self) -> float:
        """Seconds since the start of the command."""
        return self.clock.now() - self.start
