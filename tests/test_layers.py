"""Who may import whom, who may print, and how tests replace things: read from the source itself."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

STEPS = {
    "__init__": set(),
    "codes": set(),
    "facts": set(),
    "cfn": set(),
    "rules": {"cfnlint"},
    "explain": set(),
    "model": {"pydantic", "pydantic_core", "troposphere"},
    "merge": set(),
    "load": {"ruamel"},
    "validate": {"pydantic", "pydantic_core"},
    "compose": set(),
    "render": {"yaml"},
    "link": set(),
    "pushes": set(),
    "check": {"cfnlint"},
    "nginx": {"pydantic"},
    "build": set(),
    "write": set(),
    "update": {"cfnlint"},
    "report": set(),
    "schema": {"pydantic", "pydantic_core"},
    "reference": {"ruamel"},
}
"""The rooms of moorage/ in their order, each with the libraries that it may use.

A room imports from rooms above it only, and a package from its own files: values flow one way. A
new room takes its place here.
"""

TEMPLATES = {"awacs", "moorage.model", "pydantic", "pydantic_core", "templates", "troposphere"}
"""What template modules may import, beside the standard library."""


PAYLOAD = "templates/parts/ways/health_sidecar.py"
"""No part of a build, which only reads its text: it runs in a container, where it may print and
open sockets. It may import nothing that the container's image does not have."""


def sources(*folders: str) -> list[str]:
    return sorted(
        str(path.relative_to(ROOT)) for name in folders for path in (ROOT / name).rglob("*.py")
    )


def built_by(*folders: str) -> list[str]:
    return [file for file in sources(*folders) if file != PAYLOAD]


def tree(file: str) -> ast.Module:
    return ast.parse((ROOT / file).read_text(), file)


def imports(file: str) -> Iterator[str]:
    """The modules that a file imports, wherever in it; `from moorage import x` is `moorage.x`."""
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{file}:{node.lineno}: write imports from the root"
            module = node.module or ""
            if module in ("moorage", "templates"):
                yield from (f"{module}.{alias.name}" for alias in node.names)
            else:
                yield module


def foreign(file: str) -> Iterator[str]:
    """The imports that are not of the standard library."""
    for name in imports(file):
        if name.split(".")[0] not in sys.stdlib_module_names:
            yield name


def allowed(name: str, names: set[str]) -> bool:
    """Whether a module, or a package around it, is among the names."""
    parts = name.split(".")
    return any(".".join(parts[:end]) in names for end in range(1, len(parts) + 1))


def test_every_room_of_moorage_has_its_place() -> None:
    rooms = {Path(file).relative_to("moorage").parts[0] for file in sources("moorage")}
    assert {room.removesuffix(".py") for room in rooms} == STEPS.keys()


@pytest.mark.parametrize("room", STEPS)
def test_a_room_imports_from_rooms_above_it(room: str) -> None:
    above = list(STEPS)[: list(STEPS).index(room)]
    names = {f"moorage.{one}" for one in above} | {"moorage.__version__"} | STEPS[room]
    package = sources(f"moorage/{room}")
    for file in package or [f"moorage/{room}.py"]:
        own = {f"moorage.{room}"} if package else set()
        assert [one for one in foreign(file) if not allowed(one, names | own)] == [], file


def test_rules_know_cfn_lint_in_one_place_and_moorage_only_by_its_view() -> None:
    for file in sources("moorage/rules"):
        names = {"moorage.cfn", "moorage.facts", "moorage.rules"}
        names |= {"cfnlint"} if file.endswith("/plugin.py") else set()
        assert [one for one in foreign(file) if not allowed(one, names)] == [], file


@pytest.mark.parametrize("file", sources("templates"))
def test_templates_know_the_model_and_each_other(file: str) -> None:
    assert [name for name in foreign(file) if not allowed(name, TEMPLATES)] == []


def test_the_payload_stands_by_itself() -> None:
    assert list(foreign(PAYLOAD)) == []
    takers = [file for file in sources("moorage", "templates") if _module(PAYLOAD) in imports(file)]
    assert takers == []


def _module(file: str) -> str:
    return file.removesuffix(".py").replace("/", ".")


@pytest.mark.parametrize("file", built_by("moorage", "templates"))
def test_only_build_py_prints(file: str) -> None:
    calls = [node.func for node in ast.walk(tree(file)) if isinstance(node, ast.Call)]
    names = [ast.unparse(call) for call in calls]
    spoken = ("print", "input", "sys.stdout.write", "sys.stderr.write", "sys.exit")
    assert [name for name in names if name in spoken] == []


@pytest.mark.parametrize("file", built_by("moorage", "templates"))
def test_a_build_reads_no_clock_no_chance_and_no_network(file: str) -> None:
    outside = {"boto3", "botocore", "datetime", "random", "requests", "secrets", "socket", "time"}
    outside |= {"urllib.request", "uuid"}
    assert [name for name in imports(file) if allowed(name, outside)] == []


@pytest.mark.parametrize("file", sources("tests", "bench"))
def test_tests_replace_nothing_behind_a_modules_back(file: str) -> None:
    """Values and fakes are passed in; the environment and the working folder may be changed."""
    assert [name for name in imports(file) if allowed(name, {"unittest.mock", "mock"})] == []
    calls = [node.func for node in ast.walk(tree(file)) if isinstance(node, ast.Call)]
    names = [ast.unparse(call) for call in calls]
    assert [name for name in names if name in ("monkeypatch.setattr", "monkeypatch.setitem")] == []
