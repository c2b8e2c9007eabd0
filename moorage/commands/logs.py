"""`moorage logs`: the logs of a stack's tasks."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING

from moorage.commands.deployed import check_stack, find_deployed
from moorage.commands.usage import CLEAN, FOUND, UsageError

if TYPE_CHECKING:
    from datetime import datetime

    from moorage.deploy.log_events import LogEvent, LogSource


def logs(arguments: argparse.Namespace) -> int:
    """Print the logs of a stack's tasks."""
    deployed = find_deployed(arguments)
    if isinstance(deployed, str):
        print(deployed, end="")
        return FOUND
    check_stack(arguments.stack, deployed, arguments.env)
    import time
    from datetime import UTC, datetime, timedelta

    from moorage.deploy.diagnosis.clients import AwsError, aws_errors, make_clients
    from moorage.deploy.log_events import find_log_sources, follow_log, read_log

    name = deployed.stack_names[arguments.stack]
    since = datetime.now(UTC) - timedelta(seconds=arguments.since)
    try:
        with aws_errors():
            clients = make_clients(deployed.region, arguments.profile)
            sources = _choose(find_log_sources(clients, name), arguments)

            def read(start: datetime) -> Iterator[LogEvent]:
                named = arguments.container is not None
                return read_log(clients, sources, start, arguments.filter, one_container=named)

            events = follow_log(read, since, time.sleep) if arguments.follow else read(since)
            for event in events:
                print(event, flush=True)
    except AwsError as error:
        raise UsageError(f"AWS cannot be read: {error}") from error
    return CLEAN


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
