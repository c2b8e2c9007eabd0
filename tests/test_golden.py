"""tests/golden/<case>/params builds tests/golden/<case>/out, to the byte; and params/ builds out/.

`make golden` rewrites the expected output; read the diff before you commit it.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from moorage.pipeline.build import build
from moorage.pipeline.load import list_environments
from moorage.pipeline.write import files
from templates import TEMPLATES

GOLDEN = Path("tests/golden")
FOLDERS = [Path(), *sorted(path for path in GOLDEN.iterdir() if path.is_dir())]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name or "params")
def test_params_build_the_expected_output(folder: Path) -> None:
    expected = {
        str(path.relative_to(folder / "out")): path.read_text()
        for path in sorted((folder / "out").rglob("*"))
        if path.is_file()
    }
    got = {}
    for env in list_environments(folder / "params"):
        built = build(folder / "params", env, TEMPLATES)
        assert built.findings == (), f"{folder}/{env} is not clean"
        assert built.plan is not None
        got |= {f"{env}/{name}": text for name, text in files(built.plan).items()}
    assert got == expected, "run `make golden` and read the diff"
