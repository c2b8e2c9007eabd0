"""Containers of a task: their params, what can be wrong with them, and their definitions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import Annotated, Any, Literal

from awacs import s3
from awacs.aws import Statement
from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, WithJsonSchema
from troposphere import ecs

from moorage.model import Base, Path, Problem, near, shown, wrong
from templates.parts.fields import Different, duration, text
from templates.parts.iam import allow
from templates.parts.tasks import images, secrets
from templates.parts.tasks.images import Image
from templates.parts.tasks.linux import (
    Device,
    KernelParameter,
    Tmpfs,
    device,
    system_controls,
    tmpfs,
)
from templates.parts.tasks.mounts import MountField, MountPath, VolumeName, mount_points
from templates.parts.tasks.secrets import SecretRef


@dataclass(frozen=True)
class Port:
    """A port that a container or a load balancer listens on."""

    number: int
    protocol: str = "tcp"
    """tcp or udp; a listener's also tls, tcp_udp, quic or tcp_quic"""
    host: int | None = field(default=None, compare=False)
    """A container's: the instance's port that leads to it, 0 for any that is free."""
    name: str = field(default="", compare=False)
    """A container's: by what Service Connect knows it, where it does."""
    app_protocol: str | None = field(default=None, compare=False)

    def __str__(self) -> str:
        return str(self.number) if self.protocol == "tcp" else f"{self.number}/{self.protocol}"


def _port(value: Any) -> Port:
    hint = "Write `8080`, `8080/tcp` or `1234/udp`, from 1 to 65535."
    return _parsed(value, "tcp|udp", hint)


def _container_port(value: Any) -> Port:
    host, colon, port = str(value).rpartition(":")
    if not colon:
        return _port(value)
    hint = "Write the port alone, or a port of the instance before it: `80:8080`."
    match = re.fullmatch(r"\d{1,5}:\d{1,5}(/(tcp|udp))?", str(value))
    if not match:
        raise wrong("M1107", f"{shown(value)} is not a port", hint)
    found = _parsed(port, "tcp|udp", hint)
    return Port(found.number, found.protocol, _parsed(host, "tcp", hint).number)


def _listener_port(value: Any) -> Port:
    hint = "Write `8080`, or with a protocol `443/tls`, `8443/tcp`, `1234/udp` or `53/tcp_udp`."
    return _parsed(value, "tcp|udp|tls|tcp_udp|quic|tcp_quic", hint)


def _parsed(value: Any, protocols: str, hint: str) -> Port:
    match = re.fullmatch(rf"(\d{{1,5}})(?:/({protocols}))?", str(value))
    usable = isinstance(value, int | str) and not isinstance(value, bool)
    if not match or not usable or not 1 <= int(match[1]) <= 65535:
        raise wrong("M1107", f"{shown(value)} is not a port", hint)
    return Port(int(match[1]), match[2] or "tcp")


def _port_schema(protocols: str) -> WithJsonSchema:
    return WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 1, "maximum": 65535},
                {"type": "string", "pattern": rf"^\d{{1,5}}(/({protocols}))?$"},
            ]
        }
    )


PortField = Annotated[Port, PlainValidator(_port), _port_schema("tcp|udp")]
"""A port as Docker writes it: `8080`, `1234/udp`."""
ContainerPort = Annotated[
    Port,
    PlainValidator(_container_port),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 1, "maximum": 65535},
                {"type": "string", "pattern": r"^(\d{1,5}:)?\d{1,5}(/(tcp|udp))?$"},
            ]
        }
    ),
]
"""A port of a container as Docker writes it, with the instance's before it: `80:8080`."""
ListenerPort = Annotated[
    Port, PlainValidator(_listener_port), _port_schema("tcp|udp|tls|tcp_udp|quic|tcp_quic")
]
"""A port of a container behind an ALB, or one that an NLB listens on: `443/tls`, `1234/udp`."""


def _variable(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str | int | float):
        message = f"{shown(value)} stands where text or a number belongs"
        raise wrong("M1103", message, "Write anything else as text, in quotes.")
    return str(value)


def _variable_name(value: str) -> str:
    """Wider than POSIX has it ("Environment Variable Definition"), for names such as `node.name`;
    without what no shell and no `.env` file could hold."""
    if not re.fullmatch(r"[A-Za-z0-9_.:/-]+", value):
        hint = "Write a name such as `LOG_LEVEL`."
        raise wrong("M1107", f"{shown(value)} cannot name a variable", hint)
    return value


VariableName = Annotated[str, AfterValidator(_variable_name)]
Variable = Annotated[
    str,
    BeforeValidator(_variable),
    WithJsonSchema({"type": ["string", "number", "boolean"]}),
]


def _shell(value: Any) -> Any:
    return ["CMD-SHELL", value] if isinstance(value, str) else value


EnvironmentFile = text(
    r"arn:aws[a-z-]*:s3:::[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/.+\.env",
    "the ARN of an S3 object that ends in .env",
    "arn:aws:s3:::my-bucket/shop/web.env",
)


class HealthCheck(Base):
    """A command that ECS runs in the container to judge its health."""

    command: Annotated[
        list[str],
        BeforeValidator(_shell),
        WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array"}]}),
    ] = Field(
        min_length=2,
        description="A shell command as text, or a list that begins with `CMD` or `CMD-SHELL`. "
        "Exit code 0 means healthy. What it calls must be in the image.",
    )
    interval: duration(5, 300) = Field(30, description="Time between checks.")  # type: ignore[valid-type]
    timeout: duration(2, 60) = Field(5, description="Time that a check may take.")  # type: ignore[valid-type]
    retries: int = Field(3, ge=1, le=10, description="Failures in a row that mean unhealthy.")
    start_period: duration(0, 300) | None = Field(  # type: ignore[valid-type]
        None, description="Time after the start in which failures do not count."
    )


UlimitName = Literal[
    "core",
    "cpu",
    "data",
    "fsize",
    "locks",
    "memlock",
    "msgqueue",
    "nice",
    "nofile",
    "nproc",
    "rss",
    "rtprio",
    "rttime",
    "sigpending",
    "stack",
]
"""Amazon ECS API reference, Ulimit, name."""


_MOST = 2**31 - 1
"""What an integer of the Amazon ECS API holds."""


class Ulimit(Base):
    """A limit of the kernel's."""

    soft: int = Field(ge=0, le=_MOST, description="The limit.")
    hard: int = Field(ge=0, le=_MOST, description="What the process may raise it to.")


LabelName: Any = text(r"\S+", "the name of a label", "com.example.team")
User: Any = text(
    r"[A-Za-z0-9_.-]+(:[A-Za-z0-9_.-]+)?", "a user, or a user and a group", "1000:1000"
)
Directory: Any = text(r"/.*", "an absolute path", "/app")
Capability: Any = text(r"[A-Z]+(_[A-Z]+)*", "a Linux capability without its `CAP_`", "NET_RAW")


ExitCode = Annotated[int, Field(ge=0, le=255)]


class RestartPolicy(Base):
    """Lets ECS start the container again in the same task when it ends."""

    ignored_exit_codes: list[ExitCode] = Field(
        [], max_length=50, description="Exit codes after which it stays down."
    )
    restart_attempt_period: duration(60, 1800) | None = Field(  # type: ignore[valid-type]
        None, description="Time it must have run before it is started again."
    )


class Container(Base):
    """A container of the task. Containers of one task reach each other at 127.0.0.1; on a bridge
    by `links`. `address_of` says it for both."""

    image: Image = Field(
        description="`ecr:<repository>:<tag>` for a repository of an `ecr` stack, or any other of "
        "this account and region; or another image. Pin it: a tag that moves changes what runs "
        "without a deployment."
    )
    command: list[str] = Field([], description="Arguments, in place of the image's own (CMD).")
    entry_point: list[str] = Field([], description="Program, in place of the image's own.")
    environment: dict[VariableName, Variable] = Field({}, description="Variables, in plain sight.")
    environment_files: Different[EnvironmentFile] = Field(  # type: ignore[valid-type]
        [], max_length=10, description="ARNs of `.env` objects in S3 that hold more variables."
    )
    secrets: dict[VariableName, SecretRef] = Field(
        {},
        description="Variables whose values ECS reads at start: `ssm:<name>` or "
        "`secretsmanager:<name>[:json-key[:stage[:version]]]`.",
    )
    not_secret: list[str] = Field(
        [], description="Names in `environment` that look like secrets and are none."
    )
    ports: list[ContainerPort] = Field(
        [],
        description="Ports it listens on: `8080`, `1234/udp`. On a bridge Docker takes a free port "
        "of the instance for each, or the one that stands before it: `80:8080`.",
    )
    address_of: dict[VariableName, str] = Field(
        {},
        description="Variables that hold where another container of the task is: `{PHP_HOST: php}` "
        "is 127.0.0.1, or on a bridge `php`, with a link to it.",
    )
    links: Different[str] = Field(
        [], description="On a bridge: containers of the task that it reaches by their names."
    )
    privileged: bool = Field(
        False, description="On instances: the rights of root on the instance. Not on Fargate."
    )
    gpus: int | None = Field(
        None, ge=1, le=16, description="On instances with GPUs: how many are its own."
    )
    health_check: HealthCheck | None = Field(None, description="A check inside the container.")
    depends_on: dict[str, Literal["START", "COMPLETE", "SUCCESS", "HEALTHY"]] = Field(
        {}, description="Containers that must have got that far before this one starts."
    )
    init: bool = Field(
        False,
        description="Run it to its end before the others start, and start none of them where it "
        "fails. What it waits for itself by `depends_on` starts before it.",
    )
    essential: bool = Field(True, description="Whether the task ends when this container ends.")
    user: User | None = Field(None, description="User (and group) to run as: `1000:1000`.")
    working_directory: Directory | None = Field(None, description="Directory to start in.")
    readonly_root_filesystem: bool = Field(False, description="Mount the image read-only.")
    mounts: dict[VolumeName, MountField] = Field(
        {}, description="Where it finds the task's `volumes:`: paths by the volumes' names."
    )
    tmpfs: dict[MountPath, Tmpfs] = Field({}, description="Directories in memory, by path.")
    shared_memory: int | None = Field(
        None, ge=1, description="On instances: MiB of `/dev/shm`, where Docker's 64 are too few."
    )
    devices: Different[Device] = Field(
        [], description="On instances: devices of the instance, `/dev/fuse` or `/dev/a:/dev/b`."
    )
    max_swap: int | None = Field(
        None, ge=0, description="On instances: MiB of swap that it may use, 0 for none."
    )
    swappiness: int | None = Field(
        None, ge=0, le=100, description="On instances, with `max_swap`: how readily it is swapped."
    )
    init_process_enabled: bool = Field(
        False, description="Run an init process that passes on signals and reaps children."
    )
    drop_capabilities: Different[Capability] = Field(
        [], description="Linux capabilities to take away, such as `ALL`."
    )
    add_capabilities: Different[Capability] = Field(
        [], description="Linux capabilities to add; Fargate takes only `SYS_PTRACE`."
    )
    ulimits: dict[UlimitName, Ulimit] = Field({}, description="Limits by name, such as `nofile`.")
    system_controls: dict[KernelParameter, Variable] = Field(
        {}, description="Kernel parameters by name, such as `net.core.somaxconn`."
    )
    cpu: int | None = Field(None, ge=0, description="CPU units reserved for it, of the task's.")
    memory: int | None = Field(None, ge=6, description="MiB at which the container is killed.")
    memory_reservation: int | None = Field(None, ge=6, description="MiB that are kept for it.")
    start_timeout: duration(2, 120) | None = Field(  # type: ignore[valid-type]
        None, description="Time that others wait for it by `depends_on`."
    )
    stop_timeout: duration(2, 120) | None = Field(  # type: ignore[valid-type]
        None, description="Time between SIGTERM and SIGKILL; 30s where nothing is said."
    )
    restart_policy: RestartPolicy | None = Field(None, description="Restart without a new task.")
    docker_labels: dict[LabelName, str] = Field({}, description="Labels of the container.")
    repository_credentials: SecretRef | None = Field(
        None, description="`secretsmanager:<name>` with user and password of a private registry."
    )
    interactive: bool = Field(False, description="Keep stdin open.")
    pseudo_terminal: bool = Field(False, description="Allocate a terminal.")
    version_consistency: Literal["enabled", "disabled"] | None = Field(
        None, description="Whether ECS resolves the tag once for all tasks of a deployment."
    )


ContainerName: Any = text(
    r"[A-Za-z0-9][A-Za-z0-9_-]{0,254}", "a name of letters, digits, - and _", "web"
)
Containers = dict[ContainerName, Container]


def in_order(containers: Containers) -> Containers:
    """The containers with what `init` means in the words of ECS: it need not go on running, and
    whatever it does not wait for itself waits until it has succeeded."""
    first = [name for name, one in containers.items() if one.init]
    before = _awaited(first, containers)
    waits = dict.fromkeys(first, "SUCCESS")
    return {
        name: one.model_copy(
            update={"essential": False}
            if one.init
            else {"depends_on": one.depends_on if name in before else {**waits, **one.depends_on}}
        )
        for name, one in containers.items()
    }


def _awaited(names: Iterable[str], containers: Containers) -> set[str]:
    """What these containers wait for, and what that waits for."""
    found: set[str] = set()
    ahead = list(names)
    while ahead:
        new = {*containers[ahead.pop()].depends_on} & {*containers} - found
        found |= new
        ahead += sorted(new)
    return found


# What can be wrong ---------------------------------------------------------------------------

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
    containers: Containers, cpu: int, memory: int, *, shared: bool = True
) -> Iterator[Problem]:
    """What is wrong with the containers of a task of that size; `shared` where they all have one
    address."""
    ordered = in_order(containers)
    for name, container in containers.items():
        yield from _own_problems(name, container)
        yield from _order_problems(name, ordered[name], ordered)
    if shared:
        yield from _port_problems(containers)
    yield from _share_problems(containers, cpu, memory)
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
    if credentials and secrets.secret(credentials).service != "secretsmanager":
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
            yield Problem("M1204", path, message, meant(other, containers), because=[at])
        elif condition in ("COMPLETE", "SUCCESS") and containers[other].essential:
            hint = f"Write `essential: false` at `{other}`, or wait for `START` or `HEALTHY`."
            message = f"The task would end with `{other}`, which is essential"
            yield Problem("M1207", path, message, hint, because=[(*at, "essential")])
        elif condition == "HEALTHY" and not containers[other].health_check:
            hint = f"Add a `health_check` to `{other}`, or wait for `START`."
            message = f"`{other}` has no health check and would never be HEALTHY"
            yield Problem("M1207", path, message, hint, because=[(*at, "health_check")])


def meant(name: str, containers: Containers) -> str:
    """A hint at the container that a name was meant for."""
    close = near(name, containers)
    return f"Did you mean `{close}`?" if close else f"The task has {', '.join(containers)}."


def led_to(name: str | None, containers: Containers) -> str:
    """The container that a way to the service leads to: the one it names, or the only one."""
    return name or (next(iter(containers)) if len(containers) == 1 else "")


def led_to_problems(name: str | None, path: Path, containers: Containers) -> Iterator[Problem]:
    """Why it cannot be told which container that is; `path` is the way's own."""
    here = (*path, "container")
    if not led_to(name, containers):
        hint = f"Add `container:` with {', '.join(containers)}."
        yield Problem("M1204", here, "The route does not say which container it leads to", hint)
    elif led_to(name, containers) not in containers:
        message, hint = f"There is no container {shown(name)}", meant(str(name), containers)
        yield Problem("M1204", here, message, hint, because=[("containers", str(name))])


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


def _share_problems(containers: Containers, cpu: int, memory: int) -> Iterator[Problem]:
    """Amazon ECS API reference, ContainerDefinition, memory: what containers reserve must fit into
    the task, and where no `memoryReservation` is said "the value of memory is used"."""
    units = sum(one.cpu or 0 for one in containers.values())
    kept = sum(_kept(one, memory) for one in containers.values())
    shares = (
        ("cpu", "`cpu`", units, cpu, "CPU units"),
        ("memory", "`memory_reservation` or `memory`", kept, memory, "MiB"),
    )
    for key, keys, total, limit, unit in shares:
        if total > limit:
            message = f"The containers reserve {total} {unit}, and the task has {limit}"
            hint = f"Lower their {keys}, or raise the task's `{key}`."
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


# What comes out ------------------------------------------------------------------------------


def container_definition(
    name: str,
    params: Container,
    log_configuration: ecs.LogConfiguration,
    mounts: Sequence[ecs.MountPoint] = (),
    repositories: Mapping[str, Any] | None = None,
    firelens: ecs.FirelensConfiguration | None = None,
) -> ecs.ContainerDefinition:
    """The container as ECS takes it; what the params leave open is left to ECS.

    `repositories` are the URIs of the environment's own repositories by name; `firelens` makes it
    the task's log router.
    """
    optional = {
        "Command": params.command,
        "EntryPoint": params.entry_point,
        "Environment": _environment(params.environment),
        "EnvironmentFiles": [
            ecs.EnvironmentFile(Type="s3", Value=arn) for arn in params.environment_files
        ],
        "Secrets": [
            ecs.Secret(Name=key, ValueFrom=secrets.secret(reference).value_from)
            for key, reference in sorted(params.secrets.items())
        ],
        "PortMappings": [
            ecs.PortMapping(ContainerPort=port.number, Protocol=port.protocol, **_named_port(port))
            for port in params.ports
        ],
        "HealthCheck": _health_check(params.health_check),
        "DependsOn": [
            ecs.ContainerDependency(ContainerName=other, Condition=condition)
            for other, condition in sorted(params.depends_on.items())
        ],
        "User": params.user,
        "WorkingDirectory": params.working_directory,
        "ReadonlyRootFilesystem": params.readonly_root_filesystem or None,
        "Links": params.links,
        "Privileged": params.privileged or None,
        "ResourceRequirements": _gpus(params.gpus),
        "LinuxParameters": _linux_parameters(params),
        "Ulimits": [
            ecs.Ulimit(Name=limit, SoftLimit=value.soft, HardLimit=value.hard)
            for limit, value in sorted(params.ulimits.items())
        ],
        "Memory": params.memory,
        "MemoryReservation": params.memory_reservation,
        "StartTimeout": params.start_timeout,
        "StopTimeout": params.stop_timeout,
        "RestartPolicy": _restart_policy(params.restart_policy),
        "DockerLabels": params.docker_labels,
        "RepositoryCredentials": _credentials(params.repository_credentials),
        "Interactive": params.interactive or None,
        "PseudoTerminal": params.pseudo_terminal or None,
        "VersionConsistency": params.version_consistency,
        "MountPoints": [*mount_points(params.mounts), *mounts],
        "SystemControls": system_controls(params.system_controls),
        "FirelensConfiguration": firelens,
    }
    # A cpu of 0 means something to ECS (two shares at least), so it is passed on.
    given = {"Cpu": params.cpu} if params.cpu is not None else {}
    return ecs.ContainerDefinition(
        Name=name,
        Image=images.uri(params.image, repositories or {}),
        Essential=params.essential,
        LogConfiguration=log_configuration,
        **given,
        **{key: value for key, value in optional.items() if value},
    )


def _named_port(port: Port) -> dict[str, Any]:
    optional = {
        "HostPort": port.host,
        "Name": port.name or None,
        "AppProtocol": port.app_protocol,
    }
    return {key: value for key, value in optional.items() if value is not None}


def _gpus(count: int | None) -> list[ecs.ResourceRequirement]:
    return [ecs.ResourceRequirement(Type="GPU", Value=str(count))] if count else []


def _environment(variables: Mapping[str, str]) -> list[ecs.Environment]:
    return [ecs.Environment(Name=key, Value=value) for key, value in sorted(variables.items())]


def _health_check(check: HealthCheck | None) -> ecs.HealthCheck | None:
    if check is None:
        return None
    start = {"StartPeriod": check.start_period} if check.start_period is not None else {}
    return ecs.HealthCheck(
        Command=check.command,
        Interval=check.interval,
        Timeout=check.timeout,
        Retries=check.retries,
        **start,
    )


def _linux_parameters(params: Container) -> ecs.LinuxParameters | None:
    added, dropped = list(params.add_capabilities), list(params.drop_capabilities)
    named = {key: value for key, value in (("Add", added), ("Drop", dropped)) if value}
    optional = {
        "InitProcessEnabled": params.init_process_enabled or None,
        "Capabilities": ecs.KernelCapabilities(**named) if named else None,
        "Tmpfs": tmpfs(params.tmpfs),
        "Devices": [device(one) for one in params.devices],
        "SharedMemorySize": params.shared_memory,
    }
    swap = {"MaxSwap": params.max_swap, "Swappiness": params.swappiness}
    given = {key: value for key, value in optional.items() if value}
    given |= {key: value for key, value in swap.items() if value is not None}
    return ecs.LinuxParameters(**given) if given else None


def _restart_policy(policy: RestartPolicy | None) -> ecs.RestartPolicy | None:
    if policy is None:
        return None
    optional = {
        "IgnoredExitCodes": policy.ignored_exit_codes,
        "RestartAttemptPeriod": policy.restart_attempt_period,
    }
    return ecs.RestartPolicy(
        Enabled=True, **{key: value for key, value in optional.items() if value}
    )


def _credentials(reference: str | None) -> ecs.RepositoryCredentials | None:
    if reference is None:
        return None
    return ecs.RepositoryCredentials(CredentialsParameter=secrets.secret(reference).value_from)


# What an execution role needs for them -------------------------------------------------------


def execution_statements(
    containers: Containers, kms_keys: list[str], more: Iterable[str] = ()
) -> Iterator[Statement]:
    """What the execution role needs to start these containers, and to read `more` secrets."""
    yield from images.pull_statements(one.image for one in containers.values())
    references = [ref for one in containers.values() for ref in one.secrets.values()]
    references += more
    references += [
        one.repository_credentials for one in containers.values() if one.repository_credentials
    ]
    yield from secrets.read_statements(references, kms_keys)
    files = sorted({str(arn) for one in containers.values() for arn in one.environment_files})
    if files:
        # Amazon ECS developer guide, "Amazon ECS task execution IAM role", Amazon S3 file storage.
        buckets = sorted({arn.split("/")[0] for arn in files})
        yield allow("ReadEnvironmentFiles", [s3.GetObject], files)
        yield allow("LocateEnvironmentFiles", [s3.GetBucketLocation], buckets)
