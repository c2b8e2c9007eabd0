"""Problems of the containers of a task."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Any

from moorage.facts.secret_values import find_in_command
from moorage.findings.finding import Problem
from moorage.findings.wording import near, shown

from . import images, secrets
from .containers import Container, Containers, apply_init, suggest_container
from .ports import Port

# CloudFormation user guide, "Get values stored in other services using dynamic references".
_DYNAMIC_SECRET = re.compile(r"\{\{resolve:(secretsmanager|ssm-secure):")


def container_problems(
    containers: Containers,
    cpu: int,
    memory: int,
    *,
    shared: bool = True,
    added: Mapping[str, Sequence[Container]] | None = None,
) -> Iterator[Problem]:
    """Problems of the containers of a task with `cpu` CPU units and `memory` MiB.

    `shared` is whether the containers share one IP address. `added` are the containers that are not
    below `containers:`, by the feature that adds them.
    """
    ordered = apply_init(containers)
    for name, container in containers.items():
        yield from _container_problems(name, container)
        yield from _dependency_problems(name, ordered[name], ordered)
    yield from _port_problems(containers) if shared else _repeated_port_problems(containers)
    yield from _size_problems(containers, cpu, memory, added or {})
    if containers and not any(container.essential for container in ordered.values()):
        hint = "Remove `essential: false` or `init: true` from the container that does the work."
        yield Problem("M2616", ("containers",), "No container of the task is essential", hint)
    if cycle := _find_cycle(ordered):
        message = f"The containers wait for each other: {' -> '.join(cycle)}"
        path = ("containers", cycle[0], "depends_on")
        yield Problem("M1207", path, message, "Remove one of these `depends_on`.")


def _container_problems(name: str, container: Container) -> Iterator[Problem]:
    """Problems of a container that do not depend on the others."""
    path = ("containers", name)
    if not images.is_pinned(container.image):
        message = f"`{container.image}` is not pinned: tasks that start later can run another image"
        hint = "Write a tag that is never moved, or a digest."
        if container.build:
            hint = "Deploy with the `--image` that `moorage image push` prints, or write a tag."
        yield Problem("M1219", (*path, "image"), message, hint, level="warning")
    for limit, value in container.ulimits.items():
        if value.soft > value.hard:
            message = f"The soft limit {value.soft} is above the hard limit {value.hard}"
            hint = f"Write a `soft` limit of at most {value.hard}, or raise `hard`."
            yield Problem("M2612", (*path, "ulimits", limit), message, hint)
    if container.swappiness is not None and container.max_swap is None:
        message = "`swappiness` has no effect without `max_swap`"
        hint = "Add `max_swap:`, or remove `swappiness`."
        because = [(*path, "max_swap")]
        yield Problem("M2613", (*path, "swappiness"), message, hint, because=because)
    if container.init and "essential" in container.model_fields_set and container.essential:
        message = "An `init` container cannot be essential: the task would end with it"
        hint = "Remove `essential: true`, or remove `init: true`."
        yield Problem("M2615", (*path, "essential"), message, hint)
    credentials = container.repository_credentials
    if credentials and secrets.parse_secret(credentials).service != "secretsmanager":
        message = "ECS reads the credentials of a registry from Secrets Manager only"
        hint = "Store them as a secret there, and write `secretsmanager:<name>`."
        yield Problem("M2610", (*path, "repository_credentials"), message, hint)
    yield from _variable_problems(name, container)
    yield from _dynamic_reference_problems(name, container)
    yield from _health_check_problems(name, container)


def _variable_problems(name: str, container: Container) -> Iterator[Problem]:
    path = ("containers", name)
    for key in container.environment:
        if key in container.secrets:
            message = f"`{key}` is in both `environment` and `secrets`"
            hint = "Remove one of the two."
            yield Problem("M2605", (*path, "environment", key), message, hint)
    check = container.health_check.command if container.health_check else []
    words = [*container.entry_point, *container.command, *check]
    options = {option for _, option, _ in find_in_command(words) if option}
    arguments = container.build.args if container.build else {}
    names = sorted({*container.environment, *container.docker_labels, *arguments, *options})
    known = frozenset(names)
    for index, key in enumerate(container.not_secret):
        if key not in known:
            closest = near(key, names)
            hint = f"Did you mean `{closest}`?" if closest else f"Remove {shown(key)}."
            message = f"`environment` has no variable {shown(key)}"
            if key.startswith("-"):
                message = f"No command has a value that looks like a secret after {shown(key)}"
            key_path = (*path, "not_secret", index)
            yield Problem("M2606", key_path, message, hint, because=[(*path, "environment")])


def _dynamic_reference_problems(name: str, container: Container) -> Iterator[Problem]:
    """Secrets that CloudFormation would resolve when it deploys: their values could then be read in
    the task definition."""
    texts: dict[str, Iterable[tuple[str | int, Any]]] = {
        "environment": container.environment.items(),
        "command": enumerate(container.command),
        "entry_point": enumerate(container.entry_point),
    }
    for key, values in texts.items():
        for key_or_index, value in values:
            if isinstance(value, str) and _DYNAMIC_SECRET.search(value):
                message = "CloudFormation would write the secret's value into the task definition"
                hint = "Refer to the secret in `secrets:`; ECS reads it when the task starts."
                path = ("containers", name, key, key_or_index)
                yield Problem("M1208", path, message, hint)


def _health_check_problems(name: str, container: Container) -> Iterator[Problem]:
    path = ("containers", name, "health_check", "command")
    check = container.health_check
    if check and check.command[0] not in ("CMD", "CMD-SHELL"):
        message = f"The command list begins with {shown(check.command[0])}, not with `CMD`"
        hint = "Write the command as text, or begin the list with `CMD` or `CMD-SHELL`."
        yield Problem("M2611", path, message, hint)
    elif check and check.command[0] == "CMD-SHELL" and len(check.command) != 2:
        message = "After `CMD-SHELL` the command must be a single text"
        hint = "Write the command as text, or begin the list with `CMD`."
        yield Problem("M2611", path, message, hint)
    elif check and not check.command[1].strip():
        hint = "Write a command, such as `curl -fsS localhost:8080/healthz`."
        yield Problem("M2611", path, "The health check has no command", hint)


def _dependency_problems(
    name: str, container: Container, containers: Containers
) -> Iterator[Problem]:
    for dependency, condition in container.depends_on.items():
        path = ("containers", name, "depends_on", dependency)
        dependency_path = ("containers", dependency)
        if dependency == name:
            message = f"The container `{name}` would wait for itself"
            yield Problem("M1207", path, message, "Remove this entry.")
        elif dependency not in containers:
            message = f"The task has no container {shown(dependency)}"
            hint = suggest_container(dependency, containers)
            yield Problem("M1204", path, message, hint, because=[dependency_path])
        elif condition in ("COMPLETE", "SUCCESS") and containers[dependency].essential:
            message = f"`{dependency}` is essential, so the task ends with it, before `{name}` can "
            message += "start"
            hint = f"Add `essential: false` to `{dependency}`, or wait for `START` or `HEALTHY`."
            because = [(*dependency_path, "essential")]
            yield Problem("M2617", path, message, hint, because=because)
        elif condition == "HEALTHY" and not containers[dependency].health_check:
            message = f"`{dependency}` has no health check, so it never becomes HEALTHY"
            hint = f"Add a `health_check` to `{dependency}`, or wait for `START`."
            because = [(*dependency_path, "health_check")]
            yield Problem("M2618", path, message, hint, because=because)


def _find_cycle(containers: Containers) -> list[str]:
    """A cycle of containers, each of which waits for the next; the last one is the first one again.
    Empty if there is none."""
    graph = {
        name: sorted({*container.depends_on} - {name}) for name, container in containers.items()
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(reversed(error.args[1]))
    return []


def _repeated_port_problems(containers: Containers) -> Iterator[Problem]:
    """Ports that a container lists twice, in network mode `bridge`. A port of the container can be
    mapped to several ports of the instance, so ports with a fixed port of the instance may repeat;
    launch_type_problems checks those."""
    for name, container in containers.items():
        unmapped = [port if port.host is None else None for port in container.ports]
        for index, port in enumerate(unmapped):
            if port is not None and port in unmapped[:index]:
                message = f"Port {port} is listed twice"
                path = ("containers", name, "ports", index)
                yield Problem("M1206", path, message, "Remove one of the two entries.")


def _port_problems(containers: Containers) -> Iterator[Problem]:
    first: dict[Port, str] = {}
    for name, container in containers.items():
        for index, port in enumerate(container.ports):
            path = ("containers", name, "ports", index)
            if first.get(port) == name:
                message = f"Port {port} is listed twice"
                yield Problem("M1206", path, message, "Remove one of the two entries.")
            elif port in first:
                message = f"Container `{first[port]}` of the same task also uses port {port}"
                hint = "The containers of a task share one address: use another port in one of "
                hint += "them."
                because = [("containers", first[port], "ports")]
                yield Problem("M1206", path, message, hint, because=because)
            first.setdefault(port, name)


def _size_problems(
    containers: Containers, cpu: int, memory: int, added: Mapping[str, Sequence[Container]]
) -> Iterator[Problem]:
    """What the containers reserve must fit into the task. Without a `memoryReservation`, "the value
    of memory is used" (Amazon ECS API reference, ContainerDefinition, memory)."""
    reserved: dict[str, Callable[[Container], int]] = {
        "cpu": lambda container: container.cpu or 0,
        "memory": lambda container: _reserved_memory(container, memory),
    }
    reservations = (
        ("cpu", "`cpu`", cpu, "CPU units"),
        ("memory", "`memory_reservation` or `memory`", memory, "MiB"),
    )
    for key, keys, limit, unit in reservations:
        total = sum(map(reserved[key], containers.values()))
        if total > limit:
            message = f"The containers reserve {total} {unit}, and the task has {limit}"
            hint = f"Lower their {keys}, or raise the task's `{key}`."
            for feature, feature_containers in added.items():
                part = sum(map(reserved[key], feature_containers))
                hint += f" Of these, {part} {unit} are for {feature}."
            because = [(key,)]
            yield Problem("M1212", ("containers",), message, hint, because=because)
    for name, container in containers.items():
        path = ("containers", name, "memory")
        reservation = container.memory_reservation or 0
        if container.memory is not None and container.memory > memory:
            message = f"The limit of {container.memory} MiB is above the task's {memory} MiB"
            hint = f"Write at most {memory}, or raise the task's `memory`."
            yield Problem("M1212", path, message, hint, because=[("memory",)])
        elif container.memory is not None and container.memory < reservation:
            message = f"The limit of {container.memory} MiB is below `memory_reservation: "
            message += f"{reservation}`"
            hint = f"Write a `memory` above {reservation}, or remove one of the two."
            yield Problem("M2619", path, message, hint)


def _reserved_memory(container: Container, task_memory: int) -> int:
    """MiB that a container reserves. A limit above the task's memory, which is a problem by itself,
    does not count."""
    limit = container.memory or 0
    return container.memory_reservation or (limit if limit <= task_memory else 0)
