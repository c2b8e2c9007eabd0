"""The role with which CloudFormation deploys the stacks of an environment, if it has one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from moorage.deploy.stack_state import SETTLED, StackState
from moorage.deploy.target import Target

OUTPUT = "ServiceRoleArn"
"""The output of the stack with the roles that has the ARN of the service role."""


def with_service_role(target: Target, states: Mapping[str, StackState]) -> Target:
    """The target whose stacks are deployed with the environment's service role, except the stack
    that the role is in. Before that stack is deployed, they are deployed without."""
    owner = states.get(target.roles_stack) if target.roles_stack is not None else None
    if owner is None or owner.status not in (*SETTLED, "UPDATE_ROLLBACK_COMPLETE"):
        return target
    role = next((output.value for output in owner.outputs if output.key == OUTPUT), None)
    stacks = (
        stack if stack.stack_name == target.roles_stack else replace(stack, service_role=role)
        for stack in target.stacks
    )
    return replace(target, stacks=tuple(stacks))
