"""The records of runs in the user's cache folder: what a run read, and its outcome.

A record belongs to one command line in one folder, environment and Python. It holds paths, a hash
of their states, and what the run printed, in which secrets are hidden already.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

from moorage import __version__
from moorage.cache_folder import read_entry, write_entry
from moorage.last_run.states import Input, Kind, combine, find_state

_MAX_SIZE = 4 << 20
"""Of a record; larger ones are not kept."""
_MAX_RECORDS = 100
_ENDING = ".json"

_CHANGING_VARIABLES = frozenset(
    ("_", "COLUMNS", "LINES", "OLDPWD", "SHLVL", "SSH_CLIENT", "SSH_CONNECTION", "SSH_TTY",
     "TERM_SESSION_ID", "TMUX", "TMUX_PANE", "WINDOWID", "XDG_SESSION_ID")
)  # fmt: skip
"""Environment variables that shells and terminals change by themselves."""


def find_key(words: Sequence[str], templates: str, day: str) -> str:
    """The name of the record of a command line: a hash of all that is known before anything is
    read. `templates` is the package of the stack kinds."""
    variables = {name: os.environ[name] for name in os.environ if name not in _CHANGING_VARIABLES}
    known = {
        "moorage": [__version__, __file__],
        "words": [*words],
        "templates": templates,
        "folder": os.getcwd(),
        "variables": variables,
        "day": day,
        "python": [sys.version, sys.executable, [*map(str, sys.flags)], sys.path],
        "options": [[*sys._xoptions], sys.warnoptions],
    }
    return sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()


def read_outcome(folder: Path, key: str) -> Any:
    """The outcome of the last run if nothing that it read has changed; None otherwise, or if there
    is no record."""
    written = read_entry(folder / f"{key}{_ENDING}", _MAX_SIZE) or b""
    digest, _, content = written.partition(b"\n")
    if _digest(key, content) != digest:
        return None
    try:
        record = json.loads(content)
        inputs: Mapping[Kind, list[str]] = record["inputs"]
        states = {(kind, path): find_state(kind, path) for kind in inputs for path in inputs[kind]}
        return record["outcome"] if combine(states) == record["state"] else None
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None  # of another program


def write_outcome(folder: Path, key: str, states: Mapping[Input, str], outcome: Any) -> None:
    """Keeps the outcome of a run that read inputs with these states."""
    inputs: dict[str, list[str]] = {}
    for kind, path in sorted(states):
        inputs.setdefault(kind, []).append(path)
    record = {"inputs": inputs, "state": combine(states), "outcome": outcome}
    content = json.dumps(record).encode()
    written = _digest(key, content) + b"\n" + content
    if len(written) <= _MAX_SIZE:
        write_entry(folder / f"{key}{_ENDING}", written)
        _remove_oldest(folder)


def _digest(key: str, content: bytes) -> bytes:
    return sha256(key.encode() + b"\n" + content).hexdigest().encode()


def _remove_oldest(folder: Path) -> None:
    with suppress(OSError):
        files = [(entry.stat().st_mtime_ns, entry.path) for entry in os.scandir(folder)]
        for _, path in sorted(files)[:-_MAX_RECORDS]:
            os.unlink(path)
