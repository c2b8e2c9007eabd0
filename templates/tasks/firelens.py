"""FireLens: Fluent Bit as a log router in each task.

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
from moorage.references import Reference

from ..common.fields import BucketName, KeyArn, Switch, text
from ..common.iam import allow
from ..common.logs import LogGroupName
from ..common.references import External, ExternalSecret, sub_values
from ..common.regions import key_region_problems
from . import secrets
from .containers import Container, Directory
from .images import Image
from .ports import Port
from .secrets import SecretRef

CONTAINER_NAME = "log-router"
IMAGE = "public.ecr.aws/aws-observability/aws-for-fluent-bit:3.4.15"
"""Fluent Bit 5.0.9, released on 2026-09-04 (github.com/aws/aws-for-fluent-bit, releases)."""
_HEALTH_CHECK_CONFIG = "/fluent-bit/configs/output-metrics-healthcheck.conf"
"""A file in the image that enables Fluent Bit's HTTP server on port 2020."""

_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>[A-Za-z0-9.-]+)(?::(?P<port>[0-9]{1,5}))?(?P<path>/[^\s?#]*)?"
    r"(?P<query>\?[^\s#]*)?"
)


def _validate_url(value: str) -> str:
    match = _URL.fullmatch(value)
    if not match or not 1 <= int(match["port"] or 1) <= 65535:
        hint = "Write a URL such as `https://logs.example.com/ingest`."
        raise wrong("M2908", f"{shown(value)} is not an HTTP or HTTPS URL", hint)
    return value


Url = Annotated[
    str,
    AfterValidator(_validate_url),
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
Prefix = Annotated[str, text(r"[A-Za-z0-9!_.*'()/-]{1,512}", "the prefix of an S3 key", "logs/web")]
OptionName = Annotated[str, text(r"[A-Za-z0-9_.-]+", "the name of an option", "Retry_Limit")]


class CloudWatch(Base):
    """A log group of CloudWatch Logs."""

    log_group: External[LogGroupName] | None = Field(
        None, description="Name of an existing log group; the stack's log group by default."
    )


class Bucket(Base):
    """An S3 bucket, for compressed objects of up to 10 MB. An object is written at least once a
    minute."""

    bucket: External[BucketName] = Field(description="Name of the bucket.")
    prefix: Prefix = Field("logs", description="Prefix of the objects' keys.")
    kms_key: External[KeyArn] | None = Field(
        None, description="ARN of the KMS key with which the bucket encrypts, if it has one."
    )


class Http(Base):
    """An HTTP server that accepts lines of JSON, one record per line."""

    url: Url = Field(description="URL to which records are posted.")
    header: ExternalSecret[SecretRef] | None = Field(
        None,
        description="Reference to a secret with a header and its value, such as `Authorization "
        "Bearer abc`.",
    )


class FireLens(Base):
    """Fluent Bit in each task, which sends the containers' logs to one of `cloudwatch`, `s3`,
    `firehose` and `http`. It is essential: if it fails, the task ends instead of losing logs
    unnoticed. Its own logs go to the stack's log group."""

    cloudwatch: Switch[CloudWatch] = Field(None, description="Send logs to CloudWatch Logs.")
    s3: Bucket | None = Field(None, description="Send logs to an S3 bucket.")
    firehose: External[StreamName] | None = Field(
        None, description="Send logs to the Firehose stream of that name."
    )
    http: Http | None = Field(None, description="Send logs to a URL.")
    options: dict[OptionName, str] = Field(
        {},
        description='Options of Fluent Bit\'s output plugin, such as `{Retry_Limit: "5"}`, which '
        "are added to those that Moorage sets, or replace them; also `log-driver-buffer-limit`.",
    )
    secret_options: dict[OptionName, ExternalSecret[SecretRef]] = Field(
        {},
        description="More options, with references to secrets that ECS reads when the task starts.",
    )
    include: Directory | None = Field(
        None,
        description="An additional configuration file in the image, such as "
        "`/fluent-bit/configs/parse-json.conf`. The container then has no health check, because "
        "ECS accepts only one additional file, and the health check needs one, too.",
    )
    image: Image = Field(IMAGE, description="Image of AWS for Fluent Bit.")
    cpu: int = Field(
        32, ge=1, description="CPU units of the task that are reserved for the log router."
    )
    memory: int = Field(64, ge=32, description="Memory in MiB that is reserved for the log router.")


_DESTINATIONS = ("cloudwatch", "s3", "firehose", "http")


def _chosen_destinations(params: FireLens) -> list[str]:
    return [key for key in _DESTINATIONS if getattr(params, key) is not None]


def firelens_problems(params: FireLens, path: Path, env: Environment) -> Iterator[Problem]:
    """Problems of the log router's params at `path`."""
    chosen = _chosen_destinations(params)
    if not chosen:
        message = "The log router has no destination"
        keys = ", ".join(f"`{key}:`" for key in _DESTINATIONS[1:-1])
        hint = f"Add `cloudwatch: true` for the stack's log group, {keys} or "
        hint += f"`{_DESTINATIONS[-1]}:`."
        yield Problem("M2906", path, message, hint)
    for key in chosen[1:]:
        message = f"The log router has two destinations, `{chosen[0]}` and `{key}`"
        hint = "Remove one of the two."
        yield Problem("M2907", (*path, key), message, hint, because=[(*path, chosen[0])])
    for key in params.secret_options:
        if key in params.options:
            message = f"`{key}` is in both `options` and `secret_options`"
            yield Problem("M2605", (*path, "options", key), message, "Remove one of the two.")
    if params.s3:
        yield from key_region_problems(params.s3.kms_key, (*path, "s3", "kms_key"), env)


def endpoint_services(params: FireLens) -> list[str]:
    """The services, other than CloudWatch Logs and S3, for which the log router needs VPC endpoints
    in a network without access to the internet."""
    return ["kinesis-firehose"] if params.firehose else []


def listening_ports(params: FireLens) -> list[Port]:
    """The ports on which the log router listens: those that ECS configures, for logs and for health
    checks, and that of its HTTP server."""
    return [Port(24224), Port(8877), *([] if params.include else [Port(2020)])]


def secret_references(params: FireLens) -> dict[str, str | Reference]:
    """References to secrets by option, including those of the destination."""
    header = params.http.header if params.http else None
    return {**({"Header": header} if header else {}), **params.secret_options}


def router_container(params: FireLens) -> Container:
    """The container of the log router. Its health check only verifies that Fluent Bit responds:
    with one that depends on the destination, an outage there would end every task
    (amazon-ecs-firelens-examples, health-check).

    Its memory is reserved and not limited, since the task ends when the container is killed. For S3
    it buffers on disk, so its root file system is then writable.
    """
    curl = ["curl", "-fsS", "-o", "/dev/null", "http://127.0.0.1:2020/api/v1/uptime"]
    check = {"command": ["CMD", *curl], "interval": "10s", "start_period": "30s"}
    return Container.model_validate(
        {
            "image": params.image,
            "user": "0",  # it receives logs through a socket that belongs to root
            "cpu": params.cpu,
            "memory_reservation": params.memory,
            "readonly_root_filesystem": params.s3 is None,
            **({} if params.include else {"health_check": check}),
        }
    )


def firelens_configuration(params: FireLens) -> ecs.FirelensConfiguration:
    """The FirelensConfiguration property of the log router's container definition. On Fargate a
    configuration file can only come from the image."""
    return ecs.FirelensConfiguration(
        Type="fluentbit",
        Options={
            "enable-ecs-log-metadata": "true",
            "config-file-type": "file",
            "config-file-value": params.include or _HEALTH_CHECK_CONFIG,
        },
    )


def log_configuration(params: FireLens, container: str, log_group: Any) -> ecs.LogConfiguration:
    """The LogConfiguration of another container: the log driver, and the options of the log
    router's output. `log_group` is the name of the stack's log group."""
    secret_options = [
        ecs.Secret(Name=key, ValueFrom=secrets.parse_secret(reference).value_from)
        for key, reference in sorted(secret_references(params).items())
    ]
    return ecs.LogConfiguration(
        LogDriver="awsfirelens",
        Options={**_options(params, container, log_group), **params.options},
        **({"SecretOptions": secret_options} if secret_options else {}),
    )


def _options(params: FireLens, container: str, log_group: Any) -> dict[str, Any]:
    """The options of the output that differ from Fluent Bit's defaults."""
    region = Ref("AWS::Region")
    if params.cloudwatch:
        group = params.cloudwatch.log_group or log_group
        # Fluent Bit appends the tag to the prefix: `<container>-firelens-<ID of the task>`.
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


def _http_options(params: Http) -> dict[str, Any]:
    match = _URL.fullmatch(params.url)
    assert match is not None, "Url has validated it"
    is_https = match["scheme"] == "https"
    return {
        "Name": "http",
        "Host": match["host"],
        "Port": match["port"] or ("443" if is_https else "80"),
        "URI": (match["path"] or "/") + (match["query"] or ""),
        "Format": "json_lines",
        "tls": "On" if is_https else "Off",
    }


def task_role_statements(params: FireLens, log_group_arn: Any) -> Iterator[Statement]:
    """The permissions that the task role needs to send logs to the destination. `log_group_arn` is
    the ARN of the streams of the stack's log group."""
    location = "${AWS::Region}:${AWS::AccountId}"
    if params.cloudwatch:
        name = params.cloudwatch.log_group
        arn = f"arn:${{AWS::Partition}}:logs:{location}:log-group:${{Name}}:*"
        actions = [logs.CreateLogStream, logs.PutLogEvents]
        yield allow("SendLogs", actions, [sub_values(arn, Name=name) if name else log_group_arn])
    elif params.s3:
        yield allow("SendLogs", [s3.PutObject], [_object_arns(params.s3)])
        if params.s3.kms_key:
            yield allow("EncryptLogs", [kms.GenerateDataKey], [params.s3.kms_key])
    elif params.firehose:
        arn = f"arn:${{AWS::Partition}}:firehose:{location}:deliverystream/${{Name}}"
        stream = sub_values(arn, Name=params.firehose)
        yield allow("SendLogs", [firehose.PutRecordBatch], [stream])


def _object_arns(destination: Bucket) -> Sub:
    keys = f"{destination.prefix.strip('/')}/*"
    return sub_values(f"arn:${{AWS::Partition}}:s3:::${{Bucket}}/{keys}", Bucket=destination.bucket)
