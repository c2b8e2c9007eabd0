"""The environment variables of a rehearsal."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def own_environment(**more: str) -> Iterator[None]:
    """Leaves out the user's settings of AWS and proxies, which are for other addresses than that
    of the server: a profile that does not exist would end a rehearsal."""
    before = dict(os.environ)
    for name in before:
        if name.startswith("AWS_") or name.upper().endswith("_PROXY"):
            del os.environ[name]
    os.environ.update(
        AWS_CONFIG_FILE=os.devnull,
        AWS_SHARED_CREDENTIALS_FILE=os.devnull,
        MOTO_EC2_LOAD_DEFAULT_AMIS="false",  # hundreds of images, of which no template names one
        **more,
    )
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
