"""Operations of StackSets: started, followed to their end, with the result of each stack."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError

from moorage.deploy.aws import AwsError, aws_errors, error_code
from moorage.deploy.context import Context
from moorage.deploy.events import StackEvent
from moorage.deploy.following import MAX_SILENCE
from moorage.deploy.jobs import Job
from moorage.deploy.progress import Happened, Noted, Verb
from moorage.facts.stack_sets import ALREADY_UNDER_WAY, RUNNING, UNFINISHED
from moorage.records import record

_PAUSE = 5.0
"""Seconds between two questions about an operation, which takes minutes."""
_MAX_ATTEMPTS = 3
"""How often an operation waits for another one that was started in the meantime."""
_MAX_LATE = 3
"""How often results are read again after the end of an operation, until none is unfinished: they
are eventually consistent (CloudFormation API reference, ListStackSetOperationResults)."""
_TYPE = "stack"


@record
class Failure:
    """A stack for which an operation failed or was cancelled."""

    account: str
    region: str
    status: str
    """`FAILED` or `CANCELLED`."""
    reason: str = ""

    @property
    def place(self) -> str:
        return f"{self.account} {self.region}"


@record
class End:
    """How an operation ended."""

    status: str
    reason: str = ""
    failures: tuple[Failure, ...] = ()

    @property
    def succeeded(self) -> bool:
        """Whether no more stacks failed than the failure tolerance allows."""
        return self.status == "SUCCEEDED"


@record
class Running:
    """An operation of a stack set that is under way."""

    stack: str
    """The name of the stack in the params."""
    stack_set: str
    id: str
    verb: Verb


def run_operation(
    context: Context,
    running: Running,
    caller: Mapping[str, Any],
    start: Callable[[], str],
) -> Job[End]:
    """Starts an operation and waits for it. `start` returns its ID; if another operation of the
    stack set is under way, it is waited for first."""
    for attempt in range(_MAX_ATTEMPTS):
        try:
            operation = start()
            break
        except ClientError as error:
            last = attempt == _MAX_ATTEMPTS - 1
            if last or error_code(error) != ALREADY_UNDER_WAY:
                raise
            yield from wait_for_others(context, running, caller)
    return (yield from follow_operation(context, running, operation, caller))


def wait_for_others(context: Context, running: Running, caller: Mapping[str, Any]) -> Job[None]:
    """Waits until no operation of the stack set is under way."""
    noted = False
    while find_running(context, running.stack_set, caller):
        if not noted:
            text = "waits for another operation of the stack set"
            context.emit(Noted(running.stack, context.at, text))
            noted = True
        yield _PAUSE


def find_running(context: Context, stack_set: str, caller: Mapping[str, Any]) -> str:
    """The ID of an operation that is under way; empty if there is none."""
    with aws_errors():
        found = context.aws.cloudformation.list_stack_set_operations(
            StackSetName=stack_set, **caller
        )
    running = [item for item in found["Summaries"] if item.get("Status") in RUNNING]
    return running[0].get("OperationId", "") if running else ""


def follow_operation(
    context: Context, running: Running, operation: str, caller: Mapping[str, Any]
) -> Job[End]:
    """Waits for the end of an operation, and emits the result of each stack. A lost connection is
    no reason to stop: the operation does not need us."""
    answered, late = context.clock.now(), 0
    while True:
        try:
            with aws_errors():
                found = context.aws.cloudformation.describe_stack_set_operation(
                    StackSetName=running.stack_set, OperationId=operation, **caller
                )["StackSetOperation"]
            results = read_results(context, running.stack_set, operation, caller)
            for event in _to_events(results, running.verb):
                context.emit(Happened(running.stack, context.at, event))
            status = found.get("Status", "")
            late += status not in RUNNING
            unfinished = any(item.get("Status") in UNFINISHED for item in results)
            if late > (_MAX_LATE if unfinished else 0):
                return End(status, found.get("StatusReason", ""), tuple(find_failures(results)))
            answered = context.clock.now()
        except AwsError as error:
            if not error.connection or context.clock.now() - answered > MAX_SILENCE:
                raise
            context.emit(Noted(running.stack, context.at, f"{error} Trying again."))
        yield _PAUSE


def read_results(
    context: Context, stack_set: str, operation: str, caller: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """The result of an operation for each stack."""
    with aws_errors():
        client = context.aws.cloudformation
        pages = client.get_paginator("list_stack_set_operation_results").paginate(
            StackSetName=stack_set, OperationId=operation, **caller
        )
        return [{**item} for page in pages for item in page["Summaries"]]


def find_failures(results: list[dict[str, Any]]) -> Iterator[Failure]:
    """The stacks for which an operation failed, before those for which it was cancelled."""
    for status in ("FAILED", "CANCELLED"):
        for item in results:
            if item.get("Status") == status:
                reason = item.get("StatusReason", "")
                yield Failure(item.get("Account", ""), item.get("Region", ""), status, reason)


def _to_events(results: list[dict[str, Any]], verb: Verb) -> Iterator[StackEvent]:
    """Results in the form of events: what has not begun is none."""
    for item in results:
        status = item.get("Status", "")
        if status == "PENDING":
            continue
        place = f"{item.get('Account', '')} {item.get('Region', '')}"
        name = {"RUNNING": "IN_PROGRESS", "SUCCEEDED": "COMPLETE"}.get(status, status)
        reason = item.get("StatusReason", "")
        yield StackEvent(place, place, _TYPE, f"{verb.upper()}_{name}", reason)


def end_text(end: End) -> str:
    """Why an operation failed, in one line."""
    failed = [item for item in end.failures if item.status == "FAILED"]
    reasons = "; ".join(failure_text(item) for item in failed)
    cancelled = len(end.failures) - len(failed)
    rest = f"; not begun in {cancelled} more" if cancelled else ""
    return f"{reasons or end.reason or end.status}{rest}"


def failure_text(failure: Failure) -> str:
    """A failed stack in one line."""
    return f"{failure.place}: {failure.reason.rstrip('. ') or failure.status}"
