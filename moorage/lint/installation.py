"""What decides findings apart from templates and settings: the programs that make them."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

import moorage
from moorage.lint.findings_cache import Cache
from moorage.records import record

_SETTLED = 2_000_000_000
"""Nanoseconds after which a file that is changed again has another time, on any file system."""
_CODE = "__pycache__"


@record
class Installation:
    """Folders whose files decide findings, and folders that Python imports from."""

    folders: tuple[Path, ...]
    import_path: tuple[str, ...]

    def digest(self, cache: Cache) -> str:
        """A hash over the files, Python's version, and the versions of all installed packages."""
        names = {
            name
            for folder in self.import_path
            for name in _names_in(folder)
            if name.endswith((".dist-info", ".egg-info"))
        }
        contents = [_content_of(folder, cache) for folder in self.folders]
        return digest([sys.version, sys.platform, sorted(names), contents])


def find_installation() -> Installation | None:
    """That of this process; None without cfn-lint."""
    spec = find_spec("cfnlint")
    if spec is None or not spec.submodule_search_locations:
        return None
    engine = find_spec("cloudformation_validate")
    engines = engine.submodule_search_locations or () if engine is not None else ()
    packages = (*spec.submodule_search_locations, *engines, *moorage.__path__)
    folders = (*packages, _downloaded_schemas())
    return Installation(tuple(map(Path, folders)), tuple(sys.path))


def digest(value: object) -> str:
    """The SHA-256 of a value of JSON."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def _downloaded_schemas() -> str:
    """The folder of the schemas that `cfn-lint --update-specs` downloads, if there is one
    (`get_cache_dir` in cfnlint/helpers.py)."""
    if sys.platform == "darwin":
        base = os.path.expanduser("~/Library/Caches")
    else:
        base = os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache"))
    return os.path.join(base, "aws", "cfn-lint", "schemas")


def _names_in(folder: str) -> Sequence[str]:
    try:
        return os.listdir(folder or ".")
    except OSError:  # a zip file, or no folder
        return ()


def _content_of(folder: Path, cache: Cache) -> str:
    """A hash over the names and contents of all files below a folder.

    It is kept by the sizes and times of the files, since cfn-lint has thousands. It counts if it
    was made a while after the last change: a file can be changed twice at what is one time for the
    file system.
    """
    listing = sorted(_listing(str(folder)))
    last_change = max((max(times) for _, _, *times in listing), default=0)
    key = digest(["content", str(folder), listing])
    known = cache.read(key, not_before=last_change + _SETTLED)
    if isinstance(known, str):
        return known
    contents = [
        [os.path.relpath(path, folder), hashlib.sha256(Path(path).read_bytes()).hexdigest()]
        for path, *_ in listing
    ]
    found = digest(contents)
    cache.write(key, found)
    return found


def _listing(folder: str) -> Iterator[tuple[str, int, int, int]]:
    """Path, size, and times of change of each file below a folder, compiled code left out."""
    try:
        entries = list(os.scandir(folder))
    except FileNotFoundError:
        return
    for entry in entries:
        if entry.is_dir():
            if entry.name != _CODE:
                yield from _listing(entry.path)
        elif entry.is_file():
            status = entry.stat()
            yield entry.path, status.st_size, status.st_mtime_ns, status.st_ctime_ns
