"""What a stack needs before and after its update, besides the update.

`read_parameters` is called before a change set is created, `find_reason_to_stop` before it is
executed, `finish_stack` after the update.
"""

from __future__ import annotations

from collections.abc import Mapping

from moorage.deploy.aws import aws_errors
from moorage.deploy.code_deploy import run_code_deploy
from moorage.deploy.context import Context
from moorage.deploy.jobs import Job
from moorage.deploy.one_off import run_task
from moorage.deploy.preflight import find_missing, find_stack_needs, missing_problem
from moorage.deploy.releases import read_live, release_parameters, sync_weights
from moorage.deploy.stack_state import StackState
from moorage.deploy.target import DeployStack


def read_parameters(
    context: Context, stack: DeployStack, state: StackState | None
) -> Mapping[str, str]:
    """The values of parameters that an update must have, such as what a live listener rule says.
    A parameter that is not among them keeps its value."""
    if state is None or not state.exists or not stack.pairs:
        return {}
    return release_parameters(stack, read_live(context.aws, stack, state))


def find_reason_to_stop(context: Context, stack: DeployStack) -> str:
    """Why a stack cannot be updated now; empty if it can. Looks for images in repositories that
    this deployment may have just created."""
    needs = find_stack_needs(stack, context.aws.region, context.account)
    with aws_errors():
        missing = find_missing(context.aws, [need for need in needs if need.kind == "own-image"])
    return "; ".join(
        missing_problem(need, stack, context.aws.region).message
        for need in needs
        if need in missing
    )


def finish_stack(
    context: Context, stack: DeployStack, state: StackState, *, task_due: bool
) -> Job[str]:
    """What follows the update of a stack. Returns why it failed; empty if it succeeded."""
    if stack.run is not None and task_due:
        end = yield from run_task(context, stack.name, state, stack.run)
        return end.reason
    if stack.code_deploy is not None:
        reason = yield from run_code_deploy(context, stack.name, state, stack.code_deploy)
        if not reason:
            yield from sync_weights(context, stack, state.id)
        return reason
    return ""
