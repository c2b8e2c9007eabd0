"""Problems of the volumes of a task and of their mounts."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from moorage.facts.ebs_volumes import GP3_BASELINE_IOPS, IOPS, IOPS_PER_GIB, MAX_SIZE, MIN_SIZES
from moorage.findings.finding import Path, Problem
from moorage.findings.wording import join_and, near, shown
from moorage.model import Environment, logical_id

from ..common.regions import key_region_problems
from .containers import Containers
from .mounts import Mount
from .volumes import Ebs, Efs, Volume

# Amazon EBS user guide, "Amazon EBS volume types": at most 0.25 MiB/s for each of its IOPS.
_GP3_IOPS_PER_MIB = 4


def volume_problems(
    volumes: Mapping[str, Volume], containers: Containers, env: Environment
) -> Iterator[Problem]:
    """Problems of the volumes of a task, and of their mounts in its containers."""
    mounted = {name for container in containers.values() for name in container.mounts}
    for name, volume in volumes.items():
        path: Path = ("volumes", name)
        if volume.efs and volume.ebs:
            message = "A volume cannot be on both EFS and EBS"
            yield Problem("M2801", path, message, "Remove one of `efs` and `ebs`.")
        if name not in mounted:
            message = f"No container mounts the volume `{name}`"
            hint = f"Add `mounts: {{{name}: /path}}` to a container, or remove the volume."
            yield Problem("M2802", path, message, hint, because=[("containers",)])
        if volume.efs:
            yield from _efs_problems(volume.efs, (*path, "efs"), env)
        if volume.ebs:
            yield from _ebs_problems(volume.ebs, (*path, "ebs"), env)
    ebs_volumes = [name for name, volume in volumes.items() if volume.ebs]
    for name in ebs_volumes[1:]:
        message = f"A task can have only one EBS volume, and `{ebs_volumes[0]}` is one already"
        hint = "Keep one of them, and use `efs:` for the other."
        yield Problem("M2803", ("volumes", name, "ebs"), message, hint)
    yield from _logical_id_problems(volumes)
    for name, container in containers.items():
        yield from _mount_problems(("containers", name), container.mounts, volumes)


def _mount_problems(
    container_path: Path, mounts: Mapping[str, Mount], volumes: Mapping[str, Volume]
) -> Iterator[Problem]:
    volume_by_directory: dict[str, str] = {}
    for name, mount in mounts.items():
        path = (*container_path, "mounts", name)
        if name not in volumes:
            closest = near(name, volumes)
            hint = f"Did you mean `{closest}`?" if closest else f"Add `volumes: {{{name}: {{}}}}`."
            message = f"The task has no volume {shown(name)}"
            yield Problem("M1221", path, message, hint, because=[("volumes", name)])
        directory = mount.path.rstrip("/")
        if directory in volume_by_directory:
            message = (
                f"The volume `{volume_by_directory[directory]}` is also mounted at {mount.path}"
            )
            yield Problem("M2804", path, message, "Mount one of the two at another path.")
        if not directory:
            message = "A volume cannot be mounted at `/`, the root of the image"
            yield Problem("M2805", path, message, "Mount it at a directory, such as `/data`.")
        volume_by_directory.setdefault(directory, name)


def _logical_id_problems(volumes: Mapping[str, Volume]) -> Iterator[Problem]:
    """EFS volumes whose names differ only in characters that a logical ID cannot have."""
    first: dict[str, str] = {}
    for name, volume in volumes.items():
        prefix = logical_id(name) if volume.efs else ""
        if prefix and prefix in first:
            message = f"The volumes `{first[prefix]}` and `{name}` would have the same logical IDs"
            yield Problem("M1302", ("volumes", name), message, "Rename one of them.")
        first.setdefault(prefix, name)


def _efs_problems(volume: Efs, path: Path, env: Environment) -> Iterator[Problem]:
    if volume.existing and volume.model_fields_set != {"existing"}:
        keys = join_and(f"`{key}`" for key in sorted(volume.model_fields_set - {"existing"}))
        message = f"Moorage does not change an existing file system: {keys} would have no effect"
        hint = f"Remove {keys}, or remove `existing` to create a file system."
        yield Problem("M2812", (*path, "existing"), message, hint)
    yield from key_region_problems(volume.kms_key, (*path, "kms_key"), env)


def _ebs_problems(volume: Ebs, path: Path, env: Environment) -> Iterator[Problem]:
    """Amazon ECS API reference, ServiceManagedEBSVolumeConfiguration."""
    yield from key_region_problems(volume.kms_key, (*path, "kms_key"), env)
    if volume.size is None and volume.snapshot is None:
        message = "The EBS volume has neither a size nor a snapshot"
        hint, because = "Add the size in GiB: `size: 20`.", [(*path, "snapshot")]
        yield Problem("M2806", (*path, "size"), message, hint, because=because)
    low = MIN_SIZES.get(volume.type, 1)
    if volume.size is not None and volume.size < low:
        message = f"A `{volume.type}` volume cannot have a size of {volume.size} GiB"
        hint = f"Write a size from {low} to {MAX_SIZE}, or `type: gp3`."
        yield Problem("M2807", (*path, "size"), message, hint)
    if volume.iops is not None and volume.type not in IOPS:
        message = f"IOPS cannot be set for `type: {volume.type}`"
        yield Problem("M2808", (*path, "iops"), message, "Remove `iops`, or write `type: gp3`.")
    elif volume.iops is None and volume.type in ("io1", "io2"):
        message = f"A volume of `type: {volume.type}` needs `iops`"
        yield Problem("M2809", path, message, "Add `iops: 3000`, or write `type: gp3`.")
    elif volume.iops is not None:
        low, high = IOPS[volume.type]
        if not low <= volume.iops <= high:
            message = f"A `{volume.type}` volume cannot have {volume.iops} IOPS"
            hint = f"Write a number from {low} to {high}."
            yield Problem("M2810", (*path, "iops"), message, hint)
    if volume.throughput is not None and volume.type != "gp3":
        message = f"Throughput cannot be set for `type: {volume.type}`"
        hint = "Remove `throughput`, or write `type: gp3`."
        yield Problem("M2808", (*path, "throughput"), message, hint)
    yield from _ratio_problems(volume, path)


def _ratio_problems(volume: Ebs, path: Path) -> Iterator[Problem]:
    """Ratios for which EC2 refuses the volume when a task starts (Amazon EBS user guide, "Amazon
    EBS volume types"). A `gp3` volume has 3,000 IOPS at any size."""
    ratio = IOPS_PER_GIB.get(volume.type, 0)
    limit = ratio * (volume.size or 0)
    if limit and volume.type == "gp3":
        limit = max(limit, GP3_BASELINE_IOPS)
    if limit and volume.iops and limit < volume.iops <= IOPS[volume.type][1]:
        message = f"{volume.iops} IOPS are too many for {volume.size} GiB"
        hint = f"Write at most `iops: {limit}`, or at least "
        hint += f"`size: {math.ceil(volume.iops / ratio)}`."
        yield Problem("M2810", (*path, "iops"), message, hint, because=[(*path, "size")])
    needed = (volume.throughput or 0) * _GP3_IOPS_PER_MIB
    if volume.type == "gp3" and needed > (volume.iops or GP3_BASELINE_IOPS):
        message = f"A throughput of {volume.throughput} MiB/s needs {needed} IOPS"
        hint = f"Write `iops: {needed}`, or a lower `throughput`."
        yield Problem("M2811", (*path, "throughput"), message, hint, because=[(*path, "iops")])
