"""The variables of the params: declared by `vars:`, given by `--set`, used as `${name}`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path as FilePath
from typing import Any

from moorage.findings.finding import Finding, Path
from moorage.findings.wording import near, shown
from moorage.model import NO_VALUES, VARIABLE_NAME, GivenValues
from moorage.pipeline.document import Document
from moorage.pipeline.limits import PARAMS, LimitError, read_bytes
from moorage.pipeline.yaml_file import read_scalar

REFERENCE = re.compile(r"\$(\$?)\{([^}]{0,256}+)\}")
"""`${name}`, or the text `${name}` itself if it begins with two dollar signs."""
HEADER_NAMES = ("app", "region", "account")
RESERVED = ("env", *HEADER_NAMES)
"""Names that are not variables: the environment's name and keys at the top of the params."""
VARS = "vars"


def declared_variables(data: Mapping[str, Any]) -> dict[str, Any]:
    """What `vars:` has. Where it is not a map, validation says so."""
    written = data.get(VARS)
    return dict(written) if isinstance(written, dict) else {}


def read_given(given: GivenValues, declared: Mapping[str, Any]) -> dict[str, Any]:
    """The values of `--set`, read as YAML reads them, or as text where the declared value is."""
    return {
        name: text if isinstance(declared.get(name), str) else read_scalar(text)
        for name, text in given.variables.items()
    }


def explain_unusable(name: Any, value: Any) -> tuple[str, str] | None:
    """Message and hint if a variable of `vars:` cannot be used."""
    if name in RESERVED:
        hint = f"Rename the variable: `${{{name}}}` is the `{name}` of the environment."
        return f"`{name}` cannot be the name of a variable", hint
    if not isinstance(name, str) or not VARIABLE_NAME.fullmatch(name):
        hint = "Use letters, digits, `_` and `-`, and begin with a letter."
        return f"{shown(name)} cannot be the name of a variable", hint
    if isinstance(value, dict | list):
        kind = "map" if isinstance(value, dict) else "list"
        return f"The value of `{name}` is a {kind}", "Write a text, a number, `true` or `false`."
    return None


def find_unused_variables(
    document: Document, given: GivenValues, folder: FilePath
) -> Iterator[Finding]:
    """A finding for each variable that no value of an environment uses.

    It is an error if only the command line has it: a misspelled `--set` would deploy another value
    than the one that was meant. A variable of `base.yaml` may be for other environments.
    """
    declared = declared_variables(document.data)
    used = find_references([document.data, dict(given.variables)])
    known = sorted({*used, *map(str, declared)} - {*RESERVED})
    for name in sorted({*declared, *given.variables} - used, key=str):
        path: Path = (VARS, name)
        place = document.place(path)
        if explain_unusable(name, declared.get(name)):
            continue
        if name not in declared:
            message = f"`--set {name}` has no effect: no value uses `${{{name}}}`"
            meant = near(name, known)
            hint = f"Did you mean `--set {meant}`?" if meant else "Remove it."
            yield Finding("M1015", "error", place, path, message, hint)
        elif place.file == document.file or not _is_used_in(folder, str(name)):
            message = f"No value uses the variable `{name}`"
            hint = f"Write `${{{name}}}` where its value belongs, or remove it."
            yield Finding("M1015", "warning", place, path, message, hint)


def assign_to_stacks(given: GivenValues, data: Mapping[str, Any]) -> dict[str, GivenValues]:
    """The values of the command line that each stack depends on."""
    if given == NO_VALUES:
        return {}
    values = declared_variables(data) | dict(given.variables)
    everywhere = {key: value for key, value in data.items() if key not in (VARS, "stacks")}
    shared = _close(find_references(everywhere), values)
    stacks = data.get("stacks")
    result = {}
    for name, entry in stacks.items() if isinstance(stacks, dict) else ():
        used = shared | _close(find_references(entry), values)
        variables = {key: text for key, text in given.variables.items() if key in used}
        images = {
            target: image
            for target, image in given.images.items()
            if target.partition("/")[0] == name
        }
        result[name] = GivenValues(variables, images)
    return result


def _close(names: set[str], values: Mapping[str, Any]) -> set[str]:
    """The names, and those that the values of variables among them refer to."""
    known: set[str] = set()
    while names:
        known |= names
        names = find_references([values[name] for name in names if name in values]) - known
    return known


def find_references(value: Any) -> set[str]:
    """The names that texts of a value refer to."""
    if isinstance(value, dict):
        return set().union(*map(find_references, value.values()))
    if isinstance(value, list):
        return set().union(*map(find_references, value))
    if not isinstance(value, str):
        return set()
    return {match[2] for match in REFERENCE.finditer(value) if not match[1]}


def _is_used_in(folder: FilePath, name: str) -> bool:
    """Whether any file of params in a folder refers to a variable."""
    return any(f"${{{name}}}" in _read_text(path) for path in sorted(folder.glob("*.yaml")))


def _read_text(path: FilePath) -> str:
    try:
        return read_bytes(path, PARAMS).decode(errors="replace")
    except (LimitError, OSError):  # a build of that environment says so
        return ""
