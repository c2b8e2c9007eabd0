"""Runs a program with few rights: `python -I -S limited_program.py PROGRAM ARGUMENT...`.

It is a program of its own, which `nginx_run` starts, so that the limits are set neither in the
build's process nor between its fork and its exec, where threads could deadlock. Limits that the
system does not support are skipped.
"""

from __future__ import annotations

import ctypes
import os
import resource
import sys

_MIB = 1 << 20
_LIMITS = {
    "RLIMIT_CPU": 3,
    "RLIMIT_FSIZE": _MIB,
    "RLIMIT_AS": 1024 * _MIB,
    "RLIMIT_NOFILE": 256,
    "RLIMIT_NPROC": 0,
    "RLIMIT_CORE": 0,
}
"""Seconds, bytes, or numbers. `nginx -t` takes 20 ms and 60 MB, and starts no process."""
_NO_NEW_PRIVILEGES = 38
"""PR_SET_NO_NEW_PRIVS (linux/prctl.h): the setuid bit of a program has no effect."""
_NEW_USER, _NEW_NETWORK = 0x1000_0000, 0x4000_0000
"""CLONE_NEWUSER and CLONE_NEWNET (linux/sched.h)."""


def _leave_network() -> None:
    """Moves this process to a network of its own, which has no connection, if Linux allows it."""
    library = ctypes.CDLL(None)
    library.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    if library.unshare(_NEW_USER | _NEW_NETWORK) != 0:
        library.unshare(_NEW_NETWORK)


def _limit(name: str, value: int) -> None:
    kind = getattr(resource, name, None)
    if kind is None:
        return
    try:
        hard_limit = resource.getrlimit(kind)[1]
        value = value if hard_limit == resource.RLIM_INFINITY else min(value, hard_limit)
        resource.setrlimit(kind, (value, value))
    except (OSError, ValueError):  # macOS refuses some of them
        return


def main() -> None:
    """Becomes the program that the arguments name, with an empty environment."""
    if sys.platform == "linux":
        _leave_network()
    for name, value in _LIMITS.items():
        _limit(name, value)
    os.execve(sys.argv[1], sys.argv[1:], {})


if __name__ == "__main__":
    main()
