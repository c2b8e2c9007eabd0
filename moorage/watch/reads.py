"""Which files this process opens: what is built depends on them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from moorage.pipeline.named_file import READ_EVENT

_opened: list[set[str]] = []
"""The sets that are being filled."""


@contextmanager
def record_reads() -> Iterator[set[str]]:
    """Fills a set with the paths of the files that are opened, also of those that do not exist: as
    they are, and without symbolic links."""
    _listen()
    reads: set[str] = set()
    _opened.append(reads)
    try:
        yield reads
    finally:
        _opened.remove(reads)
        reads |= {os.path.realpath(path) for path in reads}


@cache
def _listen() -> None:
    # Python cannot remove an audit hook (its documentation: sys.addaudithook).
    sys.addaudithook(_record)


def _record(event: str, arguments: tuple[Any, ...]) -> None:
    if _opened and event in ("open", READ_EVENT) and isinstance(arguments[0], str | os.PathLike):
        path = os.path.abspath(os.fspath(arguments[0]))
        for reads in _opened:
            reads.add(path)
