"""The records of runs in the user's cache folder: what a run read, and its outcome.

A record belongs to one command line in one folder, environment and Python. It holds paths, a hash
of their states, and what the run printed, in which secrets are hidden already.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

from moorage import __version__
from moorage.cache_folder import read_entry, write_entry
from moorage.last_run.states import Input, Kind, combine, find_state
from moorage.records import record

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
        "python": [sys.version, sys.executable, [*map(str, sys.flags)], [*map(str, sys.path)]],
        "options": [[*sys._xoptions], sys.warnoptions],
    }
    return sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()


@record
class LastRun:
    """What is known of the last run of a command line."""

    groups: Any = ()
    """What it read, in groups with the hash of their states."""
    code: Any = ""
    """The digest of its own code, which left no doubt."""
    _outcome: Any = None

    def find_outcome(self) -> Any:
        """The outcome if nothing that the run read has changed; None otherwise."""
        try:
            is_current = all(
                _find_digest(group["inputs"]) == group["digest"] for group in self.groups
            )
        except (ValueError, LookupError, TypeError, AttributeError):
            return None  # of another program
        return self._outcome if is_current else None


def read_last_run(folder: Path, key: str) -> LastRun:
    """The record of a command line; an empty one if there is none."""
    written = read_entry(folder / f"{key}{_ENDING}", _MAX_SIZE) or b""
    digest, _, content = written.partition(b"\n")
    if _digest(key, content) == digest:
        with suppress(ValueError, LookupError, TypeError, RecursionError):  # of another program
            values = json.loads(content)
            return LastRun(values["groups"], values["code"], values["outcome"])
    return LastRun()


def write_outcome(
    folder: Path, key: str, states: Mapping[Input, str], code: str, outcome: Any
) -> None:
    """Keeps the outcome of a run that read inputs with these states. `code` is the digest of its
    own code."""
    groups = [_describe_group(group) for group in _group(states)]
    content = json.dumps({"groups": groups, "code": code, "outcome": outcome}).encode()
    written = _digest(key, content) + b"\n" + content
    if len(written) <= _MAX_SIZE:
        write_entry(folder / f"{key}{_ENDING}", written)
        _remove_oldest(folder)


def _group(states: Mapping[Input, str]) -> Iterator[Mapping[Input, str]]:
    """The states in groups. What changes most often comes first: if it has changed, the many files
    of code and packages need not be looked at."""
    groups: tuple[dict[Input, str], ...] = ({}, {}, {})
    for (kind, path), state in states.items():
        is_code = path.endswith(".py") or kind == "modules"
        number = 2 if kind in ("installed", "tree") else 1 if is_code else 0
        groups[number][kind, path] = state
    yield from groups


def _describe_group(states: Mapping[Input, str]) -> dict[str, Any]:
    inputs: dict[Kind, list[str]] = {}
    for kind, path in sorted(states):
        inputs.setdefault(kind, []).append(path)
    return {"inputs": inputs, "digest": combine(states)}


def _find_digest(inputs: Mapping[Kind, Sequence[str]]) -> str:
    """The digest of a group as it is now."""
    return combine(
        {(kind, path): find_state(kind, path) for kind in inputs for path in inputs[kind]}
    )


def _digest(key: str, content: bytes) -> bytes:
    return sha256(key.encode() + b"\n" + content).hexdigest().encode()


def _remove_oldest(folder: Path) -> None:
    with suppress(OSError):
        files = [(entry.stat().st_mtime_ns, entry.path) for entry in os.scandir(folder)]
        for _, path in sorted(files)[:-_MAX_RECORDS]:
            os.unlink(path)
