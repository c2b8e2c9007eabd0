"""What can be wrong with the sidecars of a task, and between them and the other containers."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.findings.finding import Problem

from . import datadog, firelens, otel
from .ports import Port
from .sidecars import NAMES, Sidecars
from .task import Task, written_containers
from .task_container import TaskContainer

MAX_CONTAINERS = 10
"""Amazon ECS service quotas, "Number of containers in a task definition"."""


def sidecar_problems(task: Task) -> Iterator[Problem]:
    sidecars = task.params.sidecars
    if sidecars.otel:
        yield from otel.otel_problems(sidecars.otel, ("sidecars", "otel"), task.env)
    if sidecars.firelens:
        path = ("sidecars", "firelens")
        yield from firelens.firelens_problems(sidecars.firelens, path, task.env)
    if sidecars.datadog and task.params.launch != "fargate":
        message = "On instances Datadog's agent learns nothing of a task from beside it"
        hint = "Run it as a service of its own on each instance, as Datadog has it, and remove "
        hint += "this; traces and DogStatsD work here too."
        at = ("sidecars", "datadog")
        yield Problem("M1220", at, message, hint, level="warning", because=[("launch",)])
    yield from _name_problems(task)
    if task.params.network_mode != "bridge":
        yield from _port_problems(task)


def _name_problems(task: Task) -> Iterator[Problem]:
    added = [key for key in NAMES if getattr(task.params.sidecars, key) is not None]
    for key in added:
        if NAMES[key] in task.params.containers:
            message = f"`{NAMES[key]}` is the container that `sidecars.{key}` adds"
            path = ("containers", NAMES[key])
            yield Problem("M1108", path, message, "Rename this one.")
    count = len(task.containers)
    if added and count > MAX_CONTAINERS:
        message = f"The task has {count} containers, with those of `sidecars`"
        hint = f"ECS takes {MAX_CONTAINERS}. Split the task, or leave a sidecar out."
        yield Problem("M1105", ("containers",), message, hint)


def _ports(sidecars: Sidecars) -> dict[str, list[Port]]:
    """The ports that each sidecar listens on."""
    ports = {"datadog": datadog.listening_ports(sidecars.datadog)} if sidecars.datadog else {}
    if sidecars.otel:
        ports["otel"] = otel.listening_ports(sidecars.otel)
    if sidecars.firelens:
        ports["firelens"] = firelens.listening_ports(sidecars.firelens)
    return ports


def _port_problems(task: Task) -> Iterator[Problem]:
    """Ports of sidecars, where all containers of a task have one IP address."""
    taken: dict[Port, str] = {}
    for key, ports in _ports(task.params.sidecars).items():
        for port in ports:
            if port in taken:
                message = f"Port {port} is taken by `sidecars.{taken[port]}` already"
                hint = "Write `dogstatsd: false` at `datadog`, or another `config` at `otel`."
                because = [("sidecars", taken[port])]
                yield Problem("M1206", ("sidecars", key), message, hint, because=because)
            taken.setdefault(port, key)
    for container in _other_containers(task):
        for index, port in enumerate(container.params.ports):
            if port in taken:
                message = f"Port {port} is taken by `sidecars.{taken[port]}` in the same task"
                hint = "Let the container listen elsewhere: those of a task share one address."
                path = container.origin.locate(("ports", index))
                because = [("sidecars", taken[port])]
                yield Problem("M1206", path, message, hint, because=because)


def _other_containers(task: Task) -> Iterator[TaskContainer]:
    """All containers that are no sidecars, also one that has the name of a sidecar."""
    yield from written_containers(task.params.containers).values()
    for container in task.containers.values():
        if not container.is_written and container.origin.path[0] != "sidecars":
            yield container


def endpoint_problems(task: Task) -> Iterator[Problem]:
    """What the sidecars could not reach from a network that has endpoints only.

    Datadog can be reached by AWS PrivateLink, through an endpoint that the params do not show: a
    warning.
    """
    if task.placement.network is None:
        return
    name, endpoints = task.placement.network.name, task.placement.network.params.endpoints
    sidecars = task.params.sidecars
    if sidecars.datadog:
        message = f"`{sidecars.datadog.site}` is on the internet, and `{name}` has no way there"
        hint = f"Write `egress: nat` at `{name}`, or give it endpoints of Datadog's by PrivateLink."
        yield Problem("M1211", ("sidecars", "datadog"), message, hint, level="warning")
    needed = {
        "otel": otel.endpoint_services(sidecars.otel) if sidecars.otel else [],
        "firelens": firelens.endpoint_services(sidecars.firelens) if sidecars.firelens else [],
    }
    existing = {service.rpartition(".")[2] for service in endpoints}
    for key, services in needed.items():
        for service in services:
            if service not in existing:
                message = f"`{name}` has no endpoint for `{service}`, which this sends to"
                hint = f"Write `endpoints: [{', '.join([*endpoints, service])}]` at `{name}`."
                yield Problem("M1211", ("sidecars", key), message, hint)
