"""Alarms of services, workers and scheduled tasks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from troposphere import GetAtt

from moorage.facts.alarm_metrics import METRICS
from moorage.findings.finding import Problem
from moorage.model import Base
from moorage.records import record

from ..alarms.alarms import (
    AlarmParams,
    Alarms,
    MetricAlarm,
    Value,
    alarm_title,
    maximum_of,
    resolve_notifications,
    resolve_page,
    sum_of,
    values_by_id,
)
from ..alarms.settings import (
    Threshold,
    Thresholds,
    format_percentage,
    format_response_time,
    resolve_threshold,
)
from ..common.fields import format_duration
from .alarm_events import FailedDeployment, describe, run_failed_event, service_events
from .alarm_params import EcsAlarmParams, JobAlarms, ServiceAlarms
from .task import Task


@record
class AlarmTarget:
    """What a load balancer forwards to: a target group, or two that alternate in deployments."""

    kind: Literal["alb", "nlb"]
    place: str
    """Load balancer and port, for descriptions."""
    groups: tuple[str, ...]
    """Logical IDs of the target groups; alarms are named after the first."""
    load_balancer: Any
    """The value of its dimension in CloudWatch."""

    def values(self, metric: str) -> list[Value]:
        """A metric of each target group."""
        return [
            Value(metric, (self.load_balancer, GetAtt(group, "TargetGroupFullName")))
            for group in self.groups
        ]

    @property
    def prefix(self) -> str:
        return self.groups[0].removesuffix("TargetGroup")


@record
class AlarmQueues:
    """Names of the queues of a stack; None for one that it does not have."""

    queue: Any | None
    dead_letters: Any | None


@record
class Watched:
    """What the alarms and the dashboard of a service watch, besides the service itself."""

    targets: tuple[AlarmTarget, ...] = ()
    queues: AlarmQueues | None = None
    code_deploy: bool = False
    """Whether CodeDeploy deploys the service."""
    circuit_breaker: bool = False
    """Whether the circuit breaker watches its deployments."""


def resolve_service_alarms(
    params: EcsAlarmParams | None, task: Task, watched: Watched, count: int
) -> Alarms | None:
    """The alarms of an ECS service with at least `count` tasks; None if they are off."""
    if params is None:
        return None
    to = resolve_notifications(params, task.env)
    shared = to.handle.thresholds if to else None
    metric_alarms = [
        *(
            alarm
            for target in watched.targets
            for alarm in _target_alarms(params, task, target, shared)
        ),
        *_usage_alarms(params, task, shared),
        *(_queue_alarms(params, task, watched.queues, shared) if watched.queues else ()),
    ]
    left_out = {"no_healthy_host"} if count == 0 else set()
    return Alarms(
        params=params,
        stack=task.name,
        to=to,
        page_to=resolve_page(params, task.env),
        metric_alarms=tuple(alarm for alarm in metric_alarms if alarm.name not in left_out),
        event_alarms=tuple(service_events(params, task, _failed_deployment(watched))),
    )


def _failed_deployment(watched: Watched) -> FailedDeployment:
    if watched.code_deploy:
        return "CodeDeploy"
    return "circuit breaker" if watched.circuit_breaker else "ECS"


# Problems ------------------------------------------------------------------------------------


def service_alarm_problems(alarms: Alarms | None, task: Task) -> Iterator[Problem]:
    """Alarms that the params configure although the stack has nothing that they could watch."""
    if alarms is None:
        return
    params = alarms.params
    for name in sorted(params.model_fields_set - AlarmParams.model_fields.keys()):
        if not isinstance(getattr(params, name), Base) or name in alarms.names:
            continue
        path = ("alarms", name)
        if name == "tasks_missing":
            cluster = task.placement.cluster
            where = f"`{cluster.name}`" if cluster else "the cluster"
            message = f"`{name}` needs Container Insights, which {where} does not have"
            hint = f"Write `container_insights: on` in {where}, or remove `{name}`."
            yield Problem("M3407", path, message, hint)
        else:
            message = f"The stack has nothing that `{name}` could watch"
            hint = f"Remove `{name}`, or add {_REQUIREMENTS[name]}."
            yield Problem("M3408", path, message, hint)


_ALB_ROUTE = "a route through an Application Load Balancer to `expose:`"
_REQUIREMENTS: Mapping[str, str] = {
    "target_5xx": _ALB_ROUTE,
    "connection_errors": _ALB_ROUTE,
    "latency": _ALB_ROUTE,
    "unhealthy_hosts": "an entry to `expose:`",
    "no_healthy_host": "an entry to `expose:`, and a `desired_count` above 0",
    "dead_letters": "`dead_letter_queue:`",
}
"""What to add to a stack for an alarm."""


# Alarms --------------------------------------------------------------------------------------


def _target_alarms(
    params: EcsAlarmParams, task: Task, target: AlarmTarget, shared: Thresholds | None
) -> Iterator[MetricAlarm]:
    if not isinstance(params, ServiceAlarms):
        return
    names = ["unhealthy_hosts", "no_healthy_host"]
    if target.kind == "alb":
        names = ["target_5xx", "connection_errors", "latency", *names]
    for name in names:
        threshold = resolve_threshold(name, params, shared)
        if threshold:
            yield _TARGET_ALARMS[name](name, task, target, threshold)


def _error_rate(name: str, task: Task, target: AlarmTarget, threshold: Threshold) -> MetricAlarm:
    errors, error_terms = values_by_id("errors", target.values(name))
    requests, request_terms = values_by_id("requests", target.values("target_requests"))
    # Of two target groups the larger rate counts: with all requests together, a canary that fails
    # could stay below the threshold, because it gets only a small share of the requests.
    rates = [
        f"IF({total} > 0, 100 * {failed} / {total}, 0)"
        for failed, total in zip(error_terms, request_terms, strict=True)
    ]
    problem = {
        "target_5xx": "of the responses have a 5xx status",
        "connection_errors": "of the requests reach no task",
    }[name]
    return MetricAlarm(
        name=name,
        title=alarm_title(target.prefix, name),
        description=describe(
            task, f"more than {format_percentage(threshold.above)} {problem}", target.place
        ),
        values={**errors, **requests},
        expression=rates[0] if len(rates) == 1 else f"MAX([{', '.join(rates)}])",
        threshold=threshold.above,
        minutes=threshold.minutes,
        missing=METRICS[name].missing,
    )


def _latency(name: str, task: Task, target: AlarmTarget, threshold: Threshold) -> MetricAlarm:
    values, largest = maximum_of("seconds", target.values(name))
    limit = format_response_time(threshold.above)
    return MetricAlarm(
        name=name,
        title=alarm_title(target.prefix, name),
        description=describe(task, f"5% of the responses take longer than {limit}", target.place),
        values=values,
        expression=largest if len(values) > 1 else None,
        threshold=threshold.above,
        minutes=threshold.minutes,
        missing=METRICS[name].missing,
    )


def _hosts(name: str, task: Task, target: AlarmTarget, threshold: Threshold) -> MetricAlarm:
    metric = {"unhealthy_hosts": "unhealthy_hosts", "no_healthy_host": "healthy_hosts"}[name]
    values, total = sum_of("hosts", target.values(f"{target.kind}_{metric}"))
    below = name == "no_healthy_host"
    problem = f"more than {threshold.above:g} tasks fail the health check"
    if below:
        problem = "no task passes the health check"
    elif threshold.above == 0:
        problem = "tasks fail the health check"
    return MetricAlarm(
        name=name,
        title=alarm_title(target.prefix, name),
        description=describe(task, problem, target.place),
        values=values,
        expression=total if len(values) > 1 else None,
        threshold=1 if below else threshold.above,
        minutes=threshold.minutes,
        missing=METRICS[f"{target.kind}_{metric}"].missing,
        below=below,
    )


_TARGET_ALARMS = {
    "target_5xx": _error_rate,
    "connection_errors": _error_rate,
    "latency": _latency,
    "unhealthy_hosts": _hosts,
    "no_healthy_host": _hosts,
}


def _usage_alarms(
    params: EcsAlarmParams, task: Task, shared: Thresholds | None
) -> Iterator[MetricAlarm]:
    """The alarms for the service itself."""
    for name, noun in (("cpu", "CPU"), ("memory", "memory")):
        if threshold := resolve_threshold(name, params, shared):
            limit = format_percentage(threshold.above)
            yield MetricAlarm(
                name=name,
                title=alarm_title("", name),
                description=describe(task, f"the tasks use more than {limit} of their {noun}"),
                values={name: service_value(name, task)},
                expression=None,
                threshold=threshold.above,
                minutes=threshold.minutes,
                missing=METRICS[name].missing,
            )
    threshold = resolve_threshold("tasks_missing", params, shared)
    has_metrics = counts_tasks(task)
    if has_metrics is None:
        has_metrics = "tasks_missing" in params.model_fields_set
    if threshold and has_metrics:
        yield MetricAlarm(
            name="tasks_missing",
            title=alarm_title("", "tasks_missing"),
            description=describe(task, "fewer tasks run than desired"),
            values={
                "desired": service_value("desired_tasks", task),
                "running": service_value("running_tasks", task),
            },
            expression="FILL(desired, 0) - FILL(running, 0)",
            threshold=threshold.above,
            minutes=threshold.minutes,
            missing=METRICS["desired_tasks"].missing,
        )


def service_value(metric: str, task: Task) -> Value:
    """A metric of the stack's ECS service."""
    return Value(metric, (task.placement.cluster_name, GetAtt("Service", "Name")))


def counts_tasks(task: Task) -> bool | None:
    """Whether the cluster has Container Insights, which count tasks; None if that is unknown."""
    cluster = task.placement.cluster
    if cluster is None or cluster.params.existing:
        return None
    return cluster.params.container_insights != "off"


def _queue_alarms(
    params: Base, task: Task, queues: AlarmQueues, shared: Thresholds | None
) -> Iterator[MetricAlarm]:
    threshold = resolve_threshold("dead_letters", params, shared)
    if threshold and queues.dead_letters is not None:
        messages = "messages are"
        if threshold.above > 0:
            messages = f"more than {threshold.above:g} messages are"
        yield MetricAlarm(
            name="dead_letters",
            title=alarm_title("", "dead_letters"),
            description=describe(task, f"{messages} in the dead-letter queue"),
            values={"messages": Value("dead_letters", (queues.dead_letters,))},
            expression=None,
            threshold=threshold.above,
            minutes=threshold.minutes,
            missing=METRICS["dead_letters"].missing,
        )
    if queues.queue is None:
        return
    if oldest := resolve_threshold("oldest_message", params, shared):
        age = format_duration(int(oldest.above))
        yield MetricAlarm(
            name="oldest_message",
            title=alarm_title("", "oldest_message"),
            description=describe(task, f"the oldest message has waited for more than {age}"),
            values={"age": Value("oldest_message", (queues.queue,))},
            expression=None,
            threshold=oldest.above,
            minutes=oldest.minutes,
            missing=METRICS["oldest_message"].missing,
        )


# Scheduled tasks -----------------------------------------------------------------------------


def resolve_job_alarms(
    params: JobAlarms | None, task: Task, *, dead_letters: Any | None, state_machine: bool
) -> Alarms | None:
    """The alarms of a scheduled task; None if they are off. `dead_letters` is the name of its
    dead-letter queue, if it has one; `state_machine` is whether a state machine runs the task."""
    if params is None:
        return None
    to = resolve_notifications(params, task.env)
    shared = to.handle.thresholds if to else None
    queues = AlarmQueues(None, dead_letters)
    return Alarms(
        params=params,
        stack=task.name,
        to=to,
        page_to=resolve_page(params, task.env),
        metric_alarms=tuple(_queue_alarms(params, task, queues, shared)),
        event_alarms=(run_failed_event(task, state_machine),) if params.run_failed else (),
    )
