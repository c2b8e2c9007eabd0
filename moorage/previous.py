"""The templates as they were: out/ of another folder, or of a revision of git -> texts."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

from moorage.write import MANIFEST

Texts = Mapping[str, tuple[str, str]]
"""Where a template was, and its text, by its stack's name, in the order of deployment."""


class NoSuchVersionError(Exception):
    """There is no such folder and no such revision; the message says so to the user."""


def previous(source: str, folder: Path) -> Texts:
    """An environment's templates in a version of its folder: nothing where it was not there yet.

    `source` is a folder (another out/, or the environment's own folder in it) or a revision.
    Raises NoSuchVersionError.
    """
    read = _reader(source, folder)
    manifest = read(MANIFEST)
    if manifest is None:
        return {}
    where, text = manifest
    try:
        stacks = json.loads(text)["stacks"]
        named = {str(one["name"]): str(one["template"]) for one in stacks}
    except (ValueError, KeyError, TypeError) as error:
        raise NoSuchVersionError(f"`{where}` is no {MANIFEST} of a build.") from error
    found = {name: read(file) for name, file in named.items()}
    return {name: one for name, one in found.items() if one is not None}


def previous_file(source: str, file: Path) -> Texts:
    """One template in another version: under the same name in a folder, or in a revision."""
    found = _reader(source, file.parent)(file.name)
    return {} if found is None else {file.name: found}


def _reader(source: str, folder: Path) -> Callable[[str], tuple[str, str] | None]:
    """A function from a file's name to where it was and its text, or None."""
    if Path(source).is_dir():
        base = Path(source) / folder.name
        base = base if base.is_dir() else Path(source)
        return lambda name: _read(base / name)
    _git(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{source}^{{commit}}")
    return lambda name: _shown(source, folder, name)


def _read(path: Path) -> tuple[str, str] | None:
    return (str(path), path.read_text(encoding="utf-8")) if path.is_file() else None


def _shown(revision: str, folder: Path, name: str) -> tuple[str, str] | None:
    root = Path(_git(folder, "rev-parse", "--show-toplevel").strip())
    path = (folder.resolve() / name).relative_to(root.resolve()).as_posix()
    if not _git(folder, "ls-tree", "--full-tree", "--name-only", revision, "--", path):
        return None
    return f"{revision}:{path}", _git(folder, "cat-file", "blob", f"{revision}:{path}")


def _git(folder: Path, *arguments: str) -> str:
    """What git prints, run where the folder is or will be. Raises NoSuchVersionError."""
    at = next(one for one in (folder.resolve(), *folder.resolve().parents) if one.is_dir())
    try:
        run = subprocess.run(
            ["git", "-C", str(at), *arguments], capture_output=True, text=True, check=False
        )
    except FileNotFoundError as error:
        raise NoSuchVersionError("There is no `git` here to look a revision up with.") from error
    if run.returncode:
        what = arguments[-1].removesuffix("^{commit}")
        raise NoSuchVersionError(
            f"`{what}` is neither a folder nor a revision that git knows here."
        )
    return run.stdout
