"""Removes obstacles: waits for what is under way, deletes failed creations, continues rollbacks."""

from __future__ import annotations

from collections.abc import Sequence

from moorage.deploy.aws import AwsError, aws_errors
from moorage.deploy.context import Context
from moorage.deploy.events import EventReader
from moorage.deploy.following import failure_text, follow_stack
from moorage.deploy.guards import Obstacle
from moorage.deploy.jobs import Job
from moorage.deploy.progress import Ended, Noted, Started
from moorage.deploy.stack_state import read_state
from moorage.records import record

_PAUSE = 5.0


@record
class Removal:
    """What became of an obstacle."""

    done: bool
    stuck: tuple[str, ...] = ()
    """The logical IDs of the resources that a rollback cannot roll back."""


def remove_obstacle(
    context: Context, obstacle: Obstacle, skipped: Sequence[str] = ()
) -> Job[Removal]:
    """Does what the obstacle's remedy says and waits for it. A rollback leaves out the `skipped`
    resources, by their logical IDs."""
    name = obstacle.stack.name
    stuck: tuple[str, ...] = ()
    try:
        if obstacle.remedy == "wait":
            reason = yield from _wait(context, obstacle)
        elif obstacle.remedy == "delete":
            reason = yield from delete_stack(context, name, obstacle.state.id)
        else:
            reason, stuck = yield from _continue_rollback(context, obstacle, skipped)
    except AwsError as error:
        reason = str(error)
    if obstacle.remedy != "wait" or reason:
        context.emit(Ended(name, context.at, "failed" if reason else "succeeded", reason))
    return Removal(not reason, stuck)


def skip_question(obstacle: Obstacle, stuck: Sequence[str]) -> str:
    """The question whether to leave resources out of a rollback, with what that means."""
    what = "this resource" if len(stuck) == 1 else "these resources"
    return (
        f"Leave {', '.join(stuck)} out of the rollback of {obstacle.stack.stack_name}? "
        f"CloudFormation then takes {what} as rolled back and changes nothing. If the real state "
        "is another one than in the template, correct it by hand before the next update, which may "
        "fail otherwise"
    )


def skip_command(context: Context, obstacle: Obstacle, stuck: Sequence[str]) -> str:
    """How to do the same with the AWS CLI."""
    return (
        f"aws cloudformation continue-update-rollback --region {context.aws.region} --stack-name "
        f"{obstacle.stack.stack_name} --resources-to-skip {' '.join(stuck)}"
    )


def _wait(context: Context, obstacle: Obstacle) -> Job[str]:
    """Waits until the stack is not in progress any more. Its status decides what happens then."""
    name, state = obstacle.stack.name, obstacle.state
    while state.in_progress:
        context.emit(Noted(name, context.at, f"{state.status}: waiting for its end"))
        yield _PAUSE
        state = read_state(context.aws.cloudformation, state.id)
    return ""


def delete_stack(context: Context, name: str, stack_id: str) -> Job[str]:
    """Deletes a stack and waits. Returns why it failed; empty if it succeeded."""
    reader = EventReader(context.aws.cloudformation, stack_id)
    reader.skip()
    context.emit(Started(name, context.at, "delete"))
    with aws_errors():
        context.aws.cloudformation.delete_stack(StackName=stack_id)
    end = yield from follow_stack(context, name, reader)
    return "" if end.succeeded else failure_text(end)


def _continue_rollback(
    context: Context, obstacle: Obstacle, skipped: Sequence[str]
) -> Job[tuple[str, tuple[str, ...]]]:
    """Returns why it failed, and the resources that it failed at."""
    name = obstacle.stack.name
    reader = EventReader(context.aws.cloudformation, obstacle.state.id)
    reader.skip()
    context.emit(Started(name, context.at, "roll back"))
    with aws_errors():
        client, stack_id = context.aws.cloudformation, obstacle.state.id
        if skipped:
            client.continue_update_rollback(StackName=stack_id, ResourcesToSkip=list(skipped))
        else:
            client.continue_update_rollback(StackName=stack_id)
    end = yield from follow_stack(context, name, reader)
    if end.status == "UPDATE_ROLLBACK_COMPLETE":
        return "", ()
    # Only what the rollback failed at can be skipped (API reference, ContinueUpdateRollback).
    stuck = (event.logical_id for event in end.failures if event.status == "UPDATE_FAILED")
    return failure_text(end), tuple(stuck)
