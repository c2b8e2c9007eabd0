"""A stack that holds a task which runs by a schedule, with all that only it needs.

    report:
      template: scheduled_task
      schedule: "cron(30 6 ? * MON-FRI *)"
      time_zone: Europe/Berlin
      containers:
        report: {image: "ecr:shop/report:1.4.2", command: [bin/report]}

EventBridge Scheduler starts the task, and starts it again and again whether or not the last one has
ended: it cannot know. So by default it starts a state machine instead, which looks whether a task
of the family runs, and runs one if none does. That is as far as overlapping runs can be prevented
from outside: two starts within a second or two could still both see none. `overlap: allow` leaves
the state machine out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from awacs import ecs as ecs_actions
from awacs import events, sqs, states
from awacs.aws import ArnEquals, Condition, Statement, StringEquals
from pydantic import Field
from troposphere import AccountId, AWSObject, GetAtt, Output, Ref, Sub, Template, stepfunctions
from troposphere import scheduler as aws_scheduler
from troposphere.iam import Role

from moorage.findings.finding import Problem
from moorage.model import Base, Environment

from .common.exports import export_output
from .common.fields import Switch, duration, text
from .common.iam import allow, role
from .common.schedules import Expression, Window, zone_problems
from .tasks import run_task
from .tasks.launch_types import shares_instance
from .tasks.queues import QueueArn, arn_problems, dead_letter_queue, queue_url, with_queue_urls
from .tasks.task import TaskParams, cluster_of, log_group_name, security_groups, task_resources

_DAY = 86_400

TimeZone = Annotated[
    str, text(r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*", "a time zone", "Europe/Berlin")
]


class Retry(Base):
    """How long it is tried to start a run that could not be started."""

    maximum_attempts: int = Field(185, ge=0, le=185, description="How often it tries again.")
    maximum_age: Annotated[int, duration(60, _DAY)] = Field(
        3600, description="How late a run may start; a later one is left out."
    )


class DeadLetterQueue(Base):
    """Where runs are told that could not be started or, with `overlap: skip`, failed."""

    retention: Annotated[int, duration(60, 14 * _DAY)] = Field(
        14 * _DAY, description="How long the stack's own queue keeps them."
    )
    existing: QueueArn | None = Field(
        None, description="ARN of a standard queue that is there already, in the same region."
    )


class Params(TaskParams):
    """A task that runs by a schedule."""

    schedule: Expression = Field(
        description="When it runs: `cron(minutes hours day-of-month month day-of-week year)`, "
        "`rate(15 minutes)`, or once, `at(2027-01-31T03:00:00)`."
    )
    time_zone: TimeZone = Field(
        "UTC", description="Time zone of the schedule, with its changes to and from summer time."
    )
    enabled: bool = Field(True, description="Whether the schedule is in force.")
    flexible_window: Window | None = Field(
        None, description="Time after the moment of the schedule within which a run may start."
    )
    overlap: Literal["skip", "allow"] = Field(
        "skip",
        description="What happens where the last run has not ended when the next is due: `skip` "
        "leaves the next one out, `allow` runs both.",
    )
    timeout: Annotated[int, duration(60, 30 * _DAY)] | None = Field(
        None,
        description="How long a run may take; then it is stopped. With `overlap: skip`, where a "
        "run that never ends would be the last.",
    )
    retry: Retry = Field(Retry(), description="What happens where a run cannot be started.")
    dead_letter_queue: Switch[DeadLetterQueue] = Field(
        DeadLetterQueue(),
        description="Where runs are told that could not be started or, with `overlap: skip`, that "
        "failed: its task did not exit with 0, or took longer than `timeout`.",
    )


def problems(name: str, params: Params, env: Environment) -> Iterator[Problem]:
    """What only the whole can tell."""
    yield from run_task.run_problems(params, env)
    yield from zone_problems(params.time_zone, ("time_zone",))
    if params.timeout is not None and params.overlap == "allow":
        message = "Nobody watches over runs that may overlap"
        hint = "Remove it, or write `overlap: skip`."
        yield Problem("M1108", ("timeout",), message, hint, because=[("overlap",)])
    dead = params.dead_letter_queue
    if dead and dead.existing:
        path = ("dead_letter_queue", "existing")
        yield from arn_problems(dead.existing, path, env)
        if str(dead.existing).endswith(".fifo"):
            message = "EventBridge Scheduler sends to standard queues only"
            yield Problem("M1220", path, message, "Name another one.")
        if "retention" in dead.model_fields_set:
            message, at = "A queue that exists is not changed", ("dead_letter_queue", "retention")
            yield Problem("M1108", at, message, "Remove it, or `existing:`.")


def compose(name: str, params: Params, env: Environment) -> Template:
    """The task, its schedule, and all that only they need."""
    template = Template(f"{env.app} {env.name}: the task `{name}`, which runs by a schedule")
    template.set_version()
    template.add_resource(
        [
            *task_resources(name, with_queue_urls(name, params, env), env),
            *security_groups(name, params, env),
            *(_guard(name, params, env) if params.overlap == "skip" else ()),
            *_dead_letters(params),
            _schedule_role(name, params, env),
            _schedule(params, env),
        ]
    )
    template.add_output(list(_outputs(name, params, env)))
    return template


def _outputs(name: str, params: Params, env: Environment) -> Iterator[Output]:
    if not shares_instance(params.network_mode):
        group = GetAtt("SecurityGroup", "GroupId")
        yield export_output(env, name, "SecurityGroupId", group, "Security group of the task")
    if params.task_role.existing is None:
        arn = GetAtt("TaskRole", "Arn")
        yield export_output(env, name, "TaskRoleArn", arn, "Role of the containers")
    yield Output("ScheduleName", Description="Name of the schedule", Value=Ref("Schedule"))
    yield Output("LogGroupName", Description="Where output goes", Value=log_group_name(params))


# The schedule --------------------------------------------------------------------------------


def _schedule(params: Params, env: Environment) -> aws_scheduler.Schedule:
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
            **_target(params, env),
            RoleArn=GetAtt("ScheduleRole", "Arn"),
            RetryPolicy=aws_scheduler.RetryPolicy(
                MaximumRetryAttempts=params.retry.maximum_attempts,
                MaximumEventAgeInSeconds=params.retry.maximum_age,
            ),
            **_dead_letter_config(params),
        ),
    )


def _target(params: Params, env: Environment) -> dict[str, Any]:
    if params.overlap == "skip":
        return {"Arn": Ref("StateMachine")}
    asked = run_task.request(params, env)
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
        "Arn": run_task.in_cluster(params, env, "cluster/${Cluster}"),
        "EcsParameters": aws_scheduler.EcsParameters(
            TaskDefinitionArn=Ref("TaskDefinition"),
            TaskCount=1,
            **_target_network(asked),
            **{key: asked[key] for key in same if key in asked},
            **{
                key: [kind(**one.properties) for one in asked[key]]
                for key, kind in lists.items()
                if key in asked
            },
        ),
    }


def _target_network(asked: dict[str, Any]) -> dict[str, Any]:
    if "NetworkConfiguration" not in asked:
        return {}
    where = asked["NetworkConfiguration"].AwsvpcConfiguration.properties
    net = aws_scheduler.AwsVpcConfiguration(**where)
    return {"NetworkConfiguration": aws_scheduler.NetworkConfiguration(AwsvpcConfiguration=net)}


def _dead_letters(params: Params) -> Iterator[AWSObject]:
    dead = params.dead_letter_queue
    if dead and dead.existing is None:
        yield from dead_letter_queue(dead.retention)


def _dead_letter_arn(params: Params) -> Any:
    dead = params.dead_letter_queue
    return dead and (dead.existing or GetAtt("DeadLetterQueue", "Arn"))


def _dead_letter_url(params: Params) -> Any:
    dead = params.dead_letter_queue
    return queue_url(dead.existing) if dead and dead.existing else Ref("DeadLetterQueue")


def _tell_statements(params: Params) -> Iterator[Statement]:
    if arn := _dead_letter_arn(params):
        yield allow("TellWhatFailed", [sqs.SendMessage], [arn])


def _dead_letter_config(params: Params) -> dict[str, Any]:
    arn = _dead_letter_arn(params)
    return {"DeadLetterConfig": aws_scheduler.DeadLetterConfig(Arn=arn)} if arn else {}


def _schedule_role(name: str, params: Params, env: Environment) -> Role:
    """What EventBridge Scheduler may do, for schedules of this account only.

    Its user guide, "Confused deputy prevention in EventBridge Scheduler": the source is the group
    of schedules, not the schedule.
    """
    start: list[Statement] = [allow("StartRun", [states.StartExecution], [Ref("StateMachine")])]
    if params.overlap == "allow":
        start = list(run_task.run_statements(name, params, env))
    start += _tell_statements(params)
    group = "${AWS::Region}:${AWS::AccountId}:schedule-group/default"
    sources = {
        "aws:SourceAccount": AccountId,
        "aws:SourceArn": Sub(f"arn:${{AWS::Partition}}:scheduler:{group}"),
    }
    return role(
        "ScheduleRole",
        "scheduler.amazonaws.com",
        {"Schedule": start},
        env,
        permissions_boundary=params.permissions_boundary,
        Condition=Condition(StringEquals(sources)),
    )


# What prevents overlapping runs --------------------------------------------------------------


def _guard(name: str, params: Params, env: Environment) -> Iterator[AWSObject]:
    """A state machine that runs the task where none of its family runs, and its role."""
    yield role(
        "StateMachineRole",
        "states.amazonaws.com",
        {
            "RunTask": run_task.run_statements(name, params, env),
            "WatchTask": [*_watch_statements(params, env), *_tell_statements(params)],
        },
        env,
        permissions_boundary=params.permissions_boundary,
        Condition=Condition(StringEquals({"aws:SourceAccount": AccountId})),
    )
    yield stepfunctions.StateMachine(
        "StateMachine",
        RoleArn=GetAtt("StateMachineRole", "Arn"),
        DefinitionString=run_task.as_json(_definition(name, params, env)),
    )


_NOT_OF_STATES = ("Count", "EnableECSManagedTags")
"""What RunTask takes and `ecs:runTask.sync` is not said to take: a state machine with a field that
it does not take is refused ("The field 'Count' is not supported by Step Functions"). AWS Step
Functions developer guide, "Manage Amazon ECS or Fargate Tasks with Step Functions"."""


def _definition(name: str, params: Params, env: Environment) -> dict[str, Any]:
    """The states. A task that is starting counts as one that runs (Amazon ECS API reference,
    ListTasks, desiredStatus); `.sync` waits for the end, and fails where a container did, or where
    ECS has no room for the task, which has an error of its own ("Run Amazon ECS or Fargate tasks
    with Step Functions")."""
    states_arn = "arn:${AWS::Partition}:states:::"
    limit = {"TimeoutSeconds": params.timeout} if params.timeout else {}
    told = [{"ErrorEquals": ["States.ALL"], "Next": "Tell"}]
    again = {
        "ErrorEquals": ["AmazonECS.Unknown"],
        "IntervalSeconds": 60,
        "BackoffRate": 1,
        "MaxAttempts": min(params.retry.maximum_attempts, params.retry.maximum_age // 60),
    }
    tell = {
        "Tell": {
            "Type": "Task",
            "Resource": f"{states_arn}sqs:sendMessage",
            "Parameters": {
                "QueueUrl": _dead_letter_url(params),
                "MessageBody.$": "States.JsonToString($)",
            },
            "Next": "Failed",
        },
        "Failed": {"Type": "Fail"},
    }
    dead = params.dead_letter_queue
    return {
        "Comment": "Runs the task where none of its family runs",
        "StartAt": "Look",
        "States": {
            "Look": {
                "Type": "Task",
                "Resource": f"{states_arn}aws-sdk:ecs:listTasks",
                "Parameters": {
                    "Cluster": cluster_of(params, env).name,
                    "Family": env.stack_name(name),
                    "DesiredStatus": "RUNNING",
                    "MaxResults": 1,
                },
                "Next": "Decide",
            },
            "Decide": {
                "Type": "Choice",
                "Choices": [{"Variable": "$.TaskArns[0]", "IsPresent": True, "Next": "Skip"}],
                "Default": "Run",
            },
            "Skip": {"Type": "Succeed"},
            "Run": {
                "Type": "Task",
                "Resource": f"{states_arn}ecs:runTask.sync",
                "Parameters": {
                    key: value
                    for key, value in run_task.request(params, env).items()
                    if key not in _NOT_OF_STATES
                },
                **limit,
                "Retry": [again],
                **({"Catch": told} if dead else {}),
                "End": True,
            },
            **(tell if dead else {}),
        },
    }


def _watch_statements(params: Params, env: Environment) -> Iterator[Statement]:
    """AWS Step Functions developer guide, "Run Amazon ECS or Fargate tasks with Step Functions":
    how it learns of a task's end. ListTasks takes no task for its resource (Service Authorization
    Reference), hence the `*`."""
    here = Condition(
        ArnEquals({"ecs:cluster": run_task.in_cluster(params, env, "cluster/${Cluster}")})
    )
    yield allow("Look", [ecs_actions.ListTasks], ["*"], Condition=here)
    task = run_task.in_cluster(params, env, "task/${Cluster}/*")
    yield allow("Watch", [ecs_actions.DescribeTasks, ecs_actions.StopTask], [task])
    rule = "${AWS::Region}:${AWS::AccountId}:rule/StepFunctionsGetEventsForECSTaskRule"
    yield allow(
        "HearOfTheEnd",
        [events.DescribeRule, events.PutRule, events.PutTargets],
        [Sub(f"arn:${{AWS::Partition}}:events:{rule}")],
    )
