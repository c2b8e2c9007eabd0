"""The schedule, and the role with which EventBridge Scheduler starts runs."""

from __future__ import annotations

from typing import Any

from awacs import states
from awacs.aws import Condition, Statement, StringEquals
from troposphere import AccountId, GetAtt, Ref, Sub
from troposphere import scheduler as aws_scheduler
from troposphere.iam import Role

from ..common.iam import allow, role
from ..tasks import run_task
from ..tasks.task import Task
from .dead_letters import dead_letter_arn, report_statements
from .params import Params


def schedule(task: Task, params: Params) -> aws_scheduler.Schedule:
    """The schedule: it starts the state machine or, with `overlap: allow`, the task itself."""
    window = params.flexible_window
    flexible: dict[str, Any] = {"Mode": "OFF"}
    if window is not None:
        flexible = {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": window // 60}
    return aws_scheduler.Schedule(
        "Schedule",
        ScheduleExpression=params.schedule,
        ScheduleExpressionTimezone=params.time_zone,
        State="ENABLED" if params.enabled else "DISABLED",
        FlexibleTimeWindow=aws_scheduler.FlexibleTimeWindow(**flexible),
        Target=aws_scheduler.Target(
            **_target(task, params),
            RoleArn=GetAtt("ScheduleRole", "Arn"),
            RetryPolicy=aws_scheduler.RetryPolicy(
                MaximumRetryAttempts=params.retry.maximum_attempts,
                MaximumEventAgeInSeconds=params.retry.maximum_age,
            ),
            **_dead_letter_config(params),
        ),
    )


def _target(task: Task, params: Params) -> dict[str, Any]:
    if params.overlap == "skip":
        return {"Arn": Ref("StateMachine")}
    request = run_task.request(task)
    scalars = (
        *("LaunchType", "PlatformVersion", "PropagateTags"),
        *("EnableECSManagedTags", "EnableExecuteCommand"),
    )
    lists = {
        "CapacityProviderStrategy": aws_scheduler.CapacityProviderStrategyItem,
        "PlacementStrategy": aws_scheduler.PlacementStrategy,
        "PlacementConstraints": aws_scheduler.PlacementConstraint,
    }
    return {
        "Arn": run_task.cluster_arn(task, "cluster/${Cluster}"),
        "EcsParameters": aws_scheduler.EcsParameters(
            TaskDefinitionArn=Ref("TaskDefinition"),
            TaskCount=1,
            **_target_network(request),
            **{key: request[key] for key in scalars if key in request},
            **{
                key: [kind(**item.properties) for item in request[key]]
                for key, kind in lists.items()
                if key in request
            },
        ),
    }


def _target_network(request: dict[str, Any]) -> dict[str, Any]:
    if "NetworkConfiguration" not in request:
        return {}
    properties = request["NetworkConfiguration"].AwsvpcConfiguration.properties
    net = aws_scheduler.AwsVpcConfiguration(**properties)
    return {"NetworkConfiguration": aws_scheduler.NetworkConfiguration(AwsvpcConfiguration=net)}


def _dead_letter_config(params: Params) -> dict[str, Any]:
    arn = dead_letter_arn(params)
    return {"DeadLetterConfig": aws_scheduler.DeadLetterConfig(Arn=arn)} if arn else {}


def schedule_role(task: Task, params: Params) -> Role:
    """The role of EventBridge Scheduler, for schedules of this account only.

    Its user guide, "Confused deputy prevention in EventBridge Scheduler": the source ARN is that of
    the schedule group, not of the schedule.
    """
    start: list[Statement] = [
        allow("StartExecution", [states.StartExecution], [Ref("StateMachine")])
    ]
    if params.overlap == "allow":
        start = list(run_task.run_statements(task))
    start += report_statements(params)
    group = "${AWS::Region}:${AWS::AccountId}:schedule-group/default"
    sources = {
        "aws:SourceAccount": AccountId,
        "aws:SourceArn": Sub(f"arn:${{AWS::Partition}}:scheduler:{group}"),
    }
    return role(
        "ScheduleRole",
        "scheduler.amazonaws.com",
        {"Schedule": start},
        task.env,
        permissions_boundary=params.permissions_boundary,
        Condition=Condition(StringEquals(sources)),
    )
