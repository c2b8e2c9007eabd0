"""Containers of a task: their params, the effect of `init`, and the choice of a container by
name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from moorage.facts.api_types import MAX_INTEGER
from moorage.facts.arn_patterns import BUCKET_NAME, arn_pattern
from moorage.facts.container_definitions import (
    CONTAINER_NAME,
    HEALTH_CHECK_INTERVAL,
    HEALTH_CHECK_RETRIES,
    HEALTH_CHECK_START_PERIOD,
    HEALTH_CHECK_TIMEOUT,
)
from moorage.findings.finding import Path, Problem
from moorage.findings.wording import list_names, near, shown
from moorage.model import Base

from ..common.fields import UniqueList, duration, text
from ..common.references import External, ExternalObject, ExternalSecret, WholeExternalSecret
from .build_params import BuildField
from .images import Image
from .linux_parameters import Device, KernelParameter, Tmpfs
from .mounts import MountField, MountPath, VolumeName
from .ports import ContainerPort
from .secrets import SecretRef
from .variables import Variable, VariableName

EnvironmentFile = Annotated[
    str,
    text(
        arn_pattern("s3", rf"{BUCKET_NAME}/.+\.env", region="", account=""),
        "the ARN of an S3 object that ends in .env",
        "arn:aws:s3:::my-bucket/shop/web.env",
    ),
]


def _validate_command(value: Any) -> Any:
    """Turns text into a command for the shell."""
    return ["CMD-SHELL", value] if isinstance(value, str) else value


class HealthCheck(Base):
    """A command that ECS runs inside the container to check its health."""

    command: Annotated[
        list[str],
        BeforeValidator(_validate_command),
        WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array"}]}),
    ] = Field(
        min_length=2,
        examples=["curl -f http://127.0.0.1:8080/ || exit 1"],
        description="A shell command as text, or a list that begins with `CMD` or `CMD-SHELL`. "
        "Exit code 0 means healthy. The programs that it runs must be in the image.",
    )
    interval: Annotated[int, duration(*HEALTH_CHECK_INTERVAL)] = Field(
        30, description="Time between checks."
    )
    timeout: Annotated[int, duration(*HEALTH_CHECK_TIMEOUT)] = Field(
        5, description="Time after which a check has failed."
    )
    retries: int = Field(
        3,
        ge=HEALTH_CHECK_RETRIES[0],
        le=HEALTH_CHECK_RETRIES[1],
        description="Consecutive failures after which the container is unhealthy.",
    )
    start_period: Annotated[int, duration(*HEALTH_CHECK_START_PERIOD)] | None = Field(
        None, description="Time after the start of the container in which failures do not count."
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


class Ulimit(Base):
    """A resource limit of the processes in a container."""

    soft: int = Field(ge=0, le=MAX_INTEGER, description="The limit that is in force.")
    hard: int = Field(
        ge=0, le=MAX_INTEGER, description="The highest limit that a process may set for itself."
    )


LabelName = Annotated[str, text(r"\S+", "the name of a label", "com.example.team")]
User = Annotated[
    str, text(r"[A-Za-z0-9_.-]+(:[A-Za-z0-9_.-]+)?", "a user, or a user and a group", "1000:1000")
]
Directory = Annotated[str, text(r"/.*", "an absolute path", "/app")]
Capability = Annotated[
    str, text(r"[A-Z]+(_[A-Z]+)*", "a Linux capability without `CAP_`", "NET_RAW")
]


ExitCode = Annotated[int, Field(ge=0, le=255)]


class RestartPolicy(Base):
    """Lets ECS restart the container inside the running task when it exits."""

    ignored_exit_codes: list[ExitCode] = Field(
        [], max_length=50, description="Exit codes after which the container is not restarted."
    )
    restart_attempt_period: Annotated[int, duration(60, 1800)] | None = Field(
        None, description="Time that the container must have run before it is restarted."
    )


Timeout = Annotated[int, duration(2, MAX_INTEGER)]
"""On instances AWS documents no upper limit (Amazon ECS API reference, ContainerDefinition,
startTimeout and stopTimeout)."""

Condition = Literal["START", "COMPLETE", "SUCCESS", "HEALTHY"]
"""Amazon ECS API reference, ContainerDependency, condition."""


class Container(Base):
    """A container of the task. In the network modes `awsvpc` and `host` the containers of a task
    reach each other at 127.0.0.1, in the mode `bridge` through `links`. `address_of` works in every
    mode."""

    image: Image = Field(
        description="`ecr:<repository>:<tag>` for a repository of an `ecr` stack or any other "
        "repository of this account and region, or another image. Use a tag that is never moved, "
        "or a digest: a tag that is moved changes what runs without a deployment."
    )
    build: BuildField | None = Field(
        None,
        examples=["services/web", {"context": ".", "target": "web"}],
        description="How `moorage image push` builds the image, which it pushes to the repository "
        "of `image` under a tag of its own: the folder with the Dockerfile, or a map. `deploy` "
        "does not build; it takes the `--image` that `push` prints.",
    )
    command: list[str] = Field(
        [],
        examples=[["npm", "start"]],
        description="Arguments that replace the image's CMD.",
    )
    entry_point: list[str] = Field([], description="Program that replaces the image's ENTRYPOINT.")
    environment: dict[VariableName, External[Variable]] = Field(
        {},
        examples=[{"LOG_LEVEL": "info"}],
        description="Environment variables. Everyone who can read the template can read them.",
    )
    environment_files: UniqueList[ExternalObject[EnvironmentFile]] = Field(
        [], max_length=10, description="ARNs of `.env` objects in S3 with more variables."
    )
    secrets: dict[VariableName, ExternalSecret[SecretRef]] = Field(
        {},
        examples=[{"DB_PASSWORD": "ssm:/shop/prod/db_password"}],
        description="Environment variables with references to secrets that ECS reads when the "
        "task starts: `ssm:<name>` or `secretsmanager:<name>[:json-key[:stage[:version]]]`.",
    )
    not_secret: list[str] = Field(
        [],
        description="Names in `environment` and `docker_labels`, and options in commands such as "
        "`--token`, whose values look like secrets but are not.",
    )
    ports: list[ContainerPort] = Field(
        [],
        examples=[[8080]],
        description="Ports that the container listens on: `8080`, `1234/udp`. In the network mode "
        "`bridge` Docker maps each to a free port of the instance, or to the port before the "
        "colon: `80:8080`.",
    )
    address_of: dict[VariableName, str] = Field(
        {},
        description="Environment variables with the address of another container of the task: "
        "`{PHP_HOST: php}` is 127.0.0.1, or in the network mode `bridge` the name `php`, with a "
        "link to it.",
    )
    links: UniqueList[str] = Field(
        [],
        description="In the network mode `bridge`: containers of the task that this one reaches "
        "by name.",
    )
    privileged: bool = Field(
        False,
        description="On instances: give the container root privileges on the instance. Not "
        "supported on Fargate.",
    )
    gpus: int | None = Field(
        None, ge=1, le=16, description="On instances with GPUs: number of GPUs for this container."
    )
    health_check: HealthCheck | None = Field(
        None, description="A health check inside the container."
    )
    depends_on: dict[str, Condition] = Field(
        {},
        examples=[{"db": "HEALTHY"}],
        description="Containers that this one waits for, with the condition to wait for.",
    )
    init: bool = Field(
        False,
        description="Run the container to completion before the others start, and do not start "
        "them if it fails. The containers in its own `depends_on` start before it.",
    )
    essential: bool = Field(True, description="Whether the task ends when this container ends.")
    user: User | None = Field(
        None, description="User, and optionally group, that the container runs as: `1000:1000`."
    )
    working_directory: Directory | None = Field(
        None, description="Directory in which the command runs."
    )
    readonly_root_filesystem: bool = Field(
        False, description="Mount the container's root file system read-only."
    )
    mounts: dict[VolumeName, MountField] = Field(
        {},
        examples=[{"uploads": "/srv/uploads"}],
        description="Volumes of the task (`volumes:`) by name, with the paths to mount them at.",
    )
    tmpfs: dict[MountPath, Tmpfs] = Field({}, description="Directories in memory (tmpfs), by path.")
    shared_memory: int | None = Field(
        None,
        ge=1,
        description="On instances: size of `/dev/shm` in MiB. Docker's default is 64.",
    )
    devices: UniqueList[Device] = Field(
        [],
        description="On instances: devices of the instance for the container: `/dev/fuse`, or "
        "`/dev/a:/dev/b` for another path in the container.",
    )
    max_swap: int | None = Field(
        None, ge=0, description="On instances: MiB of swap that the container can use; 0 for none."
    )
    swappiness: int | None = Field(
        None,
        ge=0,
        le=100,
        description="On instances, with `max_swap`: how readily the kernel swaps out the "
        "container's memory. It has no effect on Amazon Linux 2023, which the default AMI runs.",
    )
    init_process_enabled: bool = Field(
        False,
        description="Run an init process that forwards signals and reaps child processes.",
    )
    drop_capabilities: UniqueList[Capability] = Field(
        [], description="Linux capabilities to drop, such as `ALL`."
    )
    add_capabilities: UniqueList[Capability] = Field(
        [], description="Linux capabilities to add; on Fargate only `SYS_PTRACE`."
    )
    ulimits: dict[UlimitName, Ulimit] = Field(
        {},
        examples=[{"nofile": {"soft": 1024, "hard": 4096}}],
        description="Limits by name, such as `nofile`.",
    )
    system_controls: dict[KernelParameter, Variable] = Field(
        {}, description="Kernel parameters by name, such as `net.core.somaxconn`."
    )
    cpu: int | None = Field(
        None, ge=0, description="CPU units of the task that are reserved for this container."
    )
    memory: int | None = Field(
        None, ge=6, description="Memory limit in MiB; a container that exceeds it is killed."
    )
    memory_reservation: int | None = Field(
        None, ge=6, description="Memory in MiB that is reserved for this container."
    )
    start_timeout: Timeout | None = Field(
        None,
        description="Time that containers with `depends_on` wait for this one; on Fargate at most "
        "2m.",
    )
    stop_timeout: Timeout | None = Field(
        None,
        description="Time between SIGTERM and SIGKILL; 30s by default, on Fargate at most 2m.",
    )
    restart_policy: RestartPolicy | None = Field(
        None, description="Restart the container without replacing the task."
    )
    docker_labels: dict[LabelName, str] = Field({}, description="Docker labels of the container.")
    repository_credentials: WholeExternalSecret[SecretRef] | None = Field(
        None,
        description="`secretsmanager:<name>` with the user name and password of a private "
        "registry.",
    )
    interactive: bool = Field(False, description="Keep stdin open.")
    pseudo_terminal: bool = Field(False, description="Allocate a terminal (TTY).")
    version_consistency: Literal["enabled", "disabled"] | None = Field(
        None,
        description="Whether ECS resolves the image's tag to a digest once for all tasks of a "
        "deployment.",
    )


ContainerName = Annotated[
    str,
    text(
        CONTAINER_NAME,
        "a name of at most 255 letters, digits, `-` and `_`",
        "web",
    ),
]
Containers = dict[ContainerName, Container]


def apply_init(containers: Containers) -> Containers:
    """Replaces `init: true` by settings that ECS has: such a container is not essential, and every
    container that it does not depend on, directly or indirectly, waits for its success."""
    init = [name for name, container in containers.items() if container.init]
    before_init = _find_dependencies(init, containers)
    success = dict.fromkeys(init, "SUCCESS")
    return {
        name: container.model_copy(
            update={"essential": False}
            if container.init
            else {
                "depends_on": container.depends_on
                if name in before_init
                else {**success, **container.depends_on}
            }
        )
        for name, container in containers.items()
    }


def _find_dependencies(names: Iterable[str], containers: Containers) -> set[str]:
    """The containers that these depend on, directly or indirectly."""
    dependencies: set[str] = set()
    pending = list(names)
    while pending:
        new = {*containers[pending.pop()].depends_on} & {*containers} - dependencies
        dependencies |= new
        pending += sorted(new)
    return dependencies


def suggest_container(name: str, containers: Containers) -> str:
    """A hint for an unknown name: the container with the closest name, or all containers."""
    closest = near(name, containers)
    return f"Did you mean `{closest}`?" if closest else f"The task has {list_names(containers)}."


def choose_container(name: str | None, containers: Containers) -> str:
    """The container `name`, or, if that is None, the only one; empty if the task has several."""
    return name or (next(iter(containers)) if len(containers) == 1 else "")


def container_choice_problems(
    name: str | None, path: Path, containers: Containers
) -> Iterator[Problem]:
    """Why `choose_container` has no result; `path` is the entry with the key `container`."""
    container_path = (*path, "container")
    chosen = choose_container(name, containers)
    if not chosen:
        message = "The task has several containers, and `container` is missing"
        hint = f"Add `container:` with one of {list_names(containers)}."
        yield Problem("M2614", container_path, message, hint)
    elif chosen not in containers:
        message = f"The task has no container {shown(chosen)}"
        hint = suggest_container(chosen, containers)
        yield Problem("M1204", container_path, message, hint, because=[("containers", chosen)])
