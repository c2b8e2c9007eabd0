"""The wheel, and an environment that has it installed."""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path

import pytest
from installation import OFFLINE, PIP, Environment, build_wheel, copy_source, run_quietly


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    source = copy_source(tmp_path_factory.mktemp("source"))
    return build_wheel(source, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="session")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """The dependencies are those of the interpreter that runs the tests; nothing is downloaded.

    A path in a `.pth` file is searched for modules, but `.pth` files in it are not read: an
    editable installation of the checkout has no effect.
    """
    folder = tmp_path_factory.mktemp("environment")
    run_quietly([sys.executable, "-m", "venv", "--without-pip", str(folder)])
    python = folder / "bin" / "python"
    run_quietly([*PIP, "--python", str(python), "install", *OFFLINE, str(wheel)])
    purelib = sysconfig.get_path("purelib")
    (packages,) = folder.glob("lib/python*/site-packages")
    (packages / "dependencies.pth").write_text(f"{purelib}\n")
    return Environment(python.parent)
