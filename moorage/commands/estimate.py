"""`build.py estimate`: how long a release takes."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from moorage.commands.arguments import add_directories, duration
from moorage.commands.environments import build_environment, exit_code
from moorage.commands.given_values import add_given_values
from moorage.commands.terminal import show_progress
from moorage.commands.usage import (
    CLEAN,
    FOUND,
    UsageError,
    find_environments,
    refuse_unless_template,
    unknown_name,
)


def task_number(text: str) -> int:
    """A number of tasks on the command line."""
    if not re.fullmatch("[1-9][0-9]{0,3}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of tasks; write 1 to 9999")
    return int(text)


def add_arguments(estimating: argparse.ArgumentParser) -> None:
    """Adds the arguments of `estimate`."""
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
    add_directories(estimating)
    estimating.add_argument("--format", choices=("text", "json"), default="text")


def estimate(arguments: argparse.Namespace) -> int:
    """Print how long a release takes, and how long users see a bad one."""
    from moorage.estimate import estimate_texts
    from moorage.estimate.report import as_json, as_text
    from moorage.estimate.settings import Assumptions

    if (arguments.env is None) == (arguments.template is None):
        raise UsageError("name an environment, or a template with --template FILE")
    region = None
    if arguments.template is not None:
        texts = {arguments.template: _read(arguments.template, arguments)}
    else:
        built = _build(arguments)
        if built is None:
            return FOUND
        texts, region = built
    options = ("start", "pull", "stop", "metrics", "tasks")
    assumptions = Assumptions(**{key: getattr(arguments, key) for key in options})
    estimates = estimate_texts(texts, assumptions, region)
    if not estimates and arguments.template is not None:
        file = arguments.template
        hint = f"`python build.py check {file}` says whether it is a template."
        raise UsageError(f"`{file}` has no ECS service. {hint}")
    if not estimates:
        what = "environment" if arguments.service is None else "stack"
        name = arguments.env if arguments.service is None else arguments.service
        raise UsageError(f"the {what} `{name}` has no ECS service")
    form = {"text": as_text, "json": as_json}[arguments.format]
    print(form(estimates, assumptions), end="")
    return CLEAN


def _build(arguments: argparse.Namespace) -> tuple[dict[str, str], str] | None:
    """The templates of the environment or of one stack, by stack, and the region. Prints the
    findings of a build that fails, and returns None."""
    from moorage.findings.report import FORMATS

    known = find_environments(arguments.params)
    if arguments.env not in known:
        raise unknown_name(arguments.env, "not an environment", known)
    with show_progress() as step:
        built = build_environment(arguments.env, arguments, "yaml", step)
    if built.plan is None:
        print(FORMATS["text"](built.findings), end="")
        assert exit_code(built.findings) == FOUND
        return None
    stacks = {stack.name: stack.rendering for stack in built.plan.stacks}
    if arguments.service is not None and arguments.service not in stacks:
        raise unknown_name(arguments.service, f"not a stack of {arguments.env}", [*stacks])
    texts = {
        name: rendering.text
        for name, rendering in stacks.items()
        if arguments.service in (None, name)
    }
    return texts, built.plan.environment.region


def _read(file: str, arguments: argparse.Namespace) -> str:
    from moorage.pipeline.limits import TEMPLATE, LimitError, check_template, read_bytes

    if not Path(file).exists():
        raise UsageError(f"there is no file `{file}`")
    refuse_unless_template(file, [], arguments.params)
    try:
        text = read_bytes(Path(file), TEMPLATE, pipes=True).decode()
        check_template(text)
    except LimitError as error:
        raise UsageError(f"{file}: {error}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{file} is not UTF-8 text") from error
    return text
