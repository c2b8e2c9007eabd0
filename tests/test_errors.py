"""tests/errors/<case>.yaml and <case>.txt: params, and everything that a build of them prints.

A case of several files is a folder with <case>/params/. If it has an out/ too, it is checked
instead of built. `UPDATE=1 pytest tests/test_errors.py` writes the texts. Then read the diff: does
each finding say what is wrong, where, and what to write instead?
"""

from __future__ import annotations

import os
import re
import shutil
from contextlib import chdir
from pathlib import Path
from typing import Any

import pytest
from command_line import main

from moorage.findings.codes import CODES

ERRORS = Path(__file__).parent / "errors"
CASES = sorted({path.stem for path in ERRORS.iterdir() if path.suffix != ".txt"})
FINDING = re.compile(r"^\S+:\d+: (?:error|warning|info) ([A-Z]\d{4})\b", re.MULTILINE)

UPDATE = bool(os.environ.get("UPDATE"))
not_updating = pytest.mark.skipif(UPDATE, reason="the texts are being written")


@pytest.mark.parametrize("case", CASES)
def test_findings_have_the_expected_text(case: str, tmp_path: Path, capsys: Any) -> None:
    _lay_out(case, tmp_path)
    before = _files(tmp_path)
    with chdir(tmp_path):
        code = main(["check" if (tmp_path / "out").exists() else "build"])
    seen = "".join(capsys.readouterr())
    assert code == 1
    assert FINDING.search(seen), "each case has a finding"
    assert "Traceback" not in seen
    assert _files(tmp_path) == before, "a build with errors writes nothing"
    golden = ERRORS / f"{case}.txt"
    if UPDATE:
        golden.write_text(seen)
    assert golden.exists(), "run this with UPDATE=1 and read the new text"
    assert seen == golden.read_text(), "run this with UPDATE=1 and read the diff"


@not_updating
def test_every_expected_text_has_a_case() -> None:
    assert {path.stem for path in ERRORS.glob("*.txt")} == set(CASES)


@not_updating
def test_every_code_occurs_in_a_case_or_a_test() -> None:
    texts = "".join(path.read_text() for path in ERRORS.glob("*.txt"))
    tests = "".join(path.read_text() for path in ERRORS.parent.rglob("*.py"))
    asserted = set(re.findall(r'"(M\d{4})"', tests))
    assert sorted(CODES.keys() - set(FINDING.findall(texts)) - asserted) == []


def _lay_out(case: str, home: Path) -> None:
    """The case's files where a user would have them."""
    folder = ERRORS / case
    if folder.is_dir():
        shutil.copytree(folder, home, dirs_exist_ok=True)
    else:
        (home / "params").mkdir()
        shutil.copy(ERRORS / f"{case}.yaml", home / "params/dev.yaml")


def _files(home: Path) -> dict[str, bytes]:
    """Everything below a folder, by name."""
    return {
        str(path.relative_to(home)): path.read_bytes() if path.is_file() else b""
        for path in sorted(home.rglob("*"))
    }
