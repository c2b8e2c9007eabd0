"""Mounts of a container: volumes of the task by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, GetJsonSchemaHandler
from pydantic_core import CoreSchema
from troposphere import ecs

from moorage.model import Base

from ..common.fields import text

VolumeName = Annotated[
    str,
    text(
        r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}",
        "a name of at most 63 letters, digits, `-` and `_`",
        "uploads",
    ),
]
MountPath = Annotated[str, text(r"/[^\s:]*", "an absolute path", "/srv/uploads")]


class Mount(Base):
    """Where a container mounts a volume."""

    path: MountPath = Field(description="Path in the container.")
    read_only: bool = Field(False, description="Mount the volume read-only.")


def _validate_mount(value: Any) -> Any:
    return {"path": value} if isinstance(value, str) else value


class _PathSchema:
    """JSON Schema of a mount, which may be written as its path alone."""

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {"anyOf": [{"type": "string", "pattern": "^/"}, handler(core)]}


MountField = Annotated[Mount, BeforeValidator(_validate_mount), _PathSchema()]
"""A path, or a map with the path and other settings."""


def mount_points(mounts: Mapping[str, Mount]) -> list[ecs.MountPoint]:
    """The MountPoints property of a container definition, in the order of the volumes."""
    return [
        ecs.MountPoint(SourceVolume=name, ContainerPath=mount.path, ReadOnly=mount.read_only)
        for name, mount in sorted(mounts.items())
    ]
