"""`moorage diff`: what a deployment would change."""

from __future__ import annotations

import argparse

from moorage.commands.deployment import (
    build_target,
    delete_change_sets_at_end,
    explain_aws_errors,
    make_context,
    open_account,
)
from moorage.commands.stack_sets import diff_sets
from moorage.commands.terminal import print_error, print_text
from moorage.commands.usage import CLEAN, FOUND


def diff(arguments: argparse.Namespace) -> int:
    """Show what a deployment would change, property by property, and what it replaces."""
    target = build_target(arguments)
    with explain_aws_errors():
        from moorage.deploy.guards import find_foreign_stacks, find_obstacles, obstacle_text
        from moorage.deploy.preview import preview_stacks
        from moorage.deploy.preview_text import previews_json, previews_text
        from moorage.deploy.stack_state import read_states

        aws, account = open_account(arguments, target)
        if target.targets is not None:
            return diff_sets(arguments, target, aws)
        context = make_context(aws, account)
        chosen = target.select(arguments.stacks)
        states = read_states(aws.cloudformation)
        foreign = [*find_foreign_stacks(chosen.stacks, states)]
        obstacles = [*find_obstacles(chosen.stacks, states)]
        for text in (*foreign, *map(obstacle_text, obstacles)):
            print_error(f"{arguments.env}: {text}")
        if foreign or obstacles:
            return FOUND
        with delete_change_sets_at_end(context):
            previews = preview_stacks(context, chosen, states)
        form = previews_json if arguments.format == "json" else previews_text
        print_text(form(previews))
        return FOUND if any(preview.failed for preview in previews) else CLEAN
