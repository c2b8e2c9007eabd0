"""Flow logs of the VPC."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from awacs.logs import CreateLogStream, DescribeLogStreams, PutLogEvents
from troposphere import GetAtt, Ref, ec2

from moorage.model import Environment

from ..common.iam import allow, from_source, role
from ..common.logs import log_group
from .params import FlowLogs


def flow_log_resources(params: FlowLogs, env: Environment) -> Iterator[Any]:
    """Flow logs of the VPC, their log group, and the role that writes to it.

    VPC user guide, "IAM role for publishing flow logs to CloudWatch Logs". The other actions of
    that page create and find log groups; they are not needed because the stack creates the log
    group. The trust policy is for any flow log of the account and region, since the ID of the flow
    log is not known when its role is created.
    """
    yield log_group("FlowLogGroup", params)
    yield role(
        "FlowLogRole",
        "vpc-flow-logs.amazonaws.com",
        {
            "WriteFlowLogs": [
                allow(
                    "WriteFlowLogs",
                    [CreateLogStream, DescribeLogStreams, PutLogEvents],
                    [GetAtt("FlowLogGroup", "Arn")],
                )
            ]
        },
        env,
        Condition=from_source("ec2:${AWS::Region}:${AWS::AccountId}:vpc-flow-log/*"),
    )
    yield ec2.FlowLog(
        "FlowLog",
        ResourceType="VPC",
        ResourceId=Ref("Vpc"),
        TrafficType=params.traffic.upper(),
        LogDestinationType="cloud-watch-logs",
        LogGroupName=Ref("FlowLogGroup"),
        DeliverLogsPermissionArn=GetAtt("FlowLogRole", "Arn"),
    )
