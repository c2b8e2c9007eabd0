"""Replaces `${env}`, `${app}`, `${region}` and `${account}` in the texts of the params."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from moorage.findings.finding import Finding, Path
from moorage.pipeline.document import Document, sort_keys

_REFERENCE = re.compile(r"\$(\$?)\{([^}]{0,256}+)\}")


_HEADER = ("app", "region", "account")


def interpolate(document: Document) -> tuple[Document, list[Finding]]:
    """The document with `${...}` replaced. `app`, `region` and `account` know `${env}` only."""
    findings: list[Finding] = []

    def fill(value: Any, path: Path, names: Mapping[str, str], known: tuple[str, ...]) -> Any:
        if isinstance(value, dict):
            return {key: fill(item, (*path, key), names, known) for key, item in value.items()}
        if isinstance(value, list):
            return [fill(item, (*path, at), names, known) for at, item in enumerate(value)]
        if not isinstance(value, str):
            return value

        def replacement(match: re.Match[str]) -> str:
            escaped, name = match.groups()
            if not escaped and name not in names:
                message, hint = _unknown_name(name, names, known)
                place = document.place(path)
                findings.append(Finding("M1005", "error", place, path, message, hint))
            return "${" + name + "}" if escaped else names.get(name, match.group())

        return _REFERENCE.sub(replacement, value)

    env = {"env": document.env}
    written = {key: document.data[key] for key in _HEADER if key in document.data}
    header = {key: fill(value, (key,), env, ()) for key, value in written.items()}
    names = env | {key: str(value) for key, value in header.items()}
    rest = {key: value for key, value in document.data.items() if key not in header}
    data = sort_keys(header | fill(rest, (), names, _HEADER))
    return replace(document, data=data), findings


def _unknown_name(name: str, names: Mapping[str, str], known: tuple[str, ...]) -> tuple[str, str]:
    if name in known:
        return f"`${{{name}}}` has no value", f"Add `{name}:` at the top of the params."
    near = difflib.get_close_matches(name, [*names, *known], n=1)
    choices = " or ".join(f"`${{{choice}}}`" for choice in (near or sorted({*names, *known})))
    hint = f"Write {choices}, or `$${{{name}}}` for the text `${{{name}}}` itself."
    return f"`${{{name}}}` does not exist", hint
