"""Folders and files that the system refuses: one message, and every file stays as it was."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager
from hashlib import sha256
from pathlib import Path

import pytest
from command_line import main

from moorage.lint.cfn_lint import find_runner
from moorage.lint.settings import find_settings

PARAMS = "app: shop\nregion: eu-central-1\nstacks: {cluster: {}}\n"
NOBODY = 65534


@pytest.fixture
def project(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A project that was built, and has changed since. Others than its owner can only read it."""
    folder = Path(tempfile.mkdtemp())  # below `tmp_path`, only the owner could
    folder.chmod(0o755)
    monkeypatch.setenv("HOME", str(folder))  # where cfn-lint looks for settings
    (folder / "params").mkdir()
    (folder / "params/dev.yaml").write_text(PARAMS)
    with chdir(folder):
        # The user `nobody` may not be able to start Python, so this process loads cfn-lint itself.
        find_runner(None, find_settings())
        assert main(["build"]) == 0
        assert main(["check"]) == 0
        (folder / "params/dev.yaml").write_text(
            PARAMS.replace("{}", "{container_insights: enhanced}")
        )
        yield folder
    shutil.rmtree(folder)


@contextmanager
def as_nobody() -> Iterator[None]:
    """Root may write everywhere."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(user)


def _give_away(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        os.chown(path, NOBODY, NOBODY)


def _without_out(project: Path) -> None:
    shutil.rmtree(project / "out")
    project.chmod(0o555)


def _file_for_folder(project: Path) -> None:
    shutil.rmtree(project / "out/dev")
    (project / "out/dev").write_text("")


def _folder_for_file(project: Path) -> None:
    (project / "out/dev/deploy.sh").unlink()
    (project / "out/dev/deploy.sh").mkdir()
    if os.geteuid() == 0:
        _give_away(project / "out")


def _chmod(path: str, mode: int) -> Callable[[Path], None]:
    return lambda project: (project / path).chmod(mode)


DENIED, NO_FOLDER, FOLDER = "Permission denied", "Not a directory", "Is a directory"
CASES: dict[str, tuple[Callable[[Path], None], str, str]] = {
    "no folder can be created": (_without_out, "out", DENIED),
    "nothing can be written": (_chmod("out/dev", 0o555), "out/dev/SHA256SUMS", DENIED),
    "out/ cannot be read": (_chmod("out", 0), "out/dev", DENIED),
    "out/dev cannot be read": (_chmod("out/dev", 0), "out/dev", DENIED),
    "a template cannot be read": (
        _chmod("out/dev/cluster.yaml", 0),
        "out/dev/cluster.yaml",
        DENIED,
    ),
    "the hashes cannot be read": (_chmod("out/dev/SHA256SUMS", 0), "out/dev/SHA256SUMS", DENIED),
    "params cannot be read": (_chmod("params", 0), "params", DENIED),
    "a file for a folder": (_file_for_folder, "out/dev", NO_FOLDER),
    "a folder for a file": (_folder_for_file, "out/dev/deploy.sh", FOLDER),
}


@pytest.mark.parametrize("case", CASES)
def test_a_build_names_what_is_refused(
    case: str, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    refuse, path, reason = CASES[case]
    refuse(project)
    before = _contents(project)
    capsys.readouterr()
    with as_nobody():
        code = main(["build"])
    output, errors = capsys.readouterr()
    assert (code, output) == (2, "")
    assert errors == f"build.py: `{path}` cannot be used: {reason}.\n"
    assert _contents(project) == before


@pytest.mark.parametrize("path", ["out/dev", "out/dev/cluster.yaml", "params"])
def test_a_check_names_what_is_refused(
    path: str, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / path).chmod(0)
    capsys.readouterr()
    with as_nobody():
        assert main(["check"]) == 2
    output, errors = capsys.readouterr()
    assert output == ""
    assert errors.startswith(f"build.py: `{path}")
    assert errors.endswith("cannot be used: Permission denied.\n")


def _contents(folder: Path) -> dict[Path, str]:
    """The hash of each file, and the type of anything else."""
    modes = {path: path.stat().st_mode for path in (folder, *folder.rglob("*"))}
    for path in modes:
        path.chmod(0o700)
    contents = {
        path: sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"
        for path in folder.rglob("*")
    }
    for path, mode in modes.items():
        path.chmod(mode)
    return contents
