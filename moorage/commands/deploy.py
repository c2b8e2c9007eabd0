"""`moorage deploy`: deploys an environment."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from moorage.commands.arguments import add_deploying_arguments, parallel_stacks
from moorage.commands.deployment import (
    ask,
    ask_after_interruption,
    build_target,
    delete_change_sets_at_end,
    explain_aws_errors,
    make_context,
    open_account,
)
from moorage.commands.progress_output import show_events
from moorage.commands.stack_sets import deploy_sets
from moorage.commands.terminal import print_error, print_line, print_text
from moorage.commands.usage import (
    CLEAN,
    FOUND,
    FailedError,
    TerminatedError,
    interruption_code,
)

if TYPE_CHECKING:  # imported in functions: builds and checks need no boto3
    from moorage.deploy.change_sets import Preview
    from moorage.deploy.context import Context
    from moorage.deploy.execute import Execution, Outcome
    from moorage.deploy.guards import Obstacle
    from moorage.deploy.recovery import Removal
    from moorage.deploy.stack_state import StackState
    from moorage.deploy.target import Target


def add_arguments(deploying: argparse.ArgumentParser) -> None:
    """Adds the arguments of `deploy`."""
    add_deploying_arguments(deploying, stacks=True)
    deploying.add_argument("--yes", action="store_true", help="do not ask")
    deploying.add_argument(
        "--no-wait", action="store_true", help="do not wait for stacks that no other stack needs"
    )
    help_text = "create new stacks that no other stack needs in CloudFormation's express mode"
    deploying.add_argument("--express", action="store_true", help=help_text)
    help_text = "stacks that are deployed at once; default: 5"
    deploying.add_argument(
        "--parallel", type=parallel_stacks, default=5, metavar="NUMBER", help=help_text
    )


def deploy(arguments: argparse.Namespace) -> int:
    """Deploy an environment, or some of its stacks: show the changes, ask, and update."""
    try:
        target = build_target(arguments)
        with explain_aws_errors():
            aws, account = open_account(arguments, target)
            if target.targets is not None:
                return deploy_sets(arguments, target, aws, account)
            return deploy_target(arguments, target, make_context(aws, account))
    except KeyboardInterrupt as interruption:
        print_error("interrupted; nothing was deployed")
        return interruption_code(interruption)


def ask_on_terminal(question: str) -> bool:
    """Asks on a terminal; without one, the answer is no."""
    return sys.stdin.isatty() and ask(question)


def deploy_target(
    arguments: argparse.Namespace,
    target: Target,
    context: Context,
    agree: Callable[[str], bool] = ask_on_terminal,
) -> int:
    """Deploys the stacks that the arguments name, with consent. `agree` is asked what --yes does
    not agree to."""
    chosen = target.select(arguments.stacks)
    states = _clear_obstacles(arguments, chosen, context, agree)
    if arguments.express:
        chosen = _choose_express(arguments, target, states)
    with delete_change_sets_at_end(context):
        try:
            execution = _prepare(arguments, chosen, context, states)
        except KeyboardInterrupt as interruption:
            print_error("interrupted; nothing was deployed")
            return interruption_code(interruption)
        return CLEAN if execution is None else _execute(arguments, target, execution)


def _choose_express(
    arguments: argparse.Namespace, target: Target, states: Mapping[str, StackState]
) -> Target:
    """The chosen stacks, of which some are deployed in express mode."""
    from moorage.deploy.express import choose_express

    chosen = choose_express(target, states).select(arguments.stacks)
    if not any(stack.express for stack in chosen.stacks):
        print_error(
            f"{target.env}: --express changes nothing: it is for new stacks that no other needs"
        )
    return chosen


def _prepare(
    arguments: argparse.Namespace,
    chosen: Target,
    context: Context,
    states: Mapping[str, StackState],
) -> Execution | None:
    """Shows what will change, and asks. Returns None if nothing changes; raises FailedError if
    something prevents the deployment, or the user does not agree."""
    from moorage.deploy.execute import Execution
    from moorage.deploy.expected import expected_seconds
    from moorage.deploy.preview import find_due_tasks, preview_stacks

    previews = preview_stacks(context, chosen, states)
    due = find_due_tasks(context, previews, states)
    _show_previews(previews, due, arguments.format)
    if not due and all(preview.kind == "nothing" for preview in previews):
        return None
    failed = any(preview.failed for preview in previews)
    question = _question(previews, due, chosen, context.account)
    if failed or not (arguments.yes or ask(question)):
        raise FailedError(f"{chosen.env}: nothing was deployed")
    changing = [preview.stack for preview in previews if preview.kind != "nothing"]
    expected = expected_seconds(changing, chosen.region)
    return Execution(context, previews, due, states, expected, wait=not arguments.no_wait)


def _show_previews(previews: Sequence[Preview], due: Collection[str], form: str) -> None:
    from moorage.deploy.preview_text import previews_json, previews_text

    print_text(previews_json(previews) if form == "json" else previews_text(previews))
    if form != "json":
        for name in sorted(due):
            print_line(f"The task of {name} will run")
    sys.stdout.flush()


def _question(
    previews: Sequence[Preview], due: Collection[str], target: Target, account: str
) -> str:
    from moorage.deploy.preview_text import count_changes

    changes = any(preview.kind != "nothing" for preview in previews)
    tasks = f"run the {'task' if len(due) == 1 else 'tasks'} of {', '.join(sorted(due))}"
    what = count_changes(previews) if changes else tasks
    return f"{what[0].upper()}{what[1:]} in the account {account}, {target.region}?"


def _execute(arguments: argparse.Namespace, target: Target, execution: Execution) -> int:
    """Executes what was agreed to, and prints how it ended."""
    try:
        with show_events(arguments.format, lambda: execution.context.at) as emit:
            outcomes = execution.run(emit, arguments.parallel)
        return _report(arguments, target, execution, outcomes)
    except KeyboardInterrupt as interruption:
        with suppress(KeyboardInterrupt):  # once more: the user does not want to wait for this
            _interrupt(execution, may_ask=not isinstance(interruption, TerminatedError))
        return interruption_code(interruption)


def _report(
    arguments: argparse.Namespace,
    target: Target,
    execution: Execution,
    outcomes: Mapping[str, Outcome],
) -> int:
    """Prints how a deployment has ended, and returns the exit code."""
    failed = [outcome for outcome in outcomes.values() if outcome.result == "failed"]
    if arguments.format != "json":
        _print_addresses(outcomes)
    for outcome in failed:
        print_error(f"{outcome.stack}: {outcome.reason}")
    # The last failure in CloudFormation of a stack that was left as it was is an older one.
    changed = [
        outcome.stack
        for outcome in failed
        if outcome.state is not None or outcome.stack in execution.under_way
    ]
    if changed:
        _explain_failures(arguments, target, execution.context, changed)
    changing = [item for item in execution.previews if item.kind != "nothing"]
    untouched = [item.stack.name for item in changing if item.stack.name not in outcomes]
    if untouched:
        print_error(f"not deployed: {', '.join(untouched)}")
    return FOUND if failed or untouched else CLEAN


def _explain_failures(
    arguments: argparse.Namespace, target: Target, context: Context, failed: Sequence[str]
) -> None:
    """Prints why stacks failed, or the command that looks for the cause again."""
    from moorage.commands.deployed import Deployed
    from moorage.commands.why import diagnose_stack
    from moorage.deploy.diagnosis.report import as_line, as_text

    reports = []
    if document := next((stack.document for stack in target.stacks if stack.document), None):
        names = {stack.name: stack.stack_name for stack in target.stacks}
        deployed = Deployed(target.region, names, document)
        reports = [diagnose_stack(context.aws, deployed, name) for name in failed]
        reports = [report for report in reports if report.diagnoses]
    if reports and arguments.format == "json":
        print_line(as_line(reports))
    elif reports:
        for line in ["", *as_text(reports).splitlines(), ""]:
            print_error(line)
    explained = {report.evidence.stack for report in reports}
    rest = [name for name in failed if name not in explained]
    if rest:
        commands = " and ".join(f"`moorage why {arguments.env} {name}`" for name in rest)
        print_error(f"more about the cause: {commands}")


def _print_addresses(outcomes: Mapping[str, Outcome]) -> None:
    from moorage.deploy.outputs_text import addresses_text

    states = {name: item.state for name, item in outcomes.items() if item.state is not None}
    print_text(addresses_text(states))


def _interrupt(execution: Execution, *, may_ask: bool) -> None:
    """Says what goes on after the interruption, and cancels updates if the user agrees."""
    from moorage.deploy.aws import AwsError

    try:
        execution.forget_ended()
        _say_what_goes_on(execution)
        updates = [name for name, (verb, _) in execution.under_way.items() if verb == "update"]
        question = f"Cancel the update of {', '.join(updates)}? CloudFormation rolls it back."
        if updates and may_ask and ask_after_interruption(question):
            execution.cancel(updates)
            print_error("the updates are being rolled back")
    except AwsError as error:
        print_error(str(error))
    if execution.under_way:
        print_error("the same command waits for them and continues")


def _say_what_goes_on(execution: Execution) -> None:
    parts = []
    if execution.under_way:
        parts.append(f"CloudFormation goes on with {', '.join(execution.under_way)}")
    if execution.finishing:
        parts.append(f"the task or release of {', '.join(sorted(execution.finishing))} goes on")
    print_error(f"interrupted; {', and '.join(parts) or 'no stack is being changed'}")


def _clear_obstacles(
    arguments: argparse.Namespace,
    target: Target,
    context: Context,
    agree: Callable[[str], bool],
) -> Mapping[str, StackState]:
    """The states of all stacks, after what prevents a deployment was removed with consent."""
    from moorage.deploy.guards import find_foreign_stacks, find_obstacles, obstacle_text
    from moorage.deploy.stack_state import read_states

    for _ in range(3):  # after what was under way has ended, its status can need another decision
        states = read_states(context.aws.cloudformation)
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
        if not all(_remove(arguments, context, item, agree) for item in obstacles):
            raise FailedError(f"{target.env}: nothing was deployed")
    raise FailedError(f"{target.env}: other operations on its stacks begin again and again")


def _remove(
    arguments: argparse.Namespace,
    context: Context,
    obstacle: Obstacle,
    agree: Callable[[str], bool],
) -> bool:
    """Removes an obstacle. If a rollback cannot roll back some resources, it asks whether to skip
    them: --yes does not agree to that, since what is skipped has to be corrected by hand."""
    from moorage.deploy.recovery import skip_command, skip_question

    skipped: tuple[str, ...] = ()
    while True:
        removal = _run_removal(arguments, context, obstacle, skipped)
        stuck = tuple(name for name in removal.stuck if name not in skipped)
        if removal.done or not stuck:
            return removal.done
        skipped = (*skipped, *stuck)
        question = skip_question(obstacle, stuck)
        if not agree(f"{question}."):
            command = skip_command(context, obstacle, skipped)
            print_error(f"to leave out what cannot be rolled back: `{command}`")
            return False


def _run_removal(
    arguments: argparse.Namespace, context: Context, obstacle: Obstacle, skipped: Sequence[str]
) -> Removal:
    from moorage.deploy.jobs import run_job
    from moorage.deploy.recovery import remove_obstacle

    try:
        with show_events(arguments.format, lambda: context.at) as emit:
            job = remove_obstacle(replace(context, emit=emit), obstacle, skipped)
            return run_job(job, context.clock)
    except KeyboardInterrupt:
        print_error(f"CloudFormation goes on with {obstacle.stack.name}")
        raise
