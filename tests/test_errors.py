"""tests/errors/<case>.yaml beside <case>.txt: all that a user sees who builds these params.

A case that needs more than one file is a folder, <case>/params/; where that holds an out/ as well,
it is checked and not built. `UPDATE=1 pytest tests/test_errors.py` writes anew what is seen; the
diff is then for a person to read: is it plain what is wrong, where, and what to write instead?
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
settled = pytest.mark.skipif(UPDATE, reason="the texts are being written")


@pytest.mark.parametrize("case", CASES)
def test_the_user_sees(case: str, tmp_path: Path, capsys: Any) -> None:
    _lay_out(case, tmp_path)
    before = _files(tmp_path)
    with chdir(tmp_path):
        code = main(["check" if (tmp_path / "out").exists() else "build"])
    seen = "".join(capsys.readouterr())
    assert code == 1
    assert FINDING.search(seen), "a finding is what the case is for"
    assert "Traceback" not in seen
    assert _files(tmp_path) == before, "nothing may be written"
    golden = ERRORS / f"{case}.txt"
    if UPDATE:
        golden.write_text(seen)
    assert golden.exists(), "run this with UPDATE=1 and read what it writes"
    assert seen == golden.read_text(), "run this with UPDATE=1 and read the diff"


@settled
def test_every_text_has_its_case() -> None:
    assert {path.stem for path in ERRORS.glob("*.txt")} == set(CASES)


@settled
def test_every_code_is_seen_in_some_case() -> None:
    """But for those of an update, which takes two versions (tests/moorage/test_against.py), and
    those that only a machine with nginx reports (tests/proxy/test_real_nginx.py)."""
    texts = "".join(path.read_text() for path in ERRORS.glob("*.txt"))
    wanted = {code for code in CODES if not code.startswith(("M14", "M303"))}
    assert set(FINDING.findall(texts)) >= wanted


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
