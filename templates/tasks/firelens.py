"""FireLens: a Fluent Bit in each task that the containers' output goes through.

Amazon ECS developer guide, "Send Amazon ECS logs to an AWS service or AWS Partner"; the options of
each destination: Fluent Bit's manual, "Outputs".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any

from awacs import firehose, kms, logs, s3
from awacs.aws import Statement
from pydantic import AfterValidator, Field, WithJsonSchema
from troposphere import Ref, Sub, ecs

from moorage.findings.finding import Path, Problem
from moorage.findings.wording import shown
from moorage.model import Base, Environment, wrong

from ..common.fields import BucketName, KeyArn, Switch, text
from ..common.iam import allow
from ..common.logs import LogGroupName
from ..common.regions import key_region_problems
from . import secrets
from .containers import Container, Directory, Port
from .images import Image
from .secrets import SecretRef

NAME = "log-router"
IMAGE = "public.ecr.aws/aws-observability/aws-for-fluent-bit:3.4.15"
"""Fluent Bit 5.0.9, released on 2026-09-04 (github.com/aws/aws-for-fluent-bit, releases)."""
_HEALTH = "/fluent-bit/configs/output-metrics-healthcheck.conf"
"""A file of the image's that opens Fluent Bit's HTTP server on port 2020."""

_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>[A-Za-z0-9.-]+)(?::(?P<port>\d{1,5}))?(?P<path>/[^\s?#]*)?"
    r"(?P<query>\?[^\s#]*)?"
)


def _url(value: str) -> str:
    match = _URL.fullmatch(value)
    if not match or not 1 <= int(match["port"] or 1) <= 65535:
        hint = "Write one like `https://logs.example.com/ingest`."
        raise wrong("M1107", f"{shown(value)} is not a URL that logs can go to", hint)
    return value


Url = Annotated[
    str,
    AfterValidator(_url),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": "^https?://",
            "examples": ["https://logs.example.com/ingest"],
            "takes": "a URL such as `https://logs.example.com/ingest`",
        }
    ),
]
# Amazon Data Firehose API reference, CreateDeliveryStream, DeliveryStreamName.
StreamName = Annotated[
    str, text(r"[a-zA-Z0-9_.-]{1,64}", "the name of a Firehose stream", "shop-logs")
]
Prefix = Annotated[str, text(r"[A-Za-z0-9!_.*'()/-]{1,512}", "the beginning of a key", "logs/web")]
OptionName = Annotated[str, text(r"[A-Za-z0-9_.-]+", "the name of an option", "Retry_Limit")]


class CloudWatch(Base):
    """A log group."""

    log_group: LogGroupName | None = Field(
        None, description="Name of a log group that is there already; the stack's own without it."
    )


class Bucket(Base):
    """A bucket: compressed objects of up to 10 MB, at least one a minute."""

    bucket: BucketName = Field(description="Name of the bucket.")
    prefix: Prefix = Field("logs", description="What the keys begin with.")
    kms_key: KeyArn | None = Field(
        None, description="ARN of the KMS key that the bucket encrypts by, if it has one."
    )


class Http(Base):
    """A server that takes JSON, one record on a line."""

    url: Url = Field(description="Where records are posted.")
    header: SecretRef | None = Field(
        None,
        description="A secret that holds a header and its value, such as `Authorization Bearer "
        "abc`.",
    )


class FireLens(Base):
    """A Fluent Bit in each task that takes the containers' output and sends it on, to one of
    `cloudwatch`, `s3`, `firehose` and `http`. It is essential: without it output would be lost in
    silence. What it says itself goes to the stack's log group."""

    cloudwatch: Switch[CloudWatch] = Field(None, description="To CloudWatch Logs.")
    s3: Bucket | None = Field(None, description="To S3.")
    firehose: StreamName | None = Field(None, description="To a Firehose stream: its name.")
    http: Http | None = Field(None, description="To a URL.")
    options: dict[OptionName, str] = Field(
        {},
        description="More options of Fluent Bit's output, or in place of those that are set, such "
        'as `{Retry_Limit: "5"}`; and `log-driver-buffer-limit`.',
    )
    secret_options: dict[OptionName, SecretRef] = Field(
        {}, description="Options whose values ECS reads at start."
    )
    include: Directory | None = Field(
        None,
        description="A file in the image that is read as well, such as "
        "`/fluent-bit/configs/parse-json.conf`. The health check is left out then, since it needs "
        "a file of its own.",
    )
    image: Image = Field(IMAGE, description="An image of Fluent Bit for AWS.")
    cpu: int = Field(32, ge=1, description="CPU units of the task's that it gets.")
    memory: int = Field(64, ge=32, description="MiB of the task's that are kept for it.")


_DESTINATIONS = ("cloudwatch", "s3", "firehose", "http")


def _named(params: FireLens) -> list[str]:
    return [key for key in _DESTINATIONS if getattr(params, key) is not None]


def firelens_problems(params: FireLens, path: Path, env: Environment) -> Iterator[Problem]:
    """What is wrong with a log router by itself."""
    named = _named(params)
    every = ", ".join(f"`{key}`" for key in _DESTINATIONS[:-1]) + f" and `{_DESTINATIONS[-1]}`"
    if not named:
        message = "It is not said where the output goes"
        hint = f"Write one of {every}; `cloudwatch: true` is the stack's log group."
        yield Problem("M1108", path, message, hint)
    for key in named[1:]:
        hint = "Keep one of them."
        message = f"The output goes to `{named[0]}` already"
        yield Problem("M1108", (*path, key), message, hint, because=[(*path, named[0])])
    for key in params.secret_options:
        if key in params.options:
            message = f"`{key}` stands in `options` and in `secret_options`"
            yield Problem("M1108", (*path, "options", key), message, "Keep one of them.")
    if params.s3:
        yield from key_region_problems(params.s3.kms_key, (*path, "s3", "kms_key"), env)


def endpoints(params: FireLens) -> list[str]:
    """Services that it must reach, as their endpoints are named, beside CloudWatch Logs and S3."""
    return ["kinesis-firehose"] if params.firehose else []


def listens(params: FireLens) -> list[Port]:
    """The ports that it takes, where containers share an address: those that ECS has Fluent Bit
    listen on, for output and for checks of health, and its HTTP server."""
    return [Port(24224), Port(8877), *([] if params.include else [Port(2020)])]


def secret_references(params: FireLens) -> dict[str, SecretRef]:
    """The options whose values are secrets, with those of the destination."""
    header = params.http.header if params.http else None
    return {**({"Header": header} if header else {}), **params.secret_options}


def container(params: FireLens) -> Container:
    """The router. Its check asks only whether it answers: one that followed the destination would
    end every task with it (amazon-ecs-firelens-examples, health-check).

    What it kills by memory would end the task, so the memory is a reservation and no limit. It
    buffers on disk what goes to S3, so its root is writable then.
    """
    ask = ["curl", "-fsS", "-o", "/dev/null", "http://127.0.0.1:2020/api/v1/uptime"]
    check = {"command": ["CMD", *ask], "interval": "10s", "start_period": "30s"}
    return Container.model_validate(
        {
            "image": params.image,
            "user": "0",  # it takes output through a socket that belongs to root
            "cpu": params.cpu,
            "memory_reservation": params.memory,
            "readonly_root_filesystem": params.s3 is None,
            **({} if params.include else {"health_check": check}),
        }
    )


def configuration(params: FireLens) -> ecs.FirelensConfiguration:
    """What makes it the task's log router. On Fargate the file must be in the image."""
    return ecs.FirelensConfiguration(
        Type="fluentbit",
        Options={
            "enable-ecs-log-metadata": "true",
            "config-file-type": "file",
            "config-file-value": params.include or _HEALTH,
        },
    )


def log_configuration(params: FireLens, container: str, log_group: Any) -> ecs.LogConfiguration:
    """How a container's output gets to the router, and where from there. `log_group` is the name
    of the stack's own."""
    secret = [
        ecs.Secret(Name=key, ValueFrom=secrets.secret(reference).value_from)
        for key, reference in sorted(secret_references(params).items())
    ]
    return ecs.LogConfiguration(
        LogDriver="awsfirelens",
        Options={**_options(params, container, log_group), **params.options},
        **({"SecretOptions": secret} if secret else {}),
    )


def _options(params: FireLens, container: str, log_group: Any) -> dict[str, Any]:
    """Of the output's options what is not left to Fluent Bit."""
    region = Ref("AWS::Region")
    if params.cloudwatch:
        group = params.cloudwatch.log_group or log_group
        # The tag follows the prefix: `<container>-firelens-<id of the task>`.
        return {
            "Name": "cloudwatch_logs",
            "region": region,
            "log_group_name": group,
            "log_stream_prefix": f"{container}/",
        }
    if params.s3:
        return {
            "Name": "s3",
            "region": region,
            "bucket": params.s3.bucket,
            "s3_key_format": f"/{params.s3.prefix.strip('/')}/$TAG/%Y/%m/%d/%H/%M/%S-$UUID.gz",
            "use_put_object": "On",
            "compression": "gzip",
            "total_file_size": "10M",
            "upload_timeout": "1m",
        }
    if params.firehose:
        return {
            "Name": "kinesis_firehose",
            "region": region,
            "delivery_stream": params.firehose,
        }
    return _http_options(params.http) if params.http else {}


def _http_options(params: Http) -> dict[str, str]:
    match = _URL.fullmatch(params.url)
    assert match is not None, "a Url is of that form"
    safe = match["scheme"] == "https"
    return {
        "Name": "http",
        "Host": match["host"],
        "Port": match["port"] or ("443" if safe else "80"),
        "URI": (match["path"] or "/") + (match["query"] or ""),
        "Format": "json_lines",
        "tls": "On" if safe else "Off",
    }


def statements(params: FireLens, log_group_arn: Any) -> Iterator[Statement]:
    """What the task role needs to send to the destination, and nothing more. `log_group_arn` is
    the one of the stack's own group's streams."""
    here = "${AWS::Region}:${AWS::AccountId}"
    if params.cloudwatch:
        name = params.cloudwatch.log_group
        named = Sub(f"arn:${{AWS::Partition}}:logs:{here}:log-group:{name}:*")
        actions = [logs.CreateLogStream, logs.PutLogEvents]
        yield allow("SendLogs", actions, [named if name else log_group_arn])
    elif params.s3:
        keys = f"{params.s3.bucket}/{params.s3.prefix.strip('/')}/*"
        yield allow("SendLogs", [s3.PutObject], [Sub(f"arn:${{AWS::Partition}}:s3:::{keys}")])
        if params.s3.kms_key:
            yield allow("EncryptLogs", [kms.GenerateDataKey], [params.s3.kms_key])
    elif params.firehose:
        stream = f"arn:${{AWS::Partition}}:firehose:{here}:deliverystream/{params.firehose}"
        yield allow("SendLogs", [firehose.PutRecordBatch], [Sub(stream)])
