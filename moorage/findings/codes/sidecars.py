"""M2900 to M2999: sidecars."""

from __future__ import annotations

from moorage.findings.codes.code import Code

_OTEL_SOURCES = ("aws-observability/aws-otel-collector on GitHub, config/ecs",)

CODES: tuple[Code, ...] = (
    Code(
        "M2901",
        "The collector has both `config` and `config_file`.",
        "The OpenTelemetry collector runs with one configuration: one of those in its image, or "
        "the file.",
        "Remove `config:` or `config_file:`.",
        """\
sidecars:
  otel: {config_file: otel.yaml, xray: true}  # without `config`
""",
    ),
    Code(
        "M2902",
        "`xray` and `log_groups` have no effect without `config_file`.",
        "They list the destinations of a configuration file, to which the task role then allows "
        "sending. Moorage knows the destinations of the configurations in the image.",
        "Remove `xray:` and `log_groups:`, or write a `config_file:`.",
        """\
sidecars:
  otel: {config: cloudwatch-xray}  # without `xray` and `log_groups`
""",
        _OTEL_SOURCES,
    ),
    Code(
        "M2903",
        "The collector's configuration needs another setting.",
        "The `amp` configurations send metrics to a workspace of Amazon Managed Service for "
        "Prometheus, and those that end in `-prometheus` scrape metrics from a host and a port.",
        "Add `workspace:` or `scrape:`.",
        """\
sidecars:
  otel:
    config: amp-prometheus
    workspace: arn:aws:aps:eu-central-1:123456789012:workspace/ws-0a1b2c3d  # for amp
    scrape: 127.0.0.1:9090  # for -prometheus
""",
        _OTEL_SOURCES,
    ),
    Code(
        "M2904",
        "The collector's configuration does not use the setting.",
        "`workspace` is used by the `amp` configurations and by a `config_file`, `scrape` by the "
        "configurations that end in `-prometheus`.",
        "Remove the setting, or choose a configuration that uses it.",
        """\
sidecars:
  otel:
    config: amp-xray  # without `scrape`
    workspace: arn:aws:aps:eu-central-1:123456789012:workspace/ws-0a1b2c3d
""",
        _OTEL_SOURCES,
    ),
    Code(
        "M2905",
        "The Prometheus workspace is not in the environment's region.",
        "The collector signs its requests for the region in which the task runs, and a workspace "
        "accepts only requests that are signed for its own region.",
        "Write the ARN of a workspace in the environment's region.",
        """\
# of an environment with region: eu-central-1
sidecars:
  otel:
    config: amp
    workspace: arn:aws:aps:eu-central-1:123456789012:workspace/ws-0a1b2c3d
""",
        _OTEL_SOURCES,
    ),
    Code(
        "M2906",
        "The log router has no destination.",
        "FireLens sends the logs of all containers to one destination.",
        "Add one of `cloudwatch:`, `s3:`, `firehose:` and `http:`.",
        """\
sidecars:
  firelens: {cloudwatch: true}  # the stack's log group
""",
        rules=("E9140",),
    ),
    Code(
        "M2907",
        "The log router has more than one destination.",
        "A container has one log configuration; with FireLens it is one output of Fluent Bit.",
        "Keep one of `cloudwatch:`, `s3:`, `firehose:` and `http:`.",
        """\
sidecars:
  firelens: {firehose: shop-logs}  # one destination
""",
        ("Amazon ECS API reference, LogConfiguration",),
        rules=("E9140",),
    ),
    Code(
        "M2908",
        "The value is not an HTTP or HTTPS URL.",
        "Fluent Bit posts records to a host, a port and a path, with TLS if the scheme is `https`.",
        "Write the whole URL, such as `https://logs.example.com/ingest`.",
        """\
sidecars:
  firelens:
    http: {url: "https://logs.example.com/ingest"}  # with the scheme
""",
        ('Fluent Bit manual, "Outputs", HTTP',),
    ),
)
