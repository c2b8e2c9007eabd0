"""`moorage status`: what is deployed, and whether it runs."""

from __future__ import annotations

import argparse

from moorage.commands.arguments import add_deploying_arguments
from moorage.commands.deployment import build_target, explain_aws_errors, open_account
from moorage.commands.stack_sets import show_sets
from moorage.commands.terminal import print_text
from moorage.commands.usage import CLEAN, FOUND


def add_arguments(showing: argparse.ArgumentParser) -> None:
    """Adds the arguments of `status`."""
    add_deploying_arguments(showing, stacks=False)


def status(arguments: argparse.Namespace) -> int:
    """Show the stacks of an environment, their services, targets, alarms and outputs."""
    target = build_target(arguments)
    with explain_aws_errors():
        from moorage.deploy.status import read_status
        from moorage.deploy.status_text import status_json, status_text

        aws, _ = open_account(arguments, target)
        if target.targets is not None:
            return show_sets(arguments, target, aws)
        stacks = read_status(aws, target)
        form = status_json if arguments.format == "json" else status_text
        print_text(form(stacks))
        return CLEAN if all(stack.healthy for stack in stacks) else FOUND
