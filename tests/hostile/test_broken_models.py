"""A mistake in the model of a project's own stack kind names the file, the model and the reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from moorage import cli

KIND = """
from typing import Annotated, Literal
from pydantic import Field
from moorage.model import Base

class Other:
    pass

class A(Base):
    kind: Literal["a"] = "a"

class B(Base):
    name: str = ""

{model}

def compose(name, params, env):
    return None
"""
MODELS = {
    "plain_class": ("class Params(Base):\n    x: Other | None = None", "Params", "Other"),
    "nested": (
        "class Inner(Base):\n    y: list[Other] = []\n\n"
        "class Params(Base):\n    x: Inner | None = None",
        "Params",
        "Other",
    ),
    "pattern": (
        "class Params(Base):\n    x: Annotated[str, Field(pattern='(')] = ''",
        "Params",
        "regex parse error",
    ),
    "discriminator": (
        "class Params(Base):\n    x: Annotated[A | B, Field(discriminator='kind')] = A()",
        "Params",
        "discriminator",
    ),
    "no_union": (
        "class Params(Base):\n    x: Annotated[str, Field(discriminator='kind')] = ''",
        "Params",
        "not a valid discriminated union variant",
    ),
    "undefined": ("class Params(Base):\n    x: 'Missing | None' = None", "Params", "Missing"),
}


@pytest.mark.parametrize("command", ["build", "check", "schema", "schema --format markdown"])
@pytest.mark.parametrize("case", MODELS)
def test_the_file_and_the_model_are_named(
    case: str,
    command: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    model, name, reason = MODELS[case]
    package = f"kinds_{case}_{command.split()[-1]}"
    (tmp_path / package).mkdir()
    (tmp_path / package / "thing.py").write_text(KIND.format(model=model))
    (tmp_path / package / "__init__.py").write_text(
        "from moorage.templates import TEMPLATES as BUILT_IN\n"
        "from . import thing\nTEMPLATES = BUILT_IN | {'thing': thing}\n"
    )
    (tmp_path / "params").mkdir()
    params = "app: shop\nregion: eu-central-1\nstacks: {one: {template: thing}}\n"
    (tmp_path / "params/dev.yaml").write_text(params)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    assert cli.main(command.split(), package) == 3
    error = capsys.readouterr().err
    assert f"{package}/thing.py: the model `{name}` is wrong: " in error
    assert reason in error
    assert "moorage/" not in error
    assert len(error.splitlines()) == 1
