"""What stacks expect to exist, looked for in the account: images, parameters, secrets and
certificates.

They are looked for before anything is created. Values of secrets are never read. What the
credentials may not look at counts as there: the deployment finds it out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from botocore.exceptions import ClientError

from moorage.cfn.needs import Need, find_needs
from moorage.deploy.aws import Aws, error_code
from moorage.deploy.change_sets import Problem
from moorage.deploy.target import DeployStack

_NAMES_PER_REQUEST = 50
"""AWS Systems Manager API reference, DescribeParameters: values of a filter."""
_SUFFIX = len("-AbCdEf")
"""Of a secret's ARN, after its name."""


def find_stack_needs(stack: DeployStack, region: str, account: str) -> tuple[Need, ...]:
    """What a stack needs of its own account and Region, with the images from repositories of the
    environment."""
    images = (
        Need("own-image", push.repository, "TaskDefinition", push.image) for push in stack.images
    )
    return (*find_needs(stack.body, region, account), *images)


def find_missing(aws: Aws, needs: Iterable[Need]) -> frozenset[Need]:
    """The needs that AWS does not have: a request for each image, secret and certificate, and one
    for each fifty parameters."""
    wanted = sorted({*needs}, key=lambda need: (need.kind, need.name, need.version))
    parameters = [need for need in wanted if need.kind == "parameter"]
    missing = {need for need in wanted if need.kind != "parameter" and _is_missing(aws, need)}
    for start in range(0, len(parameters), _NAMES_PER_REQUEST):
        missing |= _missing_parameters(aws, parameters[start : start + _NAMES_PER_REQUEST])
    return frozenset(missing)


def _is_missing(aws: Aws, need: Need) -> bool:
    look, codes = _LOOKS[need.kind]
    try:
        look(aws, need)
    except ClientError as error:
        return error_code(error) in codes
    return False


def _look_for_image(aws: Aws, need: Need) -> None:
    key, value = need.version.split("=", 1)
    image: Any = {key: value}
    aws.ecr.describe_images(repositoryName=need.name, imageIds=[image])


_NO_REPOSITORY, _NO_IMAGE = "RepositoryNotFoundException", "ImageNotFoundException"
_LOOKS: dict[str, tuple[Callable[[Aws, Need], Any], tuple[str, ...]]] = {
    "image": (_look_for_image, (_NO_REPOSITORY, _NO_IMAGE)),
    # The repository can be created by this deployment.
    "own-image": (_look_for_image, (_NO_IMAGE,)),
    "secret": (
        lambda aws, need: aws.secretsmanager.describe_secret(SecretId=need.name),
        ("ResourceNotFoundException",),
    ),
    "certificate": (
        lambda aws, need: aws.acm.describe_certificate(CertificateArn=need.name),
        ("ResourceNotFoundException",),
    ),
}


def _missing_parameters(aws: Aws, needs: Sequence[Need]) -> set[Need]:
    names = [need.name for need in needs]
    try:
        pages = aws.ssm.get_paginator("describe_parameters").paginate(
            ParameterFilters=[{"Key": "Name", "Option": "Equals", "Values": names}]
        )
        found = {item.get("Name", "") for page in pages for item in page["Parameters"]}
    except ClientError:
        return set()
    return {need for need in needs if need.name not in found}


def missing_problem(need: Need, region: str) -> Problem:
    """The finding about something that is missing, with the command that makes it."""
    return Problem("error", _message(need, region), need.logical_id)


def _message(need: Need, region: str) -> str:
    if need.kind in ("image", "own-image"):
        version = need.version.split("=", 1)[1]
        return (
            f"the image {need.name}:{version} is not in ECR. Push it, then deploy again: docker "
            f"push <account>.dkr.ecr.{region}.amazonaws.com/{need.name}:{version}"
        )
    if need.kind == "parameter":
        return (
            f"there is no parameter {need.name}. Create it: aws ssm put-parameter --region "
            f"{region} --type SecureString --name {need.name} --value file://FILE"
        )
    if need.kind == "secret":
        is_arn = need.name.startswith("arn:")
        name = need.name.split(":")[6][:-_SUFFIX] if is_arn else need.name
        return (
            f"there is no secret {need.name}. Create it: aws secretsmanager create-secret --region "
            f"{region} --name {name} --secret-string file://FILE"
        )
    return (
        f"there is no certificate {need.name}. Request it: aws acm request-certificate --region "
        f"{region} --validation-method DNS --domain-name NAME"
    )
