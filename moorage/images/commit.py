"""The tag of an image: the commit that it is built from."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

LENGTH = 12
"""Characters of a commit's hash. git's own choice depends on the size of the repository."""


class NoCommitError(Exception):
    """There is no commit to name the image after. The text says why."""


def commit_tag(folder: Path) -> str:
    """The hash of the commit that is checked out in a folder. If files differ from it, `-dirty-`
    and a hash of the differences follow: another content never gets the tag of the first.

    Files that git ignores do not count. Raises NoCommitError.
    """
    root = Path(_git(folder, "rev-parse", "--show-toplevel").removesuffix("\n"))
    commit = _git(root, "rev-parse", "--verify", f"--short={LENGTH}", "HEAD").strip()
    changes = hashlib.sha256()
    dirty = False
    for part in _changes(root):
        dirty = True
        changes.update(part)
    return f"{commit}-dirty-{changes.hexdigest()[:LENGTH]}" if dirty else commit


def _changes(root: Path) -> Iterator[bytes]:
    """The content of all differences between a checkout and its commit."""
    options = ("--no-ext-diff", "--no-textconv", "--binary", "--submodule=short")
    if diff := _git(root, "diff", *options, "HEAD"):
        yield diff.encode("utf-8", "surrogateescape")
    listed = _git(root, "ls-files", "--others", "--exclude-standard", "-z")
    for name in sorted(filter(None, listed.split("\0"))):
        path = root / name
        yield b"\0" + os.fsencode(name) + b"\0"
        if path.is_symlink():
            yield os.fsencode(os.readlink(path))
        elif path.is_file():
            with path.open("rb") as file:
                yield hashlib.file_digest(file, "sha256").digest()


def _git(folder: Path, *words: str) -> str:
    try:
        run = subprocess.run(
            ["git", "-C", str(folder), *words],
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",
            check=False,
        )
    except OSError as error:
        raise NoCommitError("git is not installed") from error
    if run.returncode:
        reasons = [line for line in run.stderr.splitlines() if line.startswith("fatal: ")]
        raise NoCommitError(reasons[0].removeprefix("fatal: ") if reasons else "git failed")
    return run.stdout
