"""Processes of the same Python, for programs of this package."""

from __future__ import annotations

import json
import sys
from pathlib import Path

SET_PATH = """
import json, sys
sys.path[:] = json.loads(sys.argv[1])
"""
"""The first lines of such a program."""


def start_python(program: str) -> list[str]:
    """The command line of a process that runs a program. It imports from where this process does,
    and not from the current folder.

    Without `site`, which only finds this path, Python starts in a third of the time. The last entry
    is for Moorage itself, which an editable installation imports from elsewhere.
    """
    texts = [path for path in sys.path if isinstance(path, str)]  # Python ignores all else
    path = [*texts, str(Path(__file__).parents[2])]
    return [sys.executable, "-S", "-P", "-c", program, json.dumps(path)]
