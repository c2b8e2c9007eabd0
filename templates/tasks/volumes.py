"""Params of the volumes of a task.

A volume without other keys is a directory that the containers of a task share and that is deleted
with the task. A volume with `efs` outlives the tasks and is shared by all of them. With `ebs` each
task has an EBS volume, which is deleted with the task.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from moorage.facts import resource_ids
from moorage.facts.ebs_volumes import MAX_SIZE
from moorage.model import Base

from ..common.fields import KeyArn, SecurityGroupId, Switch, text
from ..common.references import External
from .mounts import VolumeName

FileSystemId = Annotated[
    str, text(resource_ids.EFS_FILE_SYSTEM, "the ID of an EFS file system", "fs-0123456789abcdef0")
]
AccessPointId = Annotated[
    str,
    text(resource_ids.EFS_ACCESS_POINT, "the ID of an EFS access point", "fsap-0123456789abcdef0"),
]
SnapshotId = Annotated[
    str, text(resource_ids.SNAPSHOT, "the ID of an EBS snapshot", "snap-0123456789abcdef0")
]
# EFS API reference, RootDirectory, Path.
EfsDirectory = Annotated[
    str,
    text(
        r"/|(?=.{1,100}$)(/(?!\.)[^$#<>;`|&?{}^*/\n]+){1,4}",
        "an absolute path of at most four directories",
        "/uploads",
    ),
]
Owner = Annotated[str, text(r"[0-9]{1,9}:[0-9]{1,9}", "a user ID and a group ID", "1000:1000")]


class ExistingEfs(Base):
    """An EFS file system that already exists."""

    file_system: External[FileSystemId] = Field(description="ID of the file system.")
    access_point: External[AccessPointId] = Field(
        description="ID of the access point through which it is mounted."
    )
    security_group: External[SecurityGroupId] | None = Field(
        None,
        description="Security group of its mount targets; the stack adds a rule for NFS from the "
        "tasks. Without it the mount targets must already allow the tasks.",
    )
    root: bool = Field(False, description="Whether the access point maps every user to root.")


class Efs(Base):
    """An encrypted EFS file system that the stack creates, with a mount target in every
    Availability Zone and an access point. Tasks mount it with TLS and with the permissions of the
    task role; without both it cannot be mounted."""

    key_use: ClassVar[str | None] = "file_systems"

    owner: Owner = Field(
        "1000:1000",
        description="User ID and group ID with which all containers access the volume, regardless "
        "of the user that they run as; `0:0` for root.",
    )
    permissions: Annotated[str, text(r"[0-7]{3,4}", "permissions in octal", "0750")] = Field(
        "0755",
        description="Permissions, in octal and in quotes, with which the directory is created.",
    )
    directory: EfsDirectory | None = Field(
        None,
        description="Directory of the file system to mount, created if it does not exist. Default: "
        "`/` and the volume's name.",
    )
    throughput: Literal["elastic", "bursting"] = Field(
        "elastic",
        description="Throughput mode: `elastic` scales with the load, `bursting` with the size.",
    )
    infrequent_access_after: (
        Literal["1d", "7d", "14d", "30d", "60d", "90d", "180d", "270d", "365d"] | None
    ) = Field(
        None,
        description="Time since its last access after which a file moves to EFS Infrequent Access.",
    )
    backups: bool = Field(True, description="Let AWS Backup create automatic backups.")
    kms_key: External[KeyArn] | None = Field(
        None, description="ARN of the KMS key to encrypt with; the AWS managed key by default."
    )
    keep: bool = Field(
        True,
        description="Keep the file system and its files when the stack is deleted or the volume is "
        "removed from the params.",
    )
    existing: ExistingEfs | None = Field(None, description="Use a file system that already exists.")


class Ebs(Base):
    """An encrypted EBS volume for each task, created when the task starts and deleted with it."""

    size: int | None = Field(
        None, ge=1, le=MAX_SIZE, description="Size in GiB; that of the snapshot by default."
    )
    type: Literal["gp3", "gp2", "io2", "io1", "st1", "sc1"] = Field(
        "gp3", description="EBS volume type."
    )
    iops: int | None = Field(
        None, ge=100, le=256_000, description="IOPS; required for `io1` and `io2`."
    )
    throughput: int | None = Field(
        None, ge=125, le=1_000, description="Throughput of a `gp3` volume in MiB/s."
    )
    filesystem: Literal["xfs", "ext4", "ext3"] = Field(
        "xfs",
        description="File system type; a volume from a snapshot has the type of the snapshot.",
    )
    snapshot: External[SnapshotId] | None = Field(
        None, description="ID of the snapshot from which the volume is created."
    )
    kms_key: External[KeyArn] | None = Field(
        None,
        description="ARN of the KMS key to encrypt with; its key policy must allow the stack's "
        "`InfrastructureRole`. Default: the account's default key for EBS.",
    )


class Volume(Base):
    """A volume of the task. With neither key it is an empty directory that the task's containers
    share."""

    efs: Switch[Efs] = Field(
        None, description="Keep the volume on EFS: it outlives the tasks, and all of them share it."
    )
    ebs: Ebs | None = Field(
        None, description="Give each task an EBS volume, which is deleted with the task."
    )


class VolumeParams(Base):
    """The volumes of a stack's tasks."""

    volumes: dict[VolumeName, Volume] = Field(
        {}, description="Volumes by name; containers mount them with `mounts:`."
    )
