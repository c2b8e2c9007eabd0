"""Secrets in params: reports those in plain text, and hides them in findings about params and
templates."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from moorage.facts.secret_values import (
    HIDDEN,
    find_assigned_secrets,
    find_in_command,
    has_secret_value,
    is_plain_secret,
    may_hold_secret,
)
from moorage.findings.finding import Finding, Path
from moorage.pipeline.document import Document
from moorage.pipeline.variables import VARS
from moorage.records import record

_MAX_SHOWN = 100
"""Messages show at least this many characters of a longer text."""
_LONG = 6
"""Shorter secrets can be parts of other words by chance, so they are replaced as whole words."""
_COMMANDS = ("command", "entry_point", "Command", "EntryPoint")
_SETTINGS = ("environment", "docker_labels", "options", "args", "DockerLabels", "Options")
_NAMES = ("name", "Name", "key", "Key")
_VALUES = ("value", "Value")
_MAPS_OF_SECRETS = ("secrets", "secret_options", "credentials", "passwords", "tokens")
_REFERENCE = re.compile(r"(?:ssm|secretsmanager)(?::.*)?|arn:[a-z-]+:.*", re.DOTALL)
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*:\S+")
_READABLE = "and its value can be read in the template"


# Findings about secrets ------------------------------------------------------------------------


def find_plain_secrets(document: Document) -> Iterator[Finding]:
    """A finding for each secret that is written in plain text."""
    for path, message, hint in _plain_secrets(document.data, (), frozenset()):
        yield Finding("M1208", "error", document.place(path), path, message, hint)


def _plain_secrets(
    value: Any, path: Path, excepted: frozenset[str]
) -> Iterator[tuple[Path, str, str]]:
    """Path, message and hint of each secret that is not among the excepted names."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _plain_secrets(item, (*path, index), excepted)
    elif isinstance(value, Mapping):
        name = _first(value, _NAMES)
        if isinstance(name, str) and _is_secret_setting(name, _first(value, _VALUES)):
            yield path, *_describe_setting("environment", name)
            return
        listed = value.get("not_secret")
        if isinstance(listed, list):
            excepted |= {item for item in listed if isinstance(item, str)}
        for key, item in value.items():
            yield from _plain_secrets_below(key, item, (*path, key), excepted)
    elif isinstance(value, str) and has_secret_value(value):
        message = "The value looks like a secret, and it can be read in the template"
        hint = "Store it in Secrets Manager or Parameter Store, and refer to it there."
        yield path, message, hint


def _plain_secrets_below(
    key: str, value: Any, path: Path, excepted: frozenset[str]
) -> Iterator[tuple[Path, str, str]]:
    if (key in _SETTINGS or path == (VARS,)) and isinstance(value, Mapping):
        for name, item in value.items():
            if name not in excepted and _is_secret_setting(name, item):
                yield (*path, name), *_describe_setting(key, name)
    elif key == "Environment" and isinstance(value, Mapping):  # of overrides, by name
        for name, item in value.items():
            if isinstance(item, Mapping) and _is_secret_setting(name, _first(item, _VALUES)):
                yield (*path, name), *_describe_setting("environment", name)
    elif key in _COMMANDS and (words := _words(value)):
        names = {index: name for index, name, _ in find_in_command(words)}
        for index, name in names.items():
            if name not in excepted:
                word_path: Path = (*path, index) if isinstance(value, list) else path
                yield word_path, *_describe_argument(name)
    else:
        yield from _plain_secrets(value, path, excepted)


def _is_secret_setting(name: object, value: Any) -> bool:
    """Whether the value of a setting is a secret."""
    is_text = isinstance(value, str | int | float) and not isinstance(value, bool)
    return is_text and is_plain_secret(str(name), str(value))


def _describe_setting(kind: str, name: str) -> tuple[str, str]:
    message = f"`{name}` looks like a secret, {_READABLE}"
    unless = f", or write `not_secret: [{name}]` if it is not a secret."
    if kind == "environment":
        return message, f"Store the secret and write `secrets: {{{name}: ssm:/path/name}}`{unless}"
    if kind == VARS:
        return message, "Store the secret, and refer to it in `secrets:` of the container."
    if kind == "args":
        message = f"`{name}` looks like a secret, and its value can be read in the image"
        places = f"`secrets: {{npm: env:{name}}}` below `build:` of a container"
        return (
            message,
            f"Write {places}, or `mounts: {{npm: {name}}}` in a stack of `codebuild`{unless}",
        )
    if kind == "options":
        return message, f"Store the secret and write `secret_options: {{{name}: ssm:/path/name}}`."
    return message, f"Remove it{unless}"


def _describe_argument(name: str) -> tuple[str, str]:
    hint = "Store the secret, refer to it in `secrets:`, and let the program read that variable"
    if not name:
        return "A word of the command looks like a secret, which the template shows", f"{hint}."
    message = f"The value of `{name}` looks like a secret, and it can be read in the template"
    return message, f"{hint}, or write `not_secret: [{name}]` if it is not a secret."


# Findings without secrets ----------------------------------------------------------------------


@record
class _Secret:
    path: Path
    text: str


def hide_secrets(findings: Iterable[Finding], data: Any) -> list[Finding]:
    """The findings about params, or about a template, with `***` in place of each value of it that
    could be a secret."""
    originals = list(findings)
    secrets = [secret for secret in _secrets(data, ()) if secret.text not in (HIDDEN, "")]
    if not originals or not secrets:
        return originals
    values = _Values(secrets)
    return [
        replace(
            finding,
            message=values.hide(finding.message, finding.path),
            hint=values.hide(finding.hint, finding.path),
        )
        for finding in originals
    ]


class _Values:
    """Values to hide. Since there can be many, a text is searched for those that it contains."""

    def __init__(self, secrets: Iterable[_Secret]) -> None:
        paths: dict[str, list[Path]] = {}
        for secret in secrets:
            paths.setdefault(secret.text, []).append(secret.path)
        self._short = {value: _Paths(at) for value, at in paths.items() if len(value) < _LONG}
        long = [form for value in paths if value not in self._short for form in _forms(value)]
        # The longest is replaced first: another one can be a part of it.
        self._texts = sorted(dict.fromkeys([*long, *self._short]), key=len, reverse=True)
        self._ranks = {text: rank for rank, text in enumerate(self._texts)}
        self._lengths: dict[str, set[int]] = {}
        """The lengths of the forms that begin with the same characters."""
        for form in long:
            self._lengths.setdefault(form[:_LONG], set()).add(len(form))

    def hide(self, text: str, path: Path) -> str:
        """The text of a finding about a path without the values."""
        last = -1
        while later := [rank for rank in self._find(text, path) if rank > last]:
            last = min(later)
            text = _without(text, self._texts[last])
        return text

    def _find(self, text: str, path: Path) -> Iterator[int]:
        """The ranks of what a text may contain."""
        for at in range(len(text) - _LONG + 1):
            for length in self._lengths.get(text[at : at + _LONG], ()):
                form = text[at : at + length]
                if form in self._ranks:
                    yield self._ranks[form]
        for length in range(1, _LONG) if self._short else ():
            for part in {text[at : at + length] for at in range(len(text))} & self._short.keys():
                if self._short[part].are_near(path):
                    yield self._ranks[part]


def _without(text: str, value: str) -> str:
    if len(value) < _LONG:
        return re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", HIDDEN, text)
    return text.replace(value, HIDDEN)


def _forms(value: str) -> tuple[str, ...]:
    """What a value looks like in messages."""
    forms = (value, json.dumps(value)[1:-1], repr(value)[1:-1])
    return (*forms, *(form[:_MAX_SHOWN] for form in forms))


class _Paths:
    """The paths of a value, which is hidden only in findings about it or what is around it."""

    def __init__(self, paths: Iterable[Path]) -> None:
        self._around = {path[:-1] for path in paths}
        self._beginnings = {path[:end] for path in paths for end in range(len(path) + 1)}

    def are_near(self, path: Path) -> bool:
        """Whether the path is inside of the map or list of one of them, or contains one of them."""
        return path in self._beginnings or any(
            path[:end] in self._around for end in range(len(path) + 1)
        )


def _secrets(value: Any, path: Path) -> Iterator[_Secret]:
    """The values that could be secrets, by the names of their keys or by options before them."""
    if isinstance(value, Mapping):
        name, value_of_name = _first(value, _NAMES), _first(value, _VALUES)
        if isinstance(name, str) and may_hold_secret(name):
            values = value_of_name if isinstance(value_of_name, list) else [value_of_name]
            yield from (_Secret(path, str(text)) for text in values if _is_secret_text(text))
        for key, item in value.items():
            yield from _secrets(item, (*path, key))
    elif isinstance(value, list):
        words = [item if isinstance(item, str) else "" for item in value]
        yield from (_Secret(path, text) for _, _, text in find_in_command(words))
        for index, item in enumerate(value):
            yield from _secrets(item, (*path, index))
    elif _is_secret_text(value):
        if _may_hold_secret(path):
            yield _Secret(path, str(value))
        elif isinstance(value, str):
            yield from (_Secret(path, text) for _, _, text in find_in_command([value]))
            if match := _VARIABLE.fullmatch(value):  # a colon without a space after it
                yield from (_Secret(path, text) for text in find_assigned_secrets(match[0]))


def _may_hold_secret(path: Path) -> bool:
    names = [step for step in path if isinstance(step, str)]
    if path[:1] == ("stacks",) and path[2:3] == ("uses",):
        return False  # names of stacks, accesses and variables
    if not names or names[-1] in ("not_secret", *_NAMES):
        return False
    if names[-1] in _VALUES and len(names) > 1 and may_hold_secret(names[-2]):
        return True  # of an override, by the name of the variable
    below_stacks = len(path) == 3 and path[0] == "stacks"  # a stack can be named `secrets`
    around = names[-2:-1] if not below_stacks else []
    return may_hold_secret(names[-1]) or any(name in _MAPS_OF_SECRETS for name in around)


def _is_secret_text(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return False
    return _REFERENCE.fullmatch(str(value)) is None


# Helpers ---------------------------------------------------------------------------------------


def _first(value: Mapping[str, Any], keys: Iterable[str]) -> Any:
    return next((value[key] for key in keys if key in value), None)


def _words(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [str(item) for item in value] if isinstance(value, list) else []
