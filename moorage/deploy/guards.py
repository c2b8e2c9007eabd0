"""What prevents a deployment: another account, or a stack whose status needs a decision. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

from moorage.deploy.stack_state import StackState
from moorage.deploy.target import DeployStack
from moorage.model import OWN_TAGS
from moorage.records import record

Remedy = Literal["wait", "delete", "continue-rollback"]


@record
class Obstacle:
    """A stack that cannot be updated as it is."""

    stack: DeployStack
    state: StackState
    text: str
    remedy: Remedy | None
    """What a deployment can do about it, after asking; None if only the user can."""
    question: str = ""


_EMPTY = (
    "Its creation failed, and CloudFormation can only delete it. It has no resources that work; "
    "those with `DeletionPolicy: Retain` stay"
)
_DELETE = "Delete what is left of it"
_OBSTACLES: Mapping[str, tuple[str, Remedy | None, str]] = {
    "ROLLBACK_COMPLETE": (_EMPTY, "delete", _DELETE),
    "ROLLBACK_FAILED": (f"{_EMPTY}. Its rollback failed as well", "delete", _DELETE),
    "CREATE_FAILED": (
        "Its creation failed with rollback disabled. The resources that were created still exist, "
        "and are deleted with it; those with `DeletionPolicy: Retain` stay",
        "delete",
        "Delete it, with what was created",
    ),
    "DELETE_FAILED": (
        "Its deletion failed before it was complete, and CloudFormation can only try again",
        "delete",
        _DELETE,
    ),
    "UPDATE_ROLLBACK_FAILED": (
        "An update failed, and so did its rollback. Correct what the rollback failed at, such as a "
        "resource that was deleted by hand, then continue it",
        "continue-rollback",
        "Continue the rollback",
    ),
    "UPDATE_FAILED": (
        "An update failed with rollback disabled. Roll it back with `aws cloudformation "
        "rollback-stack`, then deploy again",
        None,
        "",
    ),
    "IMPORT_ROLLBACK_FAILED": (
        "An import failed, and so did its rollback. `aws cloudformation describe-stack-events` "
        "shows why",
        None,
        "",
    ),
}
"""CloudFormation user guide, "Stack status codes" and "Troubleshooting"."""


def find_account_problem(env: str, wanted: str | None, account: str) -> str:
    """What is wrong with the account of the credentials, if the environment belongs to the account
    `wanted`; empty if nothing is."""
    if wanted in (None, account):
        return ""
    return (
        f"these credentials are for the account {account}, and {env} belongs to {wanted}. Choose a "
        f"profile for {wanted} with --profile"
    )


def find_foreign_stacks(
    stacks: Iterable[DeployStack], states: Mapping[str, StackState]
) -> Iterator[str]:
    """Why each stack cannot be ours that has the name of one of ours, and the tags of another."""
    for stack in stacks:
        state = states.get(stack.stack_name)
        if state is not None and (owner := find_owner(stack, state.tags)):
            yield (
                f"the stack {stack.stack_name} exists already and belongs to {owner}. Rename "
                f"`app`, the environment or the stack `{stack.name}`"
            )


def find_owner(stack: DeployStack, tags: Mapping[str, str]) -> str:
    """What a deployed stack or stack set with the name of `stack` belongs to, if its tags name
    another app, environment or stack; empty otherwise."""
    if any(key not in tags for key in OWN_TAGS):
        return ""
    if all(tags[key] == stack.tags[key] for key in OWN_TAGS):
        return ""
    return ", ".join(f"{key} `{tags[key]}`" for key in OWN_TAGS)


def find_obstacles(
    stacks: Iterable[DeployStack], states: Mapping[str, StackState]
) -> Iterator[Obstacle]:
    """Stacks that cannot be updated as they are, in the given order."""
    for stack in stacks:
        state = states.get(stack.stack_name)
        if state is None:
            continue
        if state.in_progress:
            text = "Another operation is under way"
            yield Obstacle(stack, state, text, "wait", "")
        elif state.status in _OBSTACLES:
            text, remedy, question = _OBSTACLES[state.status]
            if remedy == "delete" and state.protected:
                text = f"{text}. Its termination protection is on; turn it off first"
                remedy, question = None, ""
            yield Obstacle(stack, state, text, remedy, question)


def obstacle_text(obstacle: Obstacle) -> str:
    """An obstacle in one line."""
    reason = f" ({obstacle.state.reason})" if obstacle.state.reason else ""
    name = obstacle.stack.stack_name
    return f"{name} is {obstacle.state.status}{reason}. {obstacle.text}."
