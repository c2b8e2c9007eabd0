"""`diff`, `deploy`, `status`, `why` and `destroy` of an environment with `targets:`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from moorage.commands.deployment import ask, ask_after_interruption, make_context, read_answer
from moorage.commands.progress_output import show_events
from moorage.commands.terminal import print_error, print_line, print_text
from moorage.commands.usage import (
    CLEAN,
    FOUND,
    FailedError,
    TerminatedError,
    UsageError,
    interruption_code,
)

if TYPE_CHECKING:  # imported in functions: builds and checks need no boto3
    from moorage.deploy.aws import Aws
    from moorage.deploy.stack_sets.execute import Outcome, SetExecution
    from moorage.deploy.stack_sets.plan import SetPlan
    from moorage.deploy.stack_sets.removal import SetRemoval
    from moorage.deploy.stack_sets.status import SetStatus
    from moorage.deploy.target import Target
    from moorage.model import Targets
    from moorage.pipeline.document import Document


def refuse_targets(target: Target, command: str) -> None:
    """Raises UsageError if an environment has `targets:`, for a command that acts on one stack in
    one account and region."""
    if target.targets is not None:
        raise one_account_only(command, target.env)


def one_account_only(command: str, env: str) -> UsageError:
    """The error of a command that does not work with `targets:`."""
    return UsageError(
        f"`{command}` works in one account and region, and {env} has `targets`. Use the AWS CLI "
        "or the console there"
    )


def _targets(target: Target) -> Targets:
    assert target.targets is not None
    return target.targets


def _plan(arguments: argparse.Namespace, target: Target, aws: Aws) -> list[SetPlan]:
    """The plans of the chosen stack sets, which are printed."""
    from moorage.deploy.stack_sets.organization import read_members
    from moorage.deploy.stack_sets.plan import plan_stack_sets
    from moorage.deploy.stack_sets.plan_text import plans_json, plans_text
    from moorage.deploy.stack_sets.requests import call_as
    from moorage.deploy.stack_sets.state import read_stack_sets

    chosen = target.select(arguments.stacks)
    names = [stack.stack_name for stack in chosen.stacks]
    existing = read_stack_sets(aws.cloudformation, names, call_as(_targets(target)))
    plans = plan_stack_sets(chosen, existing, read_members(aws, _targets(target)))
    print_text((plans_json if arguments.format == "json" else plans_text)(plans))
    sys.stdout.flush()
    return plans


def diff_sets(arguments: argparse.Namespace, target: Target, aws: Aws) -> int:
    """Shows what a deployment would change."""
    plans = _plan(arguments, target, aws)
    return FOUND if any(plan.problems for plan in plans) else CLEAN


def deploy_sets(arguments: argparse.Namespace, target: Target, aws: Aws, account: str) -> int:
    """Deploys the stack sets that the arguments name, with consent."""
    from moorage.deploy.stack_sets.execute import SetExecution
    from moorage.deploy.stack_sets.plan_text import count_plans

    _refuse_options(("--no-wait", arguments.no_wait), why="a stack set waits for those before it")
    _refuse_options(("--express", arguments.express), why="StackSets has no such mode")
    plans = _plan(arguments, target, aws)
    if all(plan.kind == "nothing" and not plan.problems for plan in plans):
        return CLEAN
    what = count_plans(plans)
    question = f"{what[0].upper()}{what[1:]}, managed in the account {account}, {target.region}?"
    if any(plan.problems for plan in plans) or not (arguments.yes or ask(question)):
        print_error(f"{target.env}: nothing was deployed")
        return FOUND
    execution = SetExecution(make_context(aws, account), plans, _targets(target))
    return execute_sets(arguments, execution)


def execute_sets(
    arguments: argparse.Namespace,
    execution: SetExecution,
    agree: Callable[[str], bool] = ask_after_interruption,
) -> int:
    """Executes what was agreed to, and prints how it ended. `agree` is asked after Ctrl-C."""
    try:
        with show_events(arguments.format, lambda: execution.context.at) as emit:
            outcomes = execution.run(emit, arguments.parallel)
    except KeyboardInterrupt as interruption:
        terminated = isinstance(interruption, TerminatedError)
        with suppress(KeyboardInterrupt):
            _interrupt(execution, (lambda question: False) if terminated else agree)
        return interruption_code(interruption)
    return _report(arguments, execution.plans, outcomes)


def _report(
    arguments: argparse.Namespace, plans: Sequence[SetPlan], outcomes: Mapping[str, Outcome]
) -> int:
    from moorage.deploy.stack_sets.operations import failure_text

    wrong = False
    for name, outcome in outcomes.items():
        for failure in outcome.failures:
            print_error(f"{name}: {failure.status} in {failure_text(failure)}")
        if outcome.result == "failed" and not outcome.failures:
            print_error(f"{name}: {outcome.reason}")
        wrong = wrong or bool(outcome.failures) or outcome.result == "failed"
    untouched = [plan.stack.name for plan in plans if plan.stack.name not in outcomes]
    if untouched:
        print_error(f"not deployed: {', '.join(untouched)}")
    if wrong:
        print_error(f"`moorage status {arguments.env}` shows every account and region")
    return FOUND if wrong or untouched else CLEAN


def _interrupt(execution: SetExecution, agree: Callable[[str], bool]) -> None:
    """Says what goes on after the interruption, and stops operations if the user agrees."""
    if not execution.under_way:
        print_error("interrupted; no stack set is being changed")
        return
    names = ", ".join(execution.under_way)
    print_error(f"interrupted; CloudFormation goes on with {names}")
    question = "Stop these operations? Accounts and regions that have not begun are left out."
    if agree(question):
        execution.stop()
        print_error("stacks that are being changed are finished, others are not begun")
        return
    print_error("the same command waits for them and continues")


def show_sets(arguments: argparse.Namespace, target: Target, aws: Aws) -> int:
    """Shows the stacks of all stack sets."""
    from moorage.deploy.stack_sets.status import read_environment, statuses_json, statuses_text

    statuses = read_environment(aws, target)
    print_text((statuses_json if arguments.format == "json" else statuses_text)(statuses))
    return CLEAN if all(status.healthy for status in statuses) else FOUND


def explain_sets(
    arguments: argparse.Namespace, target: Target, aws: Aws, document: Document
) -> int:
    """Says why stacks of stack sets are not current."""
    from moorage.deploy.stack_sets.failures import (
        failures_json,
        failures_text,
        find_set_failures,
    )
    from moorage.deploy.stack_sets.status import read_environment

    statuses = read_environment(aws, target)
    if arguments.stack is not None:
        statuses = [status for status in statuses if status.name == arguments.stack]
    context = make_context(aws, "")
    found = [*find_set_failures(context, statuses, _targets(target), document)]
    if arguments.format == "json":
        print_text(failures_json(found))
    elif found:
        print_text(failures_text(found))
    else:
        print_line(f"{target.env}: every stack of the stack sets is current")
    return FOUND if found else CLEAN


def destroy_sets(arguments: argparse.Namespace, target: Target, aws: Aws, account: str) -> int:
    """Deletes the stack sets that the arguments name, with consent."""
    from moorage.deploy.stack_sets.removal import (
        plan_set_removals,
        set_removals_json,
        set_removals_text,
    )
    from moorage.deploy.stack_sets.status import read_environment

    _refuse_options(
        ("--unprotect", arguments.unprotect),
        ("--empty", arguments.empty is not None),
        ("--task-definitions", arguments.task_definitions),
        why="the command has no access to the accounts of the stacks",
    )
    statuses = read_environment(aws, target)
    _refuse_users(arguments, target, statuses)
    chosen = [
        status for status in statuses if not arguments.stacks or status.name in arguments.stacks
    ]
    _refuse_foreign(target, chosen)
    removals = plan_set_removals(target, chosen)
    if not removals:
        if arguments.format != "json":
            print_line("Nothing to delete")
        return CLEAN
    form = set_removals_json if arguments.format == "json" else set_removals_text
    print_text(form(removals))
    sys.stdout.flush()
    question = (
        f"This deletes them, managed in the account {account}, {target.region}. "
        f"To agree, type the name of the environment ({target.env}): "
    )
    if not arguments.yes and read_answer(question) != target.env:
        print_error(f"{target.env}: nothing was deleted")
        return FOUND
    return _remove(arguments, target, aws, removals)


def _refuse_options(*options: tuple[str, bool], why: str) -> None:
    """Raises UsageError for the first of these options that was written, by its name."""
    for name, written in options:
        if written:
            raise UsageError(f"{name} does not fit `targets`: {why}")


def _refuse_foreign(target: Target, statuses: Sequence[SetStatus]) -> None:
    """Raises FailedError if a stack set has the name of one of ours, and the tags of another."""
    from moorage.deploy.guards import find_owner

    stacks = {stack.stack_name: stack for stack in target.stacks}
    for status in statuses:
        if status.found is None or not status.in_params:
            continue
        if owner := find_owner(stacks[status.stack_set], status.found.tags):
            raise FailedError(f"the stack set {status.stack_set} belongs to {owner}")


def _refuse_users(
    arguments: argparse.Namespace, target: Target, statuses: Sequence[SetStatus]
) -> None:
    """Raises FailedError if a stack set stays that needs one that goes."""
    existing = {status.name for status in statuses if status.found is not None}
    doomed = {*(arguments.stacks or existing)}
    for stack in target.stacks:
        needed = sorted(doomed.intersection(stack.depends_on))
        if stack.name in existing - doomed and needed:
            raise FailedError(
                f"`{stack.name}` needs {', '.join(f'`{name}`' for name in needed)}. Name it as "
                "well, or no stack for all"
            )


def _remove(
    arguments: argparse.Namespace, target: Target, aws: Aws, removals: Sequence[SetRemoval]
) -> int:
    from moorage.deploy.stack_sets.removal import remove_stack_sets

    context = make_context(aws, "")
    try:
        with show_events(arguments.format, lambda: context.at) as emit:
            results = remove_stack_sets(
                replace(context, emit=emit), removals, _targets(target), arguments.parallel
            )
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
