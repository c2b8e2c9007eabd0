"""What ECS, the load balancers and CodeDeploy say about a service -> diagnoses. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime

from moorage.deploy.diagnosis.build_diagnosis import diagnosis
from moorage.deploy.diagnosis.known.known_failure import KnownFailure
from moorage.deploy.diagnosis.known.load_balancing import NOT_A_FAILURE
from moorage.deploy.diagnosis.matching import find_by_key, find_known
from moorage.deploy.diagnosis.model import Diagnosis, Service, ServiceEvent
from moorage.deploy.diagnosis.stopped_tasks import diagnose_tasks

_STEADY = "has reached a steady state"
_BAD_HOOKS = ("FAILED", "TIMED_OUT", "AWAITING_ACTION")


def diagnose_service(service: Service, stack: str, start: datetime | None) -> list[Diagnosis]:
    """Why the tasks of a service fail, causes and symptoms.

    `start`: when the operation that failed began; None to look at what happened since the service
    was steady for the last time.
    """
    parts = (
        diagnose_tasks(service, stack, start),
        _of_targets(service, stack),
        _of_deployments(service, stack),
        _of_code_deployments(service, stack),
        _of_events(service, stack, start),
        _of_rollouts(service, stack),
    )
    return _merge(each for part in parts for each in part)


def _merge(found: Iterable[Diagnosis]) -> list[Diagnosis]:
    """One diagnosis for each known failure and container; the first one has the most details."""
    merged: dict[tuple[str, str], Diagnosis] = {}
    for each in found:
        key = (each.known or each.message, each.container)
        first = merged.get(key)
        merged[key] = each if first is None else replace(first, count=max(first.count, each.count))
    return list(merged.values())


def _about(
    service: Service,
    stack: str,
    known: KnownFailure | None,
    message: str,
    *,
    count: int = 1,
    last: datetime | None = None,
) -> Diagnosis:
    return diagnosis(
        known,
        message,
        stack=stack,
        logical_id=service.logical_id,
        resource_type=service.type,
        count=count,
        last=last,
    )


def _of_targets(service: Service, stack: str) -> Iterator[Diagnosis]:
    groups: dict[tuple[str, str, str], int] = {}
    for target in service.targets:
        if target.reason and target.reason not in NOT_A_FAILURE:
            key = (target.reason, target.description, target.target_group)
            groups[key] = groups.get(key, 0) + 1
    for (reason, description, group), count in groups.items():
        known = find_by_key(reason) or find_known(description)
        message = f"{reason}: {description}" if description else reason
        yield _about(service, stack, known, f"{message} (target group {group})", count=count)


def _of_deployments(service: Service, stack: str) -> Iterator[Diagnosis]:
    """Of the newest deployment: an older one is history."""
    for deployment in service.deployments[:1]:
        for name in deployment.triggered_alarms:
            yield _about(service, stack, find_by_key("alarm"), f"The alarm {name} was triggered.")
        for hook in deployment.hooks:
            if hook.status in _BAD_HOOKS:
                text = deployment.reason or deployment.rollback_reason
                known = find_known(text)
                if known is None or hook.status == "AWAITING_ACTION":
                    known = find_by_key(f"hook {hook.status}")
                where = f" at {deployment.stage}" if deployment.stage else ""
                name = f" {hook.target}" if hook.target else ""
                message = f"The {hook.type} hook{name}{where} has the status {hook.status}. {text}"
                yield _about(service, stack, known, message.strip())
        for text in (deployment.reason, deployment.rollback_reason):
            known = find_known(text)
            if known is not None:
                yield _about(service, stack, known, text)
        if deployment.circuit_breaker == "TRIGGERED":
            message = (
                f"The circuit breaker was triggered by {deployment.failures} failed tasks; "
                f"its threshold is {deployment.threshold}."
            )
            yield _about(service, stack, find_by_key("circuit breaker"), message)


def _of_code_deployments(service: Service, stack: str) -> Iterator[Diagnosis]:
    for deployment in service.code_deployments[:1]:
        if deployment.code or deployment.status in ("Failed", "Stopped"):
            known = find_known(deployment.message) or find_by_key(deployment.code)
            by_code = find_by_key(deployment.code)
            if known is not None and known.general and by_code is not None:
                known = by_code
            parts = (deployment.code, deployment.message or deployment.status, deployment.rollback)
            message = f"CodeDeploy {deployment.id}: " + ": ".join(filter(None, parts))
            yield _about(service, stack, known, message)


def _of_events(service: Service, stack: str, start: datetime | None) -> Iterator[Diagnosis]:
    groups: dict[str, tuple[KnownFailure, ServiceEvent, int]] = {}
    for event in _recent(service.events, start):
        known = find_known(event.message)
        if known is not None:
            _, newest, count = groups.get(known.id, (known, event, 0))
            groups[known.id] = (known, newest, count + 1)
    for known, newest, count in groups.values():
        yield _about(service, stack, known, newest.message, count=count, last=newest.time)


def _recent(events: Iterable[ServiceEvent], start: datetime | None) -> Iterator[ServiceEvent]:
    for event in events:
        if start is None and _STEADY in event.message:
            return
        if start is None or event.time >= start:
            yield event


def _of_rollouts(service: Service, stack: str) -> Iterator[Diagnosis]:
    for rollout in service.rollouts:
        if rollout.state == "FAILED":
            known = find_known(rollout.reason) or find_by_key("circuit breaker")
            yield _about(service, stack, known, rollout.reason or "The deployment has failed.")
