"""Which images an environment needs: containers with the same build share an image."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from moorage.facts.ecr_repositories import REGISTRY_HOST_PART
from moorage.facts.regions import dns_suffix
from moorage.plan import ImageBuild
from moorage.records import record

_HASH = 8
"""Characters of the hash of a build."""

SHORT = "ecr:"
"""Before a repository of the stack's own registry, in params."""


@record
class PlannedImage:
    """An image that is built once for all containers that run it."""

    build: ImageBuild
    """With the platforms and caches of all its containers."""
    containers: tuple[str, ...]
    """As `--image` names them: `web`, or `web/app`."""


def plan_images(
    stacks: Mapping[str, Sequence[ImageBuild]],
    sizes: Mapping[str, int],
    chosen: Collection[str] = (),
) -> tuple[PlannedImage, ...]:
    """The images that the chosen stacks need, or all stacks if none is chosen, by repository.

    `stacks` has the builds of each stack, and `sizes` the number of its containers.
    """
    groups: dict[tuple[str | None, ...], list[tuple[str, ImageBuild]]] = {}
    for stack, builds in stacks.items():
        for build in builds:
            groups.setdefault(build.pushed_to, []).append((stack, build))
    images = [
        PlannedImage(
            _join_builds([build for _, build in group]),
            tuple(sorted(_target(stack, build.container, sizes[stack]) for stack, build in group)),
        )
        for group in groups.values()
        if not chosen or any(stack in chosen for stack, _ in group)
    ]
    return tuple(sorted(images, key=lambda image: str(image.build.pushed_to)))


def _join_builds(builds: Sequence[ImageBuild]) -> ImageBuild:
    """The build of an image that several containers run, perhaps on different platforms."""
    return replace(
        builds[0],
        platforms=tuple(sorted({name for build in builds for name in build.platforms})),
        cache_from=_unique(name for build in builds for name in build.cache_from),
        cache_to=_unique(name for build in builds for name in build.cache_to),
    )


def _unique(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


def _target(stack: str, container: str, size: int) -> str:
    """A container in the form of `--image`, which takes the stack alone if it is clear."""
    return stack if size == 1 or container == stack else f"{stack}/{container}"


def name_tag(commit: str, build: ImageBuild) -> str:
    """The tag of an image that is built from a commit, with a hash of how it is built: environments
    can build different images from the same commit, for example for different platforms."""
    definition = json.dumps([build.source, build.platforms])
    return f"{commit}-{hashlib.sha256(definition.encode()).hexdigest()[:_HASH]}"


def registry_host(account: str, region: str) -> str:
    """The host of a private registry of ECR.

    >>> registry_host("123456789012", "cn-north-1")
    '123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn'
    """
    return f"{account}{REGISTRY_HOST_PART}{region}.{dns_suffix(region)}"


def complete_caches(names: Iterable[str], host: str | None) -> tuple[str, ...]:
    """Caches with the host of the registry in place of `ecr:`. Without a host, those are left out.

    >>> complete_caches(["ecr:web:cache", "type=gha"], None)
    ('type=gha',)
    """
    return tuple(
        f"{host}/{name.removeprefix(SHORT)}" if name.startswith(SHORT) else name
        for name in names
        if host or not name.startswith(SHORT)
    )


def image_options(images: Iterable[tuple[PlannedImage, str]]) -> list[str]:
    """The options that deploy images, given each with its tag or digest."""
    targets = {target: version for image, version in images for target in image.containers}
    return [word for name in sorted(targets) for word in ("--image", f"{name}={targets[name]}")]
