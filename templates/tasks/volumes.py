"""Volumes of tasks: their params, what can be wrong with them, and what comes out.

A volume that says nothing lives with its task and is shared by its containers. One on EFS outlives
tasks and is shared by all of them; one on EBS is each task's own, and goes with it.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from moorage.model import Base

from ..common.fields import KeyArn, SecurityGroupId, Switch, text
from .mounts import VolumeName

FileSystemId = Annotated[
    str, text(r"fs-[0-9a-f]{8,40}", "the id of an EFS file system", "fs-0123456789abcdef0")
]
AccessPointId = Annotated[
    str, text(r"fsap-[0-9a-f]{8,40}", "the id of an EFS access point", "fsap-0123456789abcdef0")
]
SnapshotId = Annotated[
    str, text(r"snap-[0-9a-f]{8,17}", "the id of a snapshot", "snap-0123456789abcdef0")
]
# EFS API reference, RootDirectory, Path.
EfsDirectory = Annotated[
    str,
    text(r"/|(?=.{1,100}$)(/(?!\.)[^$#<>;`|&?{}^*/\n]+){1,4}", "a directory of EFS", "/uploads"),
]
Owner = Annotated[str, text(r"\d{1,9}:\d{1,9}", "the numbers of a user and a group", "1000:1000")]


class ExistingEfs(Base):
    """An EFS file system that is there already."""

    file_system: FileSystemId = Field(description="Its id.")
    access_point: AccessPointId = Field(
        description="Id of the access point through which it is mounted."
    )
    security_group: SecurityGroupId | None = Field(
        None,
        description="Security group of its mount targets, which the stack opens to the tasks. "
        "Without it they must be admitted already.",
    )
    root: bool = Field(False, description="Whether the access point makes every user root.")


class Efs(Base):
    """An EFS file system of the stack's own, encrypted, with a mount target in every zone and an
    access point. It is mounted with the task role and TLS; nobody else can mount it without."""

    owner: Owner = Field(
        "1000:1000",
        description="User and group that every container is on the volume, whatever its own: "
        "numbers, `0:0` for root.",
    )
    permissions: Annotated[str, text(r"[0-7]{3,4}", "permissions in octal, in quotes", "0750")] = (
        Field("0755", description="Permissions of the directory when it is made.")
    )
    directory: EfsDirectory | None = Field(
        None, description="Directory that is mounted, and made first; `/` and the volume's name."
    )
    throughput: Literal["elastic", "bursting"] = Field(
        "elastic", description="`elastic` follows the load; `bursting` depends on the size."
    )
    infrequent_access_after: (
        Literal["1d", "7d", "14d", "30d", "60d", "90d", "180d", "270d", "365d"] | None
    ) = Field(None, description="Time unread after which a file is moved to cheaper storage.")
    backups: bool = Field(True, description="Let AWS Backup keep a daily backup.")
    kms_key: KeyArn | None = Field(
        None, description="ARN of the KMS key to encrypt with; AWS's own where none is given."
    )
    keep: bool = Field(
        True,
        description="Keep the file system and its files when the stack is deleted, or the volume "
        "is taken out of the params.",
    )
    existing: ExistingEfs | None = Field(
        None, description="Use a file system that is there already."
    )


class Ebs(Base):
    """An EBS volume for each task, encrypted. It is made as the task starts and goes with it."""

    size: int | None = Field(
        None, ge=1, le=16_384, description="GiB; the snapshot's where none is given."
    )
    type: Literal["gp3", "gp2", "io2", "io1", "st1", "sc1"] = Field(
        "gp3", description="EBS volume type."
    )
    iops: int | None = Field(
        None, ge=100, le=256_000, description="Operations per second; needed for `io1` and `io2`."
    )
    throughput: int | None = Field(None, ge=125, le=1_000, description="MiB per second of a `gp3`.")
    filesystem: Literal["xfs", "ext4", "ext3"] = Field(
        "xfs", description="File system; with a snapshot the one that it holds."
    )
    snapshot: SnapshotId | None = Field(None, description="Snapshot that the volume begins with.")
    kms_key: KeyArn | None = Field(
        None,
        description="ARN of the KMS key to encrypt with, whose policy must admit the stack's "
        "`InfrastructureRole`; the account's default where none is given.",
    )


class Volume(Base):
    """A volume of the task. With neither key it is an empty directory that its containers share."""

    efs: Switch[Efs] = Field(None, description="On EFS: outlives tasks, shared by all of them.")
    ebs: Ebs | None = Field(None, description="On EBS: a disk for each task, gone with it.")


class VolumeParams(Base):
    """What a stack says of the volumes of its tasks."""

    volumes: dict[VolumeName, Volume] = Field(
        {}, description="Volumes by name, which containers mount by `mounts:`."
    )
