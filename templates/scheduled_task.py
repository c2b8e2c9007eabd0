"""A task that runs on a schedule.

    report:
      template: scheduled_task
      schedule: "cron(30 6 ? * MON-FRI *)"
      time_zone: Europe/Berlin
      containers:
        report: {image: "ecr:shop/report:1.4.2", command: [bin/report]}

EventBridge Scheduler starts the task whether or not the last run has ended, which it does not know.
So by default it starts a state machine, which runs the task unless a task of the family is running.
Two starts within a second or two can still overlap, since neither finds a running task. With
`overlap: allow` there is no state machine.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from awacs import ecs as ecs_actions
from awacs import events, kms, sqs, states
from awacs.aws import ArnEquals, Condition, Statement, StringEquals
from pydantic import Field
from troposphere import AccountId, AWSObject, GetAtt, Output, Ref, Sub, Template, stepfunctions
from troposphere import scheduler as aws_scheduler
from troposphere.iam import Role

from moorage.findings.finding import Problem
from moorage.model import Base, Deployment, Environment

from .alarms.alarms import Alarms, alarm_problems, alarm_resources
from .common.fields import KeyArn, QueueArn, Switch, duration
from .common.iam import allow, from_source, role
from .common.json_text import as_json
from .common.regions import key_region_problems
from .common.schedules import FlexibleWindow, ScheduleExpression, TimeZone, time_zone_problems
from .tasks import run_task
from .tasks.alarm_params import JobAlarms
from .tasks.alarms import resolve_job_alarms, service_alarm_problems
from .tasks.execution_logs import (
    ExecutionParams,
    execution_log_group,
    execution_properties,
    execution_statements,
)
from .tasks.params import TaskParams
from .tasks.queue_problems import queue_arn_problems
from .tasks.queue_resources import dead_letter_queue
from .tasks.queues import queue_name, queue_url
from .tasks.task import Task, resolve_task
from .tasks.task_resources import log_group_output, security_groups, task_outputs, task_resources

_DAY = 86_400


class Retry(Base):
    """How long and how often a failed start is retried."""

    maximum_attempts: int = Field(
        185, ge=0, le=185, description="Number of attempts after the first one."
    )
    maximum_age: Annotated[int, duration(60, _DAY)] = Field(
        3600, description="Time after which a run that could not be started is dropped."
    )


class DeadLetterQueue(Base):
    """A queue for messages about runs that could not start or, with `overlap: skip`, failed."""

    retention: Annotated[int, duration(60, 14 * _DAY)] = Field(
        14 * _DAY, description="How long a queue that the stack creates keeps messages."
    )
    existing: QueueArn | None = Field(
        None, description="ARN of an existing standard queue in the same region."
    )
    kms_key: KeyArn | None = Field(
        None,
        description="ARN of the customer managed KMS key that encrypts the queue, if it has one.",
    )


class Params(TaskParams, ExecutionParams):
    """A task that runs on a schedule."""

    schedule: ScheduleExpression = Field(
        description="When it runs: `cron(minutes hours day-of-month month day-of-week year)`, "
        "`rate(15 minutes)`, or once, `at(2027-01-31T03:00:00)`."
    )
    time_zone: TimeZone = Field(
        "UTC", description="Time zone of the schedule, including its daylight saving time."
    )
    enabled: bool = Field(True, description="Whether the schedule starts runs.")
    flexible_window: FlexibleWindow | None = Field(
        None, description="Time window after the scheduled time within which a run starts."
    )
    overlap: Literal["skip", "allow"] = Field(
        "skip",
        description="What happens if a run is due and the last one has not ended: `skip` drops "
        "the new run, `allow` runs both.",
    )
    timeout: Annotated[int, duration(60, 30 * _DAY)] | None = Field(
        None,
        description="Time after which a run is stopped. Only with `overlap: skip`, where a run "
        "that never ends prevents all later ones.",
    )
    retry: Retry = Field(Retry(), description="Retries of failed starts.")
    dead_letter_queue: Switch[DeadLetterQueue] = Field(
        DeadLetterQueue(),
        description="A queue for messages about runs that could not be started or, with `overlap: "
        "skip`, failed: the task did not exit with 0, or took longer than `timeout`.",
    )
    alarms: Switch[JobAlarms] = Field(
        None,
        description="Alarms that notify a stack of template `notifications`: `true` for all, or a "
        "map with what differs.",
    )


def problems(name: str, params: Params, env: Environment) -> Iterator[Problem]:
    """Problems of a scheduled task, given the other stacks of the environment."""
    task = env.resolve(resolve_task, name, params)
    yield from run_task.run_problems(task)
    alarms = _alarms(task, params)
    yield from alarm_problems(alarms, env)
    yield from service_alarm_problems(alarms, task)
    yield from time_zone_problems(params.time_zone, ("time_zone",))
    if params.overlap == "allow":
        given = {key: getattr(params, key) for key in ("timeout", "execution_logs", "tracing")}
        for key in (key for key, value in given.items() if value):
            message = f"`{key}` has no effect with `overlap: allow`"
            hint = "Remove it, or write `overlap: skip`."
            yield Problem("M3302", (key,), message, hint, because=[("overlap",)])
    if params.execution_logs:
        path = ("execution_logs", "kms_key")
        yield from key_region_problems(params.execution_logs.kms_key, path, env)
    queue = params.dead_letter_queue
    if queue:
        yield from key_region_problems(queue.kms_key, ("dead_letter_queue", "kms_key"), env)
    if queue and queue.existing:
        path = ("dead_letter_queue", "existing")
        yield from queue_arn_problems(queue.existing, path, env)
        if str(queue.existing).endswith(".fifo"):
            message = "EventBridge Scheduler sends to standard queues only, and this is a FIFO "
            message += "queue"
            yield Problem("M3303", path, message, "Write the ARN of a standard queue.")
        if "retention" in queue.model_fields_set:
            message = "`retention` has no effect on an existing queue"
            at = ("dead_letter_queue", "retention")
            yield Problem("M3351", at, message, "Remove it, or remove `existing:`.")


def compose(name: str, params: Params, env: Environment) -> Template:
    """The stack of a scheduled task."""
    task = env.resolve(resolve_task, name, params)
    template = Template(f"{env.app} {env.name}: the scheduled task `{name}`")
    template.set_version()
    template.add_resource(
        [
            *task_resources(task),
            *security_groups(task),
            *(_state_machine(task, params) if params.overlap == "skip" else ()),
            *_dead_letter_queue(params),
            _schedule_role(task, params),
            _schedule(task, params),
            *alarm_resources(_alarms(task, params)),
        ]
    )
    template.add_output(list(_outputs(task)))
    return template


def _alarms(task: Task, params: Params) -> Alarms | None:
    queue = params.dead_letter_queue
    return resolve_job_alarms(
        params.alarms,
        task,
        dead_letters=queue_name(queue.existing) if queue else None,
        state_machine=params.overlap == "skip",
    )


def deployment(name: str, params: Params, env: Environment) -> Deployment:
    return Deployment(after=tuple(params.after))


def _outputs(task: Task) -> Iterator[Output]:
    yield from task_outputs(task, "Security group of the task")
    yield Output("ScheduleName", Description="Name of the schedule", Value=Ref("Schedule"))
    yield log_group_output(task)


# The schedule --------------------------------------------------------------------------------


def _schedule(task: Task, params: Params) -> aws_scheduler.Schedule:
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
    same = (
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
            **{key: request[key] for key in same if key in request},
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


def _dead_letter_queue(params: Params) -> Iterator[AWSObject]:
    queue = params.dead_letter_queue
    if queue and queue.existing is None:
        yield from dead_letter_queue(queue.retention, kms_key=queue.kms_key)


def _dead_letter_arn(params: Params) -> Any:
    queue = params.dead_letter_queue
    return queue and (queue.existing or GetAtt("DeadLetterQueue", "Arn"))


def _dead_letter_url(params: Params) -> Any:
    queue = params.dead_letter_queue
    return queue_url(queue.existing) if queue and queue.existing else Ref("DeadLetterQueue")


def _report_statements(params: Params) -> Iterator[Statement]:
    """Amazon SQS developer guide, "Configure KMS permissions for producers": who sends to an
    encrypted queue creates data keys, and decrypts them again."""
    if arn := _dead_letter_arn(params):
        yield allow("SendToDeadLetterQueue", [sqs.SendMessage], [arn])
    queue = params.dead_letter_queue
    if queue and queue.kms_key:
        yield allow("EncryptMessages", [kms.Decrypt, kms.GenerateDataKey], [queue.kms_key])


def _dead_letter_config(params: Params) -> dict[str, Any]:
    arn = _dead_letter_arn(params)
    return {"DeadLetterConfig": aws_scheduler.DeadLetterConfig(Arn=arn)} if arn else {}


def _schedule_role(task: Task, params: Params) -> Role:
    """The role of EventBridge Scheduler, for schedules of this account only.

    Its user guide, "Confused deputy prevention in EventBridge Scheduler": the source ARN is that of
    the schedule group, not of the schedule.
    """
    start: list[Statement] = [
        allow("StartExecution", [states.StartExecution], [Ref("StateMachine")])
    ]
    if params.overlap == "allow":
        start = list(run_task.run_statements(task))
    start += _report_statements(params)
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


# What prevents overlapping runs --------------------------------------------------------------


def _state_machine(task: Task, params: Params) -> Iterator[AWSObject]:
    """A state machine that runs the task unless a task of its family is running, and its role.

    AWS Step Functions developer guide, "Creating an IAM role for your state machine". The state
    machine is created after its role, so the role is for any of the account and region.
    """
    yield role(
        "StateMachineRole",
        "states.amazonaws.com",
        {
            "RunTask": run_task.run_statements(task),
            "WatchTask": [*_watch_statements(task), *_report_statements(params)],
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
    limit = {"TimeoutSeconds": params.timeout} if params.timeout else {}
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
        **limit,
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
                "QueueUrl": _dead_letter_url(params),
                "MessageBody.$": "States.JsonToString($)",
            },
            "Next": "Failed",
        },
        "Failed": {"Type": "Fail"},
    }


def _watch_statements(task: Task) -> Iterator[Statement]:
    """What the state machine needs to detect the end of a task (AWS Step Functions developer guide,
    "Run Amazon ECS or Fargate tasks with Step Functions"). ListTasks does not take a task as its
    resource (Service Authorization Reference), so it is `*`."""
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
