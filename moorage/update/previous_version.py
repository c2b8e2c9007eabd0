"""The templates as they were: out/ of another folder, or of a revision of git -> texts."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from moorage.pipeline.write import MANIFEST

TemplateTexts = Mapping[str, tuple[str, str]]
"""Where a template was, and its text, by a name of its own, in the order of deployment."""


class NoSuchVersionError(Exception):
    """There is no such folder and no such revision; the message says so to the user."""


@dataclass(frozen=True)
class PreviousEnvironment:
    """An environment as it was: its region, and its templates by their stacks' whole names."""

    region: str
    texts: TemplateTexts


def load_previous_environment(source: str, folder: Path) -> PreviousEnvironment | None:
    """An environment in a version of its folder: nothing where it was not there yet.

    `source` is a folder (another out/, or the environment's own folder in it) or a revision.
    Raises NoSuchVersionError.
    """
    read = _reader(source, folder)
    manifest = read(MANIFEST)
    if manifest is None:
        return None
    where, text = manifest
    try:
        content = json.loads(text)
        if str(content["environment"]) != folder.name:
            return None
        region = str(content["region"])
        named = {str(one["stack_name"]): str(one["template"]) for one in content["stacks"]}
    except (ValueError, KeyError, TypeError) as error:
        raise NoSuchVersionError(f"`{where}` is no {MANIFEST} of a build.") from error
    found = {name: read(file) for name, file in named.items()}
    return PreviousEnvironment(
        region, {name: one for name, one in found.items() if one is not None}
    )


def load_previous_template(source: str, file: Path) -> TemplateTexts:
    """One template in another version: under the same name in a folder, in a revision, or the
    file that `source` names."""
    other = Path(source)
    found = _read(other) if other.is_file() else _reader(source, file.parent)(file.name)
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
    return (str(path), path.read_text("utf-8", "replace")) if path.is_file() else None


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
            ["git", "-C", str(at), *arguments],
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
    except OSError as error:
        raise NoSuchVersionError("There is no `git` here to look a revision up with.") from error
    if run.returncode:
        what = arguments[-1].removesuffix("^{commit}")
        raise NoSuchVersionError(
            f"`{what}` is neither a folder nor a revision that git knows here."
        )
    return run.stdout
