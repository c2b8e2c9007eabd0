"""Container images: how params name them, what ECS is told, and who may pull them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
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
from moorage.findings.wording import shown
from moorage.model import wrong

from ..common.iam import allow

_SHORT = re.compile(rf"ecr:(?P<repository>{REPOSITORY_NAME}){IMAGE_VERSION}")
_LONG = re.compile(rf"{REGISTRY_HOST}/(?P<repository>{REPOSITORY_NAME}){IMAGE_VERSION}")
_OTHER = re.compile(
    rf"(?P<repository>(?:[A-Za-z0-9.-]+(?::\d+)?/)?{REPOSITORY_NAME}){IMAGE_VERSION}"
)


def _checked(value: str) -> str:
    forms = (_SHORT,) if value.startswith("ecr:") else (_LONG, _OTHER)
    if not any(form.fullmatch(value) for form in forms):
        hint = "Write `ecr:repository:tag`, `ecr:repository@sha256:...` or `registry/name:tag`."
        if value.strip() != value:
            hint = "Remove the spaces around it."
        elif any(form.fullmatch(value.lower()) for form in forms):
            hint = "Write the name in lower case."
        raise wrong("M1107", f"{shown(value)} is not an image", hint)
    return value


Image = Annotated[
    str,
    AfterValidator(_checked),
    WithJsonSchema({"type": "string", "examples": ["ecr:shop/web:1.4.2", "nginx:1.27.3"]}),
]
"""`ecr:<repository>[:tag|@digest]` in the account and region of the stack, or any other image."""


@dataclass(frozen=True)
class Repository:
    """A private ECR repository; account and region are None where they are the stack's own."""

    name: str
    account: str | None
    region: str | None


def parse_repository(image: str) -> Repository | None:
    """The ECR repository of an image, or None where it comes from elsewhere."""
    match = _SHORT.fullmatch(image) or _LONG.fullmatch(image)
    if not match:
        return None
    found = match.groupdict()
    region = found.get("region") or found.get("dual_region")
    return Repository(found["repository"], found.get("account"), region)


def is_pinned(image: str) -> bool:
    """Whether the image has a digest, or a tag other than `latest`."""
    match = _SHORT.fullmatch(image) or _LONG.fullmatch(image) or _OTHER.fullmatch(image)
    found = match.groupdict() if match else {}
    return bool(found.get("digest")) or found.get("tag") not in (None, "latest")


def image_uri(image: str, repositories: Mapping[str, Any]) -> Any:
    """What ECS pulls. `repositories` are the URIs of those that the environment makes, by name.

    A URI that another stack exports has that stack deployed first.
    """
    match = _SHORT.fullmatch(image)
    if match is None:
        return image
    if match["repository"] in repositories:
        version = image.removeprefix(f"ecr:{match['repository']}")
        return Sub(f"${{Repository}}{version}", Repository=repositories[match["repository"]])
    host = f"${{AWS::AccountId}}{REGISTRY_HOST_PART}${{AWS::Region}}.${{AWS::URLSuffix}}"
    return Sub(f"{host}/{image.removeprefix('ecr:')}")


def pull_statements(images: Iterable[str]) -> Iterator[Statement]:
    """What an execution role needs to pull: nothing where no image is in a private repository.

    Source: Amazon ECS developer guide, "Amazon ECS task execution IAM role".
    """
    found = (parse_repository(image) for image in images)
    repositories = sorted({one for one in found if one}, key=str)
    if not repositories:
        return
    # ecr:GetAuthorizationToken takes no resource: Service Authorization Reference, Amazon ECR.
    yield allow("EcrToken", [ecr.GetAuthorizationToken], ["*"])
    yield allow(
        "PullImages",
        [ecr.BatchCheckLayerAvailability, ecr.BatchGetImage, ecr.GetDownloadUrlForLayer],
        [_arn(one) for one in repositories],
    )


def _arn(one: Repository) -> Sub:
    region, account = one.region or "${AWS::Region}", one.account or "${AWS::AccountId}"
    return Sub(f"arn:${{AWS::Partition}}:ecr:{region}:{account}:repository/{one.name}")
