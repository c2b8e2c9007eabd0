"""Logs and traces of the executions of a state machine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from awacs import logs as log_actions
from awacs import xray
from awacs.aws import Statement
from pydantic import Field
from troposphere import AWSObject, GetAtt, stepfunctions

from moorage.model import Base

from ..common.fields import Switch
from ..common.iam import allow
from ..common.logs import Logs, log_group


class ExecutionLogs(Logs):
    """A log group that this stack creates for the state machine's executions."""

    level: Literal["error", "all"] = Field(
        "all", description="Which events are logged: all, or those of failures."
    )
    data: bool = Field(False, description="Log the input and output of states, too.")


class ExecutionParams(Base):
    """What is recorded about the executions of the state machine."""

    execution_logs: Switch[ExecutionLogs] = Field(
        None,
        description="A log group for the executions of the state machine. Only with "
        "`overlap: skip`.",
    )
    tracing: bool = Field(
        False, description="Send traces of executions to X-Ray. Only with `overlap: skip`."
    )


def execution_statements(params: ExecutionParams) -> Iterator[Statement]:
    """The permissions that the role of the state machine needs for logs and traces.

    AWS Step Functions developer guide, "Using CloudWatch Logs to log execution history" and "Trace
    Step Functions request data in AWS X-Ray". None of the actions supports log groups or other
    resources, so the resource is `*`.
    """
    if params.execution_logs:
        yield allow("DeliverLogs", _DELIVERY, ["*"])
    if params.tracing:
        yield allow("SendTraces", _TRACING, ["*"])


_DELIVERY = [
    log_actions.CreateLogDelivery,
    log_actions.DeleteLogDelivery,
    log_actions.DescribeLogGroups,
    log_actions.DescribeResourcePolicies,
    log_actions.GetLogDelivery,
    log_actions.ListLogDeliveries,
    log_actions.PutResourcePolicy,
    log_actions.UpdateLogDelivery,
]

_TRACING = [
    xray.GetSamplingRules,
    xray.GetSamplingTargets,
    xray.PutTelemetryRecords,
    xray.PutTraceSegments,
]


def execution_log_group(params: ExecutionParams) -> Iterator[AWSObject]:
    """The log group of the executions, if they are logged."""
    if params.execution_logs:
        yield log_group("ExecutionLogGroup", params.execution_logs)


def execution_properties(params: ExecutionParams) -> dict[str, Any]:
    """Properties of the state machine."""
    properties: dict[str, Any] = {}
    if logs := params.execution_logs:
        group = stepfunctions.CloudWatchLogsLogGroup(LogGroupArn=GetAtt("ExecutionLogGroup", "Arn"))
        properties["LoggingConfiguration"] = stepfunctions.LoggingConfiguration(
            Level=logs.level.upper(),
            IncludeExecutionData=logs.data,
            Destinations=[stepfunctions.LogDestination(CloudWatchLogsLogGroup=group)],
        )
    if params.tracing:
        properties["TracingConfiguration"] = stepfunctions.TracingConfiguration(Enabled=True)
    return properties
