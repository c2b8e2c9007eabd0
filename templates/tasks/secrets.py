"""Secrets by reference: how params name them, what ECS is told, and who may read them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any

from awacs import kms, secretsmanager, ssm
from awacs.aws import Statement
from pydantic import AfterValidator, WithJsonSchema
from troposphere import Sub

from moorage.facts.arn_patterns import arn_pattern
from moorage.facts.secret_references import (
    JSON_KEY_FIELDS,
    PARAMETER_ARN,
    PARAMETER_NAME,
    SECRET_ARN,
    SECRET_NAME,
    SUFFIX_LENGTH,
)
from moorage.model import wrong

from ..common.iam import allow

_SSM_NAME = re.compile(PARAMETER_NAME)
_SSM_ARN = re.compile(PARAMETER_ARN)
_SECRET_NAME = re.compile(f"(?P<name>{SECRET_NAME}){JSON_KEY_FIELDS}")
_SECRET_ARN = re.compile(f"(?P<arn>{SECRET_ARN}){JSON_KEY_FIELDS}")
_HINT = "Write `ssm:/path/name` or `secretsmanager:name[:json-key[:stage[:version]]]`."


@dataclass(frozen=True)
class Secret:
    """A parameter or a secret, as ECS and IAM name it."""

    service: str
    """ssm or secretsmanager"""
    arn: Any
    """The ARN that a policy names."""
    value_from: Any
    """What a container definition's Secrets take."""
    region: str | None
    """Its region where that is written, None where it is the stack's own."""


def parse_secret(reference: str) -> Secret:
    """What a reference means; raises the error of a params field where it means nothing."""
    service, _, rest = reference.partition(":")
    if service == "ssm":
        return _parameter(reference, rest)
    if service == "secretsmanager":
        return _secret(reference, rest)
    # Whoever writes the secret itself here should not find it in the log of a build too.
    raise wrong("M1107", "This is not a reference to a secret", _HINT)


def _parameter(reference: str, rest: str) -> Secret:
    if match := _SSM_ARN.fullmatch(rest):
        return Secret("ssm", rest, rest, match["region"])
    if not _SSM_NAME.fullmatch(rest):
        raise wrong("M1107", f"`{reference}` does not name a parameter", _HINT)
    arn = f"${{AWS::Region}}:${{AWS::AccountId}}:parameter/{rest.removeprefix('/')}"
    full = Sub(f"arn:${{AWS::Partition}}:ssm:{arn}")
    return Secret("ssm", full, full, None)


def _secret(reference: str, rest: str) -> Secret:
    """ECS takes an ARN, with three more fields or none (Amazon ECS developer guide, "Pass Secrets
    Manager secrets through Amazon ECS environment variables"); an ARN without the six random
    characters at its end finds the secret too, where its name does not look as if it had them
    (Secrets Manager API reference, GetSecretValue, SecretId). A policy sees the full ARN.
    """
    match = _SECRET_ARN.fullmatch(rest) or _SECRET_NAME.fullmatch(rest)
    if not match:
        raise wrong("M1107", f"`{reference}` does not name a secret", _HINT)
    found = match.groupdict()
    fields = [found["key"], found["stage"], found["version"]]
    tail = "".join(f":{field or ''}" for field in fields) if any(fields) else ""
    if found.get("arn"):
        return Secret("secretsmanager", found["arn"], found["arn"] + tail, found["region"])
    if re.search(rf"-[A-Za-z0-9]{{{SUFFIX_LENGTH}}}$", found["name"]):
        hint = "Write its whole ARN: `secretsmanager:arn:aws:secretsmanager:...`."
        message = f"Secrets Manager takes the end of `{found['name']}` for a random suffix"
        raise wrong("M1107", message, hint)
    arn = "${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:"
    name = f"arn:{arn}{found['name']}"
    return Secret("secretsmanager", Sub(f"{name}-{'?' * SUFFIX_LENGTH}"), Sub(name + tail), None)


def _checked(reference: str) -> str:
    parse_secret(reference)
    return reference


SecretRef = Annotated[
    str,
    AfterValidator(_checked),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": "^(ssm|secretsmanager):",
            "examples": ["ssm:/shop/prod/db_password", "secretsmanager:shop/prod/db:password"],
        }
    ),
]
"""`ssm:<name>` or `secretsmanager:<name>[:json-key[:stage[:version]]]`, or either with an ARN."""


_WHOLE = arn_pattern("secretsmanager", "secret:[^:]+")
_JSON_SECRET = re.compile(rf"secretsmanager:(?P<id>{_WHOLE}|[^:]+):(?P<key>[^:]+)")


def _json_secret(reference: str) -> str:
    if not _JSON_SECRET.fullmatch(reference):
        hint = "Write `secretsmanager:name-or-arn:json-key`; Parameter Store cannot be used here."
        raise wrong("M1107", f"`{reference}` is not a key of a secret", hint)
    return _checked(reference)


JsonSecretRef = Annotated[str, AfterValidator(_json_secret), WithJsonSchema({"type": "string"})]
"""`secretsmanager:<name or ARN>:<json-key>`, for what CloudFormation reads as it deploys."""


def dynamic_reference(reference: str) -> str:
    """A JsonSecretRef as CloudFormation reads it: the value never stands in the template."""
    match = _JSON_SECRET.fullmatch(reference)
    assert match is not None, "a JsonSecretRef is of that form"
    return f"{{{{resolve:secretsmanager:{match['id']}:SecretString:{match['key']}}}}}"


def read_statements(references: Iterable[str], keys: Iterable[str]) -> Iterator[Statement]:
    """What an execution role needs to read exactly these secrets, encrypted with these KMS keys."""
    by_reference = {reference: parse_secret(reference) for reference in sorted(set(references))}
    found = {repr(_plain(one.arn)): one for one in by_reference.values()}.values()
    parameters = [one.arn for one in found if one.service == "ssm"]
    secrets = [one.arn for one in found if one.service == "secretsmanager"]
    if parameters:
        yield allow("ReadParameters", [ssm.GetParameters], parameters)
    if secrets:
        yield allow("ReadSecrets", [secretsmanager.GetSecretValue], secrets)
    if listed := sorted(set(keys)):
        yield allow("DecryptSecrets", [kms.Decrypt], listed)


def _plain(arn: Any) -> Any:
    return arn.to_dict() if isinstance(arn, Sub) else arn
