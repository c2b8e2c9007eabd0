"""How the wheel is built, and how commands run where it is installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check")
OFFLINE = ("--quiet", "--no-deps", "--no-index")


@dataclass(frozen=True)
class Environment:
    """A virtual environment with Moorage from the wheel, and nothing of the checkout."""

    bin: Path

    def run(self, *command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
        """Runs a command; the program of a name without a slash is the environment's, if it has
        one of that name."""
        program = self.bin / command[0]
        words = [str(program) if program.exists() else command[0], *command[1:]]
        return subprocess.run(words, cwd=cwd, env=outside(), capture_output=True, text=True)

    def make(self, *targets: str, cwd: Path) -> subprocess.CompletedProcess[str]:
        """Runs make in a project that `moorage init` created, with this environment."""
        return self.run("make", f"BIN={self.bin}", *targets, cwd=cwd)


def outside() -> dict[str, str]:
    """The environment variables, without what makes Python find the checkout, and without what a
    make that runs the tests passes to the makes that it starts."""
    inside = ("PYTHONPATH", "MAKEFLAGS", "MAKELEVEL", "MFLAGS")
    return {key: value for key, value in os.environ.items() if key not in inside}


def build_wheel(source: Path, folder: Path) -> Path:
    command = [*PIP, "wheel", *OFFLINE, "--no-build-isolation", "--wheel-dir", str(folder)]
    run_quietly([*command, str(source)])
    (wheel,) = folder.glob("*.whl")
    return wheel


def copy_source(folder: Path) -> Path:
    """A copy of what the package is built from: setuptools writes next to it."""
    for name in ("moorage", "templates"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("setup.py", "setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    return folder


def run_quietly(command: Sequence[str]) -> None:
    subprocess.run(command, env=outside(), check=True, capture_output=True)
