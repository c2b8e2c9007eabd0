"""An unexpected error is printed as one message without values, and on request with its trace."""

from __future__ import annotations

from pathlib import Path

import pytest

from moorage import cli
from moorage.commands.internal_errors import ISSUES, TRACEBACK
from moorage.late_modules import LateModules

_KINDS = """
from moorage.model import Base

class Thing:
    class Params(Base):
        value: str
    @staticmethod
    def compose(name, params, env):
        raise {error}

TEMPLATES = {{"thing": Thing}}
"""
_PARAMS = "app: x\nregion: eu-central-1\nstacks: {thing: {value: hunter2}}\n"


@pytest.mark.parametrize("command", ["build", "check"])
@pytest.mark.parametrize("error", ["KeyError(params.value)", "RecursionError()", "MemoryError()"])
def test_an_internal_error_is_a_message(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: str,
    error: str,
) -> None:
    package = f"kinds_{command}_{error[:3].lower()}"
    (tmp_path / f"{package}.py").write_text(_KINDS.format(error=error))
    (tmp_path / "params").mkdir()
    (tmp_path / "params/dev.yaml").write_text(_PARAMS)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(TRACEBACK, raising=False)
    assert cli.main([command], package) == 3
    captured = capsys.readouterr()
    assert captured.out == ""
    first, second, third = captured.err.splitlines()
    name = error.partition("(")[0]
    assert first.startswith(f"build.py: internal error: {name} at {package}.py:9, of Moorage ")
    assert second.startswith("MOORAGE_TRACEBACK=1 shows")
    assert ISSUES in third
    assert "hunter2" not in captured.err
    monkeypatch.setenv(TRACEBACK, "1")
    assert cli.main([command], package) == 3
    assert "Traceback (most recent call last)" in capsys.readouterr().err


def test_a_stack_kind_that_is_not_python_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    package = tmp_path / "kinds_of_a_fork"
    package.mkdir()
    (package / "__init__.py").write_text(
        "from moorage.late_modules import LateModules\n"
        "TEMPLATES = LateModules(__name__, {'thing': 'thing'})\n"
    )
    (package / "thing.py").write_text("\n\ndef compose(:\n")
    (tmp_path / "params").mkdir()
    (tmp_path / "params/dev.yaml").write_text(_PARAMS)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert cli.main(["build"], package.name) == 3
    error = capsys.readouterr().err
    assert "internal error: SyntaxError at kinds_of_a_fork/thing.py:3, of Moorage " in error


def test_a_key_error_of_a_stack_kind_is_not_an_unknown_kind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "kinds_with_a_mistake"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "thing.py").write_text("{}['name']\n")
    monkeypatch.syspath_prepend(tmp_path)
    kinds = LateModules(package.name, {"thing": "thing"})
    assert kinds.get("other") is None
    with pytest.raises(KeyError, match="name"):
        kinds.get("thing")
