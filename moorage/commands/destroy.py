"""`moorage destroy`: deletes an environment."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from moorage.commands.arguments import add_deploying_arguments, parallel_stacks
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
from moorage.commands.usage import CLEAN, FOUND, FailedError, UsageError, interruption_code

if TYPE_CHECKING:  # imported in functions: builds and checks need no boto3
    from moorage.deploy.aws import Aws
    from moorage.deploy.context import Context
    from moorage.deploy.removal import Consent, Removal
    from moorage.deploy.target import Target

EMPTY = ("deleted", "all")
"""What `--empty` empties: what is deleted, or also what stays."""


def add_arguments(destroying: argparse.ArgumentParser) -> None:
    """Adds the arguments of `destroy`."""
    add_deploying_arguments(destroying, stacks=True)
    destroying.add_argument("--yes", action="store_true", help="do not ask")
    help_text = "turn deletion protection off without asking"
    destroying.add_argument("--unprotect", action="store_true", help=help_text)
    help_text = "empty buckets and repositories that are deleted, or also those that stay"
    destroying.add_argument("--empty", choices=EMPTY, help=help_text)
    help_text = "delete the registered revisions of task definitions too"
    destroying.add_argument("--task-definitions", action="store_true", help=help_text)
    help_text = "stacks that are deleted at once; default: 5"
    destroying.add_argument(
        "--parallel", type=parallel_stacks, default=5, metavar="NUMBER", help=help_text
    )


def destroy(arguments: argparse.Namespace) -> int:
    """Delete the stacks of an environment, in the reverse order: show what goes, what stays and
    what that costs, and ask."""
    target = build_target(arguments)
    with explain_aws_errors():
        aws, account = open_account(arguments, target)
        if target.targets is not None:
            return destroy_sets(arguments, target, aws, account)
        return destroy_target(arguments, target, make_context(aws, account))


def destroy_target(arguments: argparse.Namespace, target: Target, context: Context) -> int:
    """Deletes the stacks that the arguments name, with consent."""
    from moorage.deploy.removal_text import removals_json, removals_text

    removals, families = _plan(arguments, target, context.aws)
    if not removals and not families:
        if arguments.format != "json":
            print_line("Nothing to delete")
        return CLEAN
    print_text(removals_json(removals) if arguments.format == "json" else removals_text(removals))
    for family, number in families.items() if arguments.format != "json" else ():
        print_line(f"{family}: {number} registered revisions of its task definition")
    sys.stdout.flush()
    if not _agreed(arguments, target, context.account):
        print_error(f"{target.env}: nothing was deleted")
        return FOUND
    _agree_to_turn_protection_off(arguments, removals)  # or it ends here
    consent = replace(_agree_to_empty(arguments, removals), unprotected=True)
    code = _remove(arguments, context, removals, consent)
    return code or _delete_families(context.aws, [*families])


def _plan(
    arguments: argparse.Namespace, target: Target, aws: Aws
) -> tuple[list[Removal], Mapping[str, int]]:
    """What to delete: stacks, and the number of registered revisions by the families of stacks that
    are gone already. Raises FailedError if a stack cannot be deleted now."""
    from moorage.deploy.guards import find_foreign_stacks
    from moorage.deploy.removal import find_remaining_users, plan_removal
    from moorage.deploy.stack_state import read_states
    from moorage.deploy.status import find_orphans
    from moorage.deploy.task_definitions import count_revisions, find_families

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
    if not arguments.task_definitions:
        return removals, {}
    gone = [stack for stack in chosen.stacks if stack.stack_name not in states]
    families = {family: count_revisions(aws, family) for _, family in find_families(gone)}
    return removals, {family: number for family, number in families.items() if number}


def _agreed(arguments: argparse.Namespace, target: Target, account: str) -> bool:
    if arguments.yes:
        return True
    question = (
        f"This deletes them from the account {account}, {target.region}. "
        f"To agree, type the name of the environment ({target.env}): "
    )
    return read_answer(question) == target.env


def _agree_to_turn_protection_off(
    arguments: argparse.Namespace, removals: Sequence[Removal]
) -> None:
    """Asks before a protection is turned off. `--yes` alone does not agree to that."""
    protected = [item.state.stack_name for item in removals if item.state.protected]
    protected += [
        f"{item.name}.{resource.logical_id}"
        for item in removals
        for resource in item.resources
        if resource.protected
    ]
    if not protected or arguments.unprotect:
        return
    names = ", ".join(protected)
    if not sys.stdin.isatty():
        raise UsageError(
            f"the deletion protection of {names} is on, so nothing was deleted. --unprotect turns "
            "it off"
        )
    if not ask(f"The deletion protection of {names} is on. Turn it off?"):
        raise FailedError("nothing was deleted")


def _agree_to_empty(arguments: argparse.Namespace, removals: Sequence[Removal]) -> Consent:
    """Asks what is emptied. `--yes` alone does not agree to that: what would prevent the deletion
    must be emptied, what stays can be."""
    from moorage.deploy.removal import Consent

    found = [(item.name, each) for item in removals for each in item.resources if each.filled]
    in_the_way = [(name, each.logical_id) for name, each in found if each.in_the_way]
    staying = [(name, each.logical_id) for name, each in found if each.kept]
    asking = arguments.empty is None and sys.stdin.isatty()
    if in_the_way and arguments.empty is None:
        names = ", ".join(f"{name}.{logical_id}" for name, logical_id in in_the_way)
        if not asking:
            raise UsageError(
                f"these are not empty, and only empty ones can be deleted: {names}. Nothing was "
                "deleted. `--empty deleted` empties them"
            )
        if not ask(f"Only empty ones can be deleted: {names}. Delete everything in them?"):
            raise FailedError("nothing was deleted")
    if asking and not arguments.yes:
        staying = [
            place for place in staying if ask(f"{'.'.join(place)} stays. Delete everything in it?")
        ]
    elif arguments.empty != "all":
        staying = []
    return Consent(frozenset((*in_the_way, *staying)), arguments.task_definitions)


def _remove(
    arguments: argparse.Namespace, context: Context, removals: Sequence[Removal], consent: Consent
) -> int:
    from moorage.deploy.removal import remove_stacks

    context = replace(context, start=context.clock.now())  # after the questions
    try:
        with show_events(arguments.format, lambda: context.at) as emit:
            context = replace(context, emit=emit)
            results = remove_stacks(context, removals, arguments.parallel, consent)
    except KeyboardInterrupt as interruption:
        print_error("interrupted; CloudFormation finishes the deletions that have begun")
        return interruption_code(interruption)
    for name, reason in results.items():
        if reason:
            print_error(f"{name}: {reason}")
    untouched = [item.name for item in removals if item.name not in results]
    if untouched:
        print_error(f"not deleted: {', '.join(untouched)}")
    return FOUND if untouched or any(results.values()) else CLEAN


def _delete_families(aws: Aws, families: Sequence[str]) -> int:
    """Deletes the task definitions of stacks that are gone already."""
    from moorage.deploy.task_definitions import delete_family

    for family in families:
        delete_family(aws, family)
    return CLEAN
