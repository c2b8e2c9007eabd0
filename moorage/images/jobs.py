"""Builds images one after the other, and pushes them."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from moorage.deploy.aws import Aws
from moorage.deploy.registry import find_digest, read_login, read_repository
from moorage.images.built_images import BuiltImage
from moorage.images.command_lines import Tool, build_commands, ignored_caches, login_command
from moorage.images.planned import PlannedImage, complete_caches, name_tag, registry_host
from moorage.images.programs import run_command
from moorage.records import record


class PushError(Exception):
    """An image cannot be pushed. The text says what to do."""


@record
class Builder:
    """What all images have in common."""

    tool: Tool
    project: Path
    commit: str
    """From which the images are built; empty if they have a tag of the user."""
    given_tag: str
    emit: Callable[[str], None]
    """Receives each line of the programs' output."""

    def tag(self, image: PlannedImage) -> str:
        return self.given_tag or name_tag(self.commit, image.build)

    def build(self, image: PlannedImage, name: str, host: str | None, *, push: bool) -> None:
        """Builds an image under a name. Caches in the registry of the stack are left out if its
        host is None. Only what is pushed is written to a cache: what is only tried should not
        change later builds."""
        build = replace(
            image.build,
            cache_from=complete_caches(image.build.cache_from, host),
            cache_to=complete_caches(image.build.cache_to, host) if push else (),
        )
        for cache in ignored_caches(self.tool, build):
            self.emit(f"{self.tool.name} does not support the cache {cache}, which is left out")
        for command in build_commands(self.tool, build, f"{name}:{self.tag(image)}", push=push):
            if not command.may_fail:
                self.emit(f"+ {shlex.join(command.words)}")
            run_command(command, self.project, self.emit)


@record
class Registry:
    """The registry of the stacks."""

    aws: Aws
    account: str

    def place(self, image: PlannedImage) -> tuple[str, str]:
        """The account and the region of an image's repository."""
        return image.build.account or self.account, image.build.region or self.aws.region

    def name(self, image: PlannedImage) -> str:
        return f"{registry_host(*self.place(image))}/{image.build.repository}"

    @property
    def host(self) -> str:
        return registry_host(self.account, self.aws.region)


def log_in(builder: Builder, registry: Registry, images: Iterable[PlannedImage]) -> None:
    """Logs the program in to the registries of the images, and to that of the stacks."""
    places = {registry.place(image) for image in images} | {(registry.account, registry.aws.region)}
    for account, region in sorted(places):
        login = read_login(registry.aws, region)
        command = login_command(builder.tool, login.user, registry_host(account, region))
        run_command(command, builder.project, builder.emit, login.password)


def find_existing(
    builder: Builder,
    registry: Registry,
    images: Iterable[PlannedImage],
    creators: Mapping[str, str],
) -> dict[PlannedImage, str]:
    """The digests of the images that are in ECR already under a tag that cannot be moved.

    `creators` has the stacks of the environment that create repositories, by repository. Raises
    PushError if a repository is missing.
    """
    found = {}
    for image in images:
        account, region = registry.place(image)
        name, tag = image.build.repository, builder.tag(image)
        state = read_repository(registry.aws, account, region, name)
        if state is None:
            raise PushError(_missing_text(name, account, region, creators.get(name)))
        if not state.can_move(tag):
            digest = find_digest(registry.aws, account, region, name, tag)
            if digest is not None:
                found[image] = digest
    return found


def _missing_text(name: str, account: str, region: str, creator: str | None) -> str:
    text = f"there is no repository {name} in the account {account}, {region}. "
    if creator is not None:
        return f"{text}{creator} creates it, then push again"
    create = f"aws ecr create-repository --region {region} --repository-name {name}"
    return f"{text}Add it to a stack of the kind `ecr`, or create it: {create}"


def push_image(builder: Builder, registry: Registry, image: PlannedImage) -> BuiltImage:
    """Builds and pushes an image. Raises PushError if ECR does not have it afterwards."""
    name = registry.name(image)
    builder.build(image, name, registry.host, push=True)
    tag, place = builder.tag(image), registry.place(image)
    digest = find_digest(registry.aws, *place, image.build.repository, tag)
    if digest is None:
        raise PushError(f"{name}:{tag} is not in ECR, although it was pushed")
    return BuiltImage(image, name, tag, digest)
