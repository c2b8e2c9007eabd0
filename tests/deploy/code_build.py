"""CodeBuild, as far as tests need it: runs the commands of a buildspec in bash, with a
stand-in for docker."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from build_tools import Tools
from cloud import Cloud

_PYTHON = f'#!/bin/sh\nexec {sys.executable} "$@"\n'


@dataclass(frozen=True)
class Build:
    """A build that has ended."""

    code: int
    output: str
    exported: Mapping[str, str]


@dataclass(frozen=True)
class Machine:
    """What builds run on: a folder for programs, logs and the checkouts of builds."""

    cloud: Cloud
    region: str
    folder: Path
    more: Mapping[str, str] = field(default_factory=dict)
    """More environment variables."""

    def __post_init__(self) -> None:
        self.tools.install("docker", ecr=self.cloud.url)
        python = self.tools.folder / "python3"
        python.write_text(_PYTHON)
        python.chmod(0o755)

    @property
    def tools(self) -> Tools:
        """The stand-in for docker."""
        return Tools(self.folder / "bin")

    def docker_log(self) -> list[str]:
        """The arguments of each call of docker since the last time."""
        return [" ".join(call["words"][1:]) for call in self.tools.calls()]

    def run(self, project: Mapping[str, Any], source: Path, variables: Mapping[str, str]) -> Build:
        """Runs a build of a project, as CodeBuild describes it, in a copy of the source."""
        work = self.folder / f"build-{len(list(self.folder.glob('build-*')))}"
        shutil.copytree(source, work / "src")
        spec = yaml.safe_load(project["source"]["buildspec"])
        plain = {
            each["name"]: each["value"]
            for each in project["environment"].get("environmentVariables", [])
            if each.get("type", "PLAINTEXT") == "PLAINTEXT"
        }
        exports = work / "exports"
        run = subprocess.run(
            ["bash", "-c", _script(spec, exports)],
            cwd=work / "src",
            env=self._environ(work) | plain | variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )
        pairs = exports.read_text().split("\0")[:-1] if exports.exists() else []
        return Build(run.returncode, run.stdout, dict(pair.split("=", 1) for pair in pairs))

    def _environ(self, work: Path) -> dict[str, str]:
        environ = self.cloud.environ()
        root = str(Path(__file__).parents[2])
        return environ | {
            "PATH": os.pathsep.join([str(self.folder / "bin"), environ["PATH"]]),
            "PYTHONPATH": os.pathsep.join([root, os.environ.get("PYTHONPATH", "")]),
            "HOME": str(work),
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "CODEBUILD_SRC_DIR": str(work / "src"),
            "CODEBUILD_BUILD_URL": f"https://{self.region}.console.aws.amazon.com/{work.name}",
            **self.more,
        }


def _script(spec: Mapping[str, Any], exports: Path) -> str:
    """All commands in one shell, which ends at the first that fails. AWS CodeBuild user guide,
    "Build specification reference for CodeBuild", version 0.2."""
    assert spec["version"] == 0.2
    assert spec["env"]["shell"] == "bash"
    assert spec["phases"].keys() <= {"install", "build"}
    commands = [
        command
        for phase in ("install", "build")
        for command in spec["phases"].get(phase, {}).get("commands", [])
    ]
    lines = [f"{command}\nended=$?; [ $ended = 0 ] || exit $ended" for command in commands]
    exported = spec["env"].get("exported-variables", [])
    lines += [f"printf '{name}=%s\\0' \"${name}\" >> '{exports}'" for name in exported]
    return "\n".join(lines)
