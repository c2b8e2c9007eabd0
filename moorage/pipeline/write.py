"""Plan -> files under out/<env>/. Files of earlier builds that are not built any more are removed.

Each file is written under another name and then renamed, so a build that is killed leaves no file
half written. This is true of each file, not of all together: after a kill, `stacks.json` can be new
and `web.yaml` old. The next build corrects that.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

from moorage.findings.finding import Finding, Place
from moorage.model import Plan, Run
from moorage.pipeline.deploy_script import build_script
from moorage.pipeline.render import Format, as_json

MANIFEST = "stacks.json"
SCRIPT = "deploy.sh"
_UNFINISHED = ".half"
"""The suffix of a file that is being written; one that remains is of a build that was killed."""
_SIGNATURE = b"# Built by Moorage"


def files(plan: Plan) -> dict[str, str]:
    """All files of an environment by name: its templates, deploy.sh and stacks.json."""
    templates = {stack.rendering.file: stack.rendering.text for stack in plan.stacks}
    return templates | {SCRIPT: build_script(plan), MANIFEST: _build_manifest(plan)}


def write(plan: Plan, folder: Path) -> None:
    """Writes an environment's files into its folder and removes those of earlier builds.

    Files that are up to date are not touched. Old files are removed first, then the manifest is
    written, then what it names: so the manifest names every file that a build wrote, even if the
    build is killed. Raises OSError where the file system refuses.
    """
    folder.mkdir(parents=True, exist_ok=True)
    current = files(plan)
    for name in find_leftovers(folder, current):
        (folder / name).unlink(missing_ok=True)
    for name in sorted(current, key=lambda name: name != MANIFEST):
        _replace(folder / name, current[name])


def find_drift(plan: Plan, folder: Path) -> Iterator[Finding]:
    """A finding for each file that is missing, differs from the plan, or is left over.

    Raises OSError where a file cannot be read.
    """
    current = files(plan)
    hint = f"Run `python build.py {plan.environment.name}` and commit what it writes."

    def finding(name: str, line: int, message: str) -> Finding:
        return Finding("M1308", "error", Place(str(folder / name), line), (), message, hint)

    for name, text in current.items():
        path = folder / name
        if not path.is_file():
            yield finding(name, 1, "The file is missing")
        elif (written := path.read_bytes()) != text.encode():
            line = _first_difference(written, text.encode())
            yield finding(name, line, "The file is not what the params build")
    for name in find_leftovers(folder, current):
        yield finding(name, 1, "The params no longer build this file")


def find_leftovers(folder: Path, current: Mapping[str, str]) -> list[str]:
    """Names of files of earlier builds in a folder that are not among the current ones.

    Files of builds are those that the manifest names, that begin with the comment of a build, or
    that a build did not finish. All other files in the folder are the user's and are kept.
    """
    return [name for name in _built_files(folder) if name not in current]


def find_orphans(out: Path, environments: Sequence[str]) -> list[str]:
    """Folders under out/ of environments that have no params any more."""
    folders = sorted(path.parent for path in out.glob(f"*/{MANIFEST}"))
    return [
        folder.name
        for folder in folders
        if folder.name not in environments
        and _read_manifest(folder).get("environment") == folder.name
    ]


def remove_built(folder: Path) -> bool:
    """Removes the files of builds, and the folder; False if the folder has other files and is kept.

    The manifest is removed last, so that the next build finishes a removal that was killed.
    """
    for name in sorted(_built_files(folder), key=lambda name: name == MANIFEST):
        (folder / name).unlink(missing_ok=True)
    if any(folder.iterdir()):
        return False
    folder.rmdir()
    return True


def find_format(folder: Path) -> Format:
    """The format of the templates in a folder: that of the last build."""
    names = _template_names(_read_manifest(folder))
    return "json" if any(name.endswith(".json") for name in names) else "yaml"


# The file system -----------------------------------------------------------------------------


def _built_files(folder: Path) -> list[str]:
    if not folder.is_dir():
        return []
    manifest = _read_manifest(folder)
    named = {*_template_names(manifest), *([MANIFEST, SCRIPT] if manifest else [])}
    paths = sorted(path for path in folder.iterdir() if path.is_file())
    return [path.name for path in paths if path.name in named or _is_signed(path)]


def _is_signed(path: Path) -> bool:
    if path.suffix == _UNFINISHED:
        return True
    if path.suffix not in (".yaml", ".sh"):
        return False
    with path.open("rb") as file:
        return _SIGNATURE in file.read(100)


def _read_manifest(folder: Path) -> dict[str, Any]:
    """The content of stacks.json; empty where there is none that a build wrote."""
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return {}
    has_stacks = isinstance(manifest, dict) and isinstance(manifest.get("stacks"), list)
    return manifest if has_stacks and "environment" in manifest else {}


def _template_names(manifest: Mapping[str, Any]) -> list[str]:
    """The file names of the templates in a manifest."""
    stacks = [stack for stack in manifest.get("stacks", []) if isinstance(stack, dict)]
    return [str(stack["template"]) for stack in stacks if "template" in stack]


def _first_difference(first: bytes, second: bytes) -> int:
    """The number of the first line in which two texts differ."""
    lines = zip_longest(first.splitlines(keepends=True), second.splitlines(keepends=True))
    return next(number for number, (left, right) in enumerate(lines, 1) if left != right)


def _replace(path: Path, text: str) -> None:
    """Writes a file under a name that only this process uses, then renames it.

    With a common name, two builds at once could publish each other's unfinished files.
    """
    if path.is_file() and path.read_bytes() == text.encode() and _has_mode(path):
        return
    unfinished = path.with_name(f"{path.name}.{os.getpid()}{_UNFINISHED}")
    unfinished.write_bytes(text.encode())
    if path.name == SCRIPT:
        mode = unfinished.stat().st_mode
        unfinished.chmod(mode | (mode & 0o444) >> 2)
    os.replace(unfinished, path)


def _has_mode(path: Path) -> bool:
    """Whether a file is executable, if it is the script."""
    return path.name != SCRIPT or os.access(path, os.X_OK)


# Contents ------------------------------------------------------------------------------------


def _build_manifest(plan: Plan) -> str:
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
                    **({"runs": _describe_run(stack.run)} if stack.run else {}),
                    "imports": [
                        {"name": value.name, "from": value.stack} for value in stack.imports
                    ],
                    "exports": dict(stack.exports),
                }
                for stack in plan.stacks
            ],
        }
    )


def _describe_run(run: Run) -> dict[str, Any]:
    return {"output": "RunTask", "container": run.container, "timeout": run.timeout}
