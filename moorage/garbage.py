"""Memory that commands free, although they run without garbage collection (see `moorage.cli`)."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def free_cycles() -> Iterator[None]:
    """Frees what a block leaves behind, if the process runs without garbage collection.

    What cfn-lint makes for a template refers to itself, about a megabyte each time. Only objects of
    the block are looked at: to look at all others takes a tenth of a second. A collection of all
    generations also frees the tuples that Python keeps for later, up to 2,000 of each length.
    """
    if gc.isenabled():
        yield
        return
    gc.freeze()
    try:
        yield
    finally:
        gc.collect()
