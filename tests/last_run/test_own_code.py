"""Which code leaves a doubt about what its results depend on."""

from __future__ import annotations

import os
from pathlib import Path
from types import ModuleType

import pytest

import moorage
from moorage.last_run import own_code
from moorage.last_run.own_code import OwnCode, find_own_code
from moorage.last_run.states import Input

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
    "import types\ntypes.FunctionType(CODE, {})()",
    "from types import CodeType",
)


def find(path: Path, text: str) -> list[str]:
    """The doubts about a module with that text."""
    path.write_text(text)
    module = ModuleType("own_kind")
    module.__file__ = str(path)
    modules = {"os": os, "moorage": moorage, "own_kind": module}
    return [*find_own_code(modules, frozenset(), str(Path(moorage.__file__).parent)).find_doubts()]


@pytest.mark.parametrize("text", CERTAIN)
def test_no_doubt(text: str, tmp_path: Path) -> None:
    assert find(tmp_path / "kind.py", text) == []


@pytest.mark.parametrize("text", DOUBTFUL)
def test_doubt(text: str, tmp_path: Path) -> None:
    assert find(tmp_path / "kind.py", text)


# What decides the doubts -------------------------------------------------------------------------

CODE = OwnCode({"kinds": "/kinds.py"}, frozenset(), frozenset({"/more.py"}))
STATES: dict[Input, str] = {("content", "/kinds.py"): "a", ("content", "/more.py"): "b"}


def test_the_digest_of_the_same_code_is_the_same() -> None:
    more: dict[Input, str] = {("content", "/params.yaml"): "c"}
    assert CODE.find_digest(STATES) == CODE.find_digest(STATES | more)


@pytest.mark.parametrize(
    "code",
    [
        OwnCode({"other": "/kinds.py"}, frozenset(), CODE.executed),
        OwnCode({"kinds": "/other.py"}, frozenset(), CODE.executed),
        OwnCode(CODE.modules, frozenset({"kinds"}), CODE.executed),
        OwnCode(CODE.modules, frozenset(), frozenset()),
    ],
)
def test_other_code_has_another_digest(code: OwnCode) -> None:
    assert code.find_digest(STATES) != CODE.find_digest(STATES)


@pytest.mark.parametrize("file", ["/kinds.py", "/more.py", own_code.__file__])
def test_another_content_has_another_digest(file: str) -> None:
    changed: dict[Input, str] = {("content", file): "changed"}
    assert CODE.find_digest(STATES | changed) != CODE.find_digest(STATES)


def test_an_installed_file_counts_by_size_and_time(tmp_path: Path) -> None:
    file = tmp_path / "kinds.py"
    file.write_text("A = 1\n")
    code = OwnCode({"kinds": str(file)}, frozenset(), frozenset())
    before = code.find_digest({})
    file.write_text("A = 10\n")
    assert code.find_digest({}) != before
