"""What a stack needs before and after its update, besides the update.

`read_parameters` is called before a change set is created, `finish_stack` after the update.
"""

from __future__ import annotations

from collections.abc import Mapping

from moorage.deploy.context import Context
from moorage.deploy.jobs import Job
from moorage.deploy.one_off import run_task
from moorage.deploy.stack_state import StackState
from moorage.deploy.target import DeployStack


def read_parameters(
    context: Context, stack: DeployStack, state: StackState | None
) -> Mapping[str, str]:
    """The values of parameters that an update must have, such as what a live listener rule says.
    A parameter that is not among them keeps its value."""
    return {}


def finish_stack(
    context: Context, stack: DeployStack, state: StackState, *, task_due: bool
) -> Job[str]:
    """What follows the update of a stack. Returns why it failed; empty if it succeeded."""
    if stack.run is not None and task_due:
        return (yield from run_task(context, stack.name, state, stack.run))
    return ""
