"""`${...}` in texts of the params."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import Any

from moorage.findings.finding import Finding, Path
from moorage.pipeline.document import Document, ordered

_REFERENCE = re.compile(r"\$(\$?)\{([^}]*)\}")


_HEADER = ("app", "region", "account")


def interpolated(document: Document) -> tuple[Document, list[Finding]]:
    """`${...}` replaced in every string; app, region and account can only use `${env}`."""
    findings: list[Finding] = []

    def filled(value: Any, path: Path, names: Mapping[str, str], known: tuple[str, ...]) -> Any:
        if isinstance(value, dict):
            return {key: filled(item, (*path, key), names, known) for key, item in value.items()}
        if isinstance(value, list):
            return [filled(item, (*path, at), names, known) for at, item in enumerate(value)]
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
    own = {key: document.data[key] for key in _HEADER if key in document.data}
    header = {key: filled(value, (key,), env, ()) for key, value in own.items()}
    names = env | {key: str(value) for key, value in header.items()}
    rest = {key: value for key, value in document.data.items() if key not in header}
    data = ordered(header | filled(rest, (), names, _HEADER))
    return Document(document.env, document.file, data, document.places), findings


def _unknown_name(name: str, names: Mapping[str, str], known: tuple[str, ...]) -> tuple[str, str]:
    if name in known:
        return f"`${{{name}}}` has no value", f"Add `{name}:` at the top of the params."
    near = difflib.get_close_matches(name, [*names, *known], n=1)
    choices = ", ".join(f"`${{{one}}}`" for one in (near or sorted({*names, *known})))
    return (
        f"`${{{name}}}` does not exist",
        f"Use {choices}, or write `$${{{name}}}` for a plain `${{{name}}}`.",
    )
