"""`moorage run`: runs the task of a one-off stack now."""

from __future__ import annotations

import argparse

from moorage.commands.arguments import add_deploying_arguments
from moorage.commands.deployment import (
    build_target,
    explain_aws_errors,
    find_stack,
    make_context,
    open_account,
)
from moorage.commands.progress_output import show_events
from moorage.commands.stack_sets import refuse_targets
from moorage.commands.terminal import print_error
from moorage.commands.usage import CLEAN, FOUND, UsageError, interruption_code


def add_arguments(running: argparse.ArgumentParser) -> None:
    """Adds the arguments of `run`."""
    add_deploying_arguments(running, stacks=False)
    running.add_argument("stacks", nargs=1, metavar="STACK")


def run(arguments: argparse.Namespace) -> int:
    """Run the task of a stack of the kind `one_off` now, and wait for it. The exit code is that of
    its container, or 1 if it never started."""
    from dataclasses import replace

    target = build_target(arguments)
    refuse_targets(target, "run")
    (stack,) = target.select(arguments.stacks).stacks
    if stack.run is None:
        tasks = ", ".join(item.name for item in target.stacks if item.run) or "none"
        raise UsageError(f"`{stack.name}` is not of the kind `one_off`. Stacks that are: {tasks}")
    with explain_aws_errors():
        from moorage.deploy.jobs import run_job
        from moorage.deploy.one_off import run_task

        aws, account = open_account(arguments, target)
        state = find_stack(aws, stack)
        context = make_context(aws, account)
        try:
            with show_events(arguments.format, lambda: context.at) as emit:
                job = run_task(replace(context, emit=emit), stack.name, state, stack.run)
                end = run_job(job, context.clock)
        except KeyboardInterrupt as interruption:
            print_error("interrupted; if the task has started, it goes on")
            return interruption_code(interruption)
    if not end.reason:
        return CLEAN
    print_error(f"{stack.name}: {end.reason}")
    print_error(f"`moorage logs {target.env} {stack.name}` shows what it wrote")
    return end.code or FOUND
