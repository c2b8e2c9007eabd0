"""Damaged templates: `check FILE`, `check FILE --against FILE` and `estimate` answer every one."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from fuzz.mutation import damaged, fuzz, run
from hypothesis import given

ROOT = Path(__file__).parents[2]
_FILES = sorted([*(ROOT / "tests/rules/bases").rglob("*.yaml"), *(ROOT / "out/dev").glob("*.yaml")])
ORIGINALS = [content for path in _FILES if len(content := path.read_bytes()) < 12_000]


@pytest.fixture(autouse=True)
def _trace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOORAGE_TRACEBACK", "1")


@fuzz
@given(damaged(ORIGINALS), damaged(ORIGINALS))
def test_damaged_templates_are_handled(new: bytes, old: bytes) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "new.yaml").write_bytes(new)
        (folder / "old.yaml").write_bytes(old)
        run(folder, "check", "new.yaml", "--against", "old.yaml")


@fuzz
@given(damaged(ORIGINALS))
def test_damaged_templates_are_estimated(template: bytes) -> None:
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "template.yaml").write_bytes(template)
        run(Path(name), "estimate", "--template", "template.yaml")
