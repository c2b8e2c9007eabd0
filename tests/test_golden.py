"""params/ builds out/, to the byte, and delivery/ builds delivery/out/.
tests/deploy/test_golden_rehearsed.py has the golden cases, and deploys them as well.

`make golden` rewrites the expected output; read the diff before you commit it.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from golden_cases import FOLDERS, build_expected_files

from moorage.pipeline.environments import list_environments


@pytest.mark.parametrize("env", list_environments(Path("params")))
def test_the_shipped_params_build_the_expected_output(env: str) -> None:
    build_expected_files(Path(), env)


def test_the_shipped_pipeline_builds_the_expected_output() -> None:
    assert list_environments(Path("delivery")) == ["tools"]
    build_expected_files(Path("delivery"), "tools", params=Path("delivery"))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name or "params")
def test_every_environment_has_expected_output(folder: Path) -> None:
    written = sorted(path.name for path in (folder / "out").iterdir())
    assert written == sorted(list_environments(folder / "params"))
