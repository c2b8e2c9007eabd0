"""CloudFormation's express mode: which stacks can be created in it. Pure.

In express mode, CloudFormation ends an operation when the resources are configured, and does not
wait until they work (CloudFormation user guide, "Deploy stacks faster with express mode"). Decision
29 says why only new stacks that nothing waits for are created in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from moorage.deploy.stack_state import StackState
from moorage.deploy.target import DeployStack, Target


def choose_express(target: Target, states: Mapping[str, StackState]) -> Target:
    """The target with the stacks marked that can be created in express mode. `target` has all
    stacks of the environment, because a later deployment can need what this one leaves behind."""
    needed = {name for stack in target.stacks for name in stack.depends_on}
    return replace(
        target,
        stacks=tuple(
            replace(stack, express=_is_new(stack, states) and _is_last(stack, needed))
            for stack in target.stacks
        ),
    )


def _is_new(stack: DeployStack, states: Mapping[str, StackState]) -> bool:
    state = states.get(stack.stack_name)
    return state is None or not state.exists


def _is_last(stack: DeployStack, needed: set[str]) -> bool:
    """Whether nothing comes after the creation of the stack: no other stack, no task that runs
    once, and no shift of traffic."""
    return (
        stack.name not in needed
        and stack.run is None
        and not stack.pairs
        and stack.code_deploy is None
    )
