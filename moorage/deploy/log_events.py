"""Reads the logs of the tasks of a stack."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from moorage.deploy.aws import AwsError
from moorage.deploy.diagnosis.reader import Clients
from moorage.deploy.stack_resources import TASK_DEFINITION
from moorage.facts.secret_values import hide
from moorage.findings.wording import escape_controls
from moorage.records import record

_OVERLAP = 30_000
"""Milliseconds that are read again while following: CloudWatch Logs makes events available some
seconds after their time, and not always in their order."""
_PAUSE = 2.0
"""Seconds between two reads while following: FilterLogEvents has a quota of requests."""
_MAX_PAGES = 200


@record
class Clock:
    """The time. Tests have their own."""

    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    sleep: Callable[[float], None] = time.sleep


@record
class LogSource:
    """Where the log of a container is."""

    container: str
    group: str
    prefix: str
    """The prefix of the names of its streams: `prefix/container/task`."""


@record
class LogEvent:
    id: str
    time: datetime
    container: str
    task: str
    message: str

    def __str__(self) -> str:
        """The event on a line, without secrets and control characters."""
        at = f"{self.time:%Y-%m-%d %H:%M:%S}"
        return escape_controls(f"{at} {self.container}/{self.task[:8]} {hide(self.message)}")


def find_log_sources(clients: Clients, stack_name: str) -> list[LogSource]:
    """The logs of the containers of a stack's tasks that go to CloudWatch Logs."""
    try:
        answer = clients.cloudformation.describe_stack_resources(StackName=stack_name)
    except ClientError as error:
        if "does not exist" in str(error):
            raise AwsError(f"{stack_name} is not deployed yet") from error
        raise
    sources: list[LogSource] = []
    for each in answer["StackResources"]:
        if each["ResourceType"] == TASK_DEFINITION and "PhysicalResourceId" in each:
            described = clients.ecs.describe_task_definition(
                taskDefinition=each["PhysicalResourceId"]
            )
            for container in described["taskDefinition"].get("containerDefinitions", ()):
                sources += _source(container)
    return sources


def _source(container: Mapping[str, Any]) -> Iterator[LogSource]:
    log = container.get("logConfiguration", {})
    options = log.get("options", {})
    if log.get("logDriver") == "awslogs" and "awslogs-group" in options:
        yield LogSource(
            container["name"], options["awslogs-group"], options.get("awslogs-stream-prefix", "")
        )


def stream_log(
    clients: Clients,
    sources: list[LogSource],
    age: int,
    pattern: str,
    *,
    one_container: bool,
    follow: bool,
    clock: Clock,
) -> Iterator[LogEvent]:
    """The events of the last `age` seconds, and with `follow` those that come."""

    def read(start: datetime) -> Iterator[LogEvent]:
        return read_log(clients, sources, start, pattern, one_container=one_container)

    since = clock.now() - timedelta(seconds=age)
    return follow_log(read, since, clock.sleep) if follow else read(since)


def read_log(
    clients: Clients,
    sources: list[LogSource],
    since: datetime,
    pattern: str = "",
    *,
    one_container: bool = False,
) -> Iterator[LogEvent]:
    """The events since a time, a log group after the other, each in the order of time.

    `pattern` is a filter pattern of CloudWatch Logs. `one_container`: only the streams of the
    containers of `sources`, and not all of their log groups.
    """
    requests: dict[tuple[str, str], None] = {}
    for source in sources:
        prefix = f"{source.prefix}/{source.container}/" if one_container else ""
        requests[source.group, prefix] = None
    for group, prefix in requests:
        params: dict[str, Any] = {
            "logGroupName": group,
            "startTime": int(since.timestamp() * 1000),
            **({"logStreamNamePrefix": prefix} if prefix else {}),
            **({"filterPattern": pattern} if pattern else {}),
        }
        for _ in range(_MAX_PAGES):
            answer = clients.logs.filter_log_events(**params)
            yield from map(_event, answer.get("events", ()))
            if "nextToken" not in answer:
                break
            params["nextToken"] = answer["nextToken"]


def _event(each: Mapping[str, Any]) -> LogEvent:
    parts = each.get("logStreamName", "").split("/")
    return LogEvent(
        each.get("eventId", ""),
        datetime.fromtimestamp(each.get("timestamp", 0) / 1000, UTC),
        parts[-2] if len(parts) > 1 else "",
        parts[-1],
        each.get("message", "").rstrip("\n"),
    )


def follow_log(
    read: Callable[[datetime], Iterator[LogEvent]],
    since: datetime,
    sleep: Callable[[float], None],
) -> Iterator[LogEvent]:
    """The events since a time and, without an end, those that come, each once."""
    seen: dict[str, float] = {}
    newest = since.timestamp() * 1000
    while True:
        start = max(since.timestamp() * 1000, newest - _OVERLAP)
        for event in read(datetime.fromtimestamp(start / 1000, UTC)):
            at = event.time.timestamp() * 1000
            if event.id not in seen:
                seen[event.id] = at
                newest = max(newest, at)
                yield event
        seen = {name: at for name, at in seen.items() if at >= newest - 2 * _OVERLAP}
        sleep(_PAUSE)
