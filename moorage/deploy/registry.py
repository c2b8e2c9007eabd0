"""The registry of ECR: logging in, and what is in its repositories."""

from __future__ import annotations

import base64
import re
from dataclasses import field
from typing import Any

from botocore.exceptions import ClientError

from moorage.deploy.aws import Aws, error_code
from moorage.facts.wildcards import wildcard_expression
from moorage.records import record

_DENIED = ("AccessDenied", "AccessDeniedException")


@record
class Login:
    """A user of the registries of a region, for twelve hours (Amazon ECR API reference,
    GetAuthorizationToken)."""

    user: str
    password: str = field(repr=False)


@record
class RepositoryState:
    """A repository, as far as its images are concerned."""

    mutability: str
    """As ECR names it, such as `IMMUTABLE`."""
    exclusions: tuple[str, ...] = ()
    """Patterns of the tags for which the opposite holds."""

    def can_move(self, tag: str) -> bool:
        """Whether a tag that exists can be given to another image."""
        expressions = map(wildcard_expression, self.exclusions)
        excluded = any(re.fullmatch(expression, tag) for expression in expressions)
        return self.mutability.startswith("MUTABLE") != excluded


def read_login(aws: Aws, region: str) -> Login:
    """Logs in to the registries of a region that the credentials may use."""
    (data,) = _client(aws, region).get_authorization_token()["authorizationData"]
    user, _, password = base64.b64decode(data["authorizationToken"]).decode().partition(":")
    return Login(user, password)


def read_repository(aws: Aws, account: str, region: str, name: str) -> RepositoryState | None:
    """A repository; None if there is none. One that the credentials may not look at counts as
    there, with tags that can move."""
    try:
        answer = _client(aws, region).describe_repositories(
            registryId=account, repositoryNames=[name]
        )
    except ClientError as error:
        if error_code(error) == "RepositoryNotFoundException":
            return None
        if error_code(error) in _DENIED:
            return RepositoryState("MUTABLE")
        raise
    (found,) = answer["repositories"]
    filters = found.get("imageTagMutabilityExclusionFilters", [])
    patterns = tuple(str(each["filter"]) for each in filters)
    return RepositoryState(str(found.get("imageTagMutability", "MUTABLE")), patterns)


def find_digest(aws: Aws, account: str, region: str, name: str, tag: str) -> str | None:
    """The digest of the image with a tag; None if there is no such image."""
    image: Any = {"imageTag": tag}
    try:
        answer = _client(aws, region).describe_images(
            registryId=account, repositoryName=name, imageIds=[image]
        )
    except ClientError as error:
        if error_code(error) == "ImageNotFoundException":
            return None
        raise
    return str(answer["imageDetails"][0]["imageDigest"])


def _client(aws: Aws, region: str) -> Any:
    if region == aws.region:
        return aws.ecr
    return aws.session.client("ecr", region_name=region, endpoint_url=aws.endpoint_url)
