"""Plan -> files under out/<env>/: each one whole or not at all, and nothing stale beside them.

Each file is written beside its place and then moved there, so a build that is killed leaves it as
it was or as it will be. That holds for each file, not for all together: after a kill `stacks.json`
may be new and `web.yaml` old. The next build puts all of it right.
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
from moorage.pipeline.deploy_script import script
from moorage.pipeline.render import Format, as_json

MANIFEST = "stacks.json"
SCRIPT = "deploy.sh"
_HALF = ".half"
"""The ending of a file that is being written; one that is found was left by a build that died."""
_SIGNATURE = b"# Built by Moorage"


def files(plan: Plan) -> dict[str, str]:
    """All files of an environment by name: its templates, deploy.sh and stacks.json."""
    templates = {stack.rendering.file: stack.rendering.text for stack in plan.stacks}
    return templates | {SCRIPT: script(plan), MANIFEST: _manifest(plan)}


def write(plan: Plan, folder: Path) -> None:
    """Writes an environment's files into its folder and removes what earlier builds left over.

    Files that are right already are not touched. Leftovers go first, then comes the manifest, then
    what it names: so a manifest names all that builds wrote, at whatever moment one is killed.
    Raises OSError where the file system refuses.
    """
    folder.mkdir(parents=True, exist_ok=True)
    wanted = files(plan)
    for name in leftovers(folder, wanted):
        (folder / name).unlink(missing_ok=True)
    for name in sorted(wanted, key=lambda one: one != MANIFEST):
        _replace(folder / name, wanted[name])


def drift(plan: Plan, folder: Path) -> Iterator[Finding]:
    """A finding for each file that is missing, differs from the plan, or is left over.

    Raises OSError where a file cannot be read.
    """
    wanted = files(plan)
    hint = f"Run `python build.py {plan.environment.name}` and commit what it writes."

    def finding(name: str, line: int, message: str) -> Finding:
        return Finding("M1308", "error", Place(str(folder / name), line), (), message, hint)

    for name, text in wanted.items():
        path = folder / name
        if not path.is_file():
            yield finding(name, 1, "The file is missing")
        elif (found := path.read_bytes()) != text.encode():
            line = _first_difference(found, text.encode())
            yield finding(name, line, "The file is not what the params build")
    for name in leftovers(folder, wanted):
        yield finding(name, 1, "The file is left over: the params no longer build it")


def leftovers(folder: Path, wanted: Mapping[str, str]) -> list[str]:
    """Names of files that earlier builds wrote into a folder and that are not wanted any more.

    Earlier builds' are those that the manifest names, that say so themselves, or that a build had
    not finished. Other files in the folder are somebody's own, and stay.
    """
    return [name for name in _ours(folder) if name not in wanted]


def forgotten(out: Path, environments: Sequence[str]) -> list[str]:
    """Folders under out/ that were built for environments which have no params any more."""
    folders = sorted(path.parent for path in out.glob(f"*/{MANIFEST}"))
    return [
        folder.name
        for folder in folders
        if folder.name not in environments
        and _manifest_of(folder).get("environment") == folder.name
    ]


def remove(folder: Path) -> bool:
    """Removes what builds wrote into a folder; False where somebody's own files keep it alive.

    The manifest goes last, so that a removal which is killed is finished by the next build.
    """
    for name in sorted(_ours(folder), key=lambda one: one == MANIFEST):
        (folder / name).unlink(missing_ok=True)
    if any(folder.iterdir()):
        return False
    folder.rmdir()
    return True


def form(folder: Path) -> Format:
    """The form of the templates in a folder: what the last build was asked for."""
    named = _named(_manifest_of(folder))
    return "json" if any(name.endswith(".json") for name in named) else "yaml"


# The file system -----------------------------------------------------------------------------


def _ours(folder: Path) -> list[str]:
    if not folder.is_dir():
        return []
    manifest = _manifest_of(folder)
    named = {*_named(manifest), *([MANIFEST, SCRIPT] if manifest else [])}
    paths = sorted(path for path in folder.iterdir() if path.is_file())
    return [path.name for path in paths if path.name in named or _says_so(path)]


def _says_so(path: Path) -> bool:
    if path.suffix == _HALF:
        return True
    if path.suffix not in (".yaml", ".sh"):
        return False
    with path.open("rb") as file:
        return _SIGNATURE in file.read(100)


def _manifest_of(folder: Path) -> dict[str, Any]:
    """What stacks.json says; nothing where there is none of ours."""
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return {}
    ours = isinstance(manifest, dict) and isinstance(manifest.get("stacks"), list)
    return manifest if ours and "environment" in manifest else {}


def _named(manifest: Mapping[str, Any]) -> list[str]:
    """The files of templates that a manifest names."""
    stacks = [stack for stack in manifest.get("stacks", []) if isinstance(stack, dict)]
    return [str(stack["template"]) for stack in stacks if "template" in stack]


def _first_difference(one: bytes, other: bytes) -> int:
    """The number of the first line in which two texts differ."""
    lines = zip_longest(one.splitlines(keepends=True), other.splitlines(keepends=True))
    return next(number for number, (left, right) in enumerate(lines, 1) if left != right)


def _replace(path: Path, text: str) -> None:
    """A file as it shall be. Its half has a name of this process's own: two builds at once could
    otherwise publish each other's.
    """
    if path.is_file() and path.read_bytes() == text.encode() and _runs(path):
        return
    half = path.with_name(f"{path.name}.{os.getpid()}{_HALF}")
    half.write_bytes(text.encode())
    if path.name == SCRIPT:
        mode = half.stat().st_mode
        half.chmod(mode | (mode & 0o444) >> 2)
    os.replace(half, path)


def _runs(path: Path) -> bool:
    return path.name != SCRIPT or os.access(path, os.X_OK)


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
                    **({"runs": _run(stack.run)} if stack.run else {}),
                    "imports": [{"name": one.name, "from": one.stack} for one in stack.imports],
                    "exports": dict(stack.exports),
                }
                for stack in plan.stacks
            ],
        }
    )


def _run(run: Run) -> dict[str, Any]:
    return {"output": "RunTask", "container": run.container, "timeout": run.timeout}
