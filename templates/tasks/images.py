"""Container images: how params name them, their URIs, and the permission to pull them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any

from awacs import ecr
from awacs.aws import Statement
from pydantic import AfterValidator, WithJsonSchema
from troposphere import Sub

from moorage.facts.ecr_repositories import (
    IMAGE_VERSION,
    REGISTRY_HOST,
    REGISTRY_HOST_PART,
    REPOSITORY_NAME,
)
from moorage.facts.guardduty_agent import ACCOUNTS
from moorage.facts.guardduty_agent import REPOSITORY as AGENT
from moorage.findings.wording import shown
from moorage.model import wrong
from moorage.records import record

from ..common.fields import text
from ..common.iam import allow

_SHORT = re.compile(rf"ecr:(?P<repository>{REPOSITORY_NAME}){IMAGE_VERSION}")
_LONG = re.compile(rf"{REGISTRY_HOST}/(?P<repository>{REPOSITORY_NAME}){IMAGE_VERSION}")
_OTHER = re.compile(
    rf"(?P<repository>(?:[A-Za-z0-9.-]+(?::[0-9]+)?/)?{REPOSITORY_NAME}){IMAGE_VERSION}"
)


def is_image(value: str) -> bool:
    """Whether a text names an image, as params do."""
    forms = (_SHORT,) if value.startswith("ecr:") else (_LONG, _OTHER)
    return any(form.fullmatch(value) for form in forms)


def _validate_image(value: str) -> str:
    if not is_image(value):
        hint = "Write `ecr:repository:tag`, `ecr:repository@sha256:...` or `registry/name:tag`."
        if value.strip() != value:
            hint = "Remove the spaces at its beginning and end."
        elif is_image(value.lower()):
            hint = "Write the name of the repository in lower case."
        raise wrong("M2602", f"{shown(value)} is not a container image", hint)
    return value


Image = Annotated[
    str,
    AfterValidator(_validate_image),
    WithJsonSchema({"type": "string", "examples": ["ecr:shop/web:1.4.2", "nginx:1.27.3"]}),
]
"""`ecr:<repository>[:tag|@digest]` in the account and region of the stack, or any other image."""


RepositoryPrefix = Annotated[
    str, text(REPOSITORY_NAME, "the prefix of the names of repositories", "docker-hub")
]


@record
class Repository:
    """A private ECR repository; account and region are None if they are the stack's."""

    name: str
    account: str | None
    region: str | None


def parse_repository(image: str) -> Repository | None:
    """The private ECR repository of an image; None for an image of any other registry."""
    match = _SHORT.fullmatch(image) or _LONG.fullmatch(image)
    if not match:
        return None
    parts = match.groupdict()
    region = parts.get("region") or parts.get("dual_region")
    return Repository(parts["repository"], parts.get("account"), region)


def is_pinned(image: str) -> bool:
    """Whether the image has a digest, or a tag other than `latest`."""
    match = _SHORT.fullmatch(image) or _LONG.fullmatch(image) or _OTHER.fullmatch(image)
    parts = match.groupdict() if match else {}
    return bool(parts.get("digest")) or parts.get("tag") not in (None, "latest")


def image_uri(image: str, repositories: Mapping[str, Any]) -> Any:
    """The image of a container definition. `repositories` are the URIs of the repositories that
    `ecr` stacks of the environment create, by name.

    Importing the URI makes sure that the repository's stack is deployed first.
    """
    match = _SHORT.fullmatch(image)
    if match is None:
        return image
    if match["repository"] in repositories:
        version = image.removeprefix(f"ecr:{match['repository']}")
        return Sub(f"${{Repository}}{version}", Repository=repositories[match["repository"]])
    host = f"${{AWS::AccountId}}{REGISTRY_HOST_PART}${{AWS::Region}}.${{AWS::URLSuffix}}"
    return Sub(f"{host}/{image.removeprefix('ecr:')}")


def find_cached(images: Iterable[str], prefixes: Iterable[str]) -> list[Repository]:
    """The repositories of images that a pull through cache rule with one of the prefixes fills."""
    parsed = {parse_repository(image) for image in images}
    begins = tuple(f"{prefix}/" for prefix in prefixes)
    cached = {
        repository for repository in parsed if repository and repository.name.startswith(begins)
    }
    return sorted(cached, key=str)


def agent_repository(region: str) -> Repository:
    """The repository of GuardDuty's agent in a region; of any account if that is not known."""
    return Repository(AGENT, ACCOUNTS.get(region, "*"), None)


def pull_statements(
    images: Iterable[str], cache: Iterable[str] = (), more: Iterable[Repository] = ()
) -> Iterator[Statement]:
    """The permissions that an execution role needs to pull images from private ECR repositories:
    those of `images`, and `more`. None if no repository is private. `cache` has the prefixes of
    pull through cache rules.

    Sources: Amazon ECS developer guide, "Amazon ECS task execution IAM role"; Amazon ECR user
    guide, "IAM permissions required to sync an upstream registry with an Amazon ECR private
    registry".
    """
    images = list(images)
    parsed = (parse_repository(image) for image in images)
    repositories = sorted({repository for repository in parsed if repository}, key=str)
    repositories += more
    if not repositories:
        return
    # ecr:GetAuthorizationToken has no resource types (Service Authorization Reference, Amazon ECR).
    yield allow("EcrToken", [ecr.GetAuthorizationToken], ["*"])
    yield allow(
        "PullImages",
        [ecr.BatchCheckLayerAvailability, ecr.BatchGetImage, ecr.GetDownloadUrlForLayer],
        [_repository_arn(repository) for repository in repositories],
    )
    if cached := find_cached(images, cache):
        yield allow(
            "ImportImages",
            [ecr.BatchImportUpstreamImage, ecr.CreateRepository],
            [_repository_arn(repository) for repository in cached],
        )


def _repository_arn(repository: Repository) -> Sub:
    region = repository.region or "${AWS::Region}"
    account = repository.account or "${AWS::AccountId}"
    return Sub(f"arn:${{AWS::Partition}}:ecr:{region}:{account}:repository/{repository.name}")
