"""Plan -> files under out/<env>/: each one whole or not at all, and nothing stale beside them."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

from moorage.model import Plan, PlannedStack
from moorage.render import as_json

MANIFEST = "stacks.json"
SCRIPT = "deploy.sh"
_HALF = ".half"
"""The ending of a file that is being written; one that is found was left by a build that died."""


def files(plan: Plan) -> dict[str, str]:
    """All files of an environment by name: its templates, deploy.sh and stacks.json."""
    templates = {stack.rendering.file: stack.rendering.text for stack in plan.stacks}
    return templates | {SCRIPT: _script(plan), MANIFEST: _manifest(plan)}


def write(plan: Plan, folder: Path) -> None:
    """Writes an environment's files into its folder and removes what is no longer one of them.

    A reader sees each file either as it was or as it will be. The folder belongs to the build:
    templates, scripts and manifests in it that the plan does not name are removed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    wanted = files(plan)
    for name, text in wanted.items():
        _replace(folder / name, text)
    for name in stale(folder, wanted):
        (folder / name).unlink(missing_ok=True)


def stale(folder: Path, wanted: dict[str, str]) -> Iterator[str]:
    """Names in an environment's folder that a build would remove."""
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        ours = path.suffix in (".yaml", ".json", ".sh", _HALF) and path.is_file()
        if ours and path.name not in wanted:
            yield path.name


def forgotten(out: Path, environments: list[str]) -> list[str]:
    """Folders under out/ that were built for environments which have no params any more."""
    folders = sorted(path.parent.name for path in out.glob(f"*/{MANIFEST}"))
    return [name for name in folders if name not in environments]


def remove(folder: Path) -> None:
    """Removes the folder of an environment that is gone."""
    shutil.rmtree(folder)


def _replace(path: Path, text: str) -> None:
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return
    half = path.with_name(path.name + _HALF)
    half.write_text(text, encoding="utf-8", newline="\n")
    if path.name == SCRIPT:
        half.chmod(0o755)
    os.replace(half, path)


# Contents ------------------------------------------------------------------------------------


def _manifest(plan: Plan) -> str:
    env = plan.environment
    return as_json(
        {
            "app": env.app,
            "environment": env.name,
            "region": env.region,
            "stacks": [
                {
                    "name": stack.name,
                    "stack_name": stack.stack_name,
                    "template": stack.rendering.file,
                    "capabilities": list(stack.capabilities),
                    "tags": dict(stack.tags),
                    "depends_on": list(stack.depends_on),
                    "imports": [{"name": one.name, "from": one.stack} for one in stack.imports],
                    "exports": dict(stack.exports),
                }
                for stack in plan.stacks
            ],
        }
    )


def _script(plan: Plan) -> str:
    env = plan.environment
    head = f"""#!/usr/bin/env bash
# Built by Moorage: deploys every stack of {env.app} in {env.name}, in order.
# Arguments go to each command as they are, for example: bash deploy.sh --profile ops
set -euo pipefail
cd "$(dirname "${{BASH_SOURCE[0]}}")"
"""
    return head + "".join(f"\n{command(stack, env.region)}\n" for stack in plan.stacks)


def command(stack: PlannedStack, region: str) -> str:
    """The plain AWS CLI command that deploys one stack, from within its folder."""
    tags = " ".join(shlex.quote(f"{key}={value}") for key, value in stack.tags.items())
    lines = [
        "aws cloudformation deploy",
        f"--region {region}",
        f"--stack-name {stack.stack_name}",
        f"--template-file {stack.rendering.file}",
        *([f"--capabilities {' '.join(stack.capabilities)}"] if stack.capabilities else []),
        "--no-fail-on-empty-changeset",
        f"--tags {tags}",
        '"$@"',
    ]
    return " \\\n  ".join(lines)
