"""`moorage preview`: an environment for a pull request, on the network and load balancer of another
environment."""

from __future__ import annotations

import argparse
import hashlib
import re
import sys
from typing import TYPE_CHECKING

from moorage.commands.arguments import add_account
from moorage.commands.deploy import deploy_target
from moorage.commands.deployment import (
    build_target,
    explain_aws_errors,
    make_context,
    open_account,
)
from moorage.commands.destroy import destroy_target
from moorage.commands.terminal import print_error, print_line, print_text
from moorage.commands.usage import CLEAN, FailedError, UsageError, interruption_code

if TYPE_CHECKING:  # imported in functions: builds and checks need no boto3
    from moorage.deploy.aws import Aws
    from moorage.deploy.target import Target

ACTIONS = ("up", "down", "list")
_MAX_NAME = 20
"""Characters of a preview's name that are kept as they are: a label of a host name has at most 63
(RFC 1035, 2.3.4), and the params add others to it."""


def add_arguments(previewing: argparse.ArgumentParser) -> None:
    """Adds the arguments of `preview`."""
    previewing.add_argument("action", choices=ACTIONS)
    help_text = "the number of a pull request, or the name of a branch"
    previewing.add_argument("name", nargs="?", metavar="NAME", help=help_text)
    add_account(previewing)
    previewing.add_argument("--format", choices=("text", "json"), default="text")
    previewing.add_argument("--yes", action="store_true", help="do not ask")
    previewing.set_defaults(parallel=5)


def preview(arguments: argparse.Namespace) -> int:
    """Deploy or delete the environment of a pull request, which params/preview.yaml describes, or
    list all of them."""
    from moorage.model import PREVIEW

    if (arguments.action == "list") != (arguments.name is None):
        wants = "no name" if arguments.name else "a name, such as the number of the pull request"
        raise UsageError(f"preview {arguments.action} takes {wants}")
    if not (arguments.params / f"{PREVIEW}.yaml").exists():
        raise UsageError(f"there is no `{arguments.params / PREVIEW}.yaml`. See docs/previews.md")
    arguments.env = PREVIEW
    if arguments.name is not None:
        arguments.env += f"-{normalize_name(arguments.name)}"
    arguments.stacks = []
    try:
        target = build_target(arguments)
        if target.targets is not None:
            raise UsageError("previews cannot have `targets:`")
        with explain_aws_errors():
            aws, account = open_account(arguments, target)
            if arguments.action == "list":
                return _list(aws, target)
            if arguments.action == "down":
                return _delete(arguments, target, aws, account)
            return _deploy(arguments, target, aws, account)
    except KeyboardInterrupt as interruption:
        print_error("interrupted; nothing was changed")
        return interruption_code(interruption)


def normalize_name(name: str) -> str:
    """The name of a preview as a part of the names of stacks and hosts: lower-case letters, digits
    and single hyphens. A name that has to be changed gets a part of its hash, so that two names
    stay different.

    >>> normalize_name("123"), normalize_name("feature/ABC-1")
    ('123', 'feature-abc-1-e6bdc5')
    """
    parts = re.findall(r"[a-z0-9]+", name.lower())
    short = "-".join(parts)[:_MAX_NAME].rstrip("-")
    if short == name:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:6]
    return "-".join(filter(None, (short, digest)))


def _deploy(arguments: argparse.Namespace, target: Target, aws: Aws, account: str) -> int:
    from moorage.deploy.previews import find_rule_conflicts, find_urls
    from moorage.findings.report import text

    arguments.no_wait = arguments.express = False
    if conflicts := find_rule_conflicts(aws, target):
        print(text(conflicts), end="", file=sys.stderr, flush=True)
        raise FailedError(f"{target.env}: nothing was deployed")
    code = deploy_target(arguments, target, make_context(aws, account))
    if code == CLEAN and arguments.format != "json":
        for url in find_urls(aws, target):
            print_line(url)
    return code


def _delete(arguments: argparse.Namespace, target: Target, aws: Aws, account: str) -> int:
    """Deletes the stacks of the preview only. Since it is temporary, nothing of it is kept."""
    arguments.unprotect = arguments.task_definitions = True
    arguments.empty = "deleted"
    return destroy_target(arguments, target, make_context(aws, account))


def _list(aws: Aws, target: Target) -> int:
    from moorage.deploy.previews import previews_text
    from moorage.deploy.stack_state import read_states

    print_text(previews_text(read_states(aws.cloudformation), target.app))
    return CLEAN
