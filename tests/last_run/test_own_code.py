"""Which code leaves a doubt about what its results depend on."""

from __future__ import annotations

import os
from pathlib import Path
from types import ModuleType

import pytest

import moorage
from moorage.last_run.own_code import find_doubts

CERTAIN = (
    '"""Docstring.\n\nimport of another stack, print() and stdout."""',
    "from __future__ import annotations\nimport os\nimport re, json",
    "from pathlib import Path\nTEXT = Path(__file__).read_text()",
    "from troposphere import ecs\nfrom pydantic import Field\nfrom moorage.model import TEXT",
    "from . import other\nfrom .other import name",
    "import os\nREGION = os.environ['REGION']",
    "import zoneinfo",
    '"""An ID: from an ARN, or\nfrom the URL."""',
    "def fingerprint(text): return hash(text)",
)
DOUBTFUL = (
    "import datetime",
    "import json, time",
    "from random import choice",
    "def compose():\n    from uuid import uuid4",
    "import os\nTOKEN = os.urandom(8)",
    "from os import urandom",
    "import requests",
    "import boto3",
    "print('hello')",
    "import sys\nsys.stderr.write('hello')",
    "from sys import stdout",
    "eval('1')",
    "import importlib\nimportlib.import_module('time')",
    "__import__('time')",
    "import subprocess",
    "import os; import time",
    "from os import path; from time import time",
    "if True: import time",
    "def compose(): from time import time",
    "def compose(): from time \\\n    import time",
    "def compose(): from time import (\n    time\n)",
    "X = 1; from time\timport time",
    "import os\\\n, time",
    "import sys\nTEXT = sys.stdin.read()",
    "import os\nHOST = os.uname().nodename",
    "from platform import node",
    "from pprint import pprint",
    "from timeit import default_timer",
    "import traceback",
)


def find(path: Path, text: str) -> list[str]:
    """The doubts about a module with that text."""
    path.write_text(text)
    module = ModuleType("own_kind")
    module.__file__ = str(path)
    modules = {"os": os, "moorage": moorage, "own_kind": module}
    return [*find_doubts(modules, frozenset(), str(Path(moorage.__file__).parent))]


@pytest.mark.parametrize("text", CERTAIN)
def test_no_doubt(text: str, tmp_path: Path) -> None:
    assert find(tmp_path / "kind.py", text) == []


@pytest.mark.parametrize("text", DOUBTFUL)
def test_doubt(text: str, tmp_path: Path) -> None:
    assert find(tmp_path / "kind.py", text)
