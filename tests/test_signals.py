"""An interruption is not lost, wherever it arrives."""

from __future__ import annotations

import subprocess
import sys

import pytest

SWALLOWING = """
import signal, time
from moorage.commands.signals import raise_on_signals

class Finalized:
    def __del__(self):
        signal.raise_signal(signal.{name})

raise_on_signals()
try:
    Finalized()
    print("goes on", flush=True)
    time.sleep(30)
except KeyboardInterrupt as interruption:
    print(type(interruption).__name__)
"""


@pytest.mark.parametrize(
    ("name", "raised"), [("SIGTERM", "TerminatedError"), ("SIGINT", "KeyboardInterrupt")]
)
def test_an_interruption_in_a_finalizer_is_repeated(name: str, raised: str) -> None:
    code = SWALLOWING.format(name=name)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=20)
    assert done.stdout == f"goes on\n{raised}\n"
    assert done.stderr == ""


FAILING = """
from moorage.commands.signals import raise_on_signals

class Finalized:
    def __del__(self):
        raise ValueError("broken")

raise_on_signals()
Finalized()
"""


def test_another_exception_in_a_finalizer_is_printed() -> None:
    done = subprocess.run([sys.executable, "-c", FAILING], capture_output=True, text=True)
    assert "ValueError: broken" in done.stderr
