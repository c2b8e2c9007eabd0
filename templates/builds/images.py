"""Images that a build makes with docker and pushes to ECR."""

from __future__ import annotations

import fnmatch
import shlex
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any

from awacs import ecr as actions
from awacs.aws import Statement
from pydantic import Field
from troposphere import Sub

from moorage.facts.ecr_repositories import REGISTRY_HOST_PART
from moorage.findings.finding import Path, Problem
from moorage.model import Base, Environment

from .. import ecr
from ..common.exports import import_value
from ..common.fields import UniqueList, text
from ..common.iam import allow
from ..ecr.repositories import Repository
from ..tasks.variables import Variable, VariableName

REGISTRY = "IMAGE_REGISTRY"
"""The variable of a build with the host of the registry."""

_FilePath = Annotated[
    str, text(r"(?!/)(?!.*\.\.)[A-Za-z0-9._/@+-]{1,200}", "a path in the repository", "docker/web")
]
_SecretId = Annotated[str, text("[A-Za-z0-9_.-]{1,100}", "the ID of a secret", "npm")]
_Stage = Annotated[str, text("[A-Za-z0-9._-]{1,100}", "the name of a stage", "release")]
# The characters of ecr_repositories.IMAGE_VERSION, without a digest.
_Tag = Annotated[str, text(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", "a tag", "latest")]


class BuiltImage(Base):
    """An image that is built and pushed. Its tag is the Git tag that started the build, or the
    first 12 characters of the commit."""

    context: _FilePath = Field(".", description="The folder that docker builds from.")
    dockerfile: _FilePath | None = Field(
        None, description="Path of the Dockerfile. Default: `Dockerfile` in the context."
    )
    target: _Stage | None = Field(None, description="The stage of the Dockerfile to build.")
    args: dict[VariableName, Variable] = Field({}, description="Build arguments.")
    mounts: dict[_SecretId, VariableName] = Field(
        {},
        examples=[{"npm": "NPM_TOKEN"}],
        description="Secrets that the Dockerfile mounts, by their IDs: names below `secrets`, as "
        "in `RUN --mount=type=secret,id=npm,env=NPM_TOKEN`. They are not in the image.",
    )
    cache: bool = Field(
        True,
        description="Keep the layers in the repository, as an image with the tag `cache`, so that "
        "the next build begins with them.",
    )
    tags: UniqueList[_Tag] = Field(
        [], description="More tags, such as `latest`, which then belong to the newest image."
    )


CACHE_TAG = "cache"


def registry_host() -> Sub:
    """The host of the registry of the account and region."""
    return Sub(f"${{AWS::AccountId}}{REGISTRY_HOST_PART}${{AWS::Region}}.${{AWS::URLSuffix}}")


def image_problems(
    images: Mapping[str, BuiltImage], secrets: Iterable[str], env: Environment
) -> Iterator[Problem]:
    """Build secrets that do not exist, and tags that ECR refuses to move."""
    created = env.resolve_all(_find_created)
    for name, image in images.items():
        path: Path = ("images", name)
        for identity, secret in image.mounts.items():
            if secret not in secrets:
                message = f"There is no secret `{secret}`"
                hint = f"Write `{secret}: secretsmanager:...` below `secrets`."
                because = [("secrets", secret)]
                yield Problem("M3707", (*path, "mounts", identity), message, hint, because=because)
        if name in created:
            yield from _tag_problems(image, created[name], path)


def _find_created(env: Environment) -> dict[str, Repository]:
    """The repositories that the environment creates, by name."""
    return {
        repository.name or key: repository
        for _, params in env.of(ecr.Params)
        for key, repository in params.repositories.items()
    }


def _tag_problems(image: BuiltImage, repository: Repository, path: Path) -> Iterator[Problem]:
    """Amazon ECR user guide, "Preventing image tags from being overwritten in Amazon ECR"."""
    if repository.immutable_tags is None:
        return
    exclusions = repository.immutable_tags.exclusions
    moved = dict.fromkeys(image.tags, (*path, "tags"))
    if image.cache:
        moved[CACHE_TAG] = (*path, "cache")
    for tag, place in moved.items():
        if not any(fnmatch.fnmatchcase(tag, pattern) for pattern in exclusions):
            message = f"The second build cannot push the tag `{tag}`: tags of the repository are "
            message += "immutable"
            hint = f"Write `immutable_tags: {{exclusions: [{tag}]}}` for the repository"
            hint += ", or `cache: false`." if tag == CACHE_TAG else ", or remove the tag."
            yield Problem("M3708", place, message, hint)


def repository_arns(names: Iterable[str], env: Environment) -> list[Any]:
    """The ARNs of repositories: imports of those that the environment creates, so that these are
    deployed first."""
    created = env.resolve_all(_created_arns)
    place = "arn:${AWS::Partition}:ecr:${AWS::Region}:${AWS::AccountId}:repository/"
    return [created.get(name) or Sub(f"{place}{name}") for name in names]


def _created_arns(env: Environment) -> dict[str, Any]:
    """Imports of the ARNs of the repositories that the environment creates, by their names."""
    return {
        repository.name or key: import_value(env, stack, f"{ecr.repository_id(key)}Arn")
        for stack, params in env.of(ecr.Params)
        for key, repository in params.repositories.items()
    }


def push_statements(names: Iterable[str], env: Environment) -> Iterator[Statement]:
    """The permissions to push images, and to read them for the cache: Amazon ECR user guide, "IAM
    permissions for pushing an image to an Amazon ECR private repository"."""
    yield allow("EcrToken", [actions.GetAuthorizationToken], ["*"])
    yield allow(
        "PushImages",
        [
            actions.BatchCheckLayerAvailability,
            actions.BatchGetImage,
            actions.CompleteLayerUpload,
            actions.DescribeImages,
            actions.GetDownloadUrlForLayer,
            actions.InitiateLayerUpload,
            actions.PutImage,
            actions.UploadLayerPart,
        ],
        repository_arns(names, env),
    )


# Commands ------------------------------------------------------------------------------------

LOGIN = f'aws ecr get-login-password | docker login --username AWS --password-stdin "${REGISTRY}"'

TAG = """\
case "$CODEBUILD_WEBHOOK_TRIGGER" in
  tag/*) TAG=$(printf %s "$CODEBUILD_WEBHOOK_TRIGGER" | tr -c A-Za-z0-9_.- - | cut -c 5-128) ;;
  *) TAG=$(printf %s "$CODEBUILD_RESOLVED_SOURCE_VERSION" | cut -c 1-12) ;;
esac
test -n "$TAG"
"""
"""AWS CodeBuild user guide, "Environment variables in build environments": `tag/` and the Git tag,
or `branch/` and the branch; and the commit."""

BUILDER = "docker buildx create --driver docker-container --use"
"""docker's default driver cannot write a cache to a registry (Docker documentation, "Registry
cache")."""


def push_commands(images: Mapping[str, BuiltImage], architecture: str) -> list[str]:
    """The commands that build and push the images, unless they exist: a tag is built once."""
    builder = [BUILDER] if any(image.cache for image in images.values()) else []
    return [TAG, LOGIN, *builder, *(_push(*item, architecture) for item in images.items())]


def _push(name: str, image: BuiltImage, architecture: str) -> str:
    uri = f'"${REGISTRY}/{name}:'
    words = ["docker buildx build --push", f"--platform linux/{_PLATFORMS[architecture]}"]
    words += [f'--tag {uri}$TAG"', *(f'--tag {uri}{tag}"' for tag in image.tags)]
    if image.dockerfile:
        words.append(f"--file {image.dockerfile}")
    if image.target:
        words.append(f"--target {image.target}")
    words += [f"--build-arg {shlex.quote(f'{key}={item}')}" for key, item in image.args.items()]
    words += [f"--secret id={key},env={secret}" for key, secret in image.mounts.items()]
    if image.cache:
        words.append(f'--cache-from type=registry,ref={uri}{CACHE_TAG}"')
        words.append(f'--cache-to type=registry,ref={uri}{CACHE_TAG}",{_CACHE_OPTIONS}')
    build = " \\\n    ".join([*words, image.context])
    find = f'aws ecr describe-images --repository-name {name} --image-ids imageTag="$TAG"'
    digest = f"{find} --query 'imageDetails[0].imageDigest' --output text"
    return f"""\
if {find} > /dev/null 2>&1; then
  echo "{name}:$TAG exists"
else
  {build}
fi &&
DIGEST=$({digest}) &&
echo "{name}:$TAG is $DIGEST"
"""


_PLATFORMS = {"X86_64": "amd64", "ARM64": "arm64"}
_CACHE_OPTIONS = "mode=max,image-manifest=true,oci-mediatypes=true"
"""ECR accepts a cache only as an image manifest (AWS containers blog, "Announcing remote cache
support in Amazon ECR for BuildKit clients")."""
