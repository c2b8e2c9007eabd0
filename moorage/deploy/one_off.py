"""Runs the task of a stack, such as a migration, and waits for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from moorage.deploy.aws import Aws, AwsError, aws_errors
from moorage.deploy.context import Context
from moorage.deploy.jobs import Job
from moorage.deploy.progress import Noted
from moorage.deploy.requests import Request, read_request
from moorage.deploy.rollout import cluster_of
from moorage.deploy.stack_state import StackState
from moorage.plan import Run
from moorage.records import record

if TYPE_CHECKING:
    from types_boto3_ecs.type_defs import TaskTypeDef

_PAUSE = 3.0
_SUCCEEDED = "moorage:succeeded"
"""The tag with the version of the parameter with which the last run has succeeded. deploy.sh reads
and writes it, too (pipeline/scripts/run_task.sh.in)."""
_RUNNING = "running"
"""The value of the tag while the task runs."""


@record
class TaskEnd:
    """How a task ended."""

    code: int | None
    """The exit code of its container; None if that never started, or the task was stopped."""
    reason: str = ""
    """Why it failed; empty if it succeeded."""


def run_task(context: Context, stack: str, state: StackState, run: Run) -> Job[TaskEnd]:
    """Runs the task that the stack describes, waits for it, and records whether it succeeded.

    The stack's output `RunTask` is the name of an SSM parameter with the input of RunTask. A tag of
    this parameter is the record, so that no deployment runs a task again that has succeeded.
    """
    request = read_request(context.aws, state, "RunTask", "RunTask")
    if _read_success(context.aws, request) not in ("", _RUNNING):
        # From here on, its last run has not succeeded, also if this process is killed.
        with aws_errors():
            _write_success(context.aws, request, _RUNNING)
    end = yield from _run(context, stack, request, run)
    if end.code == 0:
        try:
            with aws_errors():
                _write_success(context.aws, request, str(request.version))
        except AwsError as error:
            text = f"{error}. The next deployment runs the task again"
            context.emit(Noted(stack, context.at, text))
    return end


def has_succeeded(aws: Aws, state: StackState) -> bool:
    """Whether the last run of a stack's task has succeeded, with the request as it is now. What may
    not be read counts as a failure."""
    try:
        request = read_request(aws, state, "RunTask", "RunTask")
    except AwsError as error:
        if error.connection or error.wrong_usage:
            raise
        return False
    return _read_success(aws, request) == str(request.version)


def _read_success(aws: Aws, request: Request) -> str:
    """The version with which the last run has succeeded, `running`, or nothing."""
    try:
        tags = aws.ssm.list_tags_for_resource(
            ResourceType="Parameter", ResourceId=request.parameter
        ).get("TagList", [])
    except ClientError:
        return ""
    return next((tag["Value"] for tag in tags if tag["Key"] == _SUCCEEDED), "")


def _write_success(aws: Aws, request: Request, value: str) -> None:
    aws.ssm.add_tags_to_resource(
        ResourceType="Parameter",
        ResourceId=request.parameter,
        Tags=[{"Key": _SUCCEEDED, "Value": value}],
    )


def _run(context: Context, stack: str, request: Request, run: Run) -> Job[TaskEnd]:
    with aws_errors():
        answer = context.aws.ecs.run_task(**request.input, clientToken=context.new_name())
    if not answer["tasks"]:
        reasons = ", ".join(failure.get("reason", "") for failure in answer.get("failures", ()))
        reason = f"the task could not be started: {reasons or 'ECS gives no reason'}"
        return TaskEnd(None, reason)
    arn = answer["tasks"][0].get("taskArn", "")
    cluster = cluster_of(arn)
    context.emit(Noted(stack, context.at, f"running the task {arn.split('/')[-1]}"))
    end = context.clock.now() + run.timeout
    while True:
        try:
            with aws_errors():
                tasks = context.aws.ecs.describe_tasks(cluster=cluster, tasks=[arn])["tasks"]
        except AwsError as error:
            if not error.connection or context.clock.now() > end:
                raise
            tasks = []
        for task in tasks:
            if task.get("lastStatus") == "STOPPED":
                return _result(context, stack, task, run)
        if context.clock.now() > end:
            reason = f"it took more than {run.timeout} seconds"
            with aws_errors():
                context.aws.ecs.stop_task(cluster=cluster, task=arn, reason=reason)
            return TaskEnd(None, f"the task is being stopped: {reason}")
        yield _PAUSE


def _result(context: Context, stack: str, task: TaskTypeDef, run: Run) -> TaskEnd:
    containers = {item.get("name", ""): item for item in task.get("containers", ())}
    code = containers.get(run.container, {}).get("exitCode")
    if code == 0:
        context.emit(Noted(stack, context.at, "the task has ended with exit code 0"))
        return TaskEnd(code)
    reasons = [task.get("stoppedReason", "")]
    reasons += [item.get("reason", "") for item in containers.values()]
    because = "; ".join(dict.fromkeys(reason for reason in reasons if reason))
    ended = "never started" if code is None else f"ended with exit code {code}"
    reason = f"the container `{run.container}` of its task {ended}. {because}".strip()
    return TaskEnd(code, reason)
