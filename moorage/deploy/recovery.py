"""Removes obstacles: waits for what is under way, deletes failed creations, continues rollbacks."""

from __future__ import annotations

from moorage.deploy.aws import AwsError, aws_errors
from moorage.deploy.context import Context
from moorage.deploy.events import EventReader
from moorage.deploy.following import failure_text, follow_stack
from moorage.deploy.guards import Obstacle
from moorage.deploy.jobs import Job
from moorage.deploy.progress import Ended, Noted, Started
from moorage.deploy.stack_state import read_state

_PAUSE = 5.0


def remove_obstacle(context: Context, obstacle: Obstacle) -> Job[bool]:
    """Does what the obstacle's remedy says and waits for it. Returns whether it succeeded."""
    name = obstacle.stack.name
    try:
        if obstacle.remedy == "wait":
            reason = yield from _wait(context, obstacle)
        elif obstacle.remedy == "delete":
            reason = yield from delete_stack(context, name, obstacle.state.id)
        else:
            reason = yield from _continue_rollback(context, obstacle)
    except AwsError as error:
        reason = str(error)
    if obstacle.remedy != "wait" or reason:
        context.emit(Ended(name, context.at, "failed" if reason else "succeeded", reason))
    return not reason


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


def _continue_rollback(context: Context, obstacle: Obstacle) -> Job[str]:
    name = obstacle.stack.name
    reader = EventReader(context.aws.cloudformation, obstacle.state.id)
    reader.skip()
    context.emit(Started(name, context.at, "update"))
    with aws_errors():
        context.aws.cloudformation.continue_update_rollback(StackName=obstacle.state.id)
    end = yield from follow_stack(context, name, reader)
    if end.status == "UPDATE_ROLLBACK_COMPLETE":
        return ""
    return (
        f"{failure_text(end)}. If this resource cannot be rolled back, skip it: `aws "
        f"cloudformation continue-update-rollback --region {context.aws.region} --stack-name "
        f"{obstacle.stack.stack_name} --resources-to-skip "
        f"{end.failure.logical_id if end.failure else 'LOGICAL_ID'}`"
    )
