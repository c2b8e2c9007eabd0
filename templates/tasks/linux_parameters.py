"""What containers say of the Linux under them: memory file systems and kernel parameters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field
from troposphere import ecs

from moorage.findings.finding import Path, Problem
from moorage.model import Base

from ..common.fields import UniqueList, text

# Amazon ECS API reference, Tmpfs, mountOptions: those of them that a mount of its own can use.
TmpfsOption = Literal[
    "defaults", "ro", "rw", "suid", "nosuid", "dev", "nodev", "exec", "noexec", "sync", "async"
]
# Amazon ECS API reference, SystemControl, namespace.
KernelParameter = Annotated[
    str,
    text(
        r"kernel\.(msgmax|msgmnb|msgmni|sem|shmall|shmmax|shmmni|shm_rmid_forced)"
        r"|fs\.mqueue\.[a-z_]+|net\.[a-z0-9_.-]+",
        "a kernel parameter of a container",
        "net.core.somaxconn",
    ),
]


Device = Annotated[
    str, text(r"/[^\s:]+(:/[^\s:]+)?", "a device, or one under another path", "/dev/fuse")
]


class Tmpfs(Base):
    """A directory in memory. What is in it counts as the container's memory."""

    size: int = Field(ge=1, le=122_880, description="MiB that it may take.")
    options: UniqueList[TmpfsOption] = Field(
        [], description="Options of the mount, such as `noexec`."
    )


def tmpfs(directories: Mapping[str, Tmpfs]) -> list[ecs.Tmpfs]:
    """Directories in memory as a container definition has them, by path."""
    return [
        ecs.Tmpfs(
            ContainerPath=path,
            Size=one.size,
            **({"MountOptions": one.options} if one.options else {}),
        )
        for path, one in sorted(directories.items())
    ]


def system_controls(parameters: Mapping[str, str]) -> list[ecs.SystemControl]:
    """Kernel parameters as a container definition has them, by name."""
    return [
        ecs.SystemControl(Namespace=name, Value=value) for name, value in sorted(parameters.items())
    ]


def device(written: str) -> ecs.Device:
    """A device of the instance; under the same path where no other is written."""
    host, _, container = written.partition(":")
    return ecs.Device(HostPath=host, **({"ContainerPath": container} if container else {}))


# Amazon ECS developer guide, "Amazon ECS task definition differences for Fargate".
_ON_INSTANCES = {
    "shared_memory": "Fargate gives `/dev/shm` no other size; use `tmpfs:`",
    "devices": "On Fargate a task is given no devices",
    "max_swap": "Fargate has no swap",
    "swappiness": "Fargate has no swap",
}


def fargate_problems(here: Path, container: Any) -> Iterator[Problem]:
    """What Fargate does not let a container at `here` say of the Linux under it."""
    for key, message in _ON_INSTANCES.items():
        if getattr(container, key) not in (None, []):
            hint = "Leave it out, or write `launch: ec2`."
            yield Problem("M1220", (*here, key), message, hint, because=[("launch",)])
    for at, added in enumerate(container.add_capabilities):
        if added != "SYS_PTRACE":
            message = f"Fargate adds no capability but SYS_PTRACE, and not {added}"
            hint = "Leave it out, or write `launch: ec2`."
            path = (*here, "add_capabilities", at)
            yield Problem("M1220", path, message, hint, because=[("launch",)])


def control_problems(controls: Mapping[str, Mapping[str, str]], mode: str) -> Iterator[Problem]:
    """Kernel parameters by container. Where the containers share one network, its parameters are
    all of theirs, and of two values the one of the container that starts last counts; those of the
    instance's own network no container sets (Amazon ECS API reference, SystemControl)."""
    first: dict[str, tuple[str, str]] = {}
    for container, parameters in controls.items():
        for name, value in parameters.items():
            if mode == "bridge" or not name.startswith("net."):
                continue
            if mode == "host":
                message = f"{name} is of the network, which with `host` is the instance's own"
                hint = "Leave it out, or write `network_mode: awsvpc`."
                path: Path = ("containers", container, "system_controls", name)
                yield Problem("M1220", path, message, hint, because=[("network_mode",)])
                continue
            other, its = first.setdefault(name, (container, value))
            if its != value:
                message = f"`{other}` sets {name} to {its}, and both containers share one network"
                path = ("containers", container, "system_controls", name)
                yield Problem("M1108", path, message, "Write one value for both.")
