"""The collector of the AWS Distro for OpenTelemetry (ADOT) as a sidecar.

It uses one of the configurations in its image, or a configuration file of the user. Its permissions
are those of the ADOT documentation, "Create IAM Policy" for ECS, limited to what the configuration
sends.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from awacs import aps, logs, xray
from awacs.aws import Statement
from pydantic import Field
from troposphere import Select, Split, Sub

from moorage.facts.arn_patterns import arn_pattern
from moorage.findings.finding import Path, Problem
from moorage.model import Base, Environment
from moorage.records import record
from moorage.references import Reference

from ..common.fields import ConfigFile, UniqueList, text
from ..common.iam import allow
from ..common.logs import LogGroupName
from ..common.references import External, ExternalSecret, Importable, arn_field
from ..common.regions import is_in_other_region, region_of
from .containers import Container
from .images import Image
from .ports import Port
from .secrets import SecretRef
from .variables import Variable, VariableName

CONTAINER_NAME = "otel-collector"
IMAGE = "public.ecr.aws/aws-observability/aws-otel-collector:v0.49.0"
"""Released on 2026-07-14 (github.com/aws-observability/aws-otel-collector, releases)."""
_APPLICATION = "/aws/ecs/application/metrics"
_PERFORMANCE = "/aws/ecs/containerinsights/${Cluster}/performance"


@record
class _Config:
    """A configuration: where it sends data, and what it receives in addition to OTLP."""

    file: str
    traces: bool = False
    log_groups: tuple[str, ...] = ()
    """Log groups for metrics in CloudWatch's embedded metric format."""
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
        arn_pattern("aps", r"workspace/ws-[a-z0-9-]+"),
        "the ARN of a workspace of Amazon Managed Service for Prometheus",
        "arn:aws:aps:eu-central-1:123456789012:workspace/ws-0a1b2c3d-1111-4222-8333-444455556666",
    ),
]
HostPort = Annotated[str, text(r"[A-Za-z0-9.-]+:[0-9]{1,5}", "a host and a port", "127.0.0.1:9090")]


class Otel(Base):
    """The collector of the AWS Distro for OpenTelemetry in each task, with OTLP on the ports 4317
    (gRPC) and 4318 (HTTP). It is not essential: if it fails, the task keeps running and ECS
    restarts the collector."""

    config: ConfigName = Field(
        "default",
        description="A configuration in the image. `default`: traces to X-Ray and metrics to "
        "CloudWatch, also from the X-Ray SDK (2000/udp) and StatsD (8125/udp). `task-metrics`: "
        "in addition metrics of the resource usage of the task's containers. The other names are "
        "those of the destinations, where `amp` is Amazon Managed Service for Prometheus; "
        "`...-prometheus` also scrapes metrics from the application.",
    )
    config_file: ConfigFile | None = Field(
        None,
        description="A YAML file with another configuration. It becomes part of the template, in "
        "the variable `AOT_CONFIG_CONTENT` of the collector. List its destinations in `xray`, "
        "`log_groups` and `workspace`, for the permissions of the task role.",
    )
    xray: bool = Field(False, description="Whether the `config_file` sends traces to X-Ray.")
    log_groups: UniqueList[LogGroupName] = Field(
        [],
        description="Log groups to which the `config_file` sends metrics (`awsemf`) or logs; the "
        "collector creates those that do not exist.",
    )
    workspace: Importable[Workspace] | None = Field(
        None,
        description="ARN of the workspace of Amazon Managed Service for Prometheus to which "
        "metrics are sent.",
    )
    scrape: HostPort | None = Field(
        None,
        description="Host and port that `...-prometheus` scrapes, such as `127.0.0.1:9090`.",
    )
    environment: dict[VariableName, External[Variable]] = Field(
        {}, description="Environment variables, for `$${env:NAME}` in the configuration."
    )
    secrets: dict[VariableName, ExternalSecret[SecretRef]] = Field(
        {},
        description="More environment variables, with references to secrets that ECS reads when "
        "the task starts.",
    )
    not_secret: list[str] = Field(
        [], description="Names in `environment` that look like secrets but are not."
    )
    image: Image = Field(IMAGE, description="Image of the collector.")
    cpu: int = Field(
        64, ge=1, description="CPU units of the task that are reserved for the collector."
    )
    memory: int = Field(256, ge=64, description="Memory limit of the collector in MiB.")


def _config(params: Otel) -> _Config:
    """The configuration in the image, or the destinations that the params list for a
    `config_file`."""
    if params.config_file is None:
        return _CONFIGS[params.config]
    return _Config("", params.xray, tuple(params.log_groups), params.workspace is not None)


def otel_problems(params: Otel, path: Path, env: Environment) -> Iterator[Problem]:
    """Problems of the collector's params at `path`."""
    config = _config(params)
    keys = params.model_fields_set
    if params.config_file is not None and "config" in keys:
        message = "`config` and `config_file` exclude each other"
        yield Problem("M2901", (*path, "config"), message, "Remove one of the two.")
    for key in ("xray", "log_groups"):
        if params.config_file is None and key in keys:
            message = f"`{key}` is for the destinations of a `config_file`, and there is none"
            hint = f"Remove `{key}`: the permissions follow from `config`."
            yield Problem("M2902", (*path, key), message, hint)
    because = [(*path, "config")]
    with_traces = "-xray" if config.traces else ""
    uses = {
        "workspace": (
            config.prometheus,
            f"amp{with_traces}",
            "Add `workspace:` with the ARN of a workspace.",
        ),
        "scrape": (
            config.scrapes,
            f"amp{with_traces}-prometheus",
            'Add `scrape:` with a host and a port, such as `scrape: "127.0.0.1:9090"`.',
        ),
    }
    for key, (is_used, config_with_key, add_hint) in uses.items():
        is_set = getattr(params, key) is not None
        if is_used and not is_set:
            message = f"`config: {params.config}` needs `{key}`"
            yield Problem("M2903", path, message, add_hint, because=because)
        elif is_set and not is_used and params.config_file:
            message = f"`{key}` has no effect on a `config_file`"
            hint = f"Remove `{key}`, and write the value in the file or in a variable of "
            hint += "`environment`."
            yield Problem("M2904", (*path, key), message, hint, because=because)
        elif is_set and not is_used:
            message = f"`config: {params.config}` does not use `{key}`"
            hint = f"Remove `{key}`, or write `config: {config_with_key}`."
            yield Problem("M2904", (*path, key), message, hint, because=because)
    if params.workspace and is_in_other_region(params.workspace, env):
        message = f"The workspace is in {region_of(params.workspace)}, but the collector is in "
        message += f"{env.region} and signs its requests for that region"
        hint = f"Write the ARN of a workspace in {env.region}."
        yield Problem("M2905", (*path, "workspace"), message, hint)


def endpoint_services(params: Otel) -> list[str]:
    """The services, other than CloudWatch Logs, for which the collector needs VPC endpoints in a
    network without access to the internet."""
    config = _config(params)
    services = {"xray": config.traces, "aps-workspaces": config.prometheus}
    return [service for service, is_used in services.items() if is_used]


def listening_ports(params: Otel) -> list[Port]:
    """The ports on which the collector listens: for OTLP, its health check and its own metrics,
    and those of the configuration."""
    udp = [Port(number, "udp") for number in _config(params).udp]
    return [Port(4317), Port(4318), Port(13133), Port(8888), *udp]


def collector_container(params: Otel, env: Environment) -> Container:
    """The container of the collector. Its image has no shell, runs as an unprivileged user and
    writes no files; `/healthcheck` queries the collector's `health_check` extension
    (cmd/awscollector/Dockerfile and cmd/healthcheck in its repository)."""
    file = params.config_file
    # Without the extension the health check would always fail.
    has_health_check = file is None or "health_check" in file.text
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
            **({"health_check": check} if has_health_check else {}),
        }
    )


def _variables(params: Otel, env: Environment) -> dict[str, Any]:
    """Environment variables that the collector or the configurations in its image read."""
    variables = {
        "AOT_CONFIG_CONTENT": params.config_file.text if params.config_file else None,
        "AWS_PROMETHEUS_ENDPOINT": _prometheus_url(params.workspace) if params.workspace else None,
        "AWS_PROMETHEUS_SCRAPING_ENDPOINT": params.scrape,
        "AWS_REGION": env.region if params.workspace else None,
    }
    return {name: value for name, value in variables.items() if value is not None}


def _prometheus_url(workspace: str | Reference) -> Any:
    """Amazon Managed Service for Prometheus user guide, "Ingest metrics"."""
    if not isinstance(workspace, str):
        parts = {"Region": arn_field(workspace, 3), "Workspace": Select(1, Split("/", workspace))}
        path = "workspaces/${Workspace}/api/v1/remote_write"
        return Sub(f"https://aps-workspaces.${{Region}}.${{AWS::URLSuffix}}/{path}", **parts)
    _, partition, _, region, _, resource = workspace.split(":", 5)
    suffix = ".cn" if partition == "aws-cn" else ""
    name = resource.removeprefix("workspace/")
    host = f"aps-workspaces.{region}.amazonaws.com{suffix}"
    return f"https://{host}/workspaces/{name}/api/v1/remote_write"


def task_role_statements(params: Otel, cluster: Any) -> Iterator[Statement]:
    """The permissions that the task role needs for the destinations of the configuration.

    X-Ray's actions do not support resources (Service Authorization Reference), so the resource is
    `*`. The exporter of metrics creates its log group if it does not exist.
    """
    config = _config(params)
    if config.traces:
        sending = [xray.PutTraceSegments, xray.PutTelemetryRecords]
        sampling = [xray.GetSamplingRules, xray.GetSamplingTargets]
        yield allow("SendTraces", [*sending, *sampling, xray.GetSamplingStatisticSummaries], ["*"])
    if config.log_groups:
        yield allow(
            "SendMetrics",
            [logs.CreateLogGroup, logs.CreateLogStream, logs.PutLogEvents],
            [arn for group in config.log_groups for arn in _log_group_arns(group, cluster)],
        )
    if params.workspace:
        yield allow("WritePrometheus", [aps.RemoteWrite], [params.workspace])


def _log_group_arns(group: str, cluster: Any) -> list[Sub]:
    """The ARNs of the log group, to create it, and of its streams, to write to them."""
    arn = f"arn:${{AWS::Partition}}:logs:${{AWS::Region}}:${{AWS::AccountId}}:log-group:{group}"
    values = {"Cluster": cluster} if "${Cluster}" in group else {}
    return [Sub(arn, **values), Sub(f"{arn}:*", **values)]
