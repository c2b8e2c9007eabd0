"""The command lines of the programs that build and push images.

Docker documentation, "docker buildx build", "docker build" and "Registry cache"; the manuals of
podman-build(1) 4.3 and buildah-build(1) 1.28; nerdctl's command reference, which is that of finch.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal, get_args

from moorage.records import record

if TYPE_CHECKING:  # the command line imports this, and pydantic is slow
    from moorage.plan import ImageBuild

ToolName = Literal["docker", "podman", "finch", "buildah"]
TOOLS: tuple[ToolName, ...] = get_args(ToolName)
"""In the order in which they are looked for."""

_REGISTRY_CACHE = "mode=max,image-manifest=true,oci-mediatypes=true"
"""ECR accepts a cache only in the form of an image (AWS containers blog, "Announcing remote cache
support in Amazon ECR for BuildKit clients")."""


@record
class Tool:
    """A program that builds images."""

    name: ToolName
    program: str
    """The word that starts it: its name, or `docker` for a podman of that name."""
    buildx: bool = False
    """Of docker: whether it has the plugin buildx."""

    @property
    def has_buildkit(self) -> bool:
        return self.buildx or self.name == "finch"

    @property
    def has_manifests(self) -> bool:
        """Whether images for several platforms are collected in a manifest list."""
        return self.name in ("podman", "buildah")


@record
class CommandLine:
    """A command, in the folder of the project."""

    words: tuple[str, ...]
    may_fail: bool = False


class UnsupportedError(Exception):
    """The program cannot do what a build needs. The text says what to do."""


def login_command(tool: Tool, user: str, host: str) -> CommandLine:
    """Logs in to a registry, with the password on stdin."""
    return CommandLine((tool.program, "login", "--username", user, "--password-stdin", host))


def build_commands(
    tool: Tool, build: ImageBuild, reference: str, *, push: bool
) -> Iterator[CommandLine]:
    """Builds an image under a name, and pushes it if asked to. The caches have their registries.

    Raises UnsupportedError.
    """
    _refuse_unsupported(tool, build)
    several = len(build.platforms) > 1
    if several and tool.has_manifests:
        # A manifest list of an earlier build would keep its images.
        yield CommandLine((tool.program, "manifest", "rm", reference), may_fail=True)
    start = ("buildx", "build") if tool.buildx else ("build",)
    name = "--manifest" if several and tool.has_manifests else "--tag"
    yield CommandLine(
        (
            tool.program,
            *start,
            *("--platform", ",".join(build.platforms)),
            *("--file", f"./{build.dockerfile}"),
            *(name, reference),
            *_settings(build),
            *_caches(tool, build),
            *(_destination(several=several, push=push) if tool.buildx else ()),
            build.context if build.context == "." else f"./{build.context}",
        )
    )
    if push and not tool.buildx:
        yield CommandLine(_push(tool, reference, several=several))


def _refuse_unsupported(tool: Tool, build: ImageBuild) -> None:
    if tool.name != "docker" or tool.buildx:
        return
    needs = {"build secrets": build.secrets, "several platforms": len(build.platforms) > 1}
    for what, needed in needs.items():
        if needed:
            raise UnsupportedError(
                f"docker needs its plugin buildx for {what}. Install docker-buildx or "
                "docker-buildx-plugin, or name another program with --tool"
            )


def _destination(*, several: bool, push: bool) -> Iterator[str]:
    """Where buildx puts the image. The attestation of a build would contain its time, so that no
    two builds had the same digest."""
    yield "--provenance=false"
    if push:
        yield "--push"
    elif not several:  # the image store of the daemon may not take images of several platforms
        yield "--load"


def _settings(build: ImageBuild) -> Iterator[str]:
    if build.target:
        yield from ("--target", build.target)
    for name, value in build.args:
        yield from ("--build-arg", f"{name}={value}")
    for name, place in build.secrets:
        kind, _, source = place.partition(":")
        where = f"env={source}" if kind == "env" else f"src=./{source}"
        yield from ("--secret", f"id={name},{where}")


def _caches(tool: Tool, build: ImageBuild) -> Iterator[str]:
    if tool.has_buildkit:
        for cache in build.cache_from:
            yield from ("--cache-from", _buildkit_cache(cache))
        for cache in build.cache_to:
            yield from ("--cache-to", _buildkit_cache(cache, _REGISTRY_CACHE))
        return
    images = [[name for name in names if not _is_type(name)] for names in _both(build)]
    if tool.name == "docker":
        for cache in images[0]:
            yield from ("--cache-from", cache)
        return
    if any(images):
        yield "--layers"
    for option, names in zip(("--cache-from", "--cache-to"), images, strict=True):
        # "repository must contain neither a tag nor digest" (buildah 1.28)
        for cache in names[:1]:
            yield from (option, _without_version(cache))


def _both(build: ImageBuild) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return build.cache_from, build.cache_to


def _is_type(cache: str) -> bool:
    return cache.startswith("type=")


def _buildkit_cache(cache: str, more: str = "") -> str:
    if _is_type(cache):
        return cache
    return ",".join(filter(None, ["type=registry", f"ref={cache}", more]))


def _without_version(image: str) -> str:
    folder, slash, name = image.partition("@")[0].rpartition("/")
    return f"{folder}{slash}{name.partition(':')[0]}"


def ignored_caches(tool: Tool, build: ImageBuild) -> list[str]:
    """The caches that a program does not support."""
    if tool.has_buildkit:
        return []
    ignored = [name for names in _both(build) for name in names if _is_type(name)]
    if tool.name == "docker":
        ignored += [name for name in build.cache_to if not _is_type(name)]
    return list(dict.fromkeys(ignored))


def _push(tool: Tool, reference: str, *, several: bool) -> tuple[str, ...]:
    if several and tool.has_manifests:
        destination = f"docker://{reference}"
        return (tool.program, "manifest", "push", "--all", reference, destination)
    if several and tool.name == "finch":
        return (tool.program, "push", "--all-platforms", reference)
    return (tool.program, "push", reference)
