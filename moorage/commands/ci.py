"""`moorage ci`: the files of GitHub Actions and GitLab CI."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from moorage import __version__
from moorage.commands.arguments import add_directories
from moorage.commands.environments import build_environment
from moorage.commands.given_values import add_given_values
from moorage.commands.terminal import print_error, print_line, print_text, show_progress
from moorage.commands.usage import CLEAN, FOUND, UsageError, find_environments, unknown_name

if TYPE_CHECKING:  # imported in functions: other commands need nothing of it
    from moorage.ci.environments import CiEnvironment
    from moorage.plan import Plan


def add_arguments(generating: argparse.ArgumentParser) -> None:
    """Adds the arguments of `ci`."""
    generating.add_argument("ci", choices=("github", "gitlab"))
    generating.add_argument(
        "names", nargs="*", metavar="ENV", help="environments in the order of their deployment"
    )
    help_text = "write the file of the CI, unless somebody has edited it, instead of printing it"
    generating.add_argument("--write", action="store_true", help=help_text)
    help_text = "give each pull request an environment of its own, as params/preview.yaml says"
    generating.add_argument("--previews", action="store_true", help=help_text)
    help_text = "how jobs install Moorage; default: the project, or this version of Moorage"
    generating.add_argument("--install", metavar="COMMAND", help=help_text)
    add_given_values(generating)
    add_directories(generating)


def ci(arguments: argparse.Namespace) -> int:
    """Print or write the file of a CI: checks and previews of pull requests, images, deployments
    with approval."""
    from moorage.ci.workflow import PATHS, build_workflow

    names = _choose_environments(arguments)
    environments = [found for name in names if (found := _read(arguments, name))]
    if len(environments) < len(names):
        return FOUND
    previews = _read_previews(arguments) if arguments.previews else None
    if arguments.previews and previews is None:
        return FOUND
    text = build_workflow(arguments.ci, environments, _installation(arguments), previews)
    if not arguments.write:
        print_text(text)
        return CLEAN
    words = ["moorage ci", arguments.ci, *names, *(["--previews"] if arguments.previews else [])]
    return _write(Path(PATHS[arguments.ci]), text, " ".join(words))


def _choose_environments(arguments: argparse.Namespace) -> list[str]:
    from moorage.model import PREVIEW

    known = find_environments(arguments.params)
    if arguments.previews and PREVIEW not in known:
        raise UsageError(f"there is no `{arguments.params / PREVIEW}.yaml`. See docs/previews.md")
    if PREVIEW in arguments.names:
        raise UsageError(
            f"`{PREVIEW}` is deployed for each pull request: write --previews instead."
        )
    known = [name for name in known if name != PREVIEW]
    names: list[str] = arguments.names
    for name in names:
        if name not in known:
            raise unknown_name(name, "not an environment", known)
        if names.count(name) > 1:
            raise UsageError(f"`{name}` is named twice.")
    if not names and len(known) > 1:
        example = " ".join(sorted(known, key=lambda name: name.startswith("prod")))
        raise UsageError(
            "name the environments in the order of their deployment, "
            f"such as: moorage ci {arguments.ci} {example}"
        )
    return names or known


def _read(arguments: argparse.Namespace, name: str) -> CiEnvironment | None:
    """The environment; None if its params have errors, which are printed."""
    from moorage.ci.environments import read_environment

    plan = _build(arguments, name)
    return read_environment(arguments.ci, plan) if plan else None


def _read_previews(arguments: argparse.Namespace) -> CiEnvironment | None:
    """The environment of all previews; None if its params have errors, which are printed."""
    from moorage.ci.environments import read_previews
    from moorage.model import PREVIEW

    plan = _build(arguments, PREVIEW)
    if plan is None:
        return None
    shared = next(iter(plan.environment.shared.values()), None)
    if shared is None:
        raise UsageError(
            f"`{arguments.params / PREVIEW}.yaml` has no `shares:`. See docs/previews.md"
        )
    owner = _read(arguments, shared)
    return read_previews(arguments.ci, plan, owner) if owner else None


def _build(arguments: argparse.Namespace, name: str) -> Plan | None:
    from moorage.findings.report import text

    with show_progress() as step:
        built = build_environment(name, arguments, "yaml", step)
    if built.plan is None:
        print(text(built.findings), end="", file=sys.stderr)
    return built.plan


def _installation(arguments: argparse.Namespace) -> str:
    if arguments.install is not None:
        if not arguments.install.isprintable() or not arguments.install.strip():
            raise UsageError("--install takes one line with a command.")
        return str(arguments.install)
    is_project = any(Path(name).exists() for name in ("setup.cfg", "pyproject.toml", "setup.py"))
    what = "." if is_project else f"moorage=={__version__}"
    return f"python -m pip install --quiet {what}"


def _write(path: Path, text: str, command: str) -> int:
    from moorage.ci.written_file import EditedError, write_generated

    try:
        written = write_generated(path, text)
    except EditedError:
        print_error(
            f"`{path}` has edits, or was not written by Moorage. Nothing was written. To compare: "
            f"{command} | diff {path} -"
        )
        return FOUND
    print_line(f"{path}" if written else f"{path} is up to date")
    return CLEAN
