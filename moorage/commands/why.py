"""`moorage why`: why a deployment failed."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from moorage.commands.arguments import add_account
from moorage.commands.deployed import Deployed, check_stack, find_deployed
from moorage.commands.deployment import (
    build_target,
    explain_aws_errors,
    open_account,
)
from moorage.commands.stack_sets import explain_sets
from moorage.commands.terminal import print_line
from moorage.commands.usage import CLEAN, FOUND

if TYPE_CHECKING:
    from moorage.deploy.diagnosis.model import Evidence
    from moorage.deploy.diagnosis.reader import Clients
    from moorage.deploy.diagnosis.report import StackReport


def add_arguments(asking: argparse.ArgumentParser) -> None:
    """Adds the arguments of `why`."""
    asking.add_argument("env", metavar="ENV")
    asking.add_argument("stack", nargs="?", metavar="STACK", help="default: all that fail")
    add_account(asking)
    asking.add_argument("--format", choices=("text", "json"), default="text")


def why(arguments: argparse.Namespace) -> int:
    """Say why a deployment failed, or why a service is not healthy: the cause, and what to do."""
    deployed = find_deployed(arguments)
    if isinstance(deployed, str):
        print(deployed, end="")
        return FOUND
    if arguments.stack is not None:
        check_stack(arguments.stack, deployed, arguments.env)
    with explain_aws_errors():
        aws, _ = open_account(arguments, deployed)
        if deployed.has_targets:
            return explain_sets(arguments, build_target(arguments), aws, deployed.document)
        return report_failures(aws, deployed, arguments)


def report_failures(clients: Clients, deployed: Deployed, arguments: argparse.Namespace) -> int:
    """Prints why stacks fail, and returns the exit code."""
    from moorage.deploy.diagnosis.evidence import collect_environment
    from moorage.deploy.diagnosis.report import NOT_DEPLOYED, as_json, as_text, make_report

    state = f"nothing is known to be failing in {deployed.region}"
    if arguments.stack is None:
        environment = collect_environment(clients, deployed.stack_names)
        found = environment.stacks
        if not environment.deployed:
            state = f"no stack is {NOT_DEPLOYED.removeprefix('not ')}"
    else:
        found = (_collect(clients, deployed, arguments.stack),)
    reports = [make_report(evidence, deployed.document) for evidence in found]
    if arguments.format == "json":
        print(as_json(reports), end="")
    elif reports:
        print(as_text(reports), end="")
    else:
        print_line(f"{arguments.env}: {state}")
    failing = any(report.diagnoses or report.evidence.unread for report in reports)
    return FOUND if failing else CLEAN


def diagnose_stack(clients: Clients, deployed: Deployed, stack: str) -> StackReport:
    """Why a stack fails."""
    from moorage.deploy.diagnosis.report import make_report

    return make_report(_collect(clients, deployed, stack), deployed.document)


def _collect(clients: Clients, deployed: Deployed, stack: str) -> Evidence:
    from moorage.deploy.diagnosis.evidence import Cluster, collect_stack

    cluster = Cluster(*deployed.find_cluster(stack))
    return collect_stack(clients, stack, deployed.stack_names[stack], cluster)
