"""The boto3 clients of `why` and `logs`."""

# mypy: disable-error-code=import-untyped
from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from moorage.deploy.diagnosis.reader import Clients, describe_error

_CONFIG = Config(
    retries={"mode": "adaptive", "total_max_attempts": 8}, connect_timeout=10, read_timeout=60
)


class AwsError(Exception):
    """AWS cannot be used. The text is for users."""


class _Clients:
    def __init__(self, region: str, profile: str | None, endpoint_url: str | None) -> None:
        self._session = boto3.Session(profile_name=profile, region_name=region)
        self._endpoint_url = endpoint_url

    def _client(self, service: str) -> Any:
        return self._session.client(service, endpoint_url=self._endpoint_url, config=_CONFIG)

    @cached_property
    def cloudformation(self) -> Any:
        return self._client("cloudformation")

    @cached_property
    def ecs(self) -> Any:
        return self._client("ecs")

    @cached_property
    def elbv2(self) -> Any:
        return self._client("elbv2")

    @cached_property
    def logs(self) -> Any:
        return self._client("logs")

    @cached_property
    def codedeploy(self) -> Any:
        return self._client("codedeploy")


def make_clients(region: str, profile: str | None, endpoint_url: str | None) -> Clients:
    """Clients for a region. Raises AwsError if there is no such profile."""
    with aws_errors():
        return _Clients(region, profile, endpoint_url)


@contextmanager
def aws_errors() -> Iterator[None]:
    """Replaces errors of boto3 by AwsError."""
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise AwsError(describe_error(error)) from error
