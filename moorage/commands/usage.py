"""Exit codes, and wrong usage of the command line."""

from __future__ import annotations

import argparse
import difflib
import os
import re
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from moorage.pipeline.environments import list_environments

CLEAN, FOUND, USAGE, INTERNAL, INTERRUPTED, TERMINATED = 0, 1, 2, 3, 130, 143
"""Exit codes: no error, findings of level error or a failed deployment, wrong usage, an error in
Moorage itself, Ctrl-C, SIGTERM."""
COMMANDS = (
    *("build", "check", "watch", "estimate", "explain", "rules", "schema", "init", "image"),
    *("diff", "deploy", "status", "why", "logs", "run", "exec", "rollback", "destroy"),
    *("preview", "rehearse", "ci"),
)
"""The commands in the order of the help; each has a module of its name."""
_ENDPOINT = re.compile(r"https?://(?:[A-Za-z0-9.-]{1,253}|\[[0-9a-f:]{2,39}\])(?::[0-9]{1,5})?/?")


_NEW_PROJECT = (
    "For a new project, run `moorage init DIR --app shop --region eu-central-1`, with your names."
)


class UsageError(Exception):
    """The command line is wrong, or names a folder or account that cannot be used."""


class TerminatedError(KeyboardInterrupt):
    """SIGTERM, with which CI cancels a job: like Ctrl-C, but without a question."""


def interruption_code(interruption: KeyboardInterrupt) -> int:
    """The exit code after Ctrl-C or SIGTERM."""
    return TERMINATED if isinstance(interruption, TerminatedError) else INTERRUPTED


class FailedError(Exception):
    """A command has failed. The text says why."""


def find_environments(params: Path, *, needed: bool = True) -> list[str]:
    """The environments that have params. Raises UsageError if there are none but `needed`, OSError
    if the folder cannot be read."""
    if needed and not params.is_dir():
        raise UsageError(
            f"there is no folder `{params}` here. {_NEW_PROJECT} For an existing project, "
            "change to its folder, or name the folder of its params with --params."
        )
    if params.is_dir():
        os.listdir(params)  # raises OSError, which the searches below do not
    for path in sorted(params.glob("*.yml")):
        raise UsageError(
            f"only .yaml files are read. Rename `{path}` to `{path.with_suffix('.yaml').name}`."
        )
    known = list_environments(params)
    if needed and not known:
        raise UsageError(
            f"`{params}` has no environments. Create one, such as `{params / 'dev.yaml'}`. "
            f"{_NEW_PROJECT}"
        )
    return known


def unknown_name(name: str, what: str, known: Sequence[str]) -> UsageError:
    """The error for an argument that is none of the known environments."""
    if name in COMMANDS:
        return UsageError(f"write the command first: python build.py {name} ...")
    stem = Path(name).stem
    near = [stem] if stem in known else difflib.get_close_matches(name, [*known, *COMMANDS], n=1)
    hint = f"Did you mean `{near[0]}`?" if near else f"Environments: {', '.join(known) or 'none'}."
    return UsageError(f"`{name}` is {what}. {hint}")


def unknown_stack(name: str, env: str, known: Collection[str]) -> UsageError:
    """The error for an argument that is none of an environment's stacks."""
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"Did you mean `{near[0]}`?" if near else f"Stacks: {', '.join(known) or 'none'}."
    return UsageError(f"`{name}` is not a stack of {env}. {hint}")


def similar_code(code: str, known: Iterable[str], listing: str = "explain") -> str:
    """A hint with the most similar code, or else with the command that lists the codes."""
    near = difflib.get_close_matches(code, known, n=1)
    return f"Did you mean `{near[0]}`?" if near else f"`python build.py {listing}` lists them."


def refuse_unless_template(name: str, known: Sequence[str], params: Path) -> None:
    """Raises UsageError if a name cannot be the path of a template."""
    path = Path(name)
    if path.is_dir():
        raise UsageError(f"`{name}` is a folder. Name its templates: {path / '*.yaml'}")
    if not path.exists():
        raise unknown_name(name, "neither an environment nor a file", known)
    if path.stem in known and path.resolve().parent == params.resolve():
        raise UsageError(f"`{name}` is a params file, not a template. Did you mean `{path.stem}`?")


def refuse_file(out: Path) -> None:
    """Raises UsageError if the folder for output is a file."""
    if out.exists() and not out.is_dir():
        raise UsageError(f"`{out}` is a file. Name a folder with --out.")


def endpoint(text: str) -> str:
    """Parses the value of --endpoint-url."""
    if not _ENDPOINT.fullmatch(text):
        raise argparse.ArgumentTypeError("this is not an address such as http://127.0.0.1:5000")
    return text
