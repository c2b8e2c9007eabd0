"""Reads earlier versions of templates: from another folder, or from a git revision."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

from moorage.pipeline.limits import (
    TEMPLATE,
    LimitError,
    check_template,
    parse_json,
    read_bytes,
)
from moorage.pipeline.manifest import MANIFEST
from moorage.records import record

TemplateTexts = Mapping[str, tuple[str, str]]
"""Location and text of each template by a unique name, in the order of deployment."""


class NoSuchVersionError(Exception):
    """There is no such folder and no such revision; the message is for the user."""


@record
class PreviousEnvironment:
    """An earlier version of an environment: its region, and its templates by CloudFormation stack
    name."""

    region: str
    texts: TemplateTexts


def load_previous_environment(source: str, folder: Path) -> PreviousEnvironment | None:
    """Loads an earlier version of an environment; None if it did not exist then.

    `source` is a folder (another out/, or the environment's folder in it) or a git revision, and
    `folder` the environment's folder. Raises NoSuchVersionError.
    """
    read = _reader(source, folder)
    manifest = read(MANIFEST)
    if manifest is None:
        return None
    where, text = manifest
    try:
        content = parse_json(text)
        if str(content["environment"]) != folder.name:
            return None
        region = str(content["region"])
        files = {str(stack["stack_name"]): str(stack["template"]) for stack in content["stacks"]}
        if any(file in ("", "..") or Path(file).name != file for file in files.values()):
            raise ValueError("a build writes templates next to the manifest")
    except (ValueError, KeyError, TypeError) as error:
        raise NoSuchVersionError(f"`{where}` was not written by a build.") from error
    texts = {name: read(file) for name, file in files.items()}
    return PreviousEnvironment(
        region, {name: text for name, text in texts.items() if text is not None}
    )


def load_previous_template(source: str, file: Path) -> TemplateTexts:
    """Loads another version of a template: the file of the same name in a folder or in a git
    revision, or the file that `source` names. Raises NoSuchVersionError."""
    path = Path(source)
    template = _read(path) if path.is_file() else _reader(source, file.parent)(file.name)
    return {} if template is None else {file.name: template}


def _reader(source: str, folder: Path) -> Callable[[str], tuple[str, str] | None]:
    """Returns a function that maps a file name to the location and text of the file, or to None."""
    if Path(source).is_dir():
        base = Path(source) / folder.name
        base = base if base.is_dir() else Path(source)
        return lambda name: _read(base / name)
    _git(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{source}^{{commit}}")
    return lambda name: _read_from_git(source, folder, name)


def _read(path: Path) -> tuple[str, str] | None:
    if not path.is_file():
        return None
    try:
        text = read_bytes(path, TEMPLATE).decode("utf-8", "replace")
        check_template(text)
    except LimitError as error:
        raise NoSuchVersionError(f"`{path}` cannot be compared. {error}") from error
    return str(path), text


def _read_from_git(revision: str, folder: Path, name: str) -> tuple[str, str] | None:
    root = Path(_git(folder, "rev-parse", "--show-toplevel").strip())
    path = (folder.resolve() / name).relative_to(root.resolve()).as_posix()
    if not _git(folder, "ls-tree", "--full-tree", "--name-only", revision, "--", path):
        return None
    where = f"{revision}:{path}"
    try:
        if int(_git(folder, "cat-file", "-s", where)) > TEMPLATE.bytes:
            raise LimitError("bytes", TEMPLATE)
        text = _git(folder, "cat-file", "blob", where)
        check_template(text)
    except LimitError as error:
        raise NoSuchVersionError(f"`{where}` cannot be compared. {error}") from error
    return where, text


def _git(folder: Path, *arguments: str) -> str:
    """Runs git in the folder, or in its nearest existing parent; returns what it prints. Raises
    NoSuchVersionError."""
    directory = next(
        parent for parent in (folder.resolve(), *folder.resolve().parents) if parent.is_dir()
    )
    try:
        run = subprocess.run(
            ["git", "-C", str(directory), *arguments],
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
    except OSError as error:
        raise NoSuchVersionError("git is not installed, so a revision cannot be read.") from error
    if run.returncode:
        what = arguments[-1].removesuffix("^{commit}")
        raise NoSuchVersionError(
            f"`{what}` is neither a folder nor a git revision of this repository."
        )
    return run.stdout
