"""The progress of a deployment: events, and the state that they add up to. Pure.

`reduce` takes a state and an event and returns the next state: the same object if the event changes
nothing, so that what is repeated is shown once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace
from typing import Literal

from moorage.deploy.events import StackEvent
from moorage.deploy.rollout import Rollout
from moorage.records import record

Verb = Literal["create", "update", "delete", "roll back"]
Result = Literal["succeeded", "unchanged", "started", "failed"]
"""How a stack ended. `started`: its update goes on without this command."""


@record
class Planned:
    """A stack that will be deployed or deleted."""

    stack: str
    verb: Verb
    expected: int | None = None
    """Seconds that it usually takes."""


@record
class Started:
    """The update of a stack has started. `at` is in seconds since the start of the command."""

    stack: str
    at: float
    verb: Verb


@record
class Happened:
    """CloudFormation reports an event of the stack."""

    stack: str
    at: float
    event: StackEvent


@record
class RolledOut:
    """The rollout of a service, as it is now."""

    stack: str
    at: float
    logical_id: str
    rollout: Rollout


@record
class Noted:
    """Something that the user should know, such as a task that runs."""

    stack: str
    at: float
    text: str


@record
class Ended:
    """The stack is done."""

    stack: str
    at: float
    result: Result
    reason: str = ""


Event = Planned | Started | Happened | RolledOut | Noted | Ended


@record
class ResourceProgress:
    """A resource of a stack."""

    type: str
    status: str
    reason: str = ""


@record
class StackProgress:
    """A stack, from its start to its end."""

    verb: Verb
    expected: int | None = None
    started: float | None = None
    ended: float | None = None
    result: Result | None = None
    reason: str = ""
    status: str = ""
    resources: Mapping[str, ResourceProgress] = field(default_factory=dict)
    rollouts: Mapping[str, Rollout] = field(default_factory=dict)
    """By logical ID; of services that change now."""
    notes: tuple[str, ...] = ()


Progress = Mapping[str, StackProgress]
"""All stacks by name, in the order of their deployment."""
_BEGAN: Mapping[Verb, str] = {
    "create": "CREATE_IN_PROGRESS",
    "update": "UPDATE_IN_PROGRESS",
    "delete": "DELETE_IN_PROGRESS",
    "roll back": "UPDATE_ROLLBACK_IN_PROGRESS",
}


def reduce(progress: Progress, event: Event) -> Progress:
    """The progress after an event; the same object if nothing changes."""
    stack = progress.get(event.stack) or StackProgress("update")
    changed = _reduce_stack(stack, event)
    if changed == stack and event.stack in progress:
        return progress
    return {**progress, event.stack: changed}


def _reduce_stack(stack: StackProgress, event: Event) -> StackProgress:
    match event:
        case Planned():
            return StackProgress(event.verb, event.expected)
        case Started():
            return replace(
                stack, verb=event.verb, started=event.at, status=_BEGAN[event.verb], ended=None
            )
        case Happened():
            return _reduce_event(stack, event.event)
        case RolledOut():
            rollouts = {**stack.rollouts, event.logical_id: event.rollout}
            return replace(stack, rollouts=rollouts)
        case Noted():
            if event.text in stack.notes[-1:]:
                return stack
            return replace(stack, notes=(*stack.notes, event.text))
        case Ended():
            started = event.at if stack.started is None else stack.started
            return replace(
                stack,
                started=started,
                ended=event.at,
                result=event.result,
                reason=event.reason,
                rollouts={},
            )


def _reduce_event(stack: StackProgress, event: StackEvent) -> StackProgress:
    if event.of_stack:
        return replace(stack, status=event.status)
    resource = ResourceProgress(event.type, event.status, event.reason)
    rollouts = stack.rollouts
    if not event.status.endswith("_IN_PROGRESS"):
        rollouts = {key: value for key, value in rollouts.items() if key != event.logical_id}
    resources = {**stack.resources, event.logical_id: resource}
    return replace(stack, resources=resources, rollouts=rollouts)


def count_done(stack: StackProgress) -> tuple[int, int]:
    """How many of the resources that have changed so far are done, and how many have begun."""
    statuses = [resource.status for resource in stack.resources.values()]
    return sum(not status.endswith("_IN_PROGRESS") for status in statuses), len(statuses)
