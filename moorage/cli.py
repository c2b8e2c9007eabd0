"""Moorage: CloudFormation templates for ECS from short params files.

python build.py                     build every environment: params/*.yaml -> out/<env>/
python build.py check               the same without writing; fails if out/ is not up to date
python build.py check FILE          check any CloudFormation template
python build.py estimate ENV        how long a release takes
python build.py explain CODE        what a finding means, and how to fix it
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
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from moorage import __version__
from moorage.commands.build import build
from moorage.commands.check import check
from moorage.commands.ci import add_ci_arguments, ci
from moorage.commands.deploy import deploy, parallel_stacks
from moorage.commands.destroy import EMPTY, destroy
from moorage.commands.diff import diff
from moorage.commands.estimate import duration, estimate, task_number
from moorage.commands.exec import open_shell
from moorage.commands.explain import explain
from moorage.commands.given_values import add_given_values
from moorage.commands.image import FORMATS, build_images, image_tag, push_images
from moorage.commands.init import init
from moorage.commands.logs import logs
from moorage.commands.preview import ACTIONS, preview
from moorage.commands.rehearse import rehearse
from moorage.commands.rollback import rollback
from moorage.commands.run import run as run_now
from moorage.commands.schema import schema
from moorage.commands.signals import raise_on_signals
from moorage.commands.status import status
from moorage.commands.terminal import print_error
from moorage.commands.usage import (
    COMMANDS,
    FOUND,
    INTERNAL,
    USAGE,
    FailedError,
    UsageError,
    endpoint,
    interruption_code,
)
from moorage.commands.why import why
from moorage.images.command_lines import TOOLS

ISSUES = "https://github.com/moorage/moorage/issues"
TRACEBACK = "MOORAGE_TRACEBACK"
"""The environment variable with which an internal error prints its stack trace."""


MAX_LENGTH = 4096
"""The longest argument: no path of Linux is longer (limits.h, PATH_MAX)."""

MAX_FOLDERS = 200


class _Parser(argparse.ArgumentParser):
    """A parser whose messages can be printed on any terminal."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        print_error(f"{self.prog}: error: {message}")
        raise SystemExit(USAGE)


def main(argv: Sequence[str], templates: str, program: str = "build.py") -> int:
    """Runs a command line. `templates` is the package whose `TEMPLATES` are the stack kinds, and
    `program` the name of the command in messages.

    Returns the exit code: 0 no errors, 1 findings of level error or a failed deployment, 2 wrong
    usage, 3 an internal error.
    """
    named = bool(argv) and argv[0] in (*COMMANDS, "-h", "--help", "--version")
    try:
        _refuse_impossible(argv)
        arguments = parse(build_parser(program), argv if named else ["build", *argv])
        arguments.templates = templates
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
        report_internal_error(error, program)
        return INTERNAL
    return code


def parse(parser: argparse.ArgumentParser, argv: Sequence[str]) -> argparse.Namespace:
    """Parses the arguments, even if the name of a stack follows an option: for argparse, the list
    of names ends at the first option."""
    arguments, rest = parser.parse_known_args(argv)
    if not getattr(arguments, "many_stacks", False) or any(word[:1] == "-" for word in rest):
        return parser.parse_args(argv)  # with argparse's own message about the rest
    arguments.stacks += rest
    return arguments


def _refuse_impossible(argv: Sequence[str]) -> None:
    """Raises UsageError for arguments that can be neither names nor paths."""
    if max(map(len, argv), default=0) > MAX_LENGTH:
        raise UsageError(f"an argument has more than {MAX_LENGTH:,} characters.")
    if max((argument.count("/") for argument in argv), default=0) > MAX_FOLDERS:
        raise UsageError(f"an argument is a path with more than {MAX_FOLDERS} folders.")
    if any("\0" in argument for argument in argv):
        raise UsageError("an argument has a null character.")


def report_internal_error(error: Exception, program: str) -> None:
    """Prints where an unexpected error happened, without its message, which can contain values."""
    if os.environ.get(TRACEBACK):
        traceback.print_exception(error)
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "site-packages" not in frame.filename] or frames
    at = f"{os.path.relpath(own[-1].filename)}:{own[-1].lineno}" if own else "an unknown place"
    what = f"{type(error).__name__} at {at}, of Moorage {__version__}"
    print_error(f"{program}: internal error: {what}.")
    print_error(f"{TRACEBACK}=1 shows the whole trace, which can contain values of your params.")
    print_error(f"Unless your own stack kind raises it, please report it: {ISSUES}")


def build_parser(program: str = "build.py") -> argparse.ArgumentParser:
    """The parser of the command line. The docstring of a command is its help."""
    parser = _Parser(
        prog=program,
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="Exit code: 0 no errors, 1 findings of level error or a failed deployment, "
        "2 wrong usage, 3 internal error.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"Moorage {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def command(name: str, run: Callable[[argparse.Namespace], int]) -> argparse.ArgumentParser:
        text = run.__doc__ or ""
        subparser = commands.add_parser(name, help=text, description=text, allow_abbrev=False)
        subparser.set_defaults(run=run)
        return subparser

    _add_build_arguments(command("build", build))
    _add_check_arguments(command("check", check))
    _add_estimate_arguments(command("estimate", estimate))
    _add_explain_arguments(command("explain", explain))
    describing = command("schema", schema)
    describing.add_argument("--format", choices=("json", "markdown"), default="json")
    _add_init_arguments(command("init", init))
    _add_image_commands(commands)
    _add_diff_arguments(command("diff", diff))
    _add_deploy_arguments(command("deploy", deploy))
    _add_deploying_arguments(command("status", status), stacks=False)
    _add_why_arguments(command("why", why))
    _add_logs_arguments(command("logs", logs))
    _add_run_arguments(command("run", run_now))
    _add_exec_arguments(command("exec", open_shell))
    _add_rollback_arguments(command("rollback", rollback))
    _add_destroy_arguments(command("destroy", destroy))
    _add_preview_arguments(command("preview", preview))
    _add_rehearse_arguments(command("rehearse", rehearse))
    add_ci_arguments(command("ci", ci))
    return parser


def _add_build_arguments(building: argparse.ArgumentParser) -> None:
    building.add_argument("names", nargs="*", metavar="ENV", help="environments; default: all")
    add_given_values(building)
    _add_directories(building)
    building.add_argument("--format", choices=("yaml", "json"), default="yaml")


def _add_check_arguments(checking: argparse.ArgumentParser) -> None:
    checking.add_argument(
        "names",
        nargs="*",
        metavar="ENV|FILE",
        help="environments, or CloudFormation templates; default: all environments",
    )
    checking.add_argument(
        "--against",
        metavar="REV|DIR|FILE",
        help="report the effects of an update from a git revision, a folder like out/, or a file",
    )
    add_given_values(checking)
    _add_directories(checking)
    checking.add_argument("--format", choices=("text", "json", "sarif"), default="text")


def _add_estimate_arguments(estimating: argparse.ArgumentParser) -> None:
    estimating.add_argument("env", nargs="?", metavar="ENV")
    estimating.add_argument("service", nargs="?", metavar="STACK", help="default: all services")
    estimating.add_argument("--template", metavar="FILE", help="any template, instead of ENV")
    for flag, default, help_text in (
        ("--start", "30s", "until the containers of a task run, without their images"),
        ("--pull", "10s", "pull of the images"),
        ("--stop", "5s", "until a container has ended after SIGTERM"),
        ("--metrics", "60s", "until an error reaches the alarms"),
    ):
        help_text = f"assumed time {help_text}; default: {default}"
        estimating.add_argument(
            flag, type=duration, default=duration(default), metavar="TIME", help=help_text
        )
    help_text = "number of tasks; default: that of the template"
    estimating.add_argument("--tasks", type=task_number, metavar="NUMBER", help=help_text)
    add_given_values(estimating)
    _add_directories(estimating)
    estimating.add_argument("--format", choices=("text", "json"), default="text")


def _add_diff_arguments(comparing: argparse.ArgumentParser) -> None:
    _add_deploying_arguments(comparing, stacks=True)
    help_text = "images that are built stay as they are deployed, where --image gives no other"
    comparing.add_argument("--deployed-images", action="store_true", help=help_text)


def _add_run_arguments(running: argparse.ArgumentParser) -> None:
    _add_deploying_arguments(running, stacks=False)
    running.add_argument("stacks", nargs=1, metavar="STACK")


def _add_exec_arguments(opening: argparse.ArgumentParser) -> None:
    _add_deploying_arguments(opening, stacks=False)
    opening.add_argument("stacks", nargs=1, metavar="STACK")
    opening.add_argument(
        "container", nargs="?", metavar="CONTAINER", help="default: the first one of its params"
    )
    help_text = "what runs in the container; default: /bin/sh"
    opening.add_argument("--command", default="/bin/sh", metavar="COMMAND", help=help_text)


def _add_rollback_arguments(rolling_back: argparse.ArgumentParser) -> None:
    _add_deploying_arguments(rolling_back, stacks=False)
    rolling_back.add_argument("stacks", nargs=1, metavar="STACK")
    rolling_back.add_argument("--yes", action="store_true", help="do not ask")


def _add_destroy_arguments(destroying: argparse.ArgumentParser) -> None:
    _add_deploying_arguments(destroying, stacks=True)
    destroying.add_argument("--yes", action="store_true", help="do not ask")
    help_text = "turn deletion protection off without asking"
    destroying.add_argument("--unprotect", action="store_true", help=help_text)
    help_text = "empty buckets and repositories that are deleted, or also those that stay"
    destroying.add_argument("--empty", choices=EMPTY, help=help_text)
    help_text = "delete the registered revisions of task definitions too"
    destroying.add_argument("--task-definitions", action="store_true", help=help_text)
    help_text = "stacks that are deleted at once; default: 5"
    destroying.add_argument(
        "--parallel", type=parallel_stacks, default=5, metavar="NUMBER", help=help_text
    )


def _add_preview_arguments(previewing: argparse.ArgumentParser) -> None:
    previewing.add_argument("action", choices=ACTIONS)
    help_text = "the number of a pull request, or the name of a branch"
    previewing.add_argument("name", nargs="?", metavar="NAME", help=help_text)
    _add_account(previewing)
    previewing.add_argument("--format", choices=("text", "json"), default="text")
    previewing.add_argument("--yes", action="store_true", help="do not ask")
    previewing.set_defaults(parallel=5)


def _add_rehearse_arguments(rehearsing: argparse.ArgumentParser) -> None:
    rehearsing.add_argument("env", metavar="ENV")
    add_given_values(rehearsing)
    rehearsing.add_argument("--params", type=Path, default=Path("params"), metavar="DIR")
    rehearsing.set_defaults(
        stacks=[],
        yes=True,
        unprotect=True,
        no_wait=False,
        express=False,
        parallel=5,
        format="text",
    )
    rehearsing.set_defaults(empty="deleted", task_definitions=True)


def _add_deploy_arguments(deploying: argparse.ArgumentParser) -> None:
    _add_deploying_arguments(deploying, stacks=True)
    deploying.add_argument("--yes", action="store_true", help="do not ask")
    deploying.add_argument(
        "--no-wait", action="store_true", help="do not wait for stacks that no other stack needs"
    )
    help_text = "create new stacks that no other stack needs in CloudFormation's express mode"
    deploying.add_argument("--express", action="store_true", help=help_text)
    help_text = "stacks that are deployed at once; default: 5"
    deploying.add_argument(
        "--parallel", type=parallel_stacks, default=5, metavar="NUMBER", help=help_text
    )


def _add_image_commands(commands: Any) -> None:
    text = "Build the images of an environment, and push them to ECR."
    parser = commands.add_parser("image", help=text, description=text, allow_abbrev=False)
    actions = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name, run, logs_in in (("build", build_images, False), ("push", push_images, True)):
        text = run.__doc__ or ""
        subparser = actions.add_parser(name, help=text, description=text, allow_abbrev=False)
        subparser.set_defaults(run=run, many_stacks=True)
        subparser.add_argument("env", metavar="ENV")
        help_text = "default: all that have `build:`"
        subparser.add_argument("stacks", nargs="*", metavar="STACK", help=help_text)
        help_text = "default: the commit that is checked out, and a hash of `build:`"
        subparser.add_argument("--tag", type=image_tag, metavar="TAG", help=help_text)
        help_text = "the program that builds; default: the first one on the PATH"
        subparser.add_argument("--tool", choices=TOOLS, help=help_text)
        help_text = "the folder of `context` and `dockerfile`; default: the one around the params"
        subparser.add_argument("--project", type=Path, metavar="DIR", help=help_text)
        help_text = f"log in to ECR; default: {'yes' if logs_in else 'no'}"
        subparser.add_argument(
            "--login", action=argparse.BooleanOptionalAction, default=logs_in, help=help_text
        )
        _add_account(subparser)
        forms = FORMATS if run is push_images else FORMATS[:2]
        subparser.add_argument("--format", choices=forms, default="text")


def _add_deploying_arguments(subparser: argparse.ArgumentParser, *, stacks: bool) -> None:
    """The arguments of every command that calls AWS."""
    subparser.add_argument("env", metavar="ENV")
    if stacks:
        subparser.add_argument("stacks", nargs="*", metavar="STACK", help="default: all stacks")
        subparser.set_defaults(many_stacks=True)
    _add_account(subparser)
    subparser.add_argument("--format", choices=("text", "json"), default="text")


def _add_directories(subparser: argparse.ArgumentParser) -> None:
    subparser.add_argument("--params", type=Path, default=Path("params"), metavar="DIR")
    subparser.add_argument("--out", type=Path, default=Path("out"), metavar="DIR")


def _add_explain_arguments(explaining: argparse.ArgumentParser) -> None:
    explaining.add_argument(
        "codes",
        nargs="*",
        metavar="CODE|findings|rules|diagnoses",
        help="codes; `findings`, `rules` or `diagnoses` for a list of these; default: all codes",
    )
    explaining.add_argument("--format", choices=("text", "markdown"), default="text")


def _add_init_arguments(initializing: argparse.ArgumentParser) -> None:
    initializing.add_argument("directory", nargs="?", type=Path, default=Path(), metavar="DIR")
    initializing.add_argument("--app", help="name of the application; default: the directory's")
    initializing.add_argument("--region", default="eu-central-1", help="AWS region of all stacks")


def _add_why_arguments(asking: argparse.ArgumentParser) -> None:
    asking.add_argument("env", metavar="ENV")
    asking.add_argument("stack", nargs="?", metavar="STACK", help="default: all that fail")
    _add_account(asking)
    asking.add_argument("--format", choices=("text", "json"), default="text")


def _add_logs_arguments(reading: argparse.ArgumentParser) -> None:
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
    _add_account(reading)


def _add_account(subparser: argparse.ArgumentParser) -> None:
    subparser.add_argument("--profile", metavar="NAME", help="a profile of the AWS CLI")
    help_text = "use the credentials as they are, without the `role` of the environment"
    subparser.add_argument("--no-role", action="store_true", help=help_text)
    help_text = "another address of AWS's APIs"
    subparser.add_argument("--endpoint-url", type=endpoint, metavar="URL", help=help_text)
    add_given_values(subparser)
    subparser.add_argument("--params", type=Path, default=Path("params"), metavar="DIR")


def run(templates: str, program: str = "build.py") -> NoReturn:
    """Runs the command line of this process and ends the process with its exit code."""
    # cfn-lint's rules and schemas are many objects that are used until the end, and a build takes
    # seconds: garbage collection would free little memory, and take a fifth of the time.
    gc.disable()
    raise_on_signals()
    try:
        code = main(sys.argv[1:], templates, program)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader of the output, such as `head`, has ended
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 141
    except KeyboardInterrupt as interruption:
        code = interruption_code(interruption)
    sys.stderr.flush()
    os._exit(code)  # without deallocation of all objects, which is slow
