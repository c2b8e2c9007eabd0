"""Moorage: CloudFormation templates for ECS from short params files.

python build.py                     build every environment: params/*.yaml -> out/<env>/
python build.py build ENV STACK     build some stacks of an environment
python build.py check               the same without writing; fails if out/ is not up to date
python build.py check FILE          check any CloudFormation template
python build.py watch               build again whenever a file changes
python build.py estimate ENV        how long a release takes
python build.py explain CODE        what a finding means, and how to fix it
python build.py rules               the rules that templates are checked with
python build.py schema              JSON Schema of the params, for editors
python build.py init [DIR]          a new project with params, tests and CI
python build.py image push ENV      build images and push them to ECR
python build.py diff ENV            what a deployment would change
python build.py deploy ENV          deploy an environment, or some of its stacks
python build.py status ENV          what is deployed, and whether it runs
python build.py why ENV             why a deployment failed
python build.py logs ENV STACK      the logs of the tasks of a stack
python build.py run ENV STACK       run the task of a one-off stack now
python build.py exec ENV STACK      a shell in a running container
python build.py rollback ENV STACK  stop a release, or return to the previous one
python build.py destroy ENV         delete an environment
python build.py preview up NAME     an environment for a pull request; `down` deletes it
python build.py rehearse ENV        all of that on this machine, without an account
python build.py ci github|gitlab    the files of a CI that checks, builds and deploys

The command `moorage` does the same in every project.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Collection, Sequence
from contextlib import suppress
from importlib import import_module
from typing import NoReturn

from moorage import __version__
from moorage.commands.signals import raise_on_signals
from moorage.commands.terminal import print_error
from moorage.commands.usage import (
    COMMANDS,
    FOUND,
    INTERNAL,
    USAGE,
    FailedError,
    UsageError,
    interruption_code,
)

MAX_LENGTH = 4096
"""The longest argument: no path of Linux is longer (limits.h, PATH_MAX)."""

MAX_FOLDERS = 200


class _Parser(argparse.ArgumentParser):
    """A parser whose messages can be printed on any terminal."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        print_error(f"{self.prog}: error: {message}")
        raise SystemExit(USAGE)


_FUNCTIONS = {"exec": "open_shell"}
"""The functions of commands whose names are not those of their modules."""


def main(
    argv: Sequence[str], templates: str, program: str = "build.py", *, alone: bool = False
) -> int:
    """Runs a command line. `templates` is the package whose `TEMPLATES` are the stack kinds, and
    `program` the name of the command in messages. `alone`: whether this process runs nothing else,
    so that its outcome can be kept for the next run.

    Returns the exit code: 0 no errors, 1 findings of level error or a failed deployment, 2 wrong
    usage, 3 an internal error.
    """
    named = bool(argv) and argv[0] in (*COMMANDS, "-h", "--help", "--version")
    words = [*argv] if named else ["build", *argv]
    try:
        _refuse_impossible(words)
        needed = {"-h": COMMANDS, "--help": COMMANDS, "--version": ()}.get(words[0], words[:1])
        arguments = parse(build_parser(program, needed), words)
        arguments.templates = templates
        arguments.words = words if alone else []
        code: int = arguments.run(arguments)
    except UsageError as error:
        print_error(f"{program}: {error}")
        return USAGE
    except FailedError as error:
        print_error(f"{program}: {error}")
        return FOUND
    except ModuleNotFoundError as error:
        package, _, inner = (error.name or "").partition(".")
        if inner or package in ("moorage", "templates", ""):
            raise
        print_error(f"{program}: this Python lacks `{package}`. Use make, or .venv/bin/python.")
        return USAGE
    except BrokenPipeError:
        raise
    except OSError as error:
        at = error.filename2 or error.filename
        reason = error.strerror or str(error)
        what = f"`{at}` cannot be used: {reason}" if at else reason
        print_error(f"{program}: {what}.")
        return USAGE
    except Exception as error:
        from moorage.commands.internal_errors import report_internal_error

        report_internal_error(error, program)
        return INTERNAL
    return code


def parse(parser: argparse.ArgumentParser, argv: Sequence[str]) -> argparse.Namespace:
    """Parses the arguments, even if the name of a stack follows an option: for argparse, the list
    of names ends at the first option."""
    arguments, rest = parser.parse_known_args(argv)
    names = getattr(arguments, "list_of_names", None)
    if names is None or any(word[:1] == "-" for word in rest):
        return parser.parse_args(argv)  # with argparse's own message about the rest
    setattr(arguments, names, [*getattr(arguments, names), *rest])
    return arguments


def _refuse_impossible(argv: Sequence[str]) -> None:
    """Raises UsageError for arguments that can be neither names nor paths."""
    if max(map(len, argv), default=0) > MAX_LENGTH:
        raise UsageError(f"an argument has more than {MAX_LENGTH:,} characters.")
    if max((argument.count("/") for argument in argv), default=0) > MAX_FOLDERS:
        raise UsageError(f"an argument is a path with more than {MAX_FOLDERS} folders.")
    if any("\0" in argument for argument in argv):
        raise UsageError("an argument has a null character.")


def build_parser(
    program: str = "build.py", commands: Collection[str] = COMMANDS
) -> argparse.ArgumentParser:
    """The parser of the command line for some commands. The docstring of a command is its help.

    The module of a command is imported here, so that one command does not wait for all others.
    """
    parser = _Parser(
        prog=program,
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="Exit code: 0 no errors, 1 findings of level error or a failed deployment, "
        "2 wrong usage, 3 internal error.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"Moorage {__version__}")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name in commands:
        module = import_module(f"moorage.commands.{name}")
        run_command = getattr(module, _FUNCTIONS.get(name, name))
        text = run_command.__doc__ or ""
        subparser = subparsers.add_parser(name, help=text, description=text, allow_abbrev=False)
        subparser.set_defaults(run=run_command)
        module.add_arguments(subparser)
    return parser


def run(templates: str, program: str = "build.py") -> NoReturn:
    """Runs the command line of this process and ends the process with its exit code."""
    # cfn-lint's rules and schemas are many objects that are used until the end, and a build takes
    # seconds: garbage collection would free little memory, and take a fifth of the time.
    gc.disable()
    # Plugins of pydantic would be looked for in all installed packages, and observe the params.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    _open_closed_streams()
    raise_on_signals()
    try:
        code = main(sys.argv[1:], templates, program, alone=True)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader of the output, such as `head`, has ended
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 141
    except KeyboardInterrupt as interruption:
        code = interruption_code(interruption)
    sys.stderr.flush()
    os._exit(code)  # without deallocation of all objects, which is slow


def _open_closed_streams() -> None:
    """Opens /dev/null in place of standard streams that are closed (`>&-`). Python has None for
    them, and their numbers would go to the next files that are opened."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115
