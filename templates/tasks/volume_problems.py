"""What is wrong with the volumes of a task."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from moorage.facts.ebs_volumes import GP3_BASELINE_IOPS, IOPS, IOPS_PER_GIB, SIZES
from moorage.findings.finding import Path, Problem
from moorage.findings.wording import near, shown
from moorage.model import Environment, logical_id

from ..common.regions import key_region_problems
from .containers import Containers
from .volumes import Ebs, Efs, Volume

# What can be wrong ---------------------------------------------------------------------------


def volume_problems(
    volumes: Mapping[str, Volume], containers: Containers, env: Environment
) -> Iterator[Problem]:
    """What is wrong with the volumes of a task, and with their mounts."""
    mounted = {name for one in containers.values() for name in one.mounts}
    for name, volume in volumes.items():
        path: Path = ("volumes", name)
        if volume.efs and volume.ebs:
            message = "A volume is on EFS, or on EBS, or with the task"
            yield Problem("M1108", path, message, "Keep one of `efs` and `ebs`.")
        if name not in mounted:
            message = f"No container mounts `{name}`"
            hint = f"Add `mounts: {{{name}: /path}}` to one, or remove the volume."
            yield Problem("M1220", path, message, hint, because=[("containers",)])
        if volume.efs:
            yield from _efs_problems(volume.efs, (*path, "efs"), env)
        if volume.ebs:
            yield from _ebs_problems(volume.ebs, (*path, "ebs"), env)
    disks = [name for name, volume in volumes.items() if volume.ebs]
    for name in disks[1:]:
        message = f"A task has one volume on EBS, and `{disks[0]}` is one already"
        hint = "Keep one of them, or put the other on EFS."
        yield Problem("M1108", ("volumes", name, "ebs"), message, hint)
    yield from _title_problems(volumes)
    for name, container in containers.items():
        yield from _mount_problems(("containers", name), container.mounts, volumes)


def _mount_problems(
    here: Path, mounts: Mapping[str, Any], volumes: Mapping[str, Volume]
) -> Iterator[Problem]:
    paths: dict[str, str] = {}
    for name, mount in mounts.items():
        path = (*here, "mounts", name)
        if name not in volumes:
            meant = near(name, volumes)
            hint = f"Did you mean `{meant}`?" if meant else f"Add it: `volumes: {{{name}: {{}}}}`."
            because = [("volumes", name)]
            message = f"The task has no volume {shown(name)}"
            yield Problem("M1221", path, message, hint, because=because)
        place = mount.path.rstrip("/")
        if place in paths:
            message = f"`{paths[place]}` is mounted at {mount.path} already"
            yield Problem("M1108", path, message, "Mount one of them elsewhere.")
        if not place:
            message = "A volume cannot take the place of the image's root"
            yield Problem("M1107", path, message, "Mount it at a directory such as `/data`.")
        paths.setdefault(place, name)


def _title_problems(volumes: Mapping[str, Volume]) -> Iterator[Problem]:
    titles: dict[str, str] = {}
    for name, volume in volumes.items():
        title = logical_id(name) if volume.efs else ""
        if title and title in titles:
            message = f"`{titles[title]}` and `{name}` lead to the same logical IDs"
            yield Problem("M1302", ("volumes", name), message, "Rename one of them.")
        titles.setdefault(title, name)


def _efs_problems(one: Efs, path: Path, env: Environment) -> Iterator[Problem]:
    if one.existing and one.model_fields_set != {"existing"}:
        others = sorted(one.model_fields_set - {"existing"})
        message = f"`existing` stands beside {', '.join(others)}, which would change nothing"
        hint = "Remove what stands beside it, or remove `existing:`."
        yield Problem("M1108", (*path, "existing"), message, hint)
    yield from key_region_problems(one.kms_key, (*path, "kms_key"), env)


def _ebs_problems(one: Ebs, path: Path, env: Environment) -> Iterator[Problem]:
    """Amazon ECS API reference, ServiceManagedEBSVolumeConfiguration."""
    yield from key_region_problems(one.kms_key, (*path, "kms_key"), env)
    if one.size is None and one.snapshot is None:
        message = "The volume has no size, and no snapshot to take it from"
        yield Problem("M1102", (*path, "size"), message, "Write GiB, such as `size: 20`.")
    low, high = SIZES.get(one.type, (1, 16_384))
    if one.size is not None and not low <= one.size <= high:
        message = f"A `{one.type}` volume has {low} to {high} GiB, not {one.size}"
        yield Problem("M1105", (*path, "size"), message, "Write such a size, or `type: gp3`.")
    provisioned = one.type in IOPS
    if one.iops is not None and not provisioned:
        message = f"Operations per second cannot be chosen for `{one.type}`"
        yield Problem("M1108", (*path, "iops"), message, "Remove it, or write `type: gp3`.")
    elif one.iops is None and one.type in ("io1", "io2"):
        message = f"`{one.type}` needs `iops`"
        yield Problem("M1108", path, message, "Add `iops: 3000`, or write `type: gp3`.")
    elif one.iops is not None and not IOPS[one.type][0] <= one.iops <= IOPS[one.type][1]:
        low, high = IOPS[one.type]
        message = f"`{one.type}` has {low} to {high} operations per second, not {one.iops}"
        yield Problem("M1105", (*path, "iops"), message, "Write a number among these.")
    if one.throughput is not None and one.type != "gp3":
        message = f"Throughput cannot be chosen for `{one.type}`"
        yield Problem("M1108", (*path, "throughput"), message, "Remove it, or write `type: gp3`.")
    yield from _ratio_problems(one, path)


def _ratio_problems(one: Ebs, path: Path) -> Iterator[Problem]:
    """What EC2 finds too much for the size as a task starts (Amazon EBS user guide, "Amazon EBS
    volume types"); a `gp3` has its 3,000 operations per second at any size."""
    by_size = IOPS_PER_GIB.get(one.type, 0) * (one.size or 0)
    most = max(by_size, GP3_BASELINE_IOPS) if by_size and one.type == "gp3" else by_size
    if most and one.iops and most < one.iops <= IOPS[one.type][1]:
        message = f"{one.iops} operations per second are too many for {one.size} GiB"
        hint = f"Write {most} or fewer, or at least "
        hint += f"`size: {math.ceil(one.iops / IOPS_PER_GIB[one.type])}`."
        yield Problem("M1105", (*path, "iops"), message, hint, because=[(*path, "size")])
    if (
        one.type == "gp3"
        and one.throughput
        and one.throughput * 4 > (one.iops or GP3_BASELINE_IOPS)
    ):
        message = f"{one.throughput} MiB per second take {one.throughput * 4} operations per second"
        hint = f"Write `iops: {one.throughput * 4}`, or less `throughput`."
        yield Problem("M1105", (*path, "throughput"), message, hint, because=[(*path, "iops")])
