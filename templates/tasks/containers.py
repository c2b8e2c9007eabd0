"""Containers of a task: their params, and which of them a way leads to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, WithJsonSchema

from moorage.findings.finding import Path, Problem
from moorage.findings.wording import near, shown
from moorage.model import Base, wrong

from ..common.fields import UniqueList, duration, text
from .images import Image
from .linux_parameters import Device, KernelParameter, Tmpfs
from .mounts import MountField, MountPath, VolumeName
from .secrets import SecretRef


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


EnvironmentFile = Annotated[
    str,
    text(
        r"arn:aws[a-z-]*:s3:::[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/.+\.env",
        "the ARN of an S3 object that ends in .env",
        "arn:aws:s3:::my-bucket/shop/web.env",
    ),
]


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
    interval: Annotated[int, duration(5, 300)] = Field(30, description="Time between checks.")
    timeout: Annotated[int, duration(2, 60)] = Field(5, description="Time that a check may take.")
    retries: int = Field(3, ge=1, le=10, description="Failures in a row that mean unhealthy.")
    start_period: Annotated[int, duration(0, 300)] | None = Field(
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


LabelName = Annotated[str, text(r"\S+", "the name of a label", "com.example.team")]
User = Annotated[
    str, text(r"[A-Za-z0-9_.-]+(:[A-Za-z0-9_.-]+)?", "a user, or a user and a group", "1000:1000")
]
Directory = Annotated[str, text(r"/.*", "an absolute path", "/app")]
Capability = Annotated[
    str, text(r"[A-Z]+(_[A-Z]+)*", "a Linux capability without its `CAP_`", "NET_RAW")
]


ExitCode = Annotated[int, Field(ge=0, le=255)]


class RestartPolicy(Base):
    """Lets ECS start the container again in the same task when it ends."""

    ignored_exit_codes: list[ExitCode] = Field(
        [], max_length=50, description="Exit codes after which it stays down."
    )
    restart_attempt_period: Annotated[int, duration(60, 1800)] | None = Field(
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
    environment_files: UniqueList[EnvironmentFile] = Field(
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
    links: UniqueList[str] = Field(
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
    devices: UniqueList[Device] = Field(
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
    drop_capabilities: UniqueList[Capability] = Field(
        [], description="Linux capabilities to take away, such as `ALL`."
    )
    add_capabilities: UniqueList[Capability] = Field(
        [], description="Linux capabilities to add; Fargate takes only `SYS_PTRACE`."
    )
    ulimits: dict[UlimitName, Ulimit] = Field({}, description="Limits by name, such as `nofile`.")
    system_controls: dict[KernelParameter, Variable] = Field(
        {}, description="Kernel parameters by name, such as `net.core.somaxconn`."
    )
    cpu: int | None = Field(None, ge=0, description="CPU units reserved for it, of the task's.")
    memory: int | None = Field(None, ge=6, description="MiB at which the container is killed.")
    memory_reservation: int | None = Field(None, ge=6, description="MiB that are kept for it.")
    start_timeout: Annotated[int, duration(2, 120)] | None = Field(
        None, description="Time that others wait for it by `depends_on`."
    )
    stop_timeout: Annotated[int, duration(2, 120)] | None = Field(
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


ContainerName = Annotated[
    str, text(r"[A-Za-z0-9][A-Za-z0-9_-]{0,254}", "a name of letters, digits, - and _", "web")
]
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


def suggest_container(name: str, containers: Containers) -> str:
    """A hint at the container that a name was meant for."""
    close = near(name, containers)
    return f"Did you mean `{close}`?" if close else f"The task has {', '.join(containers)}."


def find_target(name: str | None, containers: Containers) -> str:
    """The container that a way to the service leads to: the one it names, or the only one."""
    return name or (next(iter(containers)) if len(containers) == 1 else "")


def target_container_problems(
    name: str | None, path: Path, containers: Containers
) -> Iterator[Problem]:
    """Why it cannot be told which container that is; `path` is the way's own."""
    here = (*path, "container")
    if not find_target(name, containers):
        hint = f"Add `container:` with {', '.join(containers)}."
        yield Problem("M1204", here, "The route does not say which container it leads to", hint)
    elif find_target(name, containers) not in containers:
        message, hint = (
            f"There is no container {shown(name)}",
            suggest_container(str(name), containers),
        )
        yield Problem("M1204", here, message, hint, because=[("containers", str(name))])
