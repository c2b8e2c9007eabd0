"""What stacks expect to exist, looked for in the account: images, parameters, secrets,
certificates, hosted zones and the service-linked role of ECS.

They are looked for before anything is created. Values of secrets are never read. What the
credentials may not look at counts as there: the deployment finds it out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

from moorage.cfn.needs import Need, find_needs, find_service_linked_role, find_zones
from moorage.deploy.aws import Aws, error_code
from moorage.deploy.change_sets import Level, Problem
from moorage.deploy.problem_places import place_need
from moorage.deploy.target import DeployStack

_NAMES_PER_REQUEST = 50
"""AWS Systems Manager API reference, DescribeParameters: values of a filter."""
_SUFFIX = len("-AbCdEf")
"""Of a secret's ARN, after its name."""


def find_stack_needs(stack: DeployStack, region: str, account: str) -> tuple[Need, ...]:
    """What a stack needs of its own account and Region, with the images from repositories of the
    environment."""
    body = stack.body
    images = (
        Need("own-image", push.repository, "TaskDefinition", push.image) for push in stack.images
    )
    others = (*find_zones(body), *find_service_linked_role(body))
    return (*find_needs(body, region, account), *images, *others)


def find_missing(aws: Aws, needs: Iterable[Need]) -> frozenset[Need]:
    """The needs that AWS does not have: a request for each image, secret, certificate, hosted
    zone and role, and one for each fifty parameters."""
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
    "zone": (
        lambda aws, need: aws.other("route53").get_hosted_zone(Id=need.name),
        ("NoSuchHostedZone",),
    ),
    "role": (
        lambda aws, need: aws.other("iam").get_role(RoleName=need.name),
        ("NoSuchEntity",),
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


def missing_problem(need: Need, stack: DeployStack, region: str) -> Problem:
    """The finding about something that is missing, with the command that makes it, at the line of
    the params that names it."""
    # ECS creates the role itself, and often in time.
    level: Level = "warning" if need.kind == "role" else "error"
    message = _push_message(need, stack) or _MESSAGES[need.kind](need, region)
    return Problem(level, message, need.logical_id, at=place_need(need, stack))


def _push_message(need: Need, stack: DeployStack) -> str:
    """The message about an image that `moorage image push` builds; empty for any other need."""
    is_built = any(build.repository == need.name for build in stack.builds)
    if not need.kind.endswith("image") or not is_built or stack.document is None:
        return ""
    return (
        f"the image {need.name}:{need.version.split('=', 1)[1]} is not in ECR. Push it, and deploy "
        f"with the options that this prints: moorage image push {stack.document.env} {stack.name}"
    )


def _image_message(need: Need, region: str) -> str:
    version = need.version.split("=", 1)[1]
    return (
        f"the image {need.name}:{version} is not in ECR. Push it, then deploy again: docker "
        f"push <account>.dkr.ecr.{region}.amazonaws.com/{need.name}:{version}"
    )


def _parameter_message(need: Need, region: str) -> str:
    return (
        f"there is no parameter {need.name}. Create it: aws ssm put-parameter --region "
        f"{region} --type SecureString --name {need.name} --value file://FILE"
    )


def _secret_message(need: Need, region: str) -> str:
    is_arn = need.name.startswith("arn:")
    name = need.name.split(":")[6][:-_SUFFIX] if is_arn else need.name
    return (
        f"there is no secret {need.name}. Create it: aws secretsmanager create-secret --region "
        f"{region} --name {name} --secret-string file://FILE"
    )


def _certificate_message(need: Need, region: str) -> str:
    return (
        f"there is no certificate {need.name}. Request it: aws acm request-certificate --region "
        f"{region} --validation-method DNS --domain-name NAME"
    )


def _zone_message(need: Need, region: str) -> str:
    record = f", which is to have {need.version}" if need.version else ""
    return (
        f"there is no hosted zone {need.name} in this account{record}. `aws route53 "
        "list-hosted-zones` shows those that there are. Or create one, and write its ID: aws "
        "route53 create-hosted-zone --name DOMAIN --caller-reference $(date +%s)"
    )


def _role_message(need: Need, region: str) -> str:
    return (
        f"this account has no role {need.name} yet. ECS creates it together with the first "
        "cluster, which fails if IAM is slower. Create it before: aws iam "
        "create-service-linked-role --aws-service-name ecs.amazonaws.com"
    )


_MESSAGES: Mapping[str, Callable[[Need, str], str]] = {
    "image": _image_message,
    "own-image": _image_message,
    "parameter": _parameter_message,
    "secret": _secret_message,
    "certificate": _certificate_message,
    "zone": _zone_message,
    "role": _role_message,
}
