"""The dashboard of a service or a worker."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field
from troposphere import AWSObject, GetAtt

from moorage.model import Base

from ..alarms.alarms import Alarms, Value
from ..widgets import AlarmStates, Graph, Line, Widget, dashboard
from .alarms import AlarmQueues, AlarmTarget, Watched, counts_tasks, service_value
from .task import Task


class DashboardParams(Base):
    """The dashboard of a service."""

    dashboard: bool = Field(
        False,
        description="A CloudWatch dashboard with the requests, tasks and queues of the service, "
        "and the states of its alarms. AWS charges for it.",
    )


def service_dashboard(
    params: DashboardParams, task: Task, watched: Watched, alarms: Alarms | None
) -> Iterator[AWSObject]:
    """The dashboard, if the params ask for it."""
    if params.dashboard:
        yield dashboard([*_alarm_states(alarms), *_graphs(task, watched)])


def _alarm_states(alarms: Alarms | None) -> Iterator[Widget]:
    titles = [alarm.title for alarm in alarms.metric_alarms] if alarms and alarms.to else []
    if titles:
        yield AlarmStates("Alarms", tuple(GetAtt(title, "Arn") for title in titles))


def _graphs(task: Task, watched: Watched) -> Iterator[Widget]:
    for target in watched.targets:
        yield from _target_graphs(target)
    yield Graph(
        "CPU and memory, percent",
        (
            Line(service_value("cpu", task), "CPU"),
            Line(service_value("memory", task), "memory"),
        ),
    )
    if counts_tasks(task):
        yield Graph(
            "Tasks",
            (
                Line(service_value("desired_tasks", task), "desired"),
                Line(service_value("running_tasks", task), "running"),
            ),
        )
    if watched.queues:
        yield from _queue_graphs(watched.queues)


def _target_graphs(target: AlarmTarget) -> Iterator[Widget]:
    def lines(metric: str, label: str, statistic: str | None = None) -> list[Line]:
        values = target.values(metric)
        return [
            Line(value, f"{label} {number}" if len(values) > 1 else label, statistic)
            for number, value in enumerate(values, 1)
        ]

    if target.kind == "alb":
        yield Graph(
            f"Requests: {target.place}",
            (
                *lines("target_requests", "requests"),
                *lines("target_5xx", "5xx"),
                *lines("connection_errors", "connection errors"),
            ),
        )
        yield Graph(
            f"Response time, seconds: {target.place}",
            tuple(
                line
                for percentile in ("p50", "p95", "p99")
                for line in lines("latency", percentile, percentile)
            ),
        )
    yield Graph(
        f"Health checks: {target.place}",
        (
            *lines(f"{target.kind}_healthy_hosts", "healthy"),
            *lines(f"{target.kind}_unhealthy_hosts", "unhealthy"),
        ),
    )


def _queue_graphs(queues: AlarmQueues) -> Iterator[Widget]:
    waiting = Line(Value("waiting_messages", (queues.queue,)), "waiting")
    messages = [waiting]
    if queues.dead_letters is not None:
        messages.append(Line(Value("dead_letters", (queues.dead_letters,)), "dead letters"))
    yield Graph("Messages", tuple(messages))
    oldest = Line(Value("oldest_message", (queues.queue,)), "oldest message")
    yield Graph("Age of messages, seconds", (oldest,))
