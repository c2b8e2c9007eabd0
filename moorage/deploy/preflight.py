"""What templates expect to exist: images, parameters, secrets and certificates.

They are looked for before anything is created. Values of secrets are never read. What the
credentials may not look at counts as there: the deployment finds it out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from botocore.exceptions import ClientError

from moorage.deploy.aws import Aws, error_code
from moorage.deploy.change_sets import Problem
from moorage.deploy.target import DeployStack

Kind = Literal["image", "own-image", "parameter", "secret", "certificate"]
_NAMES_PER_REQUEST = 50
"""AWS Systems Manager API reference, DescribeParameters: values of a filter."""
_VARIABLE = re.compile(r"\$\{(AWS::(?:AccountId|Region|Partition|URLSuffix))\}")
_IMAGE = re.compile(
    r"(?P<account>[0-9]{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.[a-z0-9.-]+/"
    r"(?P<name>[a-z0-9._/-]+?)(?::(?P<tag>[\w.-]+))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?",
    re.ASCII,
)
_ARN = re.compile(r"arn:[a-z-]+:(?P<service>[a-z]+):(?P<region>[a-z0-9-]*):(?P<account>[0-9]*):.*")
_SECRETS = ("Secrets", "SecretOptions")


@dataclass(frozen=True)
class Need:
    """Something that must exist before a resource of a stack can work."""

    kind: Kind
    name: str
    """As AWS names it: `kelp/web`, `/kelp/db_password`, or an ARN."""
    logical_id: str
    """The first resource of the stack that names it."""
    version: str = ""
    """Of an image: `imageTag=1.4.2` or `imageDigest=sha256:...`."""


# What a template needs -------------------------------------------------------------------------


def find_needs(stack: DeployStack, region: str, account: str) -> tuple[Need, ...]:
    """What a stack needs of its own account and region, each once."""
    needs: dict[tuple[str, str, str], Need] = {}
    for logical_id, resource in stack.body.get("Resources", {}).items():
        for need in _needs_of(logical_id, resource.get("Properties", {}), region, account):
            needs.setdefault((need.kind, need.name, need.version), need)
    for push in stack.images:
        need = Need("own-image", push.repository, "TaskDefinition", push.image)
        needs.setdefault((need.kind, need.name, need.version), need)
    return tuple(needs.values())


def _needs_of(logical_id: str, properties: Any, region: str, account: str) -> Iterator[Need]:
    here = (region, account)
    for path, text in _texts(properties, ()):
        value = _substituted(text, region, account)
        if path[-1] == "Image" and (match := _IMAGE.fullmatch(value)):
            if match.group("region", "account") == here:
                yield Need("image", match["name"], logical_id, _version(match))
        elif path[-1] == "ValueFrom" and set(_SECRETS) & set(path):
            yield from _secret(value, logical_id, here)
        elif path[-1] == "CertificateArn":
            match = _ARN.fullmatch(value)
            if match and match["service"] == "acm" and match.group("region", "account") == here:
                yield Need("certificate", value, logical_id)


def _version(match: re.Match[str]) -> str:
    digest, tag = match["digest"], match["tag"] or "latest"
    return f"imageDigest={digest}" if digest else f"imageTag={tag}"


def _secret(value: str, logical_id: str, here: tuple[str, str]) -> Iterator[Need]:
    """A parameter or secret: by its ARN, or a parameter by its name."""
    match = _ARN.fullmatch(value)
    if match is None:
        if "${" not in value:
            yield Need("parameter", value, logical_id)
        return
    if match.group("region", "account") != here or "${" in value:
        return
    resource = value.split(":", 5)[5]
    if match["service"] == "ssm":
        name = resource.removeprefix("parameter/")
        yield Need("parameter", f"/{name}" if "/" in name else name, logical_id)
    elif match["service"] == "secretsmanager":
        yield Need("secret", resource.split(":")[1], logical_id)


def _texts(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Texts and those of `Fn::Sub` without variables of its own, with the names that lead there."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        if value.keys() == {"Fn::Sub"}:
            if isinstance(value["Fn::Sub"], str):
                yield path, value["Fn::Sub"]
            return
        for key, item in value.items():
            yield from _texts(item, (*path, str(key)))
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item, path)


def _substituted(text: str, region: str, account: str) -> str:
    china = region.startswith("cn-")
    values = {
        "AWS::AccountId": account,
        "AWS::Region": region,
        "AWS::Partition": "aws-cn" if china else "aws",
        "AWS::URLSuffix": "amazonaws.com.cn" if china else "amazonaws.com",
    }
    return _VARIABLE.sub(lambda match: values[match[1]], text)


# What is missing -------------------------------------------------------------------------------


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
        return (
            f"there is no secret {need.name}. Create it: aws secretsmanager create-secret --region "
            f"{region} --name {need.name} --secret-string file://FILE"
        )
    return (
        f"there is no certificate {need.name}. Request it: aws acm request-certificate --region "
        f"{region} --validation-method DNS --domain-name NAME"
    )
