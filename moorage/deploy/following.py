"""Waits for an operation on a stack, and reports what happens in the meantime."""

from __future__ import annotations

from moorage.deploy.aws import AwsError
from moorage.deploy.context import Context
from moorage.deploy.events import EventReader, StackEvent, find_end, find_failures
from moorage.deploy.jobs import Job
from moorage.deploy.progress import Happened, Noted, RolledOut
from moorage.deploy.rollout import hook_text, read_rollouts
from moorage.deploy.stack_resources import SERVICE
from moorage.records import record

_PAUSE = 3.0
"""Seconds between two requests for the events of a stack. CloudFormation's rate limit is not
published; the AWS CLI asks every 30 seconds, copilot every three."""
MAX_SILENCE = 600
"""Seconds without an answer from AWS after which it is no use to wait."""


@record
class End:
    """How an operation on a stack ended."""

    status: str
    failures: tuple[StackEvent, ...] = ()
    """Of resources, in the order of their events."""

    @property
    def failure(self) -> StackEvent | None:
        """The one that caused the others."""
        return next(iter(self.failures), None)

    @property
    def succeeded(self) -> bool:
        return self.status in ("CREATE_COMPLETE", "UPDATE_COMPLETE", "DELETE_COMPLETE")


def follow_stack(context: Context, stack: str, reader: EventReader) -> Job[End]:
    """Waits until the operation that is under way has ended, and emits its events and the rollouts
    of its services. A lost connection is no reason to stop: the operation does not need us."""
    seen: list[StackEvent] = []
    services: dict[str, str] = {}
    answered = context.clock.now()
    while True:
        try:
            new = reader.read()
            for event in new:
                context.emit(Happened(stack, context.at, event))
                _note_service(services, event)
            seen += new
            if end := find_end(new):
                return End(end.status, find_failures(seen))
            _emit_rollouts(context, stack, services)
            answered = context.clock.now()
        except AwsError as error:
            if not error.connection or context.clock.now() - answered > MAX_SILENCE:
                raise
            text = f"{str(error).rstrip('.')}. Trying again."
            context.emit(Noted(stack, context.at, text))
        yield _PAUSE


def _note_service(services: dict[str, str], event: StackEvent) -> None:
    """Keeps the ARNs of the services that change now."""
    if event.type != SERVICE:
        return
    if event.status.endswith("_IN_PROGRESS") and event.physical_id.startswith("arn:"):
        services[event.logical_id] = event.physical_id
    elif not event.status.endswith("_IN_PROGRESS"):
        services.pop(event.logical_id, None)


def _emit_rollouts(context: Context, stack: str, services: dict[str, str]) -> None:
    if not services:
        return
    names = {arn: name for name, arn in services.items()}
    try:
        rollouts = read_rollouts(context.aws, list(names))
    except AwsError as error:
        if error.connection or error.wrong_usage:
            raise
        services.clear()  # CloudFormation does not need it; the user sees less
        context.emit(Noted(stack, context.at, f"{error}. The rollout is not shown"))
        return
    for rollout in rollouts:
        if rollout.arn in names:
            context.emit(RolledOut(stack, context.at, names[rollout.arn], rollout))
            if rollout.waiting_hook:
                context.emit(Noted(stack, context.at, hook_text(rollout, context.aws.region)))


def failure_text(end: End) -> str:
    """Why an operation failed: the first failure, and the status that the stack has now."""
    if end.failure is None:
        return f"the stack is {end.status}"
    failure = end.failure
    reason = (failure.reason or failure.status).rstrip(". ")
    return f"{failure.logical_id} ({failure.type}): {reason}. The stack is {end.status}"
