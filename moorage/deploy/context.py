"""What everything that acts on AWS is given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import uuid4

from moorage.deploy.aws import Aws
from moorage.deploy.clock import Clock
from moorage.deploy.progress import Event

Emit = Callable[[Event], None]


def ignore_event(event: Event) -> None:
    """An Emit that drops the event."""


def new_name() -> str:
    """A name for a change set, and a token for a request, that no other one has."""
    return f"moorage-{uuid4().hex}"


@dataclass(frozen=True)
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

    @property
    def at(self) -> float:
        """Seconds since the start of the command."""
        return self.clock.now() - self.start
