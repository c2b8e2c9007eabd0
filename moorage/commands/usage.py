"""Wrong usage of the command line, and the check of its arguments."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from pathlib import Path

CLEAN, FOUND, USAGE = 0, 1, 2


COMMANDS = ("build", "check", "explain", "schema", "init")


class UsageError(Exception):
    """The command line, or a folder that it names, is not what it should be."""


def find_environments(params: Path, *, needed: bool = True) -> list[str]:
    """The environments that have params; none is wrong usage where they are needed."""
    from moorage.pipeline.load import list_environments

    if needed and not params.is_dir():
        raise UsageError(f"there is no folder `{params}`. Make it, or name another with --params.")
    for path in sorted(params.glob("*.yml")):
        raise UsageError(
            f"`{path}` would not be read. Rename it to `{path.with_suffix('.yaml').name}`."
        )
    known = list_environments(params)
    if needed and not known:
        raise UsageError(f"`{params}` holds no environment. Write one as `{params / 'dev.yaml'}`.")
    return known


def unknown_name(name: str, what: str, known: Sequence[str]) -> UsageError:
    if name in COMMANDS:
        return UsageError(f"`{name}` comes first: python build.py {name} ...")
    meant = Path(name).stem
    near = [meant] if meant in known else difflib.get_close_matches(name, [*known, *COMMANDS], n=1)
    hint = f"Did you mean `{near[0]}`?" if near else f"Environments: {', '.join(known) or 'none'}."
    return UsageError(f"`{name}` is {what}. {hint}")


def similar_code(code: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(code, known, n=1)
    return f"Did you mean `{near[0]}`?" if near else "`python build.py explain` lists them."


def refuse_unless_template(name: str, known: Sequence[str], params: Path) -> None:
    path = Path(name)
    if path.is_dir():
        raise UsageError(f"`{name}` is a folder. Name its templates: {path / '*.yaml'}")
    if not path.exists():
        raise unknown_name(name, "neither an environment nor a file", known)
    if path.stem in known and path.resolve().parent == params.resolve():
        raise UsageError(f"`{name}` holds params, not a template. Did you mean `{path.stem}`?")


def refuse_file(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise UsageError(f"`{out}` is a file. Name a folder with --out.")
