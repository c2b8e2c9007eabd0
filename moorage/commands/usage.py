"""Exit codes, and wrong usage of the command line."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

CLEAN, FOUND, USAGE, INTERNAL = 0, 1, 2, 3
"""Exit codes: no error, findings of level error, wrong usage, an error in Moorage itself."""
COMMANDS = ("build", "check", "estimate", "explain", "schema", "init", "why", "logs")


_NEW_PROJECT = (
    "For a new project, run `moorage init DIR --app shop --region eu-central-1`, with your names."
)


class UsageError(Exception):
    """The command line is wrong, or a folder that it names cannot be used."""


def find_environments(params: Path, *, needed: bool = True) -> list[str]:
    """The environments that have params. Raises UsageError if there are none but `needed`, OSError
    if the folder cannot be read."""
    from moorage.pipeline.load import list_environments

    if needed and not params.is_dir():
        raise UsageError(
            f"there is no folder `{params}` here. {_NEW_PROJECT} For a project that exists, change "
            "to its folder, or name the folder of its params with --params."
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
    meant = Path(name).stem
    near = [meant] if meant in known else difflib.get_close_matches(name, [*known, *COMMANDS], n=1)
    hint = f"Did you mean `{near[0]}`?" if near else f"Environments: {', '.join(known) or 'none'}."
    return UsageError(f"`{name}` is {what}. {hint}")


def similar_code(code: str, known: Iterable[str]) -> str:
    """A hint with the code that was probably meant."""
    near = difflib.get_close_matches(code, known, n=1)
    return f"Did you mean `{near[0]}`?" if near else "`python build.py explain` lists them."


def refuse_unless_template(name: str, known: Sequence[str], params: Path) -> None:
    """Raises UsageError if a name cannot be the file of a template."""
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
