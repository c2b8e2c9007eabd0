"""How commands lint templates."""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from moorage.lint.linter import Linter


@contextmanager
def open_linter(arguments: argparse.Namespace, *, remembers: bool = False) -> Iterator[Linter]:
    """Lints with the user's cache, unless `--no-cache` is given, and on all cores. The processes
    for that end with the block. With `remembers`, this process remembers findings, too."""
    from moorage.lint.findings_cache import open_cache
    from moorage.lint.linter import Linter
    from moorage.lint.recent_cache import RecentCache
    from moorage.lint.workers import MOST, Workers, usable_cores

    cache = None if getattr(arguments, "no_cache", False) else open_cache()
    cores = usable_cores()
    with Workers(min(cores, MOST)) as workers:
        yield Linter(RecentCache(cache) if remembers else cache, workers if cores > 1 else None)


def read_inputs(arguments: argparse.Namespace) -> list[str]:
    """What templates are made from, as far as it often changes: params and given values."""
    files = sorted(path for path in arguments.params.glob("*.y*ml") if path.is_file())
    digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in files]
    return [*map(str, files), *digests, repr(arguments.set), repr(arguments.image)]
