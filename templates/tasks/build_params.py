"""`build:` of a container: how its image is built from a folder of the project."""

from __future__ import annotations

import posixpath
import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, GetJsonSchemaHandler, WithJsonSchema
from pydantic_core import CoreSchema

from moorage.findings.wording import shown
from moorage.model import Base, wrong

from ..common.fields import UniqueList, text
from .images import is_image
from .variables import Variable

_PATH = re.compile(r'[^\s,"~/\\:][^,"\n\\:]*')
"""Programs split options with paths at commas and colons."""


def _validate_path(value: str) -> str:
    """A path below the folder of the project, without `./` and `..`."""
    path = posixpath.normpath(value) if value else ""
    if not _PATH.fullmatch(path) or path.split("/")[0] == "..":
        hint = "Write a path relative to the folder of the project, such as `services/web`."
        if "://" in value or value.startswith("git@"):
            hint = f"Images are built from files of the project. {hint}"
        elif path.split("/")[0] == ".." or value.startswith("/"):
            hint += " For code in another folder, `moorage image` has the option `--project DIR`."
        elif set(value) & set(',"\\:'):
            hint = "Use a path without commas, colons, quotes and backslashes."
        raise wrong("M1801", f"{shown(value)} is not a path in the project", hint)
    return path


ProjectPath = Annotated[
    str,
    AfterValidator(_validate_path),
    WithJsonSchema({"type": "string", "takes": "a path in the project, such as `services/web`"}),
]
"""A path relative to the folder that contains the folder of the params."""

_SECRET = re.compile(r"env:[A-Za-z_][A-Za-z0-9_]*|file:(?P<path>.+)", re.DOTALL)


def _validate_secret(value: str) -> str:
    match = _SECRET.fullmatch(value)
    if match is None:
        message = f"{shown(value)} is not the place of a build secret"
        hint = "Write `env:NAME` for an environment variable of the machine that builds, or "
        raise wrong("M1802", message, f"{hint}`file:PATH` for a file of the project.")
    return f"file:{_validate_path(match['path'])}" if match["path"] else value


BuildSecret = Annotated[
    str,
    AfterValidator(_validate_secret),
    WithJsonSchema(
        {"type": "string", "pattern": "^(env|file):.", "takes": "`env:NAME` or `file:PATH`"}
    ),
]
"""Where the machine that builds has a secret: an environment variable, or a file."""

_CACHE = re.compile(r"type=gha(,(scope=[A-Za-z0-9_./-]+|mode=(min|max)))*|type=inline")


def _validate_cache(value: str) -> str:
    if not _CACHE.fullmatch(value) and not is_image(value):
        message = f"{shown(value)} is not a cache for the layers of images"
        hint = "Write an image, such as `ecr:shop/web:cache`, or `type=gha` for the cache of "
        raise wrong("M1803", message, f"{hint}GitHub Actions.")
    return value


Cache = Annotated[
    str,
    AfterValidator(_validate_cache),
    WithJsonSchema({"type": "string", "examples": ["ecr:shop/web:cache", "type=gha"]}),
]
Stage = Annotated[
    str, text(r"[A-Za-z0-9][A-Za-z0-9_.-]*", "the name of a build stage", "production")
]
ArgumentName = Annotated[
    str, text(r"[A-Za-z_][A-Za-z0-9_]*", "the name of a build argument", "NODE_VERSION")
]
SecretId = Annotated[str, text(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", "the id of a build secret", "npm")]
Platform = Literal["linux/amd64", "linux/arm64"]


class Build(Base):
    """How `moorage image build` and `moorage image push` build an image. Paths are relative to the
    folder of the project, in which `params/` is, and do not lead out of it."""

    context: ProjectPath = Field(".", description="Folder whose files the Dockerfile can copy.")
    dockerfile: ProjectPath | None = Field(
        None, description="Path of the Dockerfile. Default: `Dockerfile` in the context."
    )
    target: Stage | None = Field(
        None, description="Stage of the Dockerfile to build. Default: the last one."
    )
    args: dict[ArgumentName, Variable] = Field(
        {},
        examples=[{"NODE_VERSION": "22"}],
        description="Values of `ARG` in the Dockerfile. Everyone who can pull the image can read "
        "them.",
    )
    secrets: dict[SecretId, BuildSecret] = Field(
        {},
        examples=[{"npm": "env:NPM_TOKEN"}],
        description="Secrets for `RUN --mount=type=secret` in the Dockerfile, by their ids: "
        "`env:NAME` is an environment variable of the machine that builds, `file:PATH` a file of "
        "the project.",
    )
    platforms: UniqueList[Platform] = Field(
        [],
        description="Platforms of the image. Default: that of the task's `cpu_architecture`.",
    )
    cache_from: UniqueList[Cache] = Field(
        [],
        description="Caches with the layers of earlier builds: images, such as "
        "`ecr:shop/web:cache`, or `type=gha`.",
    )
    cache_to: UniqueList[Cache] = Field(
        [],
        description="Caches that the layers are written to. The tag must be movable: "
        "`immutable_tags: {exclusions: [cache]}`.",
    )

    @property
    def dockerfile_path(self) -> str:
        """Path of the Dockerfile in the project."""
        return self.dockerfile or posixpath.normpath(f"{self.context}/Dockerfile")


def _parse_context(value: Any) -> Any:
    return {"context": value} if isinstance(value, str) else value


class _ContextSchema:
    """JSON Schema of a build, which may be written as its context alone."""

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {"anyOf": [{"type": "string"}, handler(core)]}


BuildField = Annotated[Build, BeforeValidator(_parse_context), _ContextSchema()]
"""The context alone, or a map with it and other settings."""
