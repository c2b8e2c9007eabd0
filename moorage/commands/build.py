"""`build.py build`: writes the templates of environments."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from moorage.commands.arguments import add_cache_option, add_directories
from moorage.commands.environments import Step, build_environment
from moorage.commands.given_values import add_given_values
from moorage.commands.linting import open_linter
from moorage.commands.named_stacks import Named, read_names
from moorage.commands.repeat import Run, repeat_or_run
from moorage.commands.terminal import print_error, print_line, show_progress
from moorage.commands.usage import CLEAN, FOUND, find_environments, refuse_file
from moorage.last_run.states import file_state

if TYPE_CHECKING:  # imported in functions: cfn-lint alone takes half a second
    from moorage.findings.finding import Finding
    from moorage.lint.linter import Linter
    from moorage.pipeline.build import Built
    from moorage.plan import Plan, PlannedStack


def add_arguments(building: argparse.ArgumentParser) -> None:
    """Adds the arguments of `build`."""
    building.add_argument(
        "names",
        nargs="*",
        metavar="ENV|STACK",
        help="environments, each followed by names of its stacks if only these are to be built; "
        "default: all",
    )
    add_options(building)


def add_options(building: argparse.ArgumentParser) -> None:
    """Adds the options of `build`, which may stand between the names."""
    building.set_defaults(list_of_names="names")
    add_given_values(building)
    add_directories(building)
    building.add_argument("--format", choices=("yaml", "json"), default="yaml")
    add_cache_option(building)


def build(arguments: argparse.Namespace) -> int:
    """Build environments into out/, check them, and print the command that deploys them."""
    outcome = repeat_or_run(arguments, _build)
    for result in outcome["results"]:
        _print_result(result)
    print(outcome["other_findings"], end="", file=sys.stderr, flush=True)
    for name in outcome["orphans"]:
        _remove_orphan(name, arguments)
    return FOUND if any(result["failure"] for result in outcome["results"]) else CLEAN


def _build(arguments: argparse.Namespace) -> Run:
    known = find_environments(arguments.params)
    envs = read_names(arguments.names, known, arguments.params)
    refuse_file(arguments.out)
    results: list[dict[str, Any]] = []
    written: dict[str, dict[str, str]] = {}
    changed: list[Finding] = []
    with open_linter(arguments) as linter, show_progress() as step:
        for built in _build_all(envs, arguments, step, linter):
            results.append(_describe(built, arguments.out))
            if built.plan is not None:
                step(built.env, "write")
                folder = arguments.out / built.env
                written[str(folder)], more = _write(built.plan, folder)
                changed += more
        unknown = find_unknown_ids(linter)
    from moorage.findings.report import text
    from moorage.pipeline.write import find_orphans

    orphans = [] if arguments.names else find_orphans(arguments.out, known)
    other = text([*unknown, *changed])
    outcome = {"results": results, "other_findings": other, "orphans": orphans}
    return Run(outcome, written, is_final=not changed and not orphans)


def _write(plan: Plan, folder: Path) -> tuple[dict[str, str], list[Finding]]:
    """Writes the files of an environment. Returns their states, and the findings about them."""
    from moorage.pipeline.write import SCRIPT, files, write_files

    texts = files(plan)
    findings = write_files(texts, folder)
    return {
        name: file_state(text.encode(), executable=name == SCRIPT) for name, text in texts.items()
    }, findings


def _remove_orphan(name: str, arguments: argparse.Namespace) -> None:
    """Removes the folder of an environment that has no params any more."""
    from moorage.pipeline.write import remove_built

    folder = arguments.out / name
    removal = remove_built(folder)
    rest = f", except {', '.join(removal.kept)}" if removal.kept else ""
    word = "removed" if removal.removed else "nothing removed in"
    print_line(f"{word} {folder}{rest}: {arguments.params / name}.yaml is gone")


def _build_all(
    envs: Sequence[Named], arguments: argparse.Namespace, step: Step, linter: Linter
) -> Iterable[Built]:
    """Builds the environments; each when it is asked for, unless stacks are named: whether these
    have templates is known after a build, and all names are judged before anything is written."""
    builds = (_build_environment(env, arguments, step, linter) for env in envs)
    return [*builds] if any(env.stacks for env in envs) else builds


def _build_environment(
    env: Named, arguments: argparse.Namespace, step: Step, linter: Linter
) -> Built:
    """Builds an environment. If stacks are named, the templates of others must be up to date."""
    built = build_environment(
        env.name, arguments, arguments.format, step, linter=linter, named=env.stacks
    )
    if built.plan is None or not env.stacks:
        return built
    from moorage.pipeline.write import find_stale_others

    stale = find_stale_others(built.plan, arguments.out / env.name, env.stacks)
    return replace(built, plan=None, findings=(*built.findings, *stale)) if stale else built


def find_unknown_ids(linter: Linter) -> list[Finding]:
    """The findings about the settings of cfn-lint in the current folder."""
    from moorage.lint.aws_engine import known_ids
    from moorage.lint.settings import find_settings, find_unknown

    settings = find_settings()
    return [*find_unknown(settings, known_ids(settings, linter))] if settings.ignored else []


def _describe(built: Built, out: Path) -> dict[str, Any]:
    """What is printed about an environment, as values that JSON can hold."""
    from moorage.findings.report import counts, text
    from moorage.pipeline.write import SCRIPT

    folder = out / built.env
    described = {"findings": text(built.findings), "failure": "", "folder": str(folder)}
    if built.plan is None:
        failure = f"{built.env}: {counts(built.findings)}, nothing written"
        return {**described, "failure": failure}
    deploys = f"bash {shlex.quote(str(folder / SCRIPT))}"
    if built.plan.environment.targets is not None:
        deploys = f"moorage deploy {built.env}"
    if len(built.stacks) < len(built.plan.stacks):
        deploys = " ".join([deploys, *(stack.name for stack in built.stacks)])
    stacks = [
        {
            "name": stack.name,
            "file": str(folder / stack.rendering.file),
            "resources": len(stack.rendering.body.get("Resources", {})),
            "bytes": len(stack.rendering.text.encode()),
            "findings": counts(_findings_of(stack, built, folder)),
        }
        for stack in built.stacks
    ]
    return {**described, "stacks": stacks, "deploys": deploys}


def _findings_of(stack: PlannedStack, built: Built, folder: Path) -> Iterator[Finding]:
    """The findings about one stack's params or template."""
    file = str(folder / stack.rendering.file)
    for finding in built.findings:
        if finding.path[:2] == ("stacks", stack.name) or finding.place.file == file:
            yield finding


def _print_result(result: Mapping[str, Any]) -> None:
    """Prints findings to stderr, and the names of the written files to stdout."""
    sys.stdout.flush()
    print(result["findings"], end="", file=sys.stderr, flush=True)
    if result["failure"]:
        print_error(result["failure"])
        return
    if sys.stdout.isatty():
        _show_table(result)
    else:
        for stack in result["stacks"]:
            noun = "resource" if stack["resources"] == 1 else "resources"
            size = f"{stack['resources']} {noun}  {stack['bytes']:,} bytes"
            print_line(f"{stack['file']}  {size}")
    if result["stacks"]:
        print_line(f"next: {result['deploys']}")
    else:
        print_line(f"{result['folder']}  nothing to deploy: all stacks exist already")


def _show_table(result: Mapping[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(result["folder"]), title_justify="left")
    table.add_column("stack")
    table.add_column("resources", justify="right")
    table.add_column("bytes", justify="right")
    table.add_column("findings")
    for stack in result["stacks"]:
        size = f"{stack['bytes']:,}"
        table.add_row(Text(stack["name"]), f"{stack['resources']}", size, stack["findings"])
    Console().print(table)
