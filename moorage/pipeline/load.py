"""params/base.yaml and params/<env>.yaml -> one Document that knows each value's file and line.

YAML 1.2 is read: `on` and `off` are texts, and so are dates. A number that would be written back
differently, such as 1.50 or 007, is text too. The environment's file is merged into the base as a
merge patch. Then the images of the command line are put in, and `${name}` is replaced by the value
of a variable, or of `env`, `app`, `region` and `account`; `$${` becomes `${`. Keys of maps are
sorted, so their order in the files has no effect on what is built.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path as FilePath
from typing import Any

from moorage.findings.finding import Finding, Path, Place
from moorage.findings.wording import shown
from moorage.model import NAME, NO_VALUES, GivenValues, TextFile, wrong
from moorage.pipeline.document import Document
from moorage.pipeline.environments import BASE
from moorage.pipeline.given_images import set_images
from moorage.pipeline.interpolation import interpolate
from moorage.pipeline.merge_files import merge_files
from moorage.pipeline.named_file import FileRefusedError, leads_outside, read_named_file
from moorage.pipeline.variables import assign_to_stacks, find_unused_variables
from moorage.pipeline.yaml_file import File, read_yaml

_MAX_CHARACTERS = 65_536
"""The maximum length of a file that params name: more than a template can have."""


def list_stacks(folder: FilePath, env: str) -> list[str] | None:
    """The valid names below `stacks:` in the files of an environment, sorted; None where a file or
    its `stacks:` cannot be read as a map."""
    names: set[str] = set()
    for file in _read_files(folder, folder / f"{env}.yaml"):
        stacks = file.data.get("stacks", {}) if isinstance(file.data, dict) else None
        if not isinstance(stacks, dict):
            return None
        deleted = {name for name, params in stacks.items() if params is None}
        names = (names | {name for name in stacks if NAME.fullmatch(str(name))}) - deleted
    return sorted(names)


def load(
    folder: FilePath,
    env: str,
    given: GivenValues = NO_VALUES,
    header: Mapping[str, str] | None = None,
) -> tuple[Document | None, list[Finding]]:
    """The params of one environment with the values of the command line; None where a file cannot
    be read as a map. `header` has other values for keys at the top of the file, such as another
    region."""
    env_path = folder / f"{env}.yaml"
    base, own = _read_files(folder, env_path)
    if not isinstance(base.data, dict) or not isinstance(own.data, dict):
        return None, [*base.findings, *own.findings, *_find_name_problems(env, env_path)]
    merged = merge_files(base, own)
    findings = [*merged.findings, *_find_name_problems(env, env_path)]
    places, nulls = merged.places, merged.nulls
    full = f"{env}-{given.preview}" if given.preview else env
    document = Document(full, str(env_path), merged.data | {**(header or {})}, places, given=given)
    reported = {finding.path for finding in findings}
    for name in [path[1] for path in nulls if path[0] == "stacks" and len(path) == 2]:
        if (path := ("stacks", name)) not in reported:
            message = f"The stack `{name}` has no params"
            hint = f"Write `{name}: {{}}` for a stack that has its defaults only."
            findings.append(Finding("M1114", "error", places[path], path, message, hint))
    findings += find_unused_variables(document, given, folder)
    document, more = set_images(document, given)
    findings += more
    document = replace(document, given_by_stack=assign_to_stacks(given, document.data))
    document, more = interpolate(document, given)
    findings += more
    broken = (
        document.broken
        | merged.broken
        | frozenset(
            finding.path
            for finding in findings
            if finding.path and _is_unreadable(document.data, finding.path)
        )
    )
    read = partial(read_text_file, folder)
    return replace(document, broken=broken, nulls=nulls - broken, read=read), findings


def _read_files(folder: FilePath, own: FilePath) -> tuple[File, File]:
    """The base file, which can be missing, and the file of an environment."""
    base = folder / f"{BASE}.yaml"
    return _read_params(base) if base.exists() else File({}, {}, ()), _read_params(own)


def _find_name_problems(env: str, file: FilePath) -> Iterator[Finding]:
    if not NAME.fullmatch(env):
        hint = "Rename the file to lower-case letters, digits and single hyphens, as in `dev.yaml`."
        message = f"`{env}` cannot be the name of an environment"
        yield Finding("M1007", "error", Place(str(file), 1), (), message, hint)


def _read_params(path: FilePath) -> File:
    if not leads_outside(path.parent, path.name):
        return read_yaml(path)
    message = "The file is a link to a file outside the folder of the params"
    hint = "Put the file itself into the folder."
    place = Place(str(path), 1)
    return File(None, {}, (Finding("M1011", "error", place, (), message, hint),))


def read_text_file(folder: FilePath, name: str) -> TextFile:
    """A file that params name, relative to their folder. Lines end with a line feed.

    Raises the error of a params field if the file cannot be read.
    """
    path = folder / name
    hint = f"Name a text file below `{folder}`, such as `nginx/web.conf`."
    if FilePath(name).is_absolute():
        raise wrong("M1009", f"{shown(name)} is an absolute path, of this machine only", hint)
    try:
        content = read_named_file(folder, name, 4 * _MAX_CHARACTERS)
        text = io.StringIO(content.decode(), newline=None).read()
    except FileRefusedError as error:
        raise wrong(error.code, f"{shown(path)} {error.message}", hint) from None
    except (UnicodeDecodeError, ValueError):
        raise wrong("M1001", f"{shown(path)} is not UTF-8 text", "Save it as UTF-8.") from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise wrong("M1001", f"{shown(path)} cannot be read: {reason}", hint) from None
    if len(text) > _MAX_CHARACTERS:
        message = f"{shown(path)} has {len(text):,} characters, more than a template can have"
        raise wrong("M1010", message, f"Name a file of at most {_MAX_CHARACTERS:,} characters.")
    return TextFile(path.as_posix(), text)


def _is_unreadable(data: Any, path: Path) -> bool:
    """Whether there is no value at a path, or a text with a `${...}` that has no value."""
    for step in path:
        try:
            data = data[step]
        except (KeyError, IndexError, TypeError):
            return True
    return data is None or (isinstance(data, str) and "${" in data)
