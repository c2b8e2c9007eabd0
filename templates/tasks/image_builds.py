"""The images that are built for the containers of a task."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.findings.finding import Path, Problem
from moorage.model import Environment
from moorage.plan import ImageBuild

from .build_params import Build, Platform
from .containers import Container
from .images import parse_repository
from .params import TaskParams
from .task import Task

_PLATFORMS: dict[str, Platform] = {"X86_64": "linux/amd64", "ARM64": "linux/arm64"}


def image_builds(params: TaskParams) -> tuple[ImageBuild, ...]:
    """The images that are built for a task."""
    builds = (_image_build(name, item, params) for name, item in params.containers.items())
    return tuple(build for build in builds if build)


def _image_build(name: str, container: Container, params: TaskParams) -> ImageBuild | None:
    build, repository = container.build, parse_repository(container.image)
    if build is None or repository is None:
        return None
    return ImageBuild(
        container=name,
        repository=repository.name,
        account=repository.account,
        region=repository.region,
        context=build.context,
        dockerfile=build.dockerfile_path,
        target=build.target,
        args=tuple(sorted(build.args.items())),
        secrets=tuple(sorted(build.secrets.items())),
        platforms=tuple(sorted(build.platforms or [_PLATFORMS[params.cpu_architecture]])),
        cache_from=tuple(build.cache_from),
        cache_to=tuple(build.cache_to),
    )


# Problems ------------------------------------------------------------------------------------


def image_build_problems(task: Task) -> Iterator[Problem]:
    """Problems of `build:` in the containers of a task."""
    for name, container in task.params.containers.items():
        if container.build:
            path: Path = ("containers", name, "build")
            yield from _repository_problems(container, path)
            yield from _platform_problems(container.build, task.params, path)
    yield from _conflicts(task)


def _repository_problems(container: Container, path: Path) -> Iterator[Problem]:
    because = [(*path[:-1], "image")]
    hint = "Write the repository that it is pushed to, such as `image: ecr:shop/web`, or remove "
    hint += "`build:`."
    if parse_repository(container.image) is None:
        message = f"An image that is built is pushed to ECR, and `{container.image}` is not there"
        yield Problem("M1804", path, message, hint, because=because)


def _platform_problems(build: Build, params: TaskParams, path: Path) -> Iterator[Problem]:
    needed = _PLATFORMS[params.cpu_architecture]
    if build.platforms and needed not in build.platforms:
        message = f"The tasks run on {params.cpu_architecture}, but the image is built for "
        message += f"{', '.join(build.platforms)} only"
        hint = f"Add `{needed}`, or remove `platforms:`."
        because = [("cpu_architecture",)]
        yield Problem("M1805", (*path, "platforms"), message, hint, because=because)


def _conflicts(task: Task) -> Iterator[Problem]:
    """Builds that push another image to the same repository. With `--tag` both would have one
    tag."""
    first = task.env.resolve_all(_first_builds)
    for build in image_builds(task.params):
        stack, other = first[build.pushed_to]
        if build.source != other.source:
            message = f"`{stack}/{other.container}` builds another image for the repository "
            message += f"`{build.repository}`"
            hint = "Write the same `build:` in both, or name another repository in `image:`."
            yield Problem("M1806", ("containers", build.container, "build"), message, hint)


def _first_builds(env: Environment) -> dict[tuple[str | None, ...], tuple[str, ImageBuild]]:
    """The first build for each repository, with the name of its stack."""
    first: dict[tuple[str | None, ...], tuple[str, ImageBuild]] = {}
    for name, params in env.of(TaskParams):
        for build in image_builds(params):
            first.setdefault(build.pushed_to, (name, build))
    return first
