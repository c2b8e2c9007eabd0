"""A session with the credentials of a role."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import boto3
import botocore.session
from botocore.credentials import (
    AssumeRoleCredentialFetcher,
    CredentialProvider,
    CredentialResolver,
    DeferredRefreshableCredentials,
)

if TYPE_CHECKING:
    from types_boto3_sts import STSClient

_SESSION = "moorage"
"""The name of the session, which CloudTrail shows."""


class _Provider(CredentialProvider):
    """Provides the given credentials."""

    METHOD = CANONICAL_NAME = "assume-role"

    def __init__(self, credentials: DeferredRefreshableCredentials) -> None:
        super().__init__()
        self._credentials = credentials

    def load(self) -> DeferredRefreshableCredentials:
        return self._credentials


def assume_role(session: boto3.Session, role: str, endpoint_url: str | None) -> boto3.Session:
    """A session whose credentials are those of the role, refreshed before they expire; the session
    itself if its credentials belong to that role already, since few roles may assume themselves."""

    def create_client(service: str, **options: str) -> STSClient:
        return session.client(  # type: ignore[call-overload, no-any-return]
            service, endpoint_url=endpoint_url, region_name=session.region_name, **options
        )

    caller = create_client("sts").get_caller_identity()["Arn"]
    if is_session_of(caller, role):
        return session
    credentials = session.get_credentials()
    fetcher = AssumeRoleCredentialFetcher(
        create_client, credentials, role, extra_args={"RoleSessionName": _SESSION}
    )
    assumed = DeferredRefreshableCredentials(fetcher.fetch_credentials, "assume-role")
    core = botocore.session.get_session()
    core.register_component("credential_provider", CredentialResolver([_Provider(assumed)]))
    return boto3.Session(botocore_session=core, region_name=session.region_name)


def is_session_of(caller: str, role: str) -> bool:
    """Whether the ARN of a caller is that of a session of the role.

    >>> session = "arn:aws:sts::123456789012:assumed-role/deploy/jane"
    >>> is_session_of(session, "arn:aws:iam::123456789012:role/ops/deploy")
    True
    """
    _, partition, _, _, account, resource = role.split(":", 5)
    name = re.escape(resource.rsplit("/", 1)[-1])
    return bool(
        re.fullmatch(f"arn:{partition}:sts::{account}:assumed-role/{name}/.+", caller, re.DOTALL)
    )
