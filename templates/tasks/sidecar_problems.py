"""Problems of the sidecars of a task, and conflicts with its other containers."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.facts.quotas import MAX_CONTAINERS_PER_TASK
from moorage.findings.finding import Problem

from . import datadog, firelens, otel
from .ports import Port
from .sidecars import NAMES, Sidecars
from .task import Task, declared_containers
from .task_container import TaskContainer


def sidecar_problems(task: Task) -> Iterator[Problem]:
    sidecars = task.params.sidecars
    if sidecars.otel:
        yield from otel.otel_problems(sidecars.otel, ("sidecars", "otel"), task.env)
    if sidecars.firelens:
        path = ("sidecars", "firelens")
        yield from firelens.firelens_problems(sidecars.firelens, path, task.env)
    if sidecars.datadog and task.params.launch != "fargate":
        message = (
            "On instances, a Datadog agent that runs as a sidecar collects no metrics of the task"
        )
        hint = (
            "Run the agent as a service on each instance, as Datadog documents it, and remove "
            "this key; keep it only for traces and DogStatsD."
        )
        path = ("sidecars", "datadog")
        yield Problem("M2748", path, message, hint, level="warning", because=[("launch",)])
    yield from _name_problems(task)
    if task.params.network_mode != "bridge":
        yield from _port_problems(task)


def _name_problems(task: Task) -> Iterator[Problem]:
    added = [key for key in NAMES if getattr(task.params.sidecars, key) is not None]
    for key in added:
        if NAMES[key] in task.params.containers:
            message = f"`sidecars.{key}` also adds a container with the name `{NAMES[key]}`"
            path = ("containers", NAMES[key])
            yield Problem("M2746", path, message, "Rename this container.")
    count = len(task.containers)
    if added and count > MAX_CONTAINERS_PER_TASK:
        message = f"The task has {count} containers with its sidecars, but ECS allows "
        message += f"{MAX_CONTAINERS_PER_TASK}"
        hint = "Move a container to another stack, or remove a sidecar."
        yield Problem("M2747", ("containers",), message, hint)


def _ports(sidecars: Sidecars) -> dict[str, list[Port]]:
    """The ports that each sidecar listens on."""
    ports = {"datadog": datadog.listening_ports(sidecars.datadog)} if sidecars.datadog else {}
    if sidecars.otel:
        ports["otel"] = otel.listening_ports(sidecars.otel)
    if sidecars.firelens:
        ports["firelens"] = firelens.listening_ports(sidecars.firelens)
    return ports


def _port_problems(task: Task) -> Iterator[Problem]:
    """Ports of sidecars that another sidecar or container uses, for tasks whose containers share
    one IP address."""
    sidecar_of: dict[Port, str] = {}
    for key, ports in _ports(task.params.sidecars).items():
        for port in ports:
            if port in sidecar_of:
                message = f"`sidecars.{key}` and `sidecars.{sidecar_of[port]}` listen on port "
                message += f"{port}"
                hint = "Write `dogstatsd: false` in `datadog`, or another `config` in `otel`."
                because = [("sidecars", sidecar_of[port])]
                yield Problem("M1206", ("sidecars", key), message, hint, because=because)
            sidecar_of.setdefault(port, key)
    for container in _other_containers(task):
        for index, port in enumerate(container.params.ports):
            if port in sidecar_of:
                message = f"`sidecars.{sidecar_of[port]}` also listens on port {port}"
                hint = "Let the container listen on another port: the containers of a task have "
                hint += "the same IP address."
                path = container.origin.locate(("ports", index))
                because = [("sidecars", sidecar_of[port])]
                yield Problem("M1206", path, message, hint, because=because)


def _other_containers(task: Task) -> Iterator[TaskContainer]:
    """All containers that are not sidecars, even one that has the name of a sidecar."""
    yield from declared_containers(task.params.containers).values()
    for container in task.containers.values():
        if not container.is_declared and container.origin.path[0] != "sidecars":
            yield container


def endpoint_problems(task: Task) -> Iterator[Problem]:
    """Destinations that the sidecars cannot reach from a network with endpoints and without a route
    to the internet. For Datadog it is a warning: the network may have a PrivateLink endpoint that
    is not in the params."""
    if task.placement.network is None:
        return
    name, endpoints = task.placement.network.name, task.placement.network.params.endpoints
    sidecars = task.params.sidecars
    if sidecars.datadog:
        message = (
            f"The agent cannot reach `{sidecars.datadog.site}`: `{name}` has no route to the "
            "internet"
        )
        hint = f"Write `egress: nat` in `{name}`, or create endpoints of Datadog in it."
        yield Problem("M2711", ("sidecars", "datadog"), message, hint, level="warning")
    required = {
        "otel": otel.endpoint_services(sidecars.otel) if sidecars.otel else [],
        "firelens": firelens.endpoint_services(sidecars.firelens) if sidecars.firelens else [],
    }
    existing = {service.rpartition(".")[2] for service in endpoints}
    for key, services in required.items():
        for service in services:
            if service not in existing:
                message = f"`{name}` has no endpoint for `{service}`, to which the sidecar sends"
                hint = f"Write `endpoints: [{', '.join([*endpoints, service])}]` in `{name}`."
                yield Problem("M2711", ("sidecars", key), message, hint)
