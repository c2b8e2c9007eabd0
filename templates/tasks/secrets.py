"""References to secrets: how params write them, and the permission to read the secrets."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Annotated, Any

from awacs import kms, secretsmanager, ssm
from awacs.aws import Statement
from pydantic import AfterValidator, WithJsonSchema
from troposphere import Join, Sub, encode_to_dict

from moorage.facts.arn_patterns import arn_pattern
from moorage.facts.secret_references import (
    JSON_KEY_FIELDS,
    MAX_PARAMETER_ARN,
    MAX_PARAMETER_LEVELS,
    PARAMETER_ARN,
    PARAMETER_NAME,
    SECRET_ARN,
    SECRET_NAME,
    SUFFIX_LENGTH,
)
from moorage.model import wrong
from moorage.records import record
from moorage.references import Reference, sort_key

from ..common.iam import allow

_SSM_NAME = re.compile(PARAMETER_NAME)
_SSM_ARN = re.compile(PARAMETER_ARN)
_SECRET_NAME = re.compile(f"(?P<name>{SECRET_NAME}){JSON_KEY_FIELDS}")
_SECRET_ARN = re.compile(f"(?P<arn>{SECRET_ARN}){JSON_KEY_FIELDS}")
_HINT = "Write `ssm:/path/name` or `secretsmanager:name[:json-key[:stage[:version]]]`."
_PARAMETER_HINT = "Write `ssm:/path/name`, or `ssm:` and the ARN of the parameter."
_SECRET_HINT = "Write `secretsmanager:name[:json-key[:stage[:version]]]`, or the ARN for the name."


@record
class Secret:
    """A parameter of Parameter Store, or a secret of Secrets Manager."""

    service: str
    """`ssm` or `secretsmanager`."""
    arn: Any
    """The ARN for IAM policies."""
    value_from: Any
    """The ValueFrom of a secret in a container definition."""
    region: str | None
    """The region, if the reference has an ARN; None for the stack's region."""


def parse_secret(reference: str | Reference) -> Secret:
    """The secret that a reference names. Raises the error of a params field if it names none.

    A value of another stack is the complete ARN of a secret in Secrets Manager.
    """
    if not isinstance(reference, str):
        key = f":{reference.key}::" if reference.key else ""
        value_from = Join("", [reference, key]) if key else reference
        return Secret("secretsmanager", reference, value_from, None)
    service, _, name_or_arn = reference.partition(":")
    if service == "ssm":
        return _parse_parameter(reference, name_or_arn)
    if service == "secretsmanager":
        return _parse_secrets_manager_secret(reference, name_or_arn)
    for prefix, arn in (("ssm", _SSM_ARN), ("secretsmanager", _SECRET_ARN)):
        if arn.fullmatch(reference):
            message = f"The ARN needs the prefix `{prefix}:`"
            raise wrong("M2607", message, f"Write `{prefix}:{reference}`.")
    # The value is not shown: it could be the secret itself, which must not be in a build's log.
    raise wrong("M2607", "The value is not a reference to a secret", _HINT)


def _parse_parameter(reference: str, name_or_arn: str) -> Secret:
    if match := _SSM_ARN.fullmatch(name_or_arn):
        return Secret("ssm", name_or_arn, name_or_arn, match["region"])
    if not _SSM_NAME.fullmatch(name_or_arn):
        raise wrong("M2607", f"`{reference}` does not name a parameter", _PARAMETER_HINT)
    name = name_or_arn.removeprefix("/")
    _check_parameter_name(name)
    resource = f"${{AWS::Region}}:${{AWS::AccountId}}:parameter/{name}"
    arn = Sub(f"arn:${{AWS::Partition}}:ssm:{resource}")
    return Secret("ssm", arn, arn, None)


# No ARN of a parameter has a shorter prefix: region names have at least nine characters.
_SHORTEST_PREFIX = len("arn:aws:ssm:us-east-1:123456789012:parameter/")


def _check_parameter_name(name: str) -> None:
    limit = MAX_PARAMETER_ARN - _SHORTEST_PREFIX
    if len(name) > limit:
        message = f"The name of the parameter has {len(name)} characters"
        raise wrong("M2607", message, f"Write a name of at most {limit} characters.")
    levels = name.count("/") + 1
    if levels > MAX_PARAMETER_LEVELS:
        message = f"The name of the parameter has {levels} levels between slashes"
        raise wrong("M2607", message, f"Write a name of at most {MAX_PARAMETER_LEVELS} levels.")


def _parse_secrets_manager_secret(reference: str, name_or_arn: str) -> Secret:
    """ECS expects an ARN, optionally followed by three more fields (Amazon ECS developer guide,
    "Pass Secrets Manager secrets through Amazon ECS environment variables"). An ARN without the six
    random characters at its end also works, unless the secret's name ends as if it had them
    (Secrets Manager API reference, GetSecretValue, SecretId). A policy needs the full ARN.
    """
    match = _SECRET_ARN.fullmatch(name_or_arn) or _SECRET_NAME.fullmatch(name_or_arn)
    if not match:
        raise wrong("M2607", f"`{reference}` does not name a secret", _SECRET_HINT)
    parts = match.groupdict()
    fields = [parts["key"], parts["stage"], parts["version"]]
    suffix = "".join(f":{field or ''}" for field in fields) if any(fields) else ""
    if parts.get("arn"):
        return Secret("secretsmanager", parts["arn"], parts["arn"] + suffix, parts["region"])
    if re.search(rf"-[A-Za-z0-9]{{{SUFFIX_LENGTH}}}$", parts["name"]):
        message = f"The name `{parts['name']}` ends like an ARN with its random suffix"
        hint = "Write the secret's complete ARN: `secretsmanager:arn:aws:secretsmanager:...`."
        raise wrong("M2608", message, hint)
    arn = "${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:"
    name = f"arn:{arn}{parts['name']}"
    return Secret("secretsmanager", Sub(f"{name}-{'?' * SUFFIX_LENGTH}"), Sub(name + suffix), None)


def _validate_reference(reference: str) -> str:
    parse_secret(reference)
    return reference


SecretRef = Annotated[
    str,
    AfterValidator(_validate_reference),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": "^(ssm|secretsmanager):",
            "examples": ["ssm:/shop/prod/db_password", "secretsmanager:shop/prod/db:password"],
        }
    ),
]
"""`ssm:<name>` or `secretsmanager:<name>[:json-key[:stage[:version]]]`, or an ARN for the name."""


_COMPLETE_ARN = arn_pattern("secretsmanager", "secret:[^:]+")
_JSON_SECRET = re.compile(rf"secretsmanager:(?P<id>{_COMPLETE_ARN}|[^:]+):(?P<key>[^:]+)")


def _validate_json_reference(reference: str) -> str:
    if not _JSON_SECRET.fullmatch(reference):
        message = f"`{reference}` does not name a key of a Secrets Manager secret"
        raise wrong("M2609", message, "Write `secretsmanager:name-or-arn:json-key`.")
    return _validate_reference(reference)


JsonSecretRef = Annotated[
    str, AfterValidator(_validate_json_reference), WithJsonSchema({"type": "string"})
]
"""`secretsmanager:<name or ARN>:<json-key>`, for values that CloudFormation reads."""


def dynamic_reference(reference: str) -> str:
    """A JsonSecretRef as a dynamic reference of CloudFormation, which keeps the value out of the
    template."""
    match = _JSON_SECRET.fullmatch(reference)
    assert match is not None, "JsonSecretRef has validated it"
    return f"{{{{resolve:secretsmanager:{match['id']}:SecretString:{match['key']}}}}}"


def read_statements(
    references: Iterable[str | Reference], keys: Iterable[str | Reference]
) -> Iterator[Statement]:
    """The permissions that an execution role needs to read these secrets, and to decrypt them.
    `keys` are ARNs of KMS keys."""
    parsed = [parse_secret(reference) for reference in sorted(set(references), key=sort_key)]
    by_arn = {repr(encode_to_dict(secret.arn)): secret for secret in parsed}.values()
    parameters = [secret.arn for secret in by_arn if secret.service == "ssm"]
    secrets = [secret.arn for secret in by_arn if secret.service == "secretsmanager"]
    if parameters:
        yield allow("ReadParameters", [ssm.GetParameters], parameters)
    if secrets:
        yield allow("ReadSecrets", [secretsmanager.GetSecretValue], secrets)
    if kms_keys := sorted(set(keys), key=sort_key):
        yield allow("DecryptSecrets", [kms.Decrypt], kms_keys)
