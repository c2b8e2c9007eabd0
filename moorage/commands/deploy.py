"""`moorage deploy`: deploys an environment."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from moorage.commands.deployment import (
    ask,
    build_target,
    explain_aws_errors,
    make_context,
    open_account,
)
from moorage.commands.progress_output import show_events
from moorage.commands.stack_sets import deploy_sets
from moorage.commands.terminal import print_error, print_line, print_text
from moorage.commands.usage import CLEAN, FOUND, INTERRUPTED, FailedError

if TYPE_CHECKING:  # imported in functions: builds and checks need no boto3
    from moorage.deploy.aws import Aws
    from moorage.deploy.change_sets import Preview
    from moorage.deploy.execute import Execution, Outcome
    from moorage.deploy.guards import Obstacle
    from moorage.deploy.stack_state import StackState
    from moorage.deploy.target import Target


def parallel_stacks(text: str) -> int:
    """A number of stacks on the command line."""
    if not re.fullmatch("[1-9][0-9]?", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of stacks; write 1 to 99")
    return int(text)


def deploy(arguments: argparse.Namespace) -> int:
    """Deploy an environment, or some of its stacks: show the changes, ask, and update."""
    target = build_target(arguments)
    with explain_aws_errors():
        aws, account = open_account(arguments, target)
        if target.targets is not None:
            return deploy_sets(arguments, target, aws, account)
        return deploy_target(arguments, target, aws, account)


def deploy_target(arguments: argparse.Namespace, target: Target, aws: Aws, account: str) -> int:
    """Deploys the stacks that the arguments name, with consent."""
    from moorage.deploy.execute import Execution
    from moorage.deploy.expected import expected_seconds
    from moorage.deploy.preview import discard_previews, find_due_tasks, preview_stacks

    chosen = target.select(arguments.stacks)
    states = _clear_obstacles(arguments, chosen, aws)
    context = make_context(aws, account)
    previews = preview_stacks(context, chosen, states)
    due = find_due_tasks(chosen, previews, arguments.stacks)
    changing = [preview.stack for preview in previews if preview.kind != "nothing"]
    expected = expected_seconds(changing, target.region)
    execution = Execution(context, previews, due, states, expected, wait=not arguments.no_wait)
    try:
        _show_previews(previews, due, arguments.format)
        if not due and all(preview.kind == "nothing" for preview in previews):
            return CLEAN
        failed = any(preview.failed for preview in previews)
        if failed or not (arguments.yes or ask(_question(previews, target, account))):
            print_error(f"{target.env}: nothing was deployed")
            return FOUND
        return _execute(arguments, execution)
    finally:
        discard_previews(context, execution.unused)


def _show_previews(previews: Sequence[Preview], due: Collection[str], form: str) -> None:
    from moorage.deploy.preview_text import previews_json, previews_text

    print_text(previews_json(previews) if form == "json" else previews_text(previews))
    if form != "json":
        for name in sorted(due):
            print_line(f"The task of {name} will run")
    sys.stdout.flush()


def _question(previews: Sequence[Preview], target: Target, account: str) -> str:
    from moorage.deploy.preview_text import count_changes

    what = count_changes(previews)
    return f"{what[0].upper()}{what[1:]} in the account {account}, {target.region}?"


def _execute(arguments: argparse.Namespace, execution: Execution) -> int:
    """Executes what was agreed to, and prints how it ended."""
    try:
        with show_events(arguments.format, lambda: execution.context.at) as emit:
            outcomes = execution.run(emit, arguments.parallel)
    except KeyboardInterrupt:
        _interrupt(execution)
        return INTERRUPTED
    failed = [outcome for outcome in outcomes.values() if outcome.result == "failed"]
    if arguments.format != "json":
        _print_addresses(outcomes)
    for outcome in failed:
        print_error(f"{outcome.stack}: {outcome.reason}")
    if failed:
        names = " and ".join(f"`moorage why {arguments.env} {item.stack}`" for item in failed)
        print_error(f"more about the cause: {names}")
    untouched = [item.stack.name for item in execution.previews if item.stack.name not in outcomes]
    if untouched:
        print_error(f"not deployed: {', '.join(untouched)}")
    return FOUND if failed or untouched else CLEAN


def _print_addresses(outcomes: Mapping[str, Outcome]) -> None:
    from moorage.deploy.outputs_text import addresses_text

    states = {name: item.state for name, item in outcomes.items() if item.state is not None}
    print_text(addresses_text(states))


def _interrupt(execution: Execution) -> None:
    """Says what goes on after the interruption, and cancels updates if the user agrees."""
    if not execution.under_way:
        print_error("interrupted; no stack is being changed")
        return
    names = ", ".join(execution.under_way)
    print_error(f"interrupted; CloudFormation goes on with {names}")
    updates = [name for name, (verb, _) in execution.under_way.items() if verb == "update"]
    if updates and sys.stdin.isatty():
        question = f"Cancel the update of {', '.join(updates)}? CloudFormation rolls it back."
        if ask(question):
            execution.cancel(updates)
            print_error("the updates are being rolled back")
            return
    print_error("The same command waits for them and continues")


def _clear_obstacles(
    arguments: argparse.Namespace, target: Target, aws: Aws
) -> Mapping[str, StackState]:
    """The states of all stacks, after what prevents a deployment was removed with consent."""
    from moorage.deploy.guards import find_foreign_stacks, find_obstacles, obstacle_text
    from moorage.deploy.stack_state import read_states

    for _ in range(3):  # after what was under way has ended, its status can need another decision
        states = read_states(aws.cloudformation)
        if foreign := [*find_foreign_stacks(target.stacks, states)]:
            raise FailedError(f"{target.env}: {'; '.join(foreign)}")
        obstacles = [*find_obstacles(target.stacks, states)]
        if not obstacles:
            return states
        for obstacle in obstacles:
            print_error(f"{target.env}: {obstacle_text(obstacle)}")
        if any(item.remedy is None for item in obstacles):
            raise FailedError(f"{target.env}: nothing was deployed")
        for obstacle in obstacles:
            if obstacle.question and not arguments.yes and not ask(f"{obstacle.question}?"):
                raise FailedError(f"{target.env}: nothing was deployed")
        if not _remove_obstacles(arguments, aws, obstacles):
            raise FailedError(f"{target.env}: nothing was deployed")
    raise FailedError(f"{target.env}: other operations on its stacks begin again and again")


def _remove_obstacles(
    arguments: argparse.Namespace, aws: Aws, obstacles: Sequence[Obstacle]
) -> bool:
    from moorage.deploy.jobs import run_job
    from moorage.deploy.recovery import remove_obstacle

    context = make_context(aws, "")
    with show_events(arguments.format, lambda: context.at) as emit:
        shown = replace(context, emit=emit)
        return all(run_job(remove_obstacle(shown, item), context.clock) for item in obstacles)
