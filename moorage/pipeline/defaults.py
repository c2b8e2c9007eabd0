"""Settings of an environment that apply wherever a stack does not have its own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, Field, WithJsonSchema

from moorage.facts.arn_patterns import KMS_KEY
from moorage.findings.wording import shown
from moorage.model import Base, wrong

_EXAMPLE = "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"


def _check_key(value: str) -> str:
    if not re.fullmatch(KMS_KEY, value):
        message = f"{shown(value)} is not the ARN of a KMS key"
        raise wrong("M1503", message, f"Write for example `{_EXAMPLE}`.")
    return value


_KeyArn = Annotated[
    str,
    AfterValidator(_check_key),
    WithJsonSchema({"type": "string", "pattern": f"^{KMS_KEY}$", "takes": "the ARN of a KMS key"}),
]


class KmsKeys(Base):
    """KMS keys of everything that has no `kms_key` of its own. They must be in the region of the
    environment, and their key policies must allow the services to use them."""

    logs: _KeyArn | None = Field(
        None,
        description="Key of log groups. The key policy must allow CloudWatch Logs to use the key.",
    )
    queues: _KeyArn | None = Field(
        None, description="Key of the queues of workers, and of their dead-letter queues."
    )
    repositories: _KeyArn | None = Field(
        None,
        description="Key of repositories without `encryption: AES256`. ECR cannot change the key "
        "of a repository: to add it later replaces the repository.",
    )
    buckets: _KeyArn | None = Field(None, description="Key of the objects in buckets.")
    tables: _KeyArn | None = Field(None, description="Key of DynamoDB tables.")
    topics: _KeyArn | None = Field(None, description="Key of SNS topics of applications.")
    file_systems: _KeyArn | None = Field(
        None,
        description="Key of EFS file systems. EFS cannot change the key of a file system: to add "
        "it later replaces the file system.",
    )
    databases: _KeyArn | None = Field(
        None,
        description="Key of databases, their snapshots and secrets. RDS cannot change the key of a "
        "database.",
    )
    caches: _KeyArn | None = Field(
        None, description="Key of caches. ElastiCache cannot change the key of a cache."
    )


class Defaults(Base):
    """Settings that apply wherever a stack does not have its own."""

    kms_keys: KmsKeys = Field(KmsKeys.unvalidated(), description="KMS keys by what they encrypt.")


def apply_kms_keys(params: Any, keys: Mapping[str, str]) -> Any:
    """A copy of params, or of a part of them, in which missing KMS keys are set. `keys` has the
    keys by their use, such as `logs`."""
    if isinstance(params, Base):
        changes = {
            name: changed
            for name in type(params).model_fields
            if (changed := apply_kms_keys(value := getattr(params, name), keys)) is not value
        }
        applied = params.replace(changes) if changes else params
        key = keys.get(applied.key_use) if applied.key_use else None
        return applied.with_kms_key(key) if key else applied
    if isinstance(params, dict):
        items = {name: apply_kms_keys(value, keys) for name, value in params.items()}
        return items if any(items[name] is not params[name] for name in items) else params
    return params


def find_default_keys(defaults: Defaults, region: str) -> tuple[dict[str, str], dict[str, str]]:
    """Two maps of KMS keys by use: keys in the region of the environment, and keys in other
    regions."""
    keys = {use: key for use, key in dict(defaults.kms_keys).items() if key is not None}
    elsewhere = {use: key for use, key in keys.items() if region and key.split(":")[3] != region}
    return {use: key for use, key in keys.items() if use not in elsewhere}, elsewhere
