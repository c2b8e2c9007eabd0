"""The alarms that roll a deployment back: `rollback_on:` of a release.

A name of `alarms:`, such as `target_5xx`, means the stack's own alarm. Any other name is that of an
alarm in CloudWatch.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from troposphere import Ref

from moorage.facts.codedeploy import MAX_ALARMS
from moorage.findings.finding import Path, Problem
from moorage.findings.wording import is_misspelling, join_or, near

from ..alarms.alarms import AlarmParams, Alarms, select_alarms
from .alarm_params import ServiceAlarms, WorkerAlarms
from .release import Release

ROLLBACK_ALARMS = (
    *("target_5xx", "connection_errors", "latency", "unhealthy_hosts", "no_healthy_host"),
    *("dead_letters", "oldest_message"),
)
"""The alarms that do not refer to the service. The service cannot refer to any of the others:
CloudFormation refuses circular dependencies."""

_EVENTS = ("deployment_failed", "task_stopped")
"""Rules of EventBridge, which have no state."""

OWN_ALARMS = (ServiceAlarms.model_fields | WorkerAlarms.model_fields).keys() - (
    AlarmParams.model_fields.keys()
)
"""The names of all alarms that a service or a worker can have."""


def resolve_rollback_alarms(release: Release, alarms: Alarms | None) -> tuple[Any, ...]:
    """Names of alarms in CloudWatch that roll a deployment back: text, or references to the stack's
    own alarms, of which there can be one for each target group. Alarms that `rollback_problems`
    reports are left out."""
    names: list[Any] = []
    own = _usable(release, alarms)
    for name in release.params.rollback_on:
        if name not in OWN_ALARMS:
            names.append(name)
        elif alarms and name in own:
            names += [Ref(alarm.title) for alarm in select_alarms([name], alarms.metric_alarms)]
    return tuple(names)


def _usable(release: Release, alarms: Alarms | None) -> list[str]:
    """The names of the stack's own alarms that can roll a deployment back. A deployment group of
    CodeDeploy can name all of them, because the service does not refer to it."""
    names = alarms.names if alarms else []
    return [name for name in names if release.code_deploy or name in ROLLBACK_ALARMS]


# Problems ------------------------------------------------------------------------------------


def rollback_problems(
    release: Release, alarms: Alarms | None, resolved: tuple[Any, ...]
) -> Iterator[Problem]:
    """Alarms that cannot roll a deployment back. `resolved` is what `resolve_rollback_alarms`
    returns."""
    usable = _usable(release, alarms)
    for index, name in enumerate(release.params.rollback_on):
        path = ("release", "rollback_on", index)
        if name == "page" and alarms and alarms.params.page:
            message = "`page` is a composite alarm, and AWS does not document that one can roll a "
            message += "deployment back"
            hint = "Write the alarms below its `when:`."
            yield Problem("M3236", path, message, hint, because=[("alarms", "page")])
        elif name in OWN_ALARMS and name not in usable:
            yield _unusable_alarm(name, path, release, alarms, usable)
        elif name not in OWN_ALARMS and is_misspelling(name, near(name, OWN_ALARMS)):
            message = f"`{name}` is not an alarm of `alarms:`, so it is the name of an alarm in "
            message += "CloudWatch"
            hint = f"Write `{near(name, OWN_ALARMS)}` for the alarm of this stack."
            yield Problem("M3236", path, message, hint, level="warning")
    if release.code_deploy and len(resolved) > MAX_ALARMS:
        message = f"These are {len(resolved)} alarms, but a deployment group allows {MAX_ALARMS}"
        yield Problem("M3237", ("release", "rollback_on"), message, "Write fewer alarms.")


def _unusable_alarm(
    name: str, path: Path, release: Release, alarms: Alarms | None, usable: list[str]
) -> Problem:
    choices = [f"`{alarm}`" for alarm in usable]
    hint = f"Write {join_or(choices)}." if usable else f"Remove `{name}`."
    if alarms is None:
        message = f"`{name}` is an alarm of `alarms:`, which is off"
        hint = "Write `alarms: true` in this stack."
    elif name in _EVENTS:
        message = f"`{name}` has no state that could roll a deployment back: it is an event"
    elif name in alarms.names:
        message = f"`{name}` refers to the service, so the service cannot refer to it"
    else:
        message = f"The stack has no alarm `{name}`"
    because: list[Path] = [("alarms",)] if alarms is None else [("alarms", name)]
    return Problem("M3236", path, message, hint, because=because)
