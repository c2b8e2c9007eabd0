"""What is wrong with the containers of a task."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

from moorage.findings.finding import Problem
from moorage.findings.wording import near, shown

from . import images, secrets
from .containers import Container, Containers, apply_init, suggest_container
from .ports import Port

_SECRET_WORDS = re.compile(
    r"(^|_)(PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|CREDENTIALS?|API_?KEY|ACCESS_?KEY|SECRET_?KEY"
    r"|PRIVATE_?KEY|SIGNING_?KEY|ENCRYPTION_?KEY|MASTER_?KEY)$",
    re.IGNORECASE,
)
# CloudFormation user guide, "Get values stored in other services using dynamic references".
_RESOLVED = re.compile(r"\{\{resolve:(secretsmanager|ssm-secure):")
# An access key id, a private key in PEM, a token of GitHub or Slack, a password inside a URL.
_SECRET_VALUES = re.compile(
    r"\b(AKIA|ASIA)[A-Z0-9]{16}\b|-----BEGIN [A-Z ]*PRIVATE KEY|\bgh[pousr]_[A-Za-z0-9]{30,}"
    r"|\bxox[abpr]-[A-Za-z0-9-]{10,}|://[^/\s:@]*:[^/\s:@]+@"
)


def container_problems(
    containers: Containers,
    cpu: int,
    memory: int,
    *,
    shared: bool = True,
    added: Mapping[str, Sequence[Container]] | None = None,
) -> Iterator[Problem]:
    """What is wrong with the containers of a task of that size; `shared` where they all have one
    address. `added` are those of them that other keys than `containers` add, by what adds them."""
    ordered = apply_init(containers)
    for name, container in containers.items():
        yield from _own_problems(name, container)
        yield from _order_problems(name, ordered[name], ordered)
    if shared:
        yield from _port_problems(containers)
    yield from _share_problems(containers, cpu, memory, added or {})
    if containers and not any(one.essential for one in ordered.values()):
        hint = "Remove `essential: false`, or `init`, from the one the task is for."
        yield Problem("M1212", ("containers",), "No container of the task is essential", hint)
    if circle := _circle(ordered):
        message = f"The containers wait for each other: {' -> '.join(circle)}"
        path = ("containers", circle[0], "depends_on")
        yield Problem("M1207", path, message, "Remove one of these `depends_on`.")


def _own_problems(name: str, container: Container) -> Iterator[Problem]:
    here = ("containers", name)
    if not images.is_pinned(container.image):
        message = f"`{container.image}` can become another image at any time"
        hint = "Write a tag that is never moved, or a digest."
        yield Problem("M1219", (*here, "image"), message, hint, level="warning")
    for limit, value in container.ulimits.items():
        if value.soft > value.hard:
            message = f"The soft limit of {value.soft} is above the hard one of {value.hard}"
            yield Problem(
                "M1105", (*here, "ulimits", limit), message, "Lower the one, or raise the other."
            )
    if container.swappiness is not None and container.max_swap is None:
        message = "Without `max_swap` nothing is swapped in another way than usual"
        yield Problem("M1108", (*here, "swappiness"), message, "Add `max_swap:`, or remove it.")
    if container.init and "essential" in container.model_fields_set and container.essential:
        message = "The task would end with a container that runs first, and ends"
        hint = "Remove `essential`, or `init`."
        yield Problem("M1108", (*here, "essential"), message, hint)
    credentials = container.repository_credentials
    if credentials and secrets.parse_secret(credentials).service != "secretsmanager":
        message = "The credentials of a registry must be in Secrets Manager"
        path = (*here, "repository_credentials")
        yield Problem("M1107", path, message, "Write `secretsmanager:<name>`.")
    yield from _variable_problems(name, container)
    yield from _resolved_problems(name, container)
    yield from _check_problems(name, container)


def _variable_problems(name: str, container: Container) -> Iterator[Problem]:
    here = ("containers", name)
    for key, value in container.environment.items():
        named = (
            _SECRET_WORDS.search(key) and value and not re.fullmatch(r"\d{1,6}|true|false", value)
        )
        known = key in container.not_secret or _RESOLVED.search(value)
        if (named or _SECRET_VALUES.search(value)) and not known:
            hint = f"Use `secrets: {{{key}: ssm:/path/name}}`, or say `not_secret: [{key}]`."
            message = f"`{key}` looks like a secret, and everybody can read it in the template"
            yield Problem("M1208", (*here, "environment", key), message, hint)
        if key in container.secrets:
            message = f"`{key}` stands in `environment` and in `secrets`"
            yield Problem("M1108", (*here, "environment", key), message, "Keep one of them.")
    for at, key in enumerate(container.not_secret):
        if key not in container.environment:
            close = near(key, container.environment)
            hint = f"Did you mean `{close}`?" if close else "Remove it."
            message = f"There is no variable {shown(key)} in `environment`"
            path = (*here, "not_secret", at)
            yield Problem("M1220", path, message, hint, because=[(*here, "environment")])


def _resolved_problems(name: str, container: Container) -> Iterator[Problem]:
    """Secrets that CloudFormation would put in as it deploys, for everybody to read in ECS."""
    texts: dict[str, Iterable[tuple[str | int, str]]] = {
        "environment": container.environment.items(),
        "command": enumerate(container.command),
        "entry_point": enumerate(container.entry_point),
    }
    for key, values in texts.items():
        for at, value in values:
            if _RESOLVED.search(value):
                message = "CloudFormation would write the secret itself into the task definition"
                hint = "Name it in `secrets:`, from where ECS reads it at start."
                yield Problem("M1208", ("containers", name, key, at), message, hint)


def _check_problems(name: str, container: Container) -> Iterator[Problem]:
    path = ("containers", name, "health_check", "command")
    check = container.health_check
    if check and check.command[0] not in ("CMD", "CMD-SHELL"):
        message = f"The command begins with {shown(check.command[0])}"
        hint = 'Write it as text, or begin the list with "CMD" or "CMD-SHELL".'
        yield Problem("M1107", path, message, hint)
    elif check and check.command[0] == "CMD-SHELL" and len(check.command) != 2:
        message = "CMD-SHELL takes one text, which the shell splits itself"
        hint = "Write the command as text, or begin the list with `CMD`."
        yield Problem("M1107", path, message, hint)
    elif check and not check.command[1].strip():
        hint = "Write one such as `curl -fsS localhost:8080/healthz`."
        yield Problem("M1107", path, "There is no command", hint)


def _order_problems(name: str, container: Container, containers: Containers) -> Iterator[Problem]:
    for other, condition in container.depends_on.items():
        path = ("containers", name, "depends_on", other)
        at = ("containers", other)
        if other == name:
            message = f"`{name}` would wait for itself"
            yield Problem("M1207", path, message, "Remove this line.")
        elif other not in containers:
            message = f"There is no container {shown(other)}"
            yield Problem(
                "M1204", path, message, suggest_container(other, containers), because=[at]
            )
        elif condition in ("COMPLETE", "SUCCESS") and containers[other].essential:
            hint = f"Write `essential: false` at `{other}`, or wait for `START` or `HEALTHY`."
            message = f"The task would end with `{other}`, which is essential"
            yield Problem("M1207", path, message, hint, because=[(*at, "essential")])
        elif condition == "HEALTHY" and not containers[other].health_check:
            hint = f"Add a `health_check` to `{other}`, or wait for `START`."
            message = f"`{other}` has no health check and would never be HEALTHY"
            yield Problem("M1207", path, message, hint, because=[(*at, "health_check")])


def _circle(containers: Containers) -> list[str]:
    """Containers of which each waits for the next; the first one is also the last."""
    graph = {name: sorted({*one.depends_on} - {name}) for name, one in containers.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(reversed(error.args[1]))
    return []


def _port_problems(containers: Containers) -> Iterator[Problem]:
    taken: dict[Port, str] = {}
    for name, container in containers.items():
        for at, port in enumerate(container.ports):
            path = ("containers", name, "ports", at)
            if taken.get(port) == name:
                yield Problem("M1206", path, f"Port {port} stands twice", "Keep one of them.")
            elif port in taken:
                message = f"Port {port} is taken by container `{taken[port]}` of the same task"
                hint = "Containers of a task share one address: let one listen elsewhere."
                because = [("containers", taken[port], "ports")]
                yield Problem("M1206", path, message, hint, because=because)
            taken.setdefault(port, name)


def _share_problems(
    containers: Containers, cpu: int, memory: int, added: Mapping[str, Sequence[Container]]
) -> Iterator[Problem]:
    """Amazon ECS API reference, ContainerDefinition, memory: what containers reserve must fit into
    the task, and where no `memoryReservation` is said "the value of memory is used"."""
    reserved: dict[str, Callable[[Container], int]] = {
        "cpu": lambda container: container.cpu or 0,
        "memory": lambda container: _kept(container, memory),
    }
    shares = (
        ("cpu", "`cpu`", cpu, "CPU units"),
        ("memory", "`memory_reservation` or `memory`", memory, "MiB"),
    )
    for key, keys, limit, unit in shares:
        total = sum(map(reserved[key], containers.values()))
        if total > limit:
            message = f"The containers reserve {total} {unit}, and the task has {limit}"
            hint = f"Lower their {keys}, or raise the task's `{key}`."
            for feature, those in added.items():
                hint += f" Of these, {sum(map(reserved[key], those))} {unit} are for {feature}."
            because = [(key,)]
            yield Problem("M1212", ("containers",), message, hint, because=because)
    for name, container in containers.items():
        path = ("containers", name, "memory")
        low = container.memory_reservation or 0
        if container.memory is not None and container.memory > memory:
            message = f"{container.memory} MiB is more than the task's {memory}"
            hint = f"Write at most {memory}, or raise the task's `memory`."
            yield Problem("M1212", path, message, hint, because=[("memory",)])
        elif container.memory is not None and container.memory < low:
            message = f"{container.memory} MiB is less than the reservation of {low}"
            yield Problem("M1212", path, message, "Swap the two numbers, or leave one out.")


def _kept(container: Container, most: int) -> int:
    """MiB that a container reserves of the task's; a limit above all of these is told by itself."""
    limit = container.memory or 0
    return container.memory_reservation or (limit if limit <= most else 0)
