"""Resources that are created through the APIs of their services, and the clients for these."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache, partial
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError
from botocore.validate import ParamValidator
from moto.cloudformation.exceptions import ValidationError
from moto.core.botocore_stubber import MockRawResponse
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.core.utils import remap_nested_keys
from werkzeug.datastructures import Headers
from werkzeug.test import EnvironBuilder, run_wsgi_app

from moorage.records import record

Properties = Mapping[str, Any]
Api = Callable[[str], Any]
"""Gives the boto3 client of a service by its name."""

Application = Callable[..., Any]
"""What a WSGI server calls for each request."""

_SERVED: list[tuple[str, Application]] = []
"""The address of the server that runs in this process, and its application."""


IMAGES: dict[str, set[str]] = {}
"""Versions of images that somebody pushes as soon as a stack has created their repository."""


_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


def set_server(url: str, application: Application) -> None:
    """Sets the server that the resources are created in, by its address and its application."""
    _SERVED[:] = [(url, application)]


_ACCOUNTS: list[str] = []
"""The account that resources are created in, if it is not that of the server."""


@contextmanager
def acting_in(account: str) -> Iterator[None]:
    """Creates and deletes resources in an account."""
    _ACCOUNTS.append(account)
    try:
        yield
    finally:
        _ACCOUNTS.pop()


def api(region: str, account: str = "") -> Api:
    """The clients of a region, and of the account that resources are created in."""
    account = "" if account == DEFAULT_ACCOUNT_ID else account
    account = account or (_ACCOUNTS[-1] if _ACCOUNTS else "")
    return lambda name: client(name, region, account)


@cache
def client(name: str, region: str, account: str = "") -> Any:
    """A client that calls the server of this process only, as a user of an account."""
    created = boto3.client(  # type: ignore[call-overload]
        name,
        region_name=region,
        endpoint_url="http://localhost",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1}),
    )
    created.meta.events.register("before-send", partial(_answer, account))
    return created


def _answer(account: str, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
    """The server's answer to a request, without a connection: the server is in this process, and
    what it creates for a stack are several requests for each resource."""
    address, application = _SERVED[0]
    url = urlsplit(request.url)
    body: Any = request.body
    headers = Headers((name, _text(value)) for name, value in request.headers.items())
    if account:
        headers["x-moto-account-id"] = account
    environ = EnvironBuilder(
        path=url.path,
        query_string=url.query,
        base_url=address,
        method=request.method,
        headers=headers,
        data=body,
    ).get_environ()
    content, status, answered = run_wsgi_app(application, environ, buffered=True)
    raw = MockRawResponse(b"".join(content))
    return AWSResponse(request.url, int(status[:3]), HTTPHeaders.from_pairs(answered.items()), raw)


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


class Resource:
    """A resource of a stack that was created through an API: its ID and its attributes."""

    def __init__(self, identity: str, **attributes: Any) -> None:
        self.physical_resource_id = identity
        self.attributes = attributes
        self.remove: Callable[[Api, Resource], Any] | None = None
        self.deletion_policy = "Delete"

    def get_cfn_attribute(self, attribute_name: str) -> Any:
        return self.attributes[attribute_name]

    def is_created(self) -> bool:
        return True

    def delete(self, account_id: str, region: str) -> None:
        """moto calls it when the stack or the resource is deleted. What is gone is deleted."""
        if self.remove is not None:
            with unless_gone():
                self.remove(api(region, account_id), self)


@record
class Model:
    """Replaces moto's class for a CloudFormation type."""

    create: Callable[[Api, str, Properties], Resource]
    update: Callable[[Api, Resource, Properties], Resource] | None = None
    remove: Callable[[Api, Resource], Any] | None = None

    def create_from_cloudformation_json(
        self, name: str, body: Properties, account_id: str, region_name: str, **_: Any
    ) -> Resource:
        with as_validation_error(body["Type"]):
            created = self.create(api(region_name, account_id), name, body.get("Properties", {}))
        created.remove = self.remove
        created.deletion_policy = body.get("DeletionPolicy", "Delete")
        return created

    def update_from_cloudformation_json(
        self,
        original_resource: Resource,
        new_resource_name: str,
        cloudformation_json: Properties,
        account_id: str,
        region_name: str,
    ) -> Resource:
        if self.update is None:
            raise ValidationError(message=f"No update of {cloudformation_json['Type']} here")
        with as_validation_error(cloudformation_json["Type"]):
            updated = self.update(
                api(region_name, account_id),
                original_resource,
                cloudformation_json.get("Properties", {}),
            )
        updated.remove = self.remove
        updated.deletion_policy = cloudformation_json.get("DeletionPolicy", "Delete")
        return updated

    def has_cfn_attr(self, attr: str) -> bool:
        return True


@contextmanager
def unless_gone() -> Iterator[None]:
    """For deletions: what does not exist is deleted, as CloudFormation sees it."""
    try:
        yield
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        if not re.search("NotFound|NoSuch|NonExistent|DoesNotExist", code):
            raise ValidationError(message=str(error)) from error


@contextmanager
def as_validation_error(kind: str) -> Iterator[None]:
    """What an API refuses, as CloudFormation reports it."""
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise ValidationError(message=f"{kind}: {error}") from error


def check_request(client: Any, operation: str, request: Properties) -> None:
    """Refuses what the API's model does not have."""
    shape = client.meta.service_model.operation_model(operation).input_shape
    report = ParamValidator().validate(request, shape)
    if report.has_errors():
        raise ParamValidationError(report=report.generate_report())


def without(request: Properties, *names: str) -> dict[str, Any]:
    """Properties without these."""
    return {key: value for key, value in request.items() if key not in names}


def camel(request: Properties) -> Any:
    """Properties by the names of ECS's API, which begin with a small letter."""
    return remap_nested_keys(dict(request), _with_a_small_letter)


def _with_a_small_letter(name: str) -> str:
    if name == "FilesystemId":
        return "fileSystemId"
    beginning = re.match("[A-Z]+(?=[A-Z][a-z])|[A-Z]+$|[A-Z]", name)
    return beginning[0].lower() + name[beginning.end() :] if beginning else name


def push_image(ecr: Any, repository: str, version: str) -> None:
    """Puts an image without content into a repository."""
    key, value = version.split("=", 1)
    manifest = {"schemaVersion": 2, "mediaType": _MANIFEST, "config": {}, "layers": [], "of": value}
    ecr.put_image(repositoryName=repository, **{key: value}, imageManifest=json.dumps(manifest))
