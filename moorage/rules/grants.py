"""What a role needs to run a task, in words."""

from __future__ import annotations

from collections.abc import Iterable

from moorage.cfn.stack import Resource
from moorage.rules.message_parts import join_and, quote


def describe_grants(actions: Iterable[str], task: Resource | None) -> str:
    """The actions in backticks, with the task definition that is run and the roles that are passed
    to its tasks as far as they are known."""
    return join_and(f"`{action}`{_describe_object(action, task)}" for action in actions)


def _describe_object(action: str, task: Resource | None) -> str:
    if task is None:
        return ""
    if action == "ecs:RunTask":
        return f" on task definition `{task.id}`"
    if action == "iam:PassRole":
        roles = (task[key].resource for key in ("ExecutionRoleArn", "TaskRoleArn"))
        ids = dict.fromkeys(role.id for role in roles if role)
        return f" on {'roles' if len(ids) > 1 else 'role'} {join_and(quote(ids))}" if ids else ""
    return ""
