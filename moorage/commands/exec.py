"""`moorage exec`: a shell in a running container."""

from __future__ import annotations

import argparse
import shutil
import signal
import subprocess
from typing import TYPE_CHECKING

from moorage.commands.arguments import add_deploying_arguments
from moorage.commands.deployment import build_target, explain_aws_errors, find_stack, open_account
from moorage.commands.stack_sets import refuse_targets
from moorage.commands.terminal import print_error
from moorage.commands.usage import FailedError

if TYPE_CHECKING:  # imported in functions: builds and checks need no boto3
    from moorage.deploy.aws import Aws
    from moorage.deploy.shell import RunningContainer

_INSTALL = (
    "https://docs.aws.amazon.com/systems-manager/latest/userguide/"
    "session-manager-working-with-install-plugin.html"
)


def add_arguments(opening: argparse.ArgumentParser) -> None:
    """Adds the arguments of `exec`."""
    add_deploying_arguments(opening, stacks=False)
    opening.add_argument("stacks", nargs=1, metavar="STACK")
    opening.add_argument(
        "container", nargs="?", metavar="CONTAINER", help="default: the first one of its params"
    )
    help_text = "what runs in the container; default: /bin/sh"
    opening.add_argument("--command", default="/bin/sh", metavar="COMMAND", help=help_text)


def open_shell(arguments: argparse.Namespace) -> int:
    """Open a shell in a running container of a service or worker, by ECS Exec. The exit code is
    that of the Session Manager plugin."""
    target = build_target(arguments)
    refuse_targets(target, "exec")
    (stack,) = target.select(arguments.stacks).stacks
    with explain_aws_errors():
        from moorage.deploy.shell import find_container
        from moorage.deploy.stack_resources import find_service

        aws, _ = open_account(arguments, target)
        state = find_stack(aws, stack)
        service = find_service(aws, stack.name, state.id)
        container = find_container(aws, stack, service, arguments.container)
        return connect(aws, container, arguments.command, arguments.profile)


def connect(aws: Aws, container: RunningContainer, command: str, profile: str | None) -> int:
    """Runs a command in a container, with the terminal of this process. Returns the exit code of
    the plugin. Raises FailedError if it is not installed."""
    from moorage.deploy.shell import PLUGIN, start_session

    if shutil.which(PLUGIN) is None:
        raise FailedError(f"the program {PLUGIN} is missing. AWS describes it: {_INSTALL}")
    words = start_session(aws, container, command, profile)
    print_error(f"{container.name} in task {container.task.split('/')[-1]}")
    # Ctrl-C is for the command in the container.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        return subprocess.run(words, check=False).returncode
    finally:
        signal.signal(signal.SIGINT, before)
