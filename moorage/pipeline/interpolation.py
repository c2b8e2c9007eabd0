"""Replaces `${env}`, `${app}`, `${region}` and `${account}` in the texts of the params."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from moorage.findings.finding import Finding, Path
from moorage.findings.wording import near
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
    header_values = {key: document.data[key] for key in _HEADER if key in document.data}
    header = {key: fill(value, (key,), env, ()) for key, value in header_values.items()}
    names = env | {key: str(value) for key, value in header.items()}
    rest = {key: value for key, value in document.data.items() if key not in header}
    data = sort_keys(header | fill(rest, (), names, _HEADER))
    return replace(document, data=data), findings


def _unknown_name(name: str, names: Mapping[str, str], known: tuple[str, ...]) -> tuple[str, str]:
    """Message and hint. `known` are the names that can have a value."""
    if name in known:
        return f"`${{{name}}}` has no value", f"Add `{name}:` at the top of the params."
    existing = sorted({*names, *known})
    *others, last = (f"`${{{choice}}}`" for choice in existing)
    choices = f"{', '.join(others)} and {last}" if others else last
    message = f"`${{{name}}}` does not exist: there is only {choices} here"
    guess = _guess_name(name, existing)
    write = f"Write `${{{guess}}}`" if guess else "Write the value itself"
    return message, f"{write}, or `$${{{name}}}` for the text `${{{name}}}`."


def _guess_name(name: str, existing: list[str]) -> str:
    """The most likely name: similar to the given one, or to one of its words.

    >>> names = ["account", "app", "env", "region"]
    >>> _meant("environment", names), _meant("AWS::AccountId", names), _meant("IMAGE_TAG", names)
    ('env', 'account', '')
    """
    words = re.findall(r"[A-Z]?[a-z]+|[A-Z]+", name)
    words = [_SYNONYMS.get(word.lower(), word) for word in words]
    for word in reversed(words):
        if guess := near(word, existing):
            return guess
    return ""


_SYNONYMS = {"stage": "env", "application": "app", "project": "app"}
"""Words of other tools, such as the Serverless Framework and CodeBuild, for names of params."""
