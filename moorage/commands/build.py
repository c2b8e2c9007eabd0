"""`build.py build`: writes the templates of environments."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from moorage.commands.arguments import add_directories
from moorage.commands.environments import Step, build_environment
from moorage.commands.given_values import add_given_values
from moorage.commands.named_stacks import Named, read_names
from moorage.commands.terminal import print_error, print_line, show_progress
from moorage.commands.usage import CLEAN, FOUND, find_environments, refuse_file

if TYPE_CHECKING:  # imported in functions: cfn-lint alone takes half a second
    from moorage.findings.finding import Finding
    from moorage.model import PlannedStack
    from moorage.pipeline.build import Built


def add_arguments(building: argparse.ArgumentParser) -> None:
    """Adds the arguments of `build`."""
    building.add_argument(
        "names",
        nargs="*",
        metavar="ENV|STACK",
        help="environments, each followed by names of its stacks if only these are to be built; "
        "default: all",
    )
    building.set_defaults(list_of_names="names")
    add_given_values(building)
    add_directories(building)
    building.add_argument("--format", choices=("yaml", "json"), default="yaml")


def build(arguments: argparse.Namespace) -> int:
    """Build environments into out/, check them, and print the command that deploys them."""
    known = find_environments(arguments.params)
    envs = read_names(arguments.names, known, arguments.params)
    refuse_file(arguments.out)
    from moorage.findings.report import text
    from moorage.pipeline.write import find_orphans, remove_built, write

    results, changed = [], []
    with show_progress() as step:
        for env in envs:
            built = _build_environment(env, arguments, step)
            results.append(built)
            if built.plan is not None:
                step(env.name, "write")
                changed += write(built.plan, arguments.out / env.name)
    for built in results:
        _print_result(built, arguments.out)
    print(text([*_find_unknown_ids(), *changed]), end="", file=sys.stderr, flush=True)
    for name in () if arguments.names else find_orphans(arguments.out, known):
        folder = arguments.out / name
        removal = remove_built(folder)
        rest = f", except {', '.join(removal.kept)}" if removal.kept else ""
        word = "removed" if removal.removed else "nothing removed in"
        print_line(f"{word} {folder}{rest}: {arguments.params / name}.yaml is gone")
    return FOUND if any(built.plan is None for built in results) else CLEAN


def _build_environment(env: Named, arguments: argparse.Namespace, step: Step) -> Built:
    """Builds an environment. If stacks are named, the templates of others must be up to date."""
    from moorage.pipeline.write import find_stale_others

    built = build_environment(env.name, arguments, arguments.format, step, named=env.stacks)
    if built.plan is None or not env.stacks:
        return built
    stale = find_stale_others(built.plan, arguments.out / env.name, env.stacks)
    return replace(built, plan=None, findings=(*built.findings, *stale)) if stale else built


def _find_unknown_ids() -> list[Finding]:
    """The findings about the settings of cfn-lint in the current folder."""
    from moorage.pipeline.check import known_ids
    from moorage.pipeline.lint_settings import find_settings, find_unknown

    settings = find_settings()
    return [*find_unknown(settings, known_ids())] if settings.ignored else []


def _print_result(built: Built, out: Path) -> None:
    """Prints findings to stderr, and the names of the written files to stdout."""
    from moorage.findings.report import counts, text
    from moorage.pipeline.write import SCRIPT

    sys.stdout.flush()
    print(text(built.findings), end="", file=sys.stderr, flush=True)
    if built.plan is None:
        print_error(f"{built.env}: {counts(built.findings)}, nothing written")
        return
    folder = out / built.env
    if sys.stdout.isatty():
        _show_table(built, folder)
    else:
        for stack in built.stacks:
            resources, size = _size(stack)
            noun = "resource" if resources == 1 else "resources"
            print_line(f"{folder / stack.rendering.file}  {resources} {noun}  {size:,} bytes")
    if built.plan.stacks:
        deploys = f"bash {shlex.quote(str(folder / SCRIPT))}"
        if built.plan.environment.targets is not None:
            deploys = f"moorage deploy {built.env}"
        are_all = len(built.stacks) == len(built.plan.stacks)
        names = [] if are_all else [stack.name for stack in built.stacks]
        print_line(" ".join(["next:", deploys, *names]))
    else:
        print_line(f"{folder}  nothing to deploy: all stacks exist already")


def _show_table(built: Built, folder: Path) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from moorage.findings.report import counts

    table = Table(title=Text(str(folder)), title_justify="left")
    table.add_column("stack")
    table.add_column("resources", justify="right")
    table.add_column("bytes", justify="right")
    table.add_column("findings")
    for stack in built.stacks:
        resources, size = _size(stack)
        findings = counts(_findings_of(stack, built, folder))
        table.add_row(Text(stack.name), f"{resources}", f"{size:,}", findings)
    Console().print(table)


def _size(stack: PlannedStack) -> tuple[int, int]:
    """The number of resources and bytes of a stack's template."""
    return len(stack.rendering.body.get("Resources", {})), len(stack.rendering.text.encode())


def _findings_of(stack: PlannedStack, built: Built, folder: Path) -> Iterator[Finding]:
    """The findings about one stack's params or template."""
    file = str(folder / stack.rendering.file)
    for finding in built.findings:
        if finding.path[:2] == ("stacks", stack.name) or finding.place.file == file:
            yield finding
