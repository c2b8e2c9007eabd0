"""Linux parameters of containers: tmpfs, devices, capabilities and kernel parameters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import Field
from troposphere import ecs

from moorage.facts.fargate import ADDABLE_CAPABILITIES, MAX_START_TIMEOUT, MAX_STOP_TIMEOUT
from moorage.facts.tmpfs_options import FLAGS, WITH_VALUE
from moorage.findings.finding import Path, Problem
from moorage.model import Base

from ..common.fields import UniqueList, format_duration, text

TmpfsOption = Annotated[
    str,
    text(
        "|".join((*FLAGS, *(f"{name}={value}" for name, value in WITH_VALUE.items()))),
        "a mount option of a tmpfs",
        "noexec",
    ),
]
# Amazon ECS API reference, SystemControl, namespace.
KernelParameter = Annotated[
    str,
    text(
        r"kernel\.(msgmax|msgmnb|msgmni|sem|shmall|shmmax|shmmni|shm_rmid_forced)"
        r"|fs\.mqueue\.[a-z_]+|net\.[a-z0-9_.-]+",
        "a kernel parameter that a container can set",
        "net.core.somaxconn",
    ),
]
Device = Annotated[
    str,
    text(r"/[^\s:]+(:/[^\s:]+)?", "the path of a device, or two paths with a colon", "/dev/fuse"),
]


class Tmpfs(Base):
    """A directory in memory. Its content counts as memory of the container."""

    size: int = Field(ge=1, le=122_880, description="Maximum size in MiB.")
    options: UniqueList[TmpfsOption] = Field(
        [], description="Mount options, such as `noexec` or `mode=1777`."
    )


def tmpfs(directories: Mapping[str, Tmpfs]) -> list[ecs.Tmpfs]:
    """The Tmpfs property of a container definition, in the order of the paths."""
    return [
        ecs.Tmpfs(
            ContainerPath=path,
            Size=directory.size,
            **({"MountOptions": directory.options} if directory.options else {}),
        )
        for path, directory in sorted(directories.items())
    ]


def system_controls(parameters: Mapping[str, str]) -> list[ecs.SystemControl]:
    """The SystemControls property of a container definition, in the order of the names."""
    return [
        ecs.SystemControl(Namespace=name, Value=value) for name, value in sorted(parameters.items())
    ]


def device(paths: str) -> ecs.Device:
    """A device by its path on the instance, and after a colon its path in the container."""
    host, _, container = paths.partition(":")
    return ecs.Device(HostPath=host, **({"ContainerPath": container} if container else {}))


# Amazon ECS developer guide, "Amazon ECS task definition differences for Fargate".
_NOT_ON_FARGATE = {
    "shared_memory": (
        "Fargate does not support changing the size of `/dev/shm`",
        "Remove `shared_memory` and use `tmpfs:`, or write `launch: ec2`.",
    ),
    "devices": (
        "Fargate does not support devices",
        "Remove `devices`, or write `launch: ec2`.",
    ),
    "max_swap": ("Fargate has no swap", "Remove `max_swap`, or write `launch: ec2`."),
    "swappiness": ("Fargate has no swap", "Remove `swappiness`, or write `launch: ec2`."),
}


def fargate_container_problems(path: Path, container: Any) -> Iterator[Problem]:
    """Settings of the container at `path` that Fargate does not support."""
    for key, (message, hint) in _NOT_ON_FARGATE.items():
        if getattr(container, key) not in (None, []):
            yield Problem("M2722", (*path, key), message, hint, because=[("launch",)])
    for key, limit in (("start_timeout", MAX_START_TIMEOUT), ("stop_timeout", MAX_STOP_TIMEOUT)):
        if (getattr(container, key) or 0) > limit:
            message = f"Fargate does not support a `{key}` of more than {format_duration(limit)}"
            hint = f"Write `{key}: {format_duration(limit)}` or less, or `launch: ec2`."
            yield Problem("M2722", (*path, key), message, hint, because=[("launch",)])
    for index, capability in enumerate(container.add_capabilities):
        if capability not in ADDABLE_CAPABILITIES:
            message = f"Fargate cannot add the capability {capability}, only SYS_PTRACE"
            hint = f"Remove {capability}, or write `launch: ec2`."
            capability_path = (*path, "add_capabilities", index)
            yield Problem("M2722", capability_path, message, hint, because=[("launch",)])


def system_control_problems(
    controls: Mapping[str, Mapping[str, str]], mode: str
) -> Iterator[Problem]:
    """Problems of `net.` kernel parameters, which are set for each container.

    In the network mode `awsvpc` the containers share one network, so the value of the container
    that starts last applies to all of them. In the mode `host` the network is that of the instance,
    whose parameters ECS does not set (Amazon ECS API reference, SystemControl).
    """
    first: dict[str, tuple[str, str]] = {}
    for container, parameters in controls.items():
        for name, value in parameters.items():
            if mode == "bridge" or not name.startswith("net."):
                continue
            path: Path = ("containers", container, "system_controls", name)
            if mode == "host":
                message = (
                    f"With `network_mode: host`, `{name}` is a parameter of the instance's network"
                )
                hint = "Remove it, or write `network_mode: awsvpc`."
                yield Problem("M2621", path, message, hint, because=[("network_mode",)])
                continue
            first_container, first_value = first.setdefault(name, (container, value))
            if first_value != value:
                message = f"`{first_container}` sets `{name}` to {first_value}, but the containers "
                message += "share one network"
                yield Problem("M2622", path, message, "Write the same value in both containers.")
