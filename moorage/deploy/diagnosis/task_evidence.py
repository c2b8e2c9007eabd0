"""Reads stopped tasks of a service, and the last lines of the logs of what failed in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from moorage.deploy.diagnosis.model import StoppedContainer, StoppedTask
from moorage.deploy.diagnosis.reader import Clients, Reader
from moorage.deploy.diagnosis.stopped_tasks import find_cause
from moorage.records import record

_MAX_TASKS = 100
"""Tasks that one call of DescribeTasks takes: Amazon ECS API reference."""
_MAX_LOGS = 3
"""Containers whose logs are read."""
_LOG_LINES = 10
_OLDEST = datetime(1970, 1, 1, tzinfo=UTC)


@record
class _Definition:
    """What is needed of the definition of a container."""

    essential: bool
    log_group: str = ""
    stream_prefix: str = ""


def collect_tasks(
    reader: Reader, clients: Clients, cluster: str, chosen: Mapping[str, str]
) -> tuple[StoppedTask, ...]:
    """The stopped tasks of a service or, once it is deleted, of a family, newest first. ECS keeps
    them for an hour at least.

    `chosen` is the argument of ListTasks: `serviceName` or `family`.
    """
    if not all(chosen.values()):
        return ()
    (name,) = chosen.values()
    what = f"stopped tasks of {name}"
    listed = reader.read(
        what, clients.ecs.list_tasks, cluster=cluster, desiredStatus="STOPPED", **chosen
    )
    arns = listed.get("taskArns", ())[:_MAX_TASKS]
    if not arns:
        return ()
    answer = reader.read(what, clients.ecs.describe_tasks, cluster=cluster, tasks=arns)
    described = sorted(
        answer.get("tasks", ()), key=lambda each: each.get("stoppedAt", _OLDEST), reverse=True
    )
    if not described:
        return ()
    definitions = _definitions(reader, clients, described[0].get("taskDefinitionArn", ""))
    tasks = [_task(each, definitions) for each in described]
    return tuple(_with_logs(reader, clients, tasks, definitions))


def _task(each: Mapping[str, Any], definitions: Mapping[str, _Definition]) -> StoppedTask:
    containers = []
    for container in each.get("containers", ()):
        definition = definitions.get(container.get("name", ""))
        containers.append(
            StoppedContainer(
                container.get("name", ""),
                container.get("exitCode"),
                container.get("reason", ""),
                definition.essential if definition else None,
            )
        )
    return StoppedTask(
        each.get("taskArn", "").rpartition("/")[2],
        each.get("stoppedAt"),
        each.get("stopCode", ""),
        each.get("stoppedReason", ""),
        tuple(containers),
    )


def _definitions(reader: Reader, clients: Clients, arn: str) -> Mapping[str, _Definition]:
    """The containers of a task definition by name."""
    if not arn:
        return {}
    answer = reader.read(
        f"task definition {arn.rpartition('/')[2]}",
        clients.ecs.describe_task_definition,
        taskDefinition=arn,
    )
    found = {}
    for each in answer.get("taskDefinition", {}).get("containerDefinitions", ()):
        log = each.get("logConfiguration", {})
        options = log.get("options", {}) if log.get("logDriver") == "awslogs" else {}
        found[each.get("name", "")] = _Definition(
            each.get("essential", True),
            options.get("awslogs-group", ""),
            options.get("awslogs-stream-prefix", ""),
        )
    return found


def _with_logs(
    reader: Reader,
    clients: Clients,
    tasks: Sequence[StoppedTask],
    definitions: Mapping[str, _Definition],
) -> list[StoppedTask]:
    """The tasks, with the log of the container that failed for the newest task of each cause."""
    found: list[StoppedTask] = []
    seen: set[tuple[str, str]] = set()
    for task in tasks:
        cause = find_cause(task)
        container = cause.container if cause else None
        if cause and container and container.exit_code is not None:
            definition = definitions.get(container.name)
            if cause.key not in seen and len(seen) < _MAX_LOGS and definition:
                seen.add(cause.key)
                lines = _log_lines(reader, clients, task, container.name, definition)
                task = _with_log(task, container.name, lines)
        found.append(task)
    return found


def _with_log(task: StoppedTask, name: str, lines: tuple[str, ...]) -> StoppedTask:
    containers = tuple(
        replace(each, log_lines=lines) if each.name == name else each for each in task.containers
    )
    return replace(task, containers=containers)


def _log_lines(
    reader: Reader, clients: Clients, task: StoppedTask, name: str, definition: _Definition
) -> tuple[str, ...]:
    """The last lines of the log stream of a container: `prefix/container/task` (Amazon ECS
    developer guide, "Send Amazon ECS logs to CloudWatch")."""
    if not definition.log_group or not definition.stream_prefix:
        return ()
    answer = reader.read(
        f"log of container {name} in {definition.log_group}",
        clients.logs.get_log_events,
        logGroupName=definition.log_group,
        logStreamName=f"{definition.stream_prefix}/{name}/{task.id}",
        limit=_LOG_LINES,
        startFromHead=False,
    )
    return tuple(each.get("message", "") for each in answer.get("events", ()))
