"""Stopped tasks -> diagnoses: tasks that ended for the same reason are one. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import takewhile

from moorage.deploy.diagnosis.build_diagnosis import diagnosis
from moorage.deploy.diagnosis.known.known_failure import KnownFailure
from moorage.deploy.diagnosis.matching import find_by_exit_code, find_by_key, find_known
from moorage.deploy.diagnosis.model import Diagnosis, Service, StoppedContainer, StoppedTask
from moorage.records import record

TASK_DEFINITION = "AWS::ECS::TaskDefinition"
_NORMAL = ("Scaling activity initiated by", "Task stopped by user")
"""Beginnings of the reasons of tasks that were stopped on purpose: Amazon ECS developer guide,
"Viewing Amazon ECS stopped task errors"."""
_ESSENTIAL = "Essential container in task exited"
_FROM_LOGS = ("image-platform", "exit-126", "exit-127")
"""Failures that a program reports in its log and not to ECS."""
_KILLED = (137, 143)


@record
class _Cause:
    known: KnownFailure | None
    message: str
    container: StoppedContainer | None = None

    @property
    def key(self) -> tuple[str, str]:
        return (
            self.known.id if self.known else self.message,
            self.container.name if self.container else "",
        )


def diagnose_tasks(service: Service, stack: str, start: datetime | None) -> Iterator[Diagnosis]:
    """The reasons why tasks of a service ended, the most frequent one first."""
    groups: dict[tuple[str, str], list[tuple[StoppedTask, _Cause]]] = {}
    tasks = service.tasks if service.type != TASK_DEFINITION else _failed_runs(service.tasks)
    for task in tasks:
        if start is None or task.time is None or task.time >= start:
            cause = find_cause(task)
            if cause is not None:
                groups.setdefault(cause.key, []).append((task, cause))
    for members in sorted(groups.values(), key=len, reverse=True):
        task, cause = members[0]
        container = cause.container
        logs = (each.container.log_lines for _, each in members if each.container)
        yield diagnosis(
            cause.known,
            cause.message,
            stack=stack,
            logical_id=service.logical_id,
            resource_type=service.type,
            container=container.name if container else "",
            count=len(members),
            last=task.time,
            log_lines=next((lines for lines in logs if lines), ()),
        )


def _failed_runs(tasks: Sequence[StoppedTask]) -> Iterator[StoppedTask]:
    """The tasks since the last one that has done its work."""
    return takewhile(lambda task: not has_succeeded(task), tasks)


def has_succeeded(task: StoppedTask) -> bool:
    """Whether a task that does something once has done it: a container has ended without an error,
    and the others were stopped because of that."""
    codes = [each.exit_code for each in task.containers if each.essential is not False]
    return 0 in codes and all(code in (0, None, *_KILLED) for code in codes)


def find_cause(task: StoppedTask) -> _Cause | None:
    """Why a task ended; None if it was stopped on purpose."""
    if task.stop_code == "UserInitiated" or task.reason.startswith(_NORMAL):
        return None
    if task.stop_code == "EssentialContainerExited" or _ESSENTIAL in task.reason:
        return _of_container(task)
    cause = _of_reasons(task)
    if cause.known is None and (by_code := find_by_key(task.stop_code)) is not None:
        return _Cause(by_code, task.reason or task.stop_code, cause.container)
    if cause.known is None and task.stop_code == "ServiceSchedulerInitiated":
        return None
    return cause


def _of_reasons(task: StoppedTask) -> _Cause:
    """The reason of the task, or of a container, whichever is known."""
    causes = [_Cause(find_known(c.reason), c.reason, c) for c in task.containers if c.reason]
    of_task = find_known(task.reason)
    same = next((cause for cause in causes if cause.message in task.reason), None)
    if of_task is not None and not of_task.symptom:
        best = next((cause for cause in causes if cause.known is of_task), same)
        return _Cause(of_task, task.reason, best.container if best else None)
    known = (cause for cause in causes if cause.known is not None)
    return next(known, _Cause(of_task, task.reason or task.stop_code))


def _of_container(task: StoppedTask) -> _Cause:
    container = find_culprit(task.containers)
    if container is None:
        return _Cause(find_known(task.reason), task.reason)
    code = container.exit_code
    known = find_known(container.reason) if container.reason else None
    if known is None and code is not None:
        known = _from_log(container) or find_by_exit_code(code)
    ended = f"exit code {code}" if code is not None else "it never ran"
    parts = [f"{_ESSENTIAL}: {container.name}, {ended}"]
    parts += [container.reason] if container.reason else []
    return _Cause(known or find_known(task.reason), "; ".join(parts), container)


def _from_log(container: StoppedContainer) -> KnownFailure | None:
    for line in reversed(container.log_lines):
        known = find_known(line)
        if known is not None and known.id in _FROM_LOGS:
            return known
    return None


def find_culprit(containers: Sequence[StoppedContainer]) -> StoppedContainer | None:
    """The container because of which a task ended. The others were killed when it had ended: ECS
    stops them with SIGTERM and SIGKILL, and some of them then end without an error."""
    possible = [c for c in containers if c.essential is not False]
    ranked = sorted((c for c in possible if c.exit_code is not None or c.reason), key=_innocence)
    return ranked[0] if ranked else None


def _innocence(container: StoppedContainer) -> int:
    if container.reason:
        return 0
    if container.exit_code in _KILLED:
        return 2 if container.exit_code == _KILLED[0] else 4
    return 3 if container.exit_code == 0 else 1
