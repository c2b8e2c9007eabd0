"""params/base.yaml and params/<env>.yaml -> one Document that knows each value's file and line.

YAML is read by version 1.2, where `on` and `off` are words and a date is text; so is a number that
would be written back otherwise, such as 1.50 or 007. The environment's file is laid over the base
by the merge rule of `moorage.merge`; `${env}`, `${app}`, `${region}` and `${account}` are put in,
`$${` stands for a plain `${`. Map keys come out sorted, so that the order in which somebody wrote
them changes nothing further on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path as FilePath
from typing import Any

from moorage.findings.finding import Finding, Path, Place
from moorage.findings.wording import shown
from moorage.model import NAME, TextFile, wrong
from moorage.pipeline.document import Document, ordered
from moorage.pipeline.interpolation import interpolated
from moorage.pipeline.merge import merged
from moorage.pipeline.yaml_file import File, read

BASE = "base"


def environments(folder: FilePath) -> list[str]:
    """The names of the environments that have a params file, sorted; an editor's dotfiles do not
    count.
    """
    names = (path.stem for path in folder.glob("*.yaml") if not path.name.startswith("."))
    return sorted(name for name in names if name != BASE)


def load(folder: FilePath, env: str) -> tuple[Document | None, list[Finding]]:
    """The params of one environment; None where a finding makes them unreadable."""
    base_path, env_path = folder / f"{BASE}.yaml", folder / f"{env}.yaml"
    base = read(base_path) if base_path.exists() else File({}, {}, ())
    own = read(env_path)
    findings = [*base.findings, *own.findings]
    if not NAME.fullmatch(env):
        hint = "Rename the file to lower-case letters, digits and single hyphens, as in `dev.yaml`."
        message = f"`{env}` cannot name an environment"
        findings.append(Finding("M1006", "error", Place(str(env_path), 1), (), message, hint))
    if not isinstance(base.data, dict) or not isinstance(own.data, dict):
        return None, findings
    places = {**base.places, **own.places}
    document = Document(env, str(env_path), _merged_files(base.data, own.data), places)
    findings += [*_empty_stacks(base, {}), *_empty_stacks(own, base.data)]
    document, more = interpolated(document)
    findings += more
    broken = frozenset(one.path for one in findings if one.path and _lost(document.data, one.path))
    return replace(document, broken=broken, read=partial(text_file, folder)), findings


_LARGEST = 65_536
"""Characters that are read of a file which the params name: more than a template can hold."""


def text_file(folder: FilePath, name: str) -> TextFile:
    """A file that the params name, relative to their folder; its lines end with a line feed."""
    path = folder / name
    hint = f"Name a text file from `{folder}`, such as `nginx/web.conf`."
    if FilePath(name).is_absolute():
        raise wrong("M1001", f"{shown(name)} is found on this machine only", hint)
    try:
        text = path.read_text(encoding="utf-8")
    except (UnicodeDecodeError, ValueError):
        raise wrong("M1001", f"`{path}` is not UTF-8 text", "Save it as UTF-8.") from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise wrong("M1001", f"`{path}` cannot be read: {reason}", hint) from None
    if len(text) > _LARGEST:
        message = f"`{path}` has {len(text):,} characters"
        raise wrong("M1105", message, f"At most {_LARGEST:,} are read.")
    return TextFile(path.as_posix(), text)


def _lost(data: Any, path: Path) -> bool:
    """Whether nothing is at a path, or text with a `${...}` that means nothing."""
    for step in path:
        try:
            data = data[step]
        except (KeyError, IndexError, TypeError):
            return True
    return data is None or (isinstance(data, str) and "${" in data)


def _empty_stacks(file: File, base: dict[str, Any]) -> Iterator[Finding]:
    """Stacks with nothing behind their name: null, which deletes, where there is none to delete."""
    stacks, below = file.data.get("stacks"), base.get("stacks")
    known = {finding.path for finding in file.findings}
    for name, stack in stacks.items() if isinstance(stacks, dict) else ():
        path = ("stacks", name)
        deletes = isinstance(below, dict) and name in below
        if stack is None and not deletes and path not in known:
            hint = f"Write `{name}: {{}}` for a stack with all its defaults."
            message = "Nothing stands here, which would delete the stack"
            yield Finding("M1006", "error", file.places[path], path, message, hint)


def _merged_files(base: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """Both files as one. A null below `overrides:` stays: there it is the word for delete."""
    result: dict[str, Any] = merged(merged({}, base), own)
    stacks = result.get("stacks")
    if not isinstance(stacks, dict):
        return ordered(result)
    for name, stack in stacks.items():
        patches = [_overrides(file, name) for file in (base, own)]
        if isinstance(stack, dict) and "overrides" in stack:
            stacks[name] = stack | {"overrides": merged(*patches, keep_nulls=True)}
    return ordered(result)


def _overrides(file: dict[str, Any], stack: str) -> Any:
    stacks = file.get("stacks")
    entry = stacks.get(stack) if isinstance(stacks, dict) else None
    patch = entry.get("overrides") if isinstance(entry, dict) else None
    return {} if patch is None else patch
