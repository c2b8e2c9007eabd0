"""The events of a stack: read in their order, each once; the one that explains a failure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from moorage.deploy.aws import aws_errors
from moorage.facts.stack_events import CANCELLED
from moorage.records import record

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient
    from types_boto3_cloudformation.type_defs import StackEventTypeDef

_STACK = "AWS::CloudFormation::Stack"


@record
class StackEvent:
    """Something that has happened to a resource, or to the stack itself."""

    id: str
    logical_id: str
    type: str
    status: str
    reason: str = ""
    physical_id: str = ""
    of_stack: bool = False
    """Whether it is about the stack itself."""
    time: datetime | None = None

    @property
    def failed(self) -> bool:
        return self.status.endswith("_FAILED")


class EventReader:
    """Reads the events of a stack that it has not read yet."""

    def __init__(self, client: CloudFormationClient, stack_id: str) -> None:
        self._client = client
        self._stack_id = stack_id
        self._last: str | None = None

    def skip(self) -> None:
        """Passes over the events so far."""
        with aws_errors():
            answer = self._client.describe_stack_events(StackName=self._stack_id)
        newest = next(iter(answer["StackEvents"]), None)
        self._last = newest["EventId"] if newest else None

    def read(self) -> list[StackEvent]:
        """The new events, the oldest first. AWS returns the newest first."""
        new: list[StackEvent] = []
        with aws_errors():
            pages = self._client.get_paginator("describe_stack_events").paginate(
                StackName=self._stack_id
            )
            for event in (event for page in pages for event in page["StackEvents"]):
                if event["EventId"] == self._last:
                    break
                new.append(to_event(event))
        if new:
            self._last = new[0].id
        return new[::-1]


def to_event(event: StackEventTypeDef) -> StackEvent:
    """An event in an answer of DescribeStackEvents."""
    physical_id = event.get("PhysicalResourceId", "")
    kind = event.get("ResourceType", "")
    return StackEvent(
        id=event["EventId"],
        logical_id=event.get("LogicalResourceId", ""),
        type=kind,
        status=event.get("ResourceStatus", ""),
        reason=event.get("ResourceStatusReason", ""),
        physical_id=physical_id,
        of_stack=kind == _STACK and physical_id == event["StackId"],
        time=event.get("Timestamp"),
    )


def find_end(events: Iterable[StackEvent]) -> StackEvent | None:
    """The event with which an update, creation or deletion of the stack has ended."""
    for event in events:
        if event.of_stack and event.status.endswith(("_COMPLETE", "_FAILED")):
            return event
    return None


def find_failures(events: Iterable[StackEvent]) -> tuple[StackEvent, ...]:
    """The failures of resources with a reason of their own, the first one of each resource; all, if
    none has such a reason."""
    failures = [event for event in events if event.failed and not event.of_stack]
    own = [event for event in failures if event.reason and not event.reason.startswith(CANCELLED)]
    first: dict[str, StackEvent] = {}
    for event in own or failures:
        first.setdefault(event.logical_id, event)
    return tuple(first.values())
