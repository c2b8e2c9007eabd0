"""`moorage logs`: the logs of a stack's tasks."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from moorage.commands.arguments import add_account, duration
from moorage.commands.deployed import Deployed, check_stack, find_deployed
from moorage.commands.deployment import explain_aws_errors, open_account
from moorage.commands.stack_sets import one_account_only
from moorage.commands.usage import CLEAN, FOUND, UsageError

if TYPE_CHECKING:
    from moorage.deploy.diagnosis.reader import Clients
    from moorage.deploy.log_events import Clock, LogSource


def add_arguments(reading: argparse.ArgumentParser) -> None:
    """Adds the arguments of `logs`."""
    reading.add_argument("env", metavar="ENV")
    reading.add_argument("stack", metavar="STACK")
    reading.add_argument("container", nargs="?", metavar="CONTAINER", help="default: all")
    reading.add_argument("--follow", action="store_true", help="continue with new lines")
    reading.add_argument(
        "--since",
        type=duration,
        default=duration("10m"),
        metavar="TIME",
        help="age of the oldest line; default: 10m",
    )
    help_text = "a filter pattern of CloudWatch Logs, such as ERROR"
    reading.add_argument("--filter", default="", metavar="PATTERN", help=help_text)
    add_account(reading)


def logs(arguments: argparse.Namespace) -> int:
    """Print the logs of a stack's tasks."""
    deployed = find_deployed(arguments)
    if isinstance(deployed, str):
        print(deployed, end="")
        return FOUND
    check_stack(arguments.stack, deployed, arguments.env)
    if deployed.has_targets:
        raise one_account_only("logs", arguments.env)
    with explain_aws_errors():
        from moorage.deploy.log_events import Clock

        aws, _ = open_account(arguments, deployed)
        print_logs(aws, deployed, arguments, Clock())
    return CLEAN


def print_logs(
    clients: Clients, deployed: Deployed, arguments: argparse.Namespace, clock: Clock
) -> None:
    """Prints the lines that the arguments ask for."""
    from moorage.deploy.log_events import find_log_sources, stream_log

    stack_name = deployed.stack_names[arguments.stack]
    sources = _choose(find_log_sources(clients, stack_name), arguments)
    for event in stream_log(
        clients,
        sources,
        arguments.since,
        arguments.filter,
        one_container=arguments.container is not None,
        follow=arguments.follow,
        clock=clock,
    ):
        print(event, flush=True)


def _choose(sources: list[LogSource], arguments: argparse.Namespace) -> list[LogSource]:
    """The sources of the container that the arguments name, or all."""
    if not sources:
        raise UsageError(
            f"no container of {arguments.stack} has a log in CloudWatch Logs: the stack is not "
            "deployed, has no tasks, or sends its logs elsewhere"
        )
    chosen = [each for each in sources if arguments.container in (None, each.container)]
    if not chosen:
        names = ", ".join(each.container for each in sources)
        raise UsageError(f"`{arguments.container}` is none of the containers with a log: {names}")
    return chosen
