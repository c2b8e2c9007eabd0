"""The collector of the AWS Distro for OpenTelemetry (ADOT) beside a task's containers.

What it does is told by one of the configurations in its image, or by a file of the user's. Its
roles: ADOT documentation, "Create IAM Policy" for ECS, narrowed to what a configuration sends.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from awacs import aps, logs, xray
from awacs.aws import Statement
from pydantic import Field
from troposphere import Sub

from moorage.findings.finding import Path, Problem
from moorage.model import Base, Environment

from ..common.fields import ConfigFile, UniqueList, text
from ..common.iam import allow
from ..common.logs import LogGroupName
from ..common.regions import is_in_other_region
from .containers import Container, Port, Variable, VariableName
from .images import Image
from .secrets import SecretRef

NAME = "otel-collector"
IMAGE = "public.ecr.aws/aws-observability/aws-otel-collector:v0.49.0"
"""Released on 2026-07-14 (github.com/aws-observability/aws-otel-collector, releases)."""
_APPLICATION = "/aws/ecs/application/metrics"
_PERFORMANCE = "/aws/ecs/containerinsights/${Cluster}/performance"


@dataclass(frozen=True)
class _Config:
    """A configuration in the image: what it sends, and what it takes beside OTLP."""

    file: str
    traces: bool = False
    log_groups: tuple[str, ...] = ()
    """Those that metrics go to, in CloudWatch's embedded metric format."""
    prometheus: bool = False
    scrapes: bool = False
    udp: tuple[int, ...] = ()


# github.com/aws-observability/aws-otel-collector, config/ecs.
_CONFIGS = {
    "default": _Config("ecs-default-config", True, (_APPLICATION,), udp=(2000, 8125)),
    "task-metrics": _Config(
        "container-insights/otel-task-metrics-config",
        True,
        (_APPLICATION, _PERFORMANCE),
        udp=(2000, 8125),
    ),
    "xray": _Config("ecs-xray", True),
    "cloudwatch": _Config("ecs-cloudwatch", log_groups=(_APPLICATION,)),
    "cloudwatch-xray": _Config("ecs-cloudwatch-xray", True, (_APPLICATION,)),
    "amp": _Config("ecs-amp", prometheus=True),
    "amp-xray": _Config("ecs-amp-xray", True, prometheus=True),
    "amp-prometheus": _Config("ecs-amp-prometheus", prometheus=True, scrapes=True),
    "amp-xray-prometheus": _Config("ecs-amp-xray-prometheus", True, prometheus=True, scrapes=True),
}
ConfigName = Literal[
    "default",
    "task-metrics",
    "xray",
    "cloudwatch",
    "cloudwatch-xray",
    "amp",
    "amp-xray",
    "amp-prometheus",
    "amp-xray-prometheus",
]
Workspace = Annotated[
    str,
    text(
        r"arn:aws[a-z-]*:aps:[a-z0-9-]+:\d{12}:workspace/ws-[a-z0-9-]+",
        "the ARN of a workspace of Managed Prometheus",
        "arn:aws:aps:eu-central-1:123456789012:workspace/ws-0a1b2c3d-1111-4222-8333-444455556666",
    ),
]
HostPort = Annotated[str, text(r"[A-Za-z0-9.-]+:\d{1,5}", "a host and a port", "127.0.0.1:9090")]


class Otel(Base):
    """The collector of the AWS Distro for OpenTelemetry, in each task: OTLP on port 4317 (gRPC) and
    4318 (HTTP). It is not essential: a task goes on where it fails, and ECS starts it again."""

    config: ConfigName = Field(
        "default",
        description="A configuration in the image. `default`: traces to X-Ray, metrics to "
        "CloudWatch, also from the X-Ray SDK (2000/udp) and StatsD (8125/udp); `task-metrics`: "
        "what the task's containers use as well; the others say what they send to, `amp` is Amazon "
        "Managed Prometheus, and `...-prometheus` asks the application for its metrics.",
    )
    config_file: ConfigFile | None = Field(
        None,
        description="A configuration of your own instead, in YAML: it stands in the template and "
        "reaches the collector in `AOT_CONFIG_CONTENT`. Name below what it sends to.",
    )
    xray: bool = Field(False, description="The `config_file` sends traces to X-Ray.")
    log_groups: UniqueList[LogGroupName] = Field(
        [],
        description="Log groups that the `config_file` sends metrics (`awsemf`) or logs to; the "
        "collector makes those that are missing.",
    )
    workspace: Workspace | None = Field(
        None, description="ARN of the workspace of Managed Prometheus that metrics go to."
    )
    scrape: HostPort | None = Field(
        None, description="What `...-prometheus` asks, such as `127.0.0.1:9090`."
    )
    environment: dict[VariableName, Variable] = Field(
        {}, description="Variables for `$${env:NAME}` in the configuration."
    )
    secrets: dict[VariableName, SecretRef] = Field(
        {}, description="Such variables whose values ECS reads at start."
    )
    not_secret: list[str] = Field(
        [], description="Names in `environment` that look like secrets and are none."
    )
    image: Image = Field(IMAGE, description="The collector's image.")
    cpu: int = Field(64, ge=1, description="CPU units of the task's that it gets.")
    memory: int = Field(256, ge=64, description="MiB of the task's at which it is killed.")


def _config(params: Otel) -> _Config:
    """What is sent: as the configuration in the image does, or as is said of the user's own."""
    if params.config_file is None:
        return _CONFIGS[params.config]
    return _Config("", params.xray, tuple(params.log_groups), params.workspace is not None)


def otel_problems(params: Otel, path: Path, env: Environment) -> Iterator[Problem]:
    """What is wrong with a collector by itself."""
    used = _config(params)
    given = params.model_fields_set
    if params.config_file is not None and "config" in given:
        hint = "Remove one of them."
        yield Problem("M1108", (*path, "config"), "There are two configurations", hint)
    for key in ("xray", "log_groups"):
        if params.config_file is None and key in given:
            message = f"`{key}` says what a `config_file` sends to, and there is none"
            hint = "Remove it: the configurations of the image are known."
            yield Problem("M1220", (*path, key), message, hint)
    because, also = [(*path, "config")], "-xray" if used.traces else ""
    needs = {
        "workspace": (used.prometheus, f"amp{also}", "Write the ARN of a workspace."),
        "scrape": (used.scrapes, f"amp{also}-prometheus", "Write one such as `127.0.0.1:9090`."),
    }
    for key, (wanted, name, advice) in needs.items():
        said = getattr(params, key) is not None
        if wanted and not said:
            message = f"`config: {params.config}` needs `{key}`"
            yield Problem("M1108", path, message, advice, because=because)
        elif said and not wanted:
            message = f"The configuration has no use for `{key}`"
            hint = "Remove it: your own file says it itself, or takes a variable for it."
            hint = hint if params.config_file else f"Remove it, or write `config: {name}`."
            yield Problem("M1220", (*path, key), message, hint, because=because)
    if params.workspace and is_in_other_region(params.workspace, env):
        message = "The workspace is in another region"
        hint = f"Name one in {env.region}: the collector signs for the region that it runs in."
        yield Problem("M1220", (*path, "workspace"), message, hint)


def endpoints(params: Otel) -> list[str]:
    """Services that it must reach, as their endpoints are named, beside CloudWatch Logs."""
    used = _config(params)
    return [*(["xray"] if used.traces else []), *(["aps-workspaces"] if used.prometheus else [])]


def listens(params: Otel) -> list[Port]:
    """The ports that it takes, where containers share an address: OTLP, its health and its own
    metrics, and what the configuration takes beside these."""
    udp = [Port(number, "udp") for number in _config(params).udp]
    return [Port(4317), Port(4318), Port(13133), Port(8888), *udp]


def container(params: Otel, env: Environment) -> Container:
    """The collector. The image is made from scratch, runs as a user of its own and writes nowhere;
    `/healthcheck` asks the collector's `health_check` extension (cmd/awscollector/Dockerfile and
    cmd/healthcheck in its repository)."""
    file = params.config_file
    # Where the extension is missing the check could only fail.
    checked = file is None or "health_check" in file.text
    command = [] if file else [f"--config=/etc/ecs/{_config(params).file}.yaml"]
    check = {"command": ["CMD", "/healthcheck"], "timeout": "6s", "start_period": "10s"}
    return Container.model_validate(
        {
            "image": params.image,
            "command": command,
            "environment": {**_variables(params, env), **params.environment},
            "secrets": params.secrets,
            "not_secret": params.not_secret,
            "cpu": params.cpu,
            "memory": params.memory,
            "essential": False,
            "restart_policy": {},
            "readonly_root_filesystem": True,
            "drop_capabilities": ["ALL"],
            **({"health_check": check} if checked else {}),
        }
    )


def _variables(params: Otel, env: Environment) -> dict[str, str]:
    """What the configurations of the image, or the collector itself, take from variables."""
    given = {
        "AOT_CONFIG_CONTENT": params.config_file.text if params.config_file else None,
        "AWS_PROMETHEUS_ENDPOINT": _remote_write(params.workspace) if params.workspace else None,
        "AWS_PROMETHEUS_SCRAPING_ENDPOINT": params.scrape,
        "AWS_REGION": env.region if params.workspace else None,
    }
    return {key: value for key, value in given.items() if value is not None}


def _remote_write(workspace: str) -> str:
    """Amazon Managed Service for Prometheus user guide, "Ingest metrics": the URL to write to."""
    _, partition, _, region, _, resource = workspace.split(":", 5)
    suffix = ".cn" if partition == "aws-cn" else ""
    name = resource.removeprefix("workspace/")
    host = f"aps-workspaces.{region}.amazonaws.com{suffix}"
    return f"https://{host}/workspaces/{name}/api/v1/remote_write"


def statements(params: Otel, cluster: Any) -> Iterator[Statement]:
    """What the task role needs to send what the configuration sends.

    X-Ray's actions take no resource (Service Authorization Reference), hence the `*`. The exporter
    of metrics makes the log group that it writes to where there is none.
    """
    used = _config(params)
    if used.traces:
        sending = [xray.PutTraceSegments, xray.PutTelemetryRecords]
        sampling = [xray.GetSamplingRules, xray.GetSamplingTargets]
        yield allow("SendTraces", [*sending, *sampling, xray.GetSamplingStatisticSummaries], ["*"])
    if used.log_groups:
        yield allow(
            "SendMetrics",
            [logs.CreateLogGroup, logs.CreateLogStream, logs.PutLogEvents],
            [arn for group in used.log_groups for arn in _log_group_arns(group, cluster)],
        )
    if params.workspace:
        yield allow("WritePrometheus", [aps.RemoteWrite], [params.workspace])


def _log_group_arns(group: str, cluster: Any) -> list[Sub]:
    """The group, which is made, and its streams, which are written."""
    arn = f"arn:${{AWS::Partition}}:logs:${{AWS::Region}}:${{AWS::AccountId}}:log-group:{group}"
    more = {"Cluster": cluster} if "${Cluster}" in group else {}
    return [Sub(arn, **more), Sub(f"{arn}:*", **more)]
