"""`moorage exec`: a shell in a running container."""

from __future__ import annotations

import argparse
import shutil
import signal
import subprocess

from moorage.commands.deployment import build_target, explain_aws_errors, open_account
from moorage.commands.terminal import print_error
from moorage.commands.usage import FailedError

_INSTALL = (
    "https://docs.aws.amazon.com/systems-manager/latest/userguide/"
    "session-manager-working-with-install-plugin.html"
)


def open_shell(arguments: argparse.Namespace) -> int:
    """Open a shell in a running container of a service or worker, by ECS Exec. The exit code is
    that of the Session Manager plugin."""
    target = build_target(arguments)
    (stack,) = target.select(arguments.stacks).stacks
    with explain_aws_errors():
        from moorage.deploy.services import find_service
        from moorage.deploy.shell import PLUGIN, find_container, start_session

        aws, _ = open_account(arguments, target)
        container = find_container(aws, stack, find_service(aws, stack), arguments.container)
        if shutil.which(PLUGIN) is None:
            raise FailedError(f"the program {PLUGIN} is missing. AWS describes it: {_INSTALL}")
        words = start_session(aws, container, arguments.command, arguments.profile)
    task = container.task.split("/")[-1]
    print_error(f"{container.name} in task {task}; the session ends with its command")
    # Ctrl-C is for the command in the container.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        return subprocess.run(words, check=False).returncode
    finally:
        signal.signal(signal.SIGINT, before)
