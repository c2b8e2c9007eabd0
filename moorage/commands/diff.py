"""`moorage diff`: what a deployment would change."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import TYPE_CHECKING

from moorage.commands.arguments import add_deploying_arguments
from moorage.commands.deployment import (
    build_target,
    delete_change_sets_at_end,
    explain_aws_errors,
    make_context,
    open_account,
)
from moorage.commands.stack_sets import diff_sets, refuse_targets
from moorage.commands.terminal import print_error, print_text
from moorage.commands.usage import CLEAN, FOUND

if TYPE_CHECKING:  # imported in functions: other commands need no boto3
    from moorage.deploy.aws import Aws
    from moorage.deploy.stack_state import StackState
    from moorage.deploy.target import Target


def add_arguments(comparing: argparse.ArgumentParser) -> None:
    """Adds the arguments of `diff`."""
    add_deploying_arguments(comparing, stacks=True)
    help_text = "images that are built stay as they are deployed, where --image gives no other"
    comparing.add_argument("--deployed-images", action="store_true", help=help_text)


def diff(arguments: argparse.Namespace) -> int:
    """Show what a deployment would change, property by property, and what it replaces."""
    target = build_target(arguments, only_errors=arguments.deployed_images)
    if arguments.deployed_images:
        refuse_targets(target, "diff --deployed-images")
    with explain_aws_errors():
        from moorage.deploy.guards import find_foreign_stacks, find_obstacles, obstacle_text
        from moorage.deploy.preview import preview_stacks
        from moorage.deploy.preview_text import previews_json, previews_text
        from moorage.deploy.stack_state import read_states

        aws, account = open_account(arguments, target)
        if target.targets is not None:
            return diff_sets(arguments, target, aws)
        context = make_context(aws, account)
        states = read_states(aws.cloudformation)
        if arguments.deployed_images:
            target = _keep_images(arguments, target, aws, states)
        chosen = target.select(arguments.stacks)
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


def _keep_images(
    arguments: argparse.Namespace, target: Target, aws: Aws, states: Mapping[str, StackState]
) -> Target:
    """The target again, with the images that run where images are built, except in stacks of which
    the command line names images."""
    from moorage.deploy.deployed_images import read_deployed_images

    deployed = read_deployed_images(aws.cloudformation, target, states)
    given = {name.partition("/")[0] for name, _ in arguments.image}
    added = [item for item in deployed.items() if item[0].partition("/")[0] not in given]
    arguments.image = [*arguments.image, *added]
    return build_target(arguments)
