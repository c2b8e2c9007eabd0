"""`moorage destroy`: deletes an environment."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from moorage.commands.deployment import (
    ask,
    build_target,
    explain_aws_errors,
    make_context,
    open_account,
    read_answer,
)
from moorage.commands.progress_output import show_events
from moorage.commands.stack_sets import destroy_sets
from moorage.commands.terminal import print_error, print_line, print_text
from moorage.commands.usage import CLEAN, FOUND, INTERRUPTED, FailedError, UsageError

if TYPE_CHECKING:  # imported in functions: builds and checks need no boto3
    from moorage.deploy.aws import Aws
    from moorage.deploy.removal import Removal
    from moorage.deploy.target import Target


def destroy(arguments: argparse.Namespace) -> int:
    """Delete the stacks of an environment, in the reverse order: show what goes, and ask."""
    target = build_target(arguments)
    with explain_aws_errors():
        aws, account = open_account(arguments, target)
        if target.targets is not None:
            return destroy_sets(arguments, target, aws, account)
        return destroy_target(arguments, target, aws, account)


def destroy_target(arguments: argparse.Namespace, target: Target, aws: Aws, account: str) -> int:
    """Deletes the stacks that the arguments name, with consent."""
    from moorage.deploy.removal import removals_json, removals_text

    removals = _plan(arguments, target, aws)
    if not removals:
        if arguments.format != "json":
            print_line("Nothing to delete")
        return CLEAN
    print_text(removals_json(removals) if arguments.format == "json" else removals_text(removals))
    sys.stdout.flush()
    if not _agreed(arguments, target, account):
        print_error(f"{target.env}: nothing was deleted")
        return FOUND
    _turn_protection_off(arguments, aws, removals)
    return _remove(arguments, aws, removals)


def _plan(arguments: argparse.Namespace, target: Target, aws: Aws) -> list[Removal]:
    """What to delete. Raises FailedError if a stack cannot be deleted now."""
    from moorage.deploy.guards import find_foreign_stacks
    from moorage.deploy.removal import find_remaining_users, plan_removal
    from moorage.deploy.stack_state import read_states
    from moorage.deploy.status import find_orphans

    states = read_states(aws.cloudformation)
    chosen = target.select(arguments.stacks)
    if foreign := [*find_foreign_stacks(chosen.stacks, states)]:
        raise FailedError(f"{target.env}: {'; '.join(foreign)}")
    orphans = [] if arguments.stacks else find_orphans(target, states)
    removals = plan_removal(aws, chosen, states, orphans)
    busy = [item.state for item in removals if item.state.in_progress]
    if busy:
        raise FailedError(f"{busy[0].stack_name} is {busy[0].status}. Try again when it has ended")
    if users := [*find_remaining_users(removals, target, states)]:
        raise FailedError(f"{'; '.join(users)}. Name these stacks as well, or no stack for all")
    return removals


def _agreed(arguments: argparse.Namespace, target: Target, account: str) -> bool:
    if arguments.yes:
        return True
    question = (
        f"This deletes them from the account {account}, {target.region}. "
        f"To agree, type the name of the environment ({target.env}): "
    )
    return read_answer(question) == target.env


def _turn_protection_off(
    arguments: argparse.Namespace, aws: Aws, removals: Sequence[Removal]
) -> None:
    """Asks before it turns a protection off. `--yes` alone does not agree to that."""
    from moorage.deploy.removal import turn_protection_off

    protected = [item.state.stack_name for item in removals if item.state.protected]
    protected += [
        f"{item.name}.{resource.logical_id}"
        for item in removals
        for resource in item.resources
        if resource.protected
    ]
    if not protected:
        return
    names = ", ".join(protected)
    if not arguments.unprotect and not sys.stdin.isatty():
        raise UsageError(
            f"the deletion protection of {names} is on, so nothing was deleted. --unprotect turns "
            "it off"
        )
    question = f"The deletion protection of {names} is on. Turn it off?"
    if not arguments.unprotect and not ask(question):
        raise FailedError("nothing was deleted")
    turn_protection_off(aws, removals)


def _remove(arguments: argparse.Namespace, aws: Aws, removals: Sequence[Removal]) -> int:
    from moorage.deploy.removal import remove_stacks

    context = make_context(aws, "")
    try:
        with show_events(arguments.format, lambda: context.at) as emit:
            results = remove_stacks(replace(context, emit=emit), removals, arguments.parallel)
    except KeyboardInterrupt:
        print_error("interrupted; CloudFormation finishes the deletions that have begun")
        return INTERRUPTED
    for name, reason in results.items():
        if reason:
            print_error(f"{name}: {reason}")
    untouched = [item.name for item in removals if item.name not in results]
    if untouched:
        print_error(f"not deleted: {', '.join(untouched)}")
    return FOUND if untouched or any(results.values()) else CLEAN
