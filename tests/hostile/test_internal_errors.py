"""An unexpected error is printed as one message without values, and on request with its trace."""

from __future__ import annotations

from pathlib import Path

import pytest

from moorage import cli
from moorage.commands.internal_errors import ISSUES, TRACEBACK

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
