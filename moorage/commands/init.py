"""`moorage init`."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path

from moorage.commands.terminal import print_line
from moorage.commands.usage import CLEAN, UsageError


def add_arguments(initializing: argparse.ArgumentParser) -> None:
    """Adds the arguments of `init`."""
    initializing.add_argument("directory", nargs="?", type=Path, default=Path(), metavar="DIR")
    initializing.add_argument("--app", help="name of the application; default: the directory's")
    initializing.add_argument("--region", default="eu-central-1", help="AWS region of all stacks")


def init(arguments: argparse.Namespace) -> int:
    """Create a project: params, stack kinds, tests, Makefile and CI; overwrite nothing."""
    from moorage.init import ProjectError, create_project

    directory: Path = arguments.directory
    try:
        files = create_project(directory, arguments.app, arguments.region)
    except ProjectError as error:
        raise UsageError(str(error)) from error
    for path in files:
        print_line(str(path))
    enter = "" if directory.resolve() == Path.cwd() else f"cd {shlex.quote(str(directory))} && "
    print_line(f"next: {enter}make build")
    return CLEAN
