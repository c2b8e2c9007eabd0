"""The rules outside of this repository: in the installed package, and as a pre-commit hook."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
BAD = """\
Resources:
  Key:
    Type: AWS::IAM::ServiceLinkedRole
    Properties: {AWSServiceName: ecs.amazonaws.com}
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with only the package, as pip installs it."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("installed")
    for name in (
        "setup.py",
        "setup.cfg",
        "pyproject.toml",
        "README.md",
        "LICENSE",
        "moorage",
        "templates",
    ):
        subprocess.run(["cp", "-r", str(ROOT / name), str(source)], check=True)
    command = "-m pip install --quiet --no-deps --no-build-isolation --no-index --target"
    subprocess.run([sys.executable, *command.split(), str(target), str(source)], check=True)
    return target


def run_cfn_lint(
    words: list[str], folder: Path, python_path: Path
) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name(words[0])
    return subprocess.run(
        [str(program), *words[1:]],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(python_path)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("usage", ["command", "hook"])
def test_cfn_lint_runs_the_rules_of_the_package(
    usage: str, installed: Path, tmp_path: Path
) -> None:
    (tmp_path / "bad.yaml").write_text(BAD)
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    hook = next(hook for hook in hooks if hook["id"] == "moorage-rules")
    words = {
        "command": ["cfn-lint", "--append-rules", "moorage.rules", "--"],
        "hook": [*shlex.split(hook["entry"]), *hook["args"]],
    }[usage]
    run = run_cfn_lint([*words, "bad.yaml"], tmp_path, installed)
    assert run.returncode == 2, run.stderr
    assert "E9745" in run.stdout
    assert "bad.yaml:4" in run.stdout
