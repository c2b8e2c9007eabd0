"""The same work with AWS's CDK: `cdk synth`, and the cfn-lint command on what comes out.

npm installs the CDK into a temporary folder. Without npm, or where it cannot install, there is
nothing to compare with.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from measure import Run, best_of, run

HERE = Path(__file__).parent / "cdk"
NO_TELEMETRY = {"CDK_DISABLE_CLI_TELEMETRY": "true"}


class NoCdkError(Exception):
    """The CDK cannot be installed. The text says why."""


@contextmanager
def install() -> Iterator[Path]:
    """A temporary folder with the CDK and the app. Raises NoCdkError."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            raise NoCdkError(f"{program} is not installed")
    with TemporaryDirectory() as name:
        folder = Path(name).resolve()
        for file in ("app.js", "package.json"):
            shutil.copy(HERE / file, folder)
        command = ["npm", "install", "--no-audit", "--no-fund", "--loglevel=error"]
        ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if ran.returncode:
            reason = (ran.stderr.strip().splitlines() or ["no reason"])[0]
            raise NoCdkError(f"npm cannot install aws-cdk-lib: {reason}")
        yield folder


def synthesize(folder: Path) -> Run:
    """The least that `cdk synth` takes, without its requests to AWS."""
    program = str(folder / "node_modules/.bin/cdk")
    command = [program, "synth", "--app", "node app.js", "--quiet", "--no-notices"]
    command += ["--no-version-reporting"]
    return best_of(lambda: run(command, folder, NO_TELEMETRY))


def find_templates(folder: Path) -> list[Path]:
    """The templates that `cdk synth` has written."""
    return sorted((folder / "cdk.out").glob("*.template.json"))


def count_resources(template: Path) -> int:
    """The number of resources of a template in JSON."""
    return len(json.loads(template.read_text())["Resources"])
