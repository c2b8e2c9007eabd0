"""Clients of AWS, and its errors as text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

import boto3
from botocore import exceptions
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from moorage.deploy.role import assume_role
from moorage.records import record

if TYPE_CHECKING:
    from types_boto3_acm import ACMClient
    from types_boto3_cloudformation import CloudFormationClient
    from types_boto3_cloudwatch import CloudWatchClient
    from types_boto3_codedeploy import CodeDeployClient
    from types_boto3_ecr import ECRClient
    from types_boto3_ecs import ECSClient
    from types_boto3_elbv2 import ElasticLoadBalancingv2Client
    from types_boto3_logs import CloudWatchLogsClient
    from types_boto3_secretsmanager import SecretsManagerClient
    from types_boto3_ssm import SSMClient
    from types_boto3_sts import STSClient

_CONFIG = Config(
    retries={"mode": "adaptive", "total_max_attempts": 6},
    connect_timeout=10,
    read_timeout=60,
    user_agent_extra="moorage",
)
_EXPIRED = ("ExpiredToken", "ExpiredTokenException", "RequestExpired")
_UNKNOWN_IDENTITY = (
    *("InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch"),
    *("AuthFailure", "InvalidSignatureException"),
)
_DENIED = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation")
_THROTTLED = ("Throttling", "ThrottlingException", "TooManyRequestsException")
_NO_CREDENTIALS = (
    exceptions.NoCredentialsError,
    exceptions.PartialCredentialsError,
    exceptions.CredentialRetrievalError,
    exceptions.TokenRetrievalError,
    exceptions.SSOError,
)
_PROFILE = (
    exceptions.ProfileNotFound,
    exceptions.ConfigNotFound,
    exceptions.ConfigParseError,
    exceptions.InvalidConfigError,
)


class AwsError(Exception):
    """AWS cannot be used, or refuses a request. The text is for users and has no secret."""

    def __init__(self, text: str, *, wrong_usage: bool = False, connection: bool = False) -> None:
        super().__init__(text)
        self.wrong_usage = wrong_usage
        """Whether the credentials or the profile are missing or wrong."""
        self.connection = connection
        """Whether no answer came, so that the same request may succeed later."""


@record
class Access:
    """How AWS is reached."""

    region: str
    profile: str | None = None
    endpoint_url: str | None = None
    test_credentials: bool = False
    """Whether to sign with credentials that only a server for tests accepts."""
    role: str | None = None
    """ARN of a role to assume."""


class Aws:
    """The clients that a deployment needs, made when they are used first.

    Requests are repeated when AWS throttles them or the connection fails, and slowed down while
    AWS throttles (botocore, "Retries", adaptive mode).
    """

    def __init__(self, access: Access) -> None:
        self.region = access.region
        self.endpoint_url = access.endpoint_url
        if access.test_credentials:
            self.session = boto3.Session("test", "test", region_name=access.region)
        else:
            self.session = boto3.Session(profile_name=access.profile, region_name=access.region)
        if access.role is not None:
            self.session = assume_role(self.session, access.role, access.endpoint_url)
        self._others: dict[str, Any] = {}

    def other(self, service: str) -> Any:
        """The client of a service that gets a request or two. Only boto3 checks these requests."""
        if service not in self._others:
            create: Any = self.session.client
            self._others[service] = create(service, endpoint_url=self.endpoint_url, config=_CONFIG)
        return self._others[service]

    @cached_property
    def acm(self) -> ACMClient:
        return self.session.client("acm", endpoint_url=self.endpoint_url, config=_CONFIG)

    @cached_property
    def cloudformation(self) -> CloudFormationClient:
        return self.session.client("cloudformation", endpoint_url=self.endpoint_url, config=_CONFIG)

    @cached_property
    def cloudwatch(self) -> CloudWatchClient:
        return self.session.client("cloudwatch", endpoint_url=self.endpoint_url, config=_CONFIG)

    @cached_property
    def codedeploy(self) -> CodeDeployClient:
        return self.session.client("codedeploy", endpoint_url=self.endpoint_url, config=_CONFIG)

    @cached_property
    def ecr(self) -> ECRClient:
        return self.session.client("ecr", endpoint_url=self.endpoint_url, config=_CONFIG)

    @cached_property
    def ecs(self) -> ECSClient:
        return self.session.client("ecs", endpoint_url=self.endpoint_url, config=_CONFIG)

    @cached_property
    def efs(self) -> Any:
        return self.session.client("efs", endpoint_url=self.endpoint_url, config=_CONFIG)

    @cached_property
    def elbv2(self) -> ElasticLoadBalancingv2Client:
        return self.session.client("elbv2", endpoint_url=self.endpoint_url, config=_CONFIG)

    @cached_property
    def logs(self) -> CloudWatchLogsClient:
        return self.session.client("logs", endpoint_url=self.endpoint_url, config=_CONFIG)

    @cached_property
    def s3(self) -> Any:
        return self.session.client("s3", endpoint_url=self.endpoint_url, config=_CONFIG)

    @cached_property
    def secretsmanager(self) -> SecretsManagerClient:
        return self.session.client("secretsmanager", endpoint_url=self.endpoint_url, config=_CONFIG)

    @cached_property
    def ssm(self) -> SSMClient:
        return self.session.client("ssm", endpoint_url=self.endpoint_url, config=_CONFIG)

    @cached_property
    def sts(self) -> STSClient:
        return self.session.client("sts", endpoint_url=self.endpoint_url, config=_CONFIG)


@contextmanager
def aws_errors() -> Iterator[None]:
    """Replaces errors of boto3 by AwsError."""
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise to_aws_error(error) from error


def to_aws_error(error: BotoCoreError | ClientError) -> AwsError:
    """What an error of boto3 means, and what to do."""
    if isinstance(error, ClientError):
        return _refused(error)
    if isinstance(error, _NO_CREDENTIALS):
        text = (
            f"There are no valid AWS credentials ({error}). Log in, such as with `aws sso login`, "
            "or name a profile with --profile."
        )
        return AwsError(text, wrong_usage=True)
    if isinstance(error, _PROFILE):
        return AwsError(f"{error}. `aws configure list-profiles` lists them.", wrong_usage=True)
    if isinstance(error, exceptions.HTTPClientError | exceptions.ConnectionError):
        text = f"AWS does not answer: {error}. Check the network, proxy and region."
        return AwsError(text, connection=True)
    return AwsError(str(error))


def error_code(error: ClientError) -> str:
    """The code of an error that AWS returned, such as `ValidationError`."""
    return error.response.get("Error", {}).get("Code", "")


def _refused(error: ClientError) -> AwsError:
    code = error_code(error)
    message = re.sub(r"\s+", " ", error.response.get("Error", {}).get("Message", "")).strip()
    operation = error.operation_name
    if code in _EXPIRED:
        text = "The AWS credentials have expired. Log in again, then repeat the command."
        return AwsError(text, wrong_usage=True)
    if code in _UNKNOWN_IDENTITY:
        text = f"AWS does not accept these credentials: {message or code}"
        return AwsError(text, wrong_usage=True)
    if code in _DENIED:
        return AwsError(f"AWS refuses {operation}: {message or code}")
    if code in _THROTTLED:
        text = f"AWS still refuses {operation} after several attempts, because of too many requests"
        return AwsError(text, connection=True)
    return AwsError(f"{operation}: {message or code}")
