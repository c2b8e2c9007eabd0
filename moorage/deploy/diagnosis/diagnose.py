"""Evidence -> diagnoses: the cause first, what only follows from it after it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from moorage.deploy.diagnosis.build_diagnosis import diagnosis
from moorage.deploy.diagnosis.matching import find_by_key, find_known
from moorage.deploy.diagnosis.model import Diagnosis, Evidence, StackEvent
from moorage.deploy.diagnosis.services import diagnose_service
from moorage.facts.stack_events import CANCELLED

STACK = "AWS::CloudFormation::Stack"
_SERVICE = "AWS::ECS::Service"
_STARTS = (
    "CREATE_IN_PROGRESS",
    "UPDATE_IN_PROGRESS",
    "DELETE_IN_PROGRESS",
    "IMPORT_IN_PROGRESS",
    "REVIEW_IN_PROGRESS",
)
"""The states of a stack with which an operation begins. A rollback belongs to the operation that
failed."""
_LISTS_RESOURCES = ("The following resource(s) failed", "The following hook(s) failed")


def diagnose(evidence: Evidence) -> tuple[Diagnosis, ...]:
    """Why the last operation of a stack failed, or why its services are not healthy.

    The cause is first. A failure that only follows from another one is part of the diagnosis of
    that one.
    """
    operation = last_operation(evidence)
    failed = tuple(failed_events(operation, evidence.stack_name))
    start = operation[-1].time if failed and operation else None
    found = [*_of_validation(evidence)]
    seen: set[str] = set()
    for event in failed:
        service = next(
            (s for s in evidence.services if s.logical_id == event.logical_id and s.name), None
        )
        if event.type == _SERVICE and service is not None:
            seen.add(service.logical_id)
            found += diagnose_service(service, evidence.stack, start)
        found.append(_of_event(event, evidence.stack))
    for service in evidence.services:
        if service.logical_id not in seen:
            found += diagnose_service(service, evidence.stack, start)
    found = found or [*_of_stack(evidence, operation)]
    return (*_causes_first(found), *_of_rollback(evidence, operation))


def last_operation(evidence: Evidence) -> tuple[StackEvent, ...]:
    """The events since the last operation began, newest first."""
    events: list[StackEvent] = []
    for event in evidence.events:
        events.append(event)
        if is_start(event, evidence.stack_name):
            break
    return tuple(events)


def is_start(event: StackEvent, stack_name: str) -> bool:
    """Whether an operation begins with this event."""
    return _is_stack(event, stack_name) and event.status in _STARTS


def failed_events(operation: Sequence[StackEvent], stack_name: str) -> Iterator[StackEvent]:
    """The resources that failed before the rollback began, oldest first, without those that
    CloudFormation gave up because of them."""
    for event in reversed(operation):
        if _is_stack(event, stack_name):
            if "ROLLBACK" in event.status:
                return
        elif event.status.endswith("_FAILED") and not event.reason.startswith(CANCELLED):
            yield event


def _is_stack(event: StackEvent, stack_name: str) -> bool:
    return event.type == STACK and event.logical_id == stack_name


def _of_event(event: StackEvent, stack: str) -> Diagnosis:
    return diagnosis(
        find_known(event.reason),
        event.reason or event.status,
        stack=stack,
        logical_id=event.logical_id,
        resource_type=event.type,
        last=event.time,
    )


def _of_validation(evidence: Evidence) -> Iterator[Diagnosis]:
    for error in evidence.validation_errors:
        found = diagnosis(
            find_by_key(error.name) or find_known(error.reason),
            error.reason,
            stack=evidence.stack,
            logical_id=error.logical_id,
            resource_type=error.type,
        )
        yield replace(found, properties=(*properties_of(error.path), *found.properties))


def properties_of(path: str) -> tuple[str, ...]:
    """The property that a path in a template leads to, and those around it.

    >>> properties_of("/Resources/Task/Properties/ContainerDefinitions/0/Image")
    ('ContainerDefinitions.Image', 'ContainerDefinitions')
    """
    _, _, inner = path.partition("/Properties/")
    steps = [step for step in inner.split("/") if step and not step.isdecimal()]
    return tuple(".".join(steps[:end]) for end in range(len(steps), 0, -1))


def _of_stack(evidence: Evidence, operation: Sequence[StackEvent]) -> Iterator[Diagnosis]:
    """What the stack itself reports, if no resource does: an import that does not exist, say."""
    about = [event for event in reversed(operation) if _is_stack(event, evidence.stack_name)]
    reasons: list[tuple[str, datetime | None]] = [
        (event.reason, event.time) for event in about if _is_failure(event.status)
    ]
    reasons += [(evidence.status_reason, None)] if _is_failure(evidence.status) else []
    for reason, time in reasons:
        if reason and not reason.startswith(_LISTS_RESOURCES):
            yield diagnosis(
                find_known(reason),
                reason,
                stack=evidence.stack,
                logical_id="",
                resource_type=STACK,
                last=time,
            )
            return


def _of_rollback(evidence: Evidence, operation: Sequence[StackEvent]) -> Iterator[Diagnosis]:
    """Why the rollback failed, if it did."""
    known = find_by_key(evidence.status)
    if known is None:
        return
    rollback: list[StackEvent] = []
    for event in operation:  # newest first
        if _is_stack(event, evidence.stack_name) and "ROLLBACK_IN_PROGRESS" in event.status:
            break
        rollback.append(event)
    failed = [
        event
        for event in reversed(rollback)
        if event.status.endswith("_FAILED")
        and not _is_stack(event, evidence.stack_name)
        and not event.reason.startswith(CANCELLED)
    ]
    first = failed[0] if failed else None
    yield diagnosis(
        known,
        first.reason if first else evidence.status_reason or evidence.status,
        stack=evidence.stack,
        logical_id=first.logical_id if first else "",
        resource_type=first.type if first else STACK,
        last=first.time if first else None,
    )


def _is_failure(status: str) -> bool:
    return "FAILED" in status or "ROLLBACK" in status


def _causes_first(found: Iterable[Diagnosis]) -> Iterator[Diagnosis]:
    """The diagnoses without those that follow from another one; their messages are its
    consequences. Symptoms stay if there is no cause."""
    every = list(found)
    causes = [each for each in every if not each.symptom]
    if not causes:
        yield from _without_repeats(every)
        return
    after: dict[int, list[str]] = {}
    for each in every:
        if each.symptom:
            same = (i for i, cause in enumerate(causes) if cause.logical_id == each.logical_id)
            texts = after.setdefault(next(same, 0), [])
            if each.message not in texts:
                texts.append(each.message)
    for index, cause in enumerate(causes):
        yield replace(cause, consequences=(*cause.consequences, *after.get(index, ())))


def _without_repeats(found: Iterable[Diagnosis]) -> Iterator[Diagnosis]:
    seen: set[tuple[str, str]] = set()
    for each in found:
        key = (each.logical_id, each.known or each.message)
        if key not in seen:
            seen.add(key)
            yield each
