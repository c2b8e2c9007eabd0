"""What containers mount: volumes of their task by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, GetJsonSchemaHandler
from pydantic_core import CoreSchema
from troposphere import ecs

from moorage.model import Base

from ..common.fields import text

VolumeName = Annotated[
    str, text(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}", "a name of letters, digits, - and _", "uploads")
]
MountPath = Annotated[str, text(r"/[^\s:]*", "an absolute path", "/srv/uploads")]


class Mount(Base):
    """Where a container finds a volume."""

    path: MountPath = Field(description="Where in the container it is.")
    read_only: bool = Field(False, description="Let the container read it only.")


def _mount(value: Any) -> Any:
    return {"path": value} if isinstance(value, str) else value


class _PathSchema:
    """JSON Schema of a mount: its path may stand for it."""

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {"anyOf": [{"type": "string", "pattern": "^/"}, handler(core)]}


MountField = Annotated[Mount, BeforeValidator(_mount), _PathSchema()]
"""A path, or a map that says more."""


def mount_points(mounts: Mapping[str, Mount]) -> list[ecs.MountPoint]:
    """A container's mounts as its definition has them, by volume."""
    return [
        ecs.MountPoint(SourceVolume=name, ContainerPath=one.path, ReadOnly=one.read_only)
        for name, one in sorted(mounts.items())
    ]
