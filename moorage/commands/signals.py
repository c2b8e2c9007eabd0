"""SIGTERM and Ctrl-C as exceptions that are not lost."""

from __future__ import annotations

import signal
import sys
import threading
from types import FrameType
from typing import NoReturn

from moorage.commands.usage import TerminatedError

_SOON = 0.05
"""Seconds after which an interruption is repeated."""


def raise_on_signals() -> None:
    """SIGTERM raises TerminatedError, as Ctrl-C raises KeyboardInterrupt.

    Python prints and drops an exception that is raised in a finalizer or in a callback of the
    garbage collector. An interruption that arrives there is repeated after the finalizer.
    """
    signal.signal(signal.SIGTERM, _terminate)
    sys.unraisablehook = _repeat_interruption


def _terminate(number: int, frame: FrameType | None) -> NoReturn:
    raise TerminatedError


def _repeat_interruption(unraisable: sys.UnraisableHookArgs) -> None:
    dropped = unraisable.exc_value
    if not isinstance(dropped, KeyboardInterrupt):
        sys.__unraisablehook__(unraisable)
        return
    main_thread = threading.main_thread().ident
    number = signal.SIGTERM if isinstance(dropped, TerminatedError) else signal.SIGINT
    repetition = threading.Timer(_SOON, signal.pthread_kill, [main_thread, number])
    repetition.daemon = True
    repetition.start()
