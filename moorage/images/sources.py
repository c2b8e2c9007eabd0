"""What a build needs on this machine: files of the project, and secrets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from moorage.images.planned import PlannedImage
from moorage.pipeline.named_file import leads_outside
from moorage.plan import ImageBuild


def find_source_problems(
    images: Iterable[PlannedImage], project: Path, environ: Mapping[str, str]
) -> Iterator[str]:
    """What is missing, or leads out of the project by a symbolic link, in the order of the images.
    Values of secrets are not read."""
    for image in images:
        build = image.build
        yield from (f"{image.containers[0]}: {text}" for text in _file_problems(build, project))
        for text in _secret_problems(build, project, environ):
            yield f"{image.containers[0]}: {text}"


def _file_problems(build: ImageBuild, project: Path) -> Iterator[str]:
    context, dockerfile = project / build.context, project / build.dockerfile
    for path in (build.context, build.dockerfile):
        if leads_outside(project, path):
            yield f"`{path}` leads out of the project. Name a folder around it with --project"
            return
    if not context.is_dir():
        yield f"there is no folder `{build.context}` in `{project}`"
    elif not dockerfile.is_file():
        inner = f"{build.context}/{build.dockerfile}"
        hint = f". Write `dockerfile: {inner}`" if (project / inner).is_file() else ""
        yield f"there is no file `{build.dockerfile}` in `{project}`{hint}"


def _secret_problems(build: ImageBuild, project: Path, environ: Mapping[str, str]) -> Iterator[str]:
    for name, place in build.secrets:
        kind, _, source = place.partition(":")
        if kind == "env" and not environ.get(source):
            yield f"the environment variable {source}, for the build secret `{name}`, is not set"
        elif kind == "file" and leads_outside(project, source):
            yield f"`{source}`, for the build secret `{name}`, leads out of the project"
        elif kind == "file" and not (project / source).is_file():
            yield f"there is no file `{source}`, for the build secret `{name}`, in `{project}`"
