"""The names and ARNs of secrets in Secrets Manager and of parameters in Parameter Store.

Amazon ECS developer guide, "Pass Secrets Manager secrets through Amazon ECS environment variables";
Secrets Manager API reference, CreateSecret, Name (botocore 1.44.5, read on 2026-11-27); Systems
Manager API reference, PutParameter, Name.
"""

from __future__ import annotations

from moorage.facts.arn_patterns import REGION, arn_pattern

SUFFIX_LENGTH = 6
"""Secrets Manager ends the ARN of a secret with a hyphen and this many random characters."""

ARN_FIELDS = 7
"""Fields of a secret's ARN between colons. In ValueFrom of a container definition three more can
follow: JSON key, version stage and version id."""

SECRET_NAME = r"[A-Za-z0-9/_+=.@-]+"
JSON_KEY_FIELDS = r"(?::(?P<key>[^:]*)(?::(?P<stage>[^:]*)(?::(?P<version>[^:]*))?)?)?"
SECRET_ARN = arn_pattern(
    "secretsmanager", f"secret:(?P<name>{SECRET_NAME})", region=f"(?P<region>{REGION})"
)
PARAMETER_NAME = r"/?[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*"
MAX_PARAMETER_ARN = 1_011
"""Characters of a parameter's ARN. Systems Manager API reference, PutParameter, Name (botocore
1.44.5, read on 2026-11-27)."""
MAX_PARAMETER_LEVELS = 15
"""Parts of a parameter's name between slashes. The same page."""
PARAMETER_ARN = arn_pattern("ssm", "parameter/[A-Za-z0-9_./-]+", region=f"(?P<region>{REGION})")
