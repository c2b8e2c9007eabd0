"""What the commands share that work with a deployed environment."""

from __future__ import annotations

import argparse
import gc
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from moorage.commands.environments import build_environment, split_preview
from moorage.commands.terminal import print_error, show_progress
from moorage.commands.usage import (
    FailedError,
    UsageError,
    find_environments,
    unknown_name,
    unknown_stack,
)

if TYPE_CHECKING:  # imported in functions: builds and checks need no boto3
    from moorage.commands.deployed import Deployed
    from moorage.deploy.aws import Aws
    from moorage.deploy.context import Context
    from moorage.deploy.stack_state import StackState
    from moorage.deploy.target import DeployStack, Target


def build_target(arguments: argparse.Namespace, *, only_errors: bool = False) -> Target:
    """Builds and checks the environment, and prints the findings; with `only_errors` not those of
    an environment without errors. Raises FailedError if it has errors."""
    from moorage.deploy.target import make_target
    from moorage.findings.report import counts, text

    known = find_environments(arguments.params)
    if split_preview(arguments.env, arguments.params)[0] not in known:
        raise unknown_name(arguments.env, "not an environment", known)
    with show_progress() as step:
        built = build_environment(arguments.env, arguments, "yaml", step)
    if built.plan is None or not only_errors:
        print(text(built.findings), end="", file=sys.stderr, flush=True)
    if built.plan is None:
        raise FailedError(f"{arguments.env}: {counts(built.findings)}")
    target = make_target(built.plan, built.document)
    names: Sequence[str] = getattr(arguments, "stacks", ())
    for name in names:
        if name not in target.names:
            raise unknown_stack(name, target.env, target.names)
    if not target.stacks:
        raise UsageError(f"{target.env} has no stacks of its own: all exist already")
    return target


def open_account(arguments: argparse.Namespace, environment: Target | Deployed) -> tuple[Aws, str]:
    """The clients for the environment's account and region, and the ID of the account. The
    environment's role is assumed first, unless --no-role is given. Raises UsageError if the
    credentials are for another account."""
    from moorage.deploy.aws import Access, Aws
    from moorage.deploy.guards import find_account_problem

    profile, endpoint_url = arguments.profile, arguments.endpoint_url
    no_role = getattr(arguments, "no_role", False)
    role = None if no_role else environment.role_for(getattr(arguments, "stacks", ()))
    aws = Aws(Access(environment.region, profile, endpoint_url, role=role))
    account: str = aws.sts.get_caller_identity()["Account"]
    if problem := find_account_problem(arguments.env, environment.account, account):
        raise UsageError(problem)
    return aws, account


def find_stack(aws: Aws, stack: DeployStack) -> StackState:
    """The deployed stack. Raises FailedError if it is not deployed, or if the stack of this name
    has the tags of another environment."""
    from moorage.deploy.guards import find_foreign_stacks
    from moorage.deploy.stack_state import read_states

    states = read_states(aws.cloudformation)
    for problem in find_foreign_stacks([stack], states):
        raise FailedError(problem)
    state = states.get(stack.stack_name)
    if state is None or not state.exists:
        raise FailedError(f"{stack.stack_name} is not deployed yet")
    return state


def make_context(aws: Aws, account: str) -> Context:
    """The context of a command that starts now."""
    from moorage.deploy.clock import CLOCK
    from moorage.deploy.context import Context

    gc.enable()  # the command line turns it off; a deployment can take hours
    clock = CLOCK.get()
    return Context(aws, account, clock, start=clock.now())


@contextmanager
def delete_change_sets_at_end(context: Context) -> Iterator[None]:
    """Deletes the change sets that were not executed, however the command ends."""
    from moorage.deploy.preview import delete_change_sets

    try:
        yield
    finally:
        try:
            left = delete_change_sets(context)
        except KeyboardInterrupt:
            left = [item.stack for item in context.open_change_sets.values()]
        if left:
            print_error(
                f"not deleted: the change sets of {', '.join(sorted(left))}. They change nothing, "
                "and the next update of the stack deletes them"
            )


@contextmanager
def explain_aws_errors() -> Iterator[None]:
    """Turns errors of AWS into those that the command line prints."""
    from moorage.deploy.aws import AwsError, aws_errors

    try:
        with aws_errors():
            yield
    except AwsError as error:
        if error.wrong_usage:
            raise UsageError(str(error)) from error
        raise FailedError(str(error)) from error


def ask(question: str) -> bool:
    """Asks a question on the terminal; the answer is no unless it is `y` or `yes`."""
    return read_answer(f"{question} [y/N] ").lower() in ("y", "yes")


def ask_after_interruption(question: str) -> bool:
    """Asks after Ctrl-C. Without a terminal, and after Ctrl-C once more, the answer is no."""
    try:
        return sys.stdin.isatty() and ask(question)
    except KeyboardInterrupt:
        print_error("")
        return False


def read_answer(question: str) -> str:
    """Asks for a word on the terminal. Raises UsageError if there is no terminal."""
    if not sys.stdin.isatty():
        raise UsageError("there is no terminal to ask on, so nothing was changed. Agree with --yes")
    print(question, end="", file=sys.stderr, flush=True)
    line = sys.stdin.readline()
    if not line.endswith("\n"):
        print_error("")
    return line.strip()
