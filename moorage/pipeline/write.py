"""Plan -> files under out/<env>/. Removes files of earlier builds that are no longer built.

Each file is written under another name and then renamed, so a build that is killed leaves no
incomplete file. The files together are not one transaction: after a kill, `stacks.json` can be new
and `web.yaml` old. The next build corrects that.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import zip_longest
from pathlib import Path
from typing import Any

from moorage.findings.finding import Finding, Place
from moorage.model import GivenValues, Targets
from moorage.pipeline.deploy_script import build_script
from moorage.pipeline.given_options import read_image, read_value
from moorage.pipeline.manifest import MANIFEST, describe_priorities, read_manifest
from moorage.pipeline.out_folder import SUMS, OutFolder, format_sums, hash_text, open_folder
from moorage.pipeline.render import Format, as_json
from moorage.pipeline.secret_params import hide_secrets
from moorage.plan import Deployment, Plan
from moorage.records import record

_SET, _IMAGES = "set", "images"
"""Keys of the manifest."""
SCRIPT = "deploy.sh"
_OF_ALL = (MANIFEST, SCRIPT, SUMS)
"""The files that describe all stacks of an environment."""
_MOST_NAMED = 3
"""The most files that one finding names."""


def files(plan: Plan) -> dict[str, str]:
    """All files of an environment by name: templates, deploy.sh, stacks.json and SHA256SUMS."""
    templates = {stack.rendering.file: stack.rendering.text for stack in plan.stacks}
    built = templates | {SCRIPT: build_script(plan), MANIFEST: _build_manifest(plan)}
    return built | {SUMS: format_sums({name: {hash_text(built[name])} for name in built})}


def list_names(plan: Plan) -> set[str]:
    """The names of all files of an environment."""
    return {SCRIPT, MANIFEST, SUMS, *(stack.rendering.file for stack in plan.stacks)}


def write(plan: Plan, folder: Path) -> list[Finding]:
    """Writes an environment's files into its folder, as `write_files` does."""
    return write_files(files(plan), folder)


def write_files(current: Mapping[str, str], folder: Path) -> list[Finding]:
    """Writes files into the folder of an environment and removes those of earlier builds.

    Returns a warning for each file whose content no build wrote: it is replaced if a file of its
    name is built now, and kept otherwise. Files that are up to date are not written again. While
    files change, SHA256SUMS has the old and the new hashes, so that the next build recognizes both,
    even if this one is killed. Raises OSError if the file system refuses an operation.
    """
    with open_folder(folder, create=True, lock=True) as out:
        out.remove_unfinished()
        before = out.read_sums()
        stale = _stale(out, current)
        if not stale and out.read(SUMS) == current[SUMS].encode():
            return []
        out.refuse_folders([*stale, SUMS])
        kept = [name for name in _earlier_files(out, before) if name not in current]
        leftovers = [name for name in kept if out.is_built(name, before)]
        findings = [_changed(folder / name, "is kept") for name in kept if name not in leftovers]
        unknown = () if before else _earlier_files(out, before)  # built before there were hashes
        findings += [
            _changed(folder / name, "was replaced")
            for name in stale
            if name not in unknown and out.exists(name) and not out.is_built(name, before)
        ]
        kept_until_end = {*current, *leftovers}
        both = {name: set(before[name]) for name in before if name in kept_until_end}
        for name, text in current.items():
            if name != SUMS:
                both.setdefault(name, set()).add(hash_text(text))
        out.write(SUMS, format_sums(both))
        for name in leftovers:
            out.remove(name)
        for name in sorted(stale, key=lambda name: name != MANIFEST):
            out.write(name, current[name], executable=name == SCRIPT)
        out.write(SUMS, current[SUMS])
    return findings


def find_drift(plan: Plan, folder: Path, named: Collection[str] = ()) -> list[Finding]:
    """A finding for each file that is missing, differs from the plan, or is left over. If stacks
    are named, about their templates, and about the files of the whole environment if the templates
    of all others are right.

    One about SHA256SUMS only if all others are right. Raises OSError where a file cannot be read.
    """
    names = " ".join([plan.environment.name, *sorted(named)])
    hint = f"Run `python build.py {names}` and commit what it writes."
    drift = list(_find_drift(files(plan), folder))
    others = _templates_of_others(plan, named, [name for name, _, _ in drift])
    left_out = {*others, *(_OF_ALL if others else ())}
    return [
        Finding("M1308", "error", Place(str(folder / name), line), (), message, hint)
        for name, line, message in drift
        if name not in left_out and (name != SUMS or len(drift) == 1)
    ]


def find_stale_others(plan: Plan, folder: Path, named: Collection[str]) -> list[Finding]:
    """An error if the templates of stacks that were not named are not up to date: `stacks.json` and
    `deploy.sh` describe all stacks, so they would not fit these. Raises OSError where a file cannot
    be read."""
    drift = [name for name, _, _ in _find_drift(files(plan), folder)]
    others = _templates_of_others(plan, named, drift)
    if not others:
        return []
    env = plan.environment.name
    stacks = [stack.name for stack in plan.stacks if stack.rendering.file in others]
    also = "Build them, too: " if len(others) > 1 else "Build it, too: "
    hint = f"{also}`python build.py build {' '.join([env, *sorted({*named, *stacks})])}`."
    if len(stacks) != len(others) or len(others) > _MOST_NAMED:
        hint = f"Build the whole environment: `python build.py build {env}`."
    shown = ", ".join(others[:_MOST_NAMED])
    shown += f" and {len(others) - _MOST_NAMED} more" if len(others) > _MOST_NAMED else ""
    message = f"Templates of other stacks are not what the params build: {shown}"
    return [Finding("M1316", "error", Place(str(folder / MANIFEST), 1), (), message, hint)]


def _templates_of_others(plan: Plan, named: Collection[str], files: Iterable[str]) -> list[str]:
    """Those of the files that are neither templates of named stacks nor of the whole environment;
    none if no stack is named."""
    own = {stack.rendering.file for stack in plan.stacks if stack.name in named}
    return [name for name in files if name not in own and name not in _OF_ALL] if named else []


def find_other_values(given: GivenValues, folder: Path) -> list[Finding]:
    """A finding if the last build of a folder had other values of the command line."""
    written = find_given(folder)
    if written == given or not read_manifest(folder):
        return []
    options = " ".join(map(shlex.quote, written.options())) or "neither `--set` nor `--image`"
    message = f"The folder was built with other values: {options}"
    hint = "Give the same values, or build the folder with these and commit it."
    finding = Finding("M1315", "error", Place(str(folder / MANIFEST), 1), (), message, hint)
    return hide_secrets([finding], {"vars": written.variables})


def _find_drift(current: Mapping[str, str], folder: Path) -> Iterator[tuple[str, int, str]]:
    """Name, line and message for each file."""
    if not folder.exists():
        yield from ((name, 1, "The file is missing") for name in current)
        return
    with open_folder(folder) as out:
        for name, text in current.items():
            written = out.read(name)
            if written is None:
                yield name, 1, "The file is missing"
            elif written != text.encode():
                line = _first_difference(written, text.encode())
                yield name, line, "The file differs from what the params build"
        sums = out.read_sums()
        for name in out.names():
            if name not in current and out.is_built(name, sums):
                yield name, 1, "The params no longer build this file"


def find_orphans(out: Path, environments: Sequence[str]) -> list[str]:
    """The folders under out/ whose environments no longer have params. Links do not count."""
    folders = sorted(path.parent for path in out.glob(f"*/{MANIFEST}"))
    return [
        folder.name
        for folder in folders
        if folder.name not in environments
        and not folder.is_symlink()
        and read_manifest(folder).get("environment") == folder.name
    ]


@record
class Removal:
    """The files of a folder that were removed, and those that were kept."""

    removed: tuple[str, ...]
    kept: tuple[str, ...]


def remove_built(folder: Path) -> Removal:
    """Removes the files that the last build wrote, and the folder if no other file is in it.

    SHA256SUMS is removed last, so that the next build can finish a removal that was killed. Raises
    OSError if the file system refuses an operation.
    """
    with open_folder(folder, lock=True) as out:
        out.remove_unfinished()
        sums = out.read_sums()
        removed = [name for name in out.names() if out.is_built(name, sums)]
        for name in sorted(removed, key=lambda name: name == MANIFEST):
            out.remove(name)
        if removed:
            out.remove(SUMS)
    kept = tuple(sorted(path.name for path in folder.iterdir()))
    if not kept:
        folder.rmdir()
    return Removal(tuple(removed), kept)


def find_format(folder: Path) -> Format:
    """The format of the templates that the last build wrote to a folder."""
    names = _template_names(read_manifest(folder))
    return "json" if any(name.endswith(".json") for name in names) else "yaml"


def find_given(folder: Path) -> GivenValues:
    """The values of the command line of the last build, without those that no build writes."""
    manifest = read_manifest(folder)
    return GivenValues(
        _read_options(manifest.get(_SET), read_value),
        _read_options(manifest.get(_IMAGES), read_image),
    )


def _read_options(written: Any, read: Callable[[str], tuple[str, str]]) -> dict[str, str]:
    options: dict[str, str] = {}
    for name, text in written.items() if isinstance(written, dict) else ():
        if isinstance(text, str):
            with suppress(ValueError):
                options.update([read(f"{name}={text}")])
    return options


# The file system -----------------------------------------------------------------------------


def _stale(out: OutFolder, current: Mapping[str, str]) -> list[str]:
    """The names of files that are not on disk as they are built, apart from SHA256SUMS."""
    return [
        name
        for name, text in current.items()
        if name != SUMS
        and (out.read(name) != text.encode() or (name == SCRIPT and not out.is_executable(name)))
    ]


def _earlier_files(out: OutFolder, sums: Mapping[str, Any]) -> list[str]:
    """The files that earlier builds may have written: those in SHA256SUMS or, after a build of a
    version without that file, those in stacks.json."""
    manifest = {} if sums else read_manifest(out.path)
    named = {*sums, *_template_names(manifest), *([MANIFEST, SCRIPT] if manifest else ())}
    return [name for name in out.names() if name in named]


def _changed(path: Path, outcome: str) -> Finding:
    message = f"The file is not what the last build wrote, and {outcome}"
    hint = "Delete it if it is not needed, or rename it."
    if outcome == "was replaced":
        hint = "Make such a change in the params, or below `overrides:`."
    return Finding("M1313", "warning", Place(str(path), 1), (), message, hint)


def _template_names(manifest: Mapping[str, Any]) -> list[str]:
    """The file names of the templates in a manifest."""
    stacks = [stack for stack in manifest.get("stacks", []) if isinstance(stack, dict)]
    return [str(stack["template"]) for stack in stacks if "template" in stack]


def _first_difference(first: bytes, second: bytes) -> int:
    """The number of the first line in which two texts differ."""
    lines = zip_longest(first.splitlines(keepends=True), second.splitlines(keepends=True))
    return next(number for number, (left, right) in enumerate(lines, 1) if left != right)


# Contents ------------------------------------------------------------------------------------


def _build_manifest(plan: Plan) -> str:
    env = plan.environment
    return as_json(
        {
            "app": env.app,
            "environment": env.name,
            "region": env.region,
            **_describe_given(env.given),
            **({"targets": _describe_targets(env.targets)} if env.targets else {}),
            "stacks": [
                {
                    "name": stack.name,
                    "stack_name": stack.stack_name,
                    "template": stack.rendering.file,
                    "capabilities": list(stack.capabilities),
                    "tags": dict(stack.tags),
                    "depends_on": list(stack.depends_on),
                    **describe_priorities(stack.deployment.priorities),
                    **_describe_actions(stack.deployment),
                    "imports": [
                        {"name": value.name, "from": value.stack} for value in stack.imports
                    ],
                    "exports": dict(stack.exports),
                }
                for stack in plan.stacks
            ],
        }
    )


def _describe_given(given: GivenValues) -> dict[str, Any]:
    """What the command line has set in the params."""
    values = {_SET: dict(given.variables), _IMAGES: dict(given.images)}
    return {key: dict(sorted(value.items())) for key, value in values.items() if value}


def _describe_targets(targets: Targets) -> dict[str, Any]:
    """Where StackSets deploys the stacks: each one is a stack set with the name of the stack."""
    described: dict[str, Any] = {"regions": list(targets.regions)}
    if targets.accounts:
        described["accounts"] = list(targets.accounts)
    if targets.organizational_units:
        described["organizational_units"] = list(targets.organizational_units)
    if targets.accounts and targets.organizational_units:
        described["account_filter"] = targets.account_filter
    return described


def _describe_actions(deployment: Deployment) -> dict[str, Any]:
    """What is done after a stack is deployed."""
    actions: dict[str, Any] = {}
    run, seconds = deployment.run, deployment.code_deploy
    if run:
        task = {"output": "RunTask", "container": run.container, "timeout": run.timeout}
        actions["runs"] = task
    if seconds is not None:
        actions["deploys_with_codedeploy"] = {"output": "CodeDeployRequest", "timeout": seconds}
    return actions
