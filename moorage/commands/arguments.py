"""Arguments that several commands have, and the values of arguments."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from moorage.commands.given_values import add_given_values
from moorage.commands.usage import endpoint

_UNITS = {"s": 1, "m": 60, "h": 3600}


def duration(text: str) -> int:
    """The seconds of a duration on the command line, such as `30s` or `2m`."""
    match = re.fullmatch("([0-9]{1,6})([smh])", text)
    if not match:
        raise argparse.ArgumentTypeError(f"{text!r} is not a duration; write 30s or 2m")
    return int(match[1]) * _UNITS[match[2]]


def parallel_stacks(text: str) -> int:
    """A number of stacks on the command line."""
    if not re.fullmatch("[1-9][0-9]?", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of stacks; write 1 to 99")
    return int(text)


def add_directories(subparser: argparse.ArgumentParser) -> None:
    subparser.add_argument("--params", type=Path, default=Path("params"), metavar="DIR")
    subparser.add_argument("--out", type=Path, default=Path("out"), metavar="DIR")


def add_account(subparser: argparse.ArgumentParser) -> None:
    subparser.add_argument("--profile", metavar="NAME", help="a profile of the AWS CLI")
    help_text = "use the credentials as they are, without the `role` of the environment"
    subparser.add_argument("--no-role", action="store_true", help=help_text)
    help_text = "another address of AWS's APIs"
    subparser.add_argument("--endpoint-url", type=endpoint, metavar="URL", help=help_text)
    add_given_values(subparser)
    add_directories(subparser)


def add_deploying_arguments(subparser: argparse.ArgumentParser, *, stacks: bool) -> None:
    """The arguments of every command that calls AWS."""
    subparser.add_argument("env", metavar="ENV")
    if stacks:
        subparser.add_argument("stacks", nargs="*", metavar="STACK", help="default: all stacks")
        subparser.set_defaults(list_of_names="stacks")
    add_account(subparser)
    subparser.add_argument("--format", choices=("text", "json"), default="text")


def add_cache_option(subparser: argparse.ArgumentParser) -> None:
    """Adds `--no-cache`, which the commands read as `arguments.no_cache`."""
    help_text = "neither use nor keep results of earlier runs"
    subparser.add_argument("--no-cache", action="store_true", help=help_text)
