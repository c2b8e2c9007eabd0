"""Progress as lines: one for each change. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.deploy.progress import (
    Ended,
    Event,
    Happened,
    Noted,
    Progress,
    RolledOut,
    StackProgress,
    Started,
)
from moorage.deploy.rollout import Rollout

_DOING = {
    "create": "creating",
    "update": "updating",
    "delete": "deleting",
    "roll back": "rolling back",
}
_DONE = {
    "create": "created",
    "update": "updated",
    "delete": "deleted",
    "roll back": "rolled back",
}
_QUIET = ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",)


def event_lines(before: Progress, event: Event, after: Progress) -> Iterator[str]:
    """The lines for an event that led from one state to the next; none if nothing changed."""
    if after is before:
        return
    at = f"{time_text(getattr(event, 'at', 0))} {event.stack}"
    stack = after[event.stack]
    match event:
        case Started():
            expected = f", usually {time_text(stack.expected)}" if stack.expected else ""
            yield f"{at}: {_DOING[event.verb]}{expected}"
        case Happened():
            yield from (f"{at}: {text}" for text in _happened(event, before.get(event.stack)))
        case RolledOut():
            yield f"{at}: {event.logical_id}: {rollout_text(event.rollout)}"
        case Noted():
            yield f"{at}: {event.text}"
        case Ended() if stack.result != "unchanged" or stack.reason:
            yield f"{at}: {ended_text(stack)}"


def time_text(seconds: float) -> str:
    """A time as minutes and seconds.

    >>> time_text(83.4), time_text(3700)
    ('01:23', '61:40')
    """
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes:02}:{rest:02}"


def _happened(event: Happened, before: StackProgress | None) -> Iterator[str]:
    """What is done or has failed; that work has begun is only news of the stack itself."""
    reported = event.event
    if reported.of_stack:
        if reported.status in _QUIET or (before and reported.status == before.status):
            return
        if reported.status.endswith("_IN_PROGRESS"):
            explains = "ROLLBACK" in reported.status and reported.reason
            reason = f": {reported.reason}" if explains else ""
            yield f"{reported.status}{reason}"
    elif not reported.status.endswith("_IN_PROGRESS"):
        reason = f": {reported.reason}" if reported.failed and reported.reason else ""
        yield f"{reported.logical_id} ({reported.type}) {reported.status}{reason}"


def rollout_text(rollout: Rollout) -> str:
    """A rollout in one line."""
    parts = [f"{rollout.running} of {rollout.desired} tasks run"]
    if rollout.pending:
        parts.append(f"{rollout.pending} start")
    if rollout.failed:
        left = rollout.failures_left
        breaker = f" (rollback after {left} more)" if left is not None else ""
        parts.append(f"{rollout.failed} failed{breaker}")
    if rollout.targets:
        parts.append(f"{rollout.healthy} of {rollout.targets} targets healthy")
    if rollout.stage:
        parts.append(rollout.stage)
    if rollout.traffic is not None:
        parts.append(f"{rollout.traffic:g} % of the traffic")
    if rollout.waiting_hook:
        parts.append(f"waits at the hook {rollout.waiting_hook}")
    if rollout.triggered_alarms:
        parts.append(f"stopped by the alarm {', '.join(rollout.triggered_alarms)}")
    if rollout.state == "FAILED":
        parts.append(rollout.reason)
    return ", ".join(parts)


def ended_text(stack: StackProgress) -> str:
    """How a stack ended."""
    reason = f": {stack.reason}" if stack.reason else ""
    if stack.result == "unchanged":
        return f"nothing to change{reason}"
    if stack.result == "started":
        return f"{_DOING[stack.verb]}, not waited for{reason}"
    took = time_text((stack.ended or 0) - (stack.started or 0))
    if stack.result == "failed":
        return f"FAILED after {took}{reason}"
    return f"{_DONE[stack.verb]} in {took}{reason}"
