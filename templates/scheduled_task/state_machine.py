"""The state machine that runs the task unless a task of its family is running."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from awacs import ecs as ecs_actions
from awacs import events
from awacs.aws import ArnEquals, Condition, Statement
from troposphere import AWSObject, GetAtt, Sub, stepfunctions

from ..common.iam import allow, from_source, role
from ..common.json_text import as_json
from ..tasks import run_task
from ..tasks.execution_logs import (
    execution_log_group,
    execution_properties,
    execution_statements,
)
from ..tasks.task import Task
from .dead_letters import dead_letter_url, report_statements
from .params import Params


def state_machine(task: Task, params: Params) -> Iterator[AWSObject]:
    """A state machine that runs the task unless a task of its family is running, and its role.

    AWS Step Functions developer guide, "Creating an IAM role for your state machine". The trust
    policy is for any state machine of the account and region, because the ARN of this one is not
    known when its role is created.
    """
    yield role(
        "StateMachineRole",
        "states.amazonaws.com",
        {
            "RunTask": run_task.run_statements(task),
            "WatchTask": [*_watch_statements(task), *report_statements(params)],
            "Record": execution_statements(params),
        },
        task.env,
        permissions_boundary=params.permissions_boundary,
        Condition=from_source("states:${AWS::Region}:${AWS::AccountId}:stateMachine:*"),
    )
    yield from execution_log_group(params)
    yield stepfunctions.StateMachine(
        "StateMachine",
        RoleArn=GetAtt("StateMachineRole", "Arn"),
        DefinitionString=as_json(_definition(task, params)),
        **execution_properties(params),
    )


_STATES_ARN = "arn:${AWS::Partition}:states:::"

_NOT_IN_STEP_FUNCTIONS = ("Count", "EnableECSManagedTags")
"""Parameters of RunTask that the documentation of `ecs:runTask.sync` does not list: Step Functions
refuses a state machine with one that it does not support ("The field 'Count' is not supported by
Step Functions"). AWS Step Functions developer guide, "Manage Amazon ECS or Fargate Tasks with Step
Functions"."""


def _definition(task: Task, params: Params) -> dict[str, Any]:
    """The definition of the state machine. ListTasks with desiredStatus RUNNING includes tasks that
    are starting (Amazon ECS API reference); `.sync` waits for the end of the task, and fails if a
    container has failed, or with another error if ECS has no capacity for the task ("Run Amazon
    ECS or Fargate tasks with Step Functions")."""
    return {
        "Comment": "Runs the task unless a task of its family is running",
        "StartAt": "ListTasks",
        "States": {
            "ListTasks": {
                "Type": "Task",
                "Resource": f"{_STATES_ARN}aws-sdk:ecs:listTasks",
                "Parameters": {
                    "Cluster": task.placement.cluster_name,
                    "Family": task.family,
                    "DesiredStatus": "RUNNING",
                    "MaxResults": 1,
                },
                "Next": "IsTaskRunning",
            },
            "IsTaskRunning": {
                "Type": "Choice",
                "Choices": [{"Variable": "$.TaskArns[0]", "IsPresent": True, "Next": "Skip"}],
                "Default": "Run",
            },
            "Skip": {"Type": "Succeed"},
            "Run": _run_state(task, params),
            **(_report_states(params) if params.dead_letter_queue else {}),
        },
    }


def _run_state(task: Task, params: Params) -> dict[str, Any]:
    """The state that runs the task, and reports a failure if there is a queue for it."""
    request = run_task.request(task)
    timeout = {"TimeoutSeconds": params.timeout} if params.timeout else {}
    retry = {
        "ErrorEquals": ["AmazonECS.Unknown"],
        "IntervalSeconds": 60,
        "BackoffRate": 1,
        "MaxAttempts": min(params.retry.maximum_attempts, params.retry.maximum_age // 60),
    }
    report = {"Catch": [{"ErrorEquals": ["States.ALL"], "Next": "SendToDeadLetterQueue"}]}
    return {
        "Type": "Task",
        "Resource": f"{_STATES_ARN}ecs:runTask.sync",
        "Parameters": {
            key: value for key, value in request.items() if key not in _NOT_IN_STEP_FUNCTIONS
        },
        **timeout,
        "Retry": [retry],
        **(report if params.dead_letter_queue else {}),
        "End": True,
    }


def _report_states(params: Params) -> dict[str, Any]:
    """The states that send a failure to the queue, and end the execution as failed."""
    return {
        "SendToDeadLetterQueue": {
            "Type": "Task",
            "Resource": f"{_STATES_ARN}sqs:sendMessage",
            "Parameters": {
                "QueueUrl": dead_letter_url(params),
                "MessageBody.$": "States.JsonToString($)",
            },
            "Next": "Failed",
        },
        "Failed": {"Type": "Fail"},
    }


def _watch_statements(task: Task) -> Iterator[Statement]:
    """What the state machine needs to detect the end of a task (AWS Step Functions developer guide,
    "Run Amazon ECS or Fargate tasks with Step Functions"). The resource of ListTasks is `*` because
    the action does not support tasks as resources (Service Authorization Reference)."""
    in_cluster = Condition(
        ArnEquals({"ecs:cluster": run_task.cluster_arn(task, "cluster/${Cluster}")})
    )
    yield allow("ListTasks", [ecs_actions.ListTasks], ["*"], Condition=in_cluster)
    tasks = run_task.cluster_arn(task, "task/${Cluster}/*")
    yield allow("DescribeAndStopTask", [ecs_actions.DescribeTasks, ecs_actions.StopTask], [tasks])
    rule = "${AWS::Region}:${AWS::AccountId}:rule/StepFunctionsGetEventsForECSTaskRule"
    yield allow(
        "ReceiveTaskEvents",
        [events.DescribeRule, events.PutRule, events.PutTargets],
        [Sub(f"arn:${{AWS::Partition}}:events:{rule}")],
    )
