"""`moorage rollback`: the way back from a release."""

from __future__ import annotations

import argparse

from moorage.commands.arguments import add_deploying_arguments
from moorage.commands.deployment import (
    ask,
    build_target,
    explain_aws_errors,
    find_stack,
    make_context,
    open_account,
)
from moorage.commands.progress_output import show_events
from moorage.commands.stack_sets import refuse_targets
from moorage.commands.terminal import print_error, print_line
from moorage.commands.usage import CLEAN, FOUND, interruption_code


def add_arguments(rolling_back: argparse.ArgumentParser) -> None:
    """Adds the arguments of `rollback`."""
    add_deploying_arguments(rolling_back, stacks=False)
    rolling_back.add_argument("stacks", nargs=1, metavar="STACK")
    rolling_back.add_argument("--yes", action="store_true", help="do not ask")


def rollback(arguments: argparse.Namespace) -> int:
    """Stop the release of a service that is under way and roll it back, or deploy the revision
    before."""
    from dataclasses import replace

    target = build_target(arguments)
    refuse_targets(target, "rollback")
    (stack,) = target.select(arguments.stacks).stacks
    with explain_aws_errors():
        from moorage.deploy.jobs import run_job
        from moorage.deploy.releases import sync_weights
        from moorage.deploy.rollback import find_rollback, roll_back

        aws, account = open_account(arguments, target)
        state = find_stack(aws, stack)
        planned = find_rollback(aws, stack, state)
        question = f"{planned.text[0].upper()}{planned.text[1:]}?"
        if not (arguments.yes or ask(question)):
            print_error(f"{target.env}: nothing was changed")
            return FOUND
        context = make_context(aws, account)
        try:
            with show_events(arguments.format, lambda: context.at) as emit:
                context = replace(context, emit=emit)
                reason = run_job(roll_back(context, stack, state, planned), context.clock)
                if not reason and stack.pairs and not state.in_progress:
                    run_job(sync_weights(context, stack, state.id), context.clock)
        except KeyboardInterrupt as interruption:
            print_error(f"interrupted; the rollback of {stack.name} goes on")
            return interruption_code(interruption)
    if reason:
        print_error(f"{stack.name}: {reason}")
        return FOUND
    if arguments.format == "text":
        print_line(
            f"{stack.name}: rolled back. Its params still have the newer revision, and the next "
            "change of the stack deploys it again: correct them first."
        )
    return CLEAN
