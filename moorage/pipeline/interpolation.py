"""Replaces `${name}` in the texts of the params.

Names are `env`, `app`, `region` and `account`, and the variables below `vars:`. A text that is
nothing but `${name}` becomes the variable's value with its type: `cpu: ${cpu}` is a number.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from moorage.findings.finding import Finding, Path
from moorage.findings.wording import near
from moorage.model import VARIABLE_NAME, GivenValues
from moorage.pipeline.document import Document, sort_keys
from moorage.pipeline.limits import LIMIT_CODE
from moorage.pipeline.variables import (
    HEADER_NAMES,
    REFERENCE,
    RESERVED,
    VARS,
    declared_variables,
    explain_unusable,
    read_given,
)

_MISSING = object()
_MAX_LEVELS = 32
"""How many variables can contain each other, each inside of the one before."""
_MAX_ADDED = 1024 * 1024
"""How many characters the values of variables can add to the params: 20 variables that contain the
next one twice would have a million times the length of the last one."""


def interpolate(document: Document, given: GivenValues) -> tuple[Document, list[Finding]]:
    """The document with `${...}` replaced. `vars` of its data has the values that apply.

    `broken` has the paths of values that are not known because of a finding here.
    """
    filler = _Filler(document, given)
    header = {name: filler.fill_header(name) for name in HEADER_NAMES if name in document.data}
    rest = {key: value for key, value in document.data.items() if key not in header}
    data = {key: filler.fill(value, (key,)) for key, value in rest.items() if key != VARS}
    variables = {name: filler.fill_variable(name) for name in filler.variables}
    if variables or VARS in rest:
        data[VARS] = variables or rest[VARS]
    broken = document.broken | filler.broken
    return replace(document, data=sort_keys(header | data), broken=broken), filler.findings


class _Filler:
    """Replaces `${...}`, and fills in the value of a name when it is first used."""

    def __init__(self, document: Document, given: GivenValues) -> None:
        self._document = document
        self.findings: list[Finding] = []
        self.broken: set[Path] = set()
        self._declared = declared_variables(document.data)
        self._names = sorted({*RESERVED, *map(str, self._declared)})
        self.variables = self._declared | read_given(given, self._declared)
        self._values: dict[str, Any] = {"env": document.env}
        self._open: list[str] = []
        """The names whose values are being filled in, each inside of the one before."""
        self._added = 0
        self._limits: set[str] = set()
        """The limits that were reported."""
        self._without_value: set[str] = set()
        """The names below `vars:` without a value that were reported."""
        for name, value in self.variables.items():
            if problem := explain_unusable(name, value):
                self._report("M1014", (VARS, name), *problem)

    def fill(self, value: Any, path: Path) -> Any:
        """A value of the params with `${...}` replaced in all texts of it."""
        if isinstance(value, dict):
            return {key: self.fill(item, (*path, key)) for key, item in value.items()}
        if isinstance(value, list):
            return [self.fill(item, (*path, at)) for at, item in enumerate(value)]
        if not isinstance(value, str):
            return value
        whole = REFERENCE.fullmatch(value)
        if whole and not whole[1]:
            result = self._look_up(whole[2], path)
            return value if result is _MISSING else result
        return REFERENCE.sub(lambda match: self._replace(match, path), value)

    def fill_header(self, name: str) -> Any:
        """The value of `app`, `region` or `account`, as it is written apart from `${...}`."""
        value = self._look_up(name, (name,))
        written = self._document.data[name]
        return value if isinstance(written, str) and value is not _MISSING else written

    def fill_variable(self, name: str) -> Any:
        """The value of a variable, as it is written where it has none."""
        value = self._look_up(name, (VARS, name))
        return self.variables[name] if value is _MISSING else value

    def _replace(self, match: re.Match[str], path: Path) -> str:
        escaped, name = match.groups()
        if escaped:
            return "${" + name + "}"
        value = self._look_up(name, path)
        return match.group() if value is _MISSING else _as_text(value)

    def _look_up(self, name: str, path: Path) -> Any:
        """The value of a name that the value at a path uses; _MISSING where it has none."""
        if name in self._open:
            circle = " -> ".join([*self._open[self._open.index(name) :], name])
            hint = "Write a value in place of one of these names."
            self._report("M1013", path, f"`${{{name}}}` contains itself: {circle}", hint)
            return _MISSING
        if name not in self._values:
            if len(self._open) == _MAX_LEVELS:
                return self._refuse(path, f"contain each other over more than {_MAX_LEVELS} levels")
            self._values[name] = self._find(name)
        value = self._values[name]
        if value is not _MISSING:
            self._added += len(_as_text(value))
            if self._added > _MAX_ADDED:
                return self._refuse(path, f"add more than {_MAX_ADDED:,} characters to the params")
        else:
            self.broken.add(path)
            if not self._exists(name) and name not in self._without_value:
                self._report("M1005", path, *self._explain_unknown(name))
                if self._is_declared(name):
                    self._without_value.add(name)
        return value

    def _exists(self, name: str) -> bool:
        return name in self.variables or (name in HEADER_NAMES and name in self._document.data)

    def _is_declared(self, name: str) -> bool:
        """Whether the name is below `vars:`, perhaps without a value."""
        return (VARS, name) in self._document.places

    def _find(self, name: str) -> Any:
        is_header = name in HEADER_NAMES
        own: Path = (name,) if is_header else (VARS, name)
        if not self._exists(name) or own in self.broken:
            return _MISSING
        self._open.append(name)
        value = self.fill(self._document.data[name] if is_header else self.variables[name], own)
        self._open.pop()
        if own in self.broken:
            return _MISSING
        return str(value) if is_header else value

    def _explain_unknown(self, name: str) -> tuple[str, str]:
        """Message and hint for a name that has no value."""
        message = f"`${{{name}}}` has no value"
        if name in HEADER_NAMES:
            return message, f"Add `{name}:` at the top of the params."
        if self._is_declared(name):
            return message, f"Give it with `--set {name}=...`, or write a value below `vars:`."
        literal = f"`$${{{name}}}` for the text `${{{name}}}`"
        if meant := _guess_name(name, self._names):
            return message, f"Write `${{{meant}}}`, or {literal}."
        if VARIABLE_NAME.fullmatch(name):
            add = f"Add `{name}:` below `vars:`, or give it with `--set {name}=...`"
            return message, f"{add}. Write {literal}."
        return message, f"Write the value itself, or {literal}."

    def _refuse(self, path: Path, problem: str) -> Any:
        """No value, and a finding for the first place where the variables exceed a limit."""
        self.broken.add(path)
        if problem not in self._limits:
            self._limits.add(problem)
            hint = "Write some of the values in place of their names."
            self._report(LIMIT_CODE, path, f"The variables {problem}", hint)
        return _MISSING

    def _report(self, code: str, path: Path, message: str, hint: str) -> None:
        self.broken.add(path)
        place = self._document.place(path)
        self.findings.append(Finding(code, "error", place, path, message, hint))


def _as_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _guess_name(name: str, existing: list[str]) -> str:
    """The most likely name: similar to the given one, or to one of its words.

    >>> names = ["account", "app", "env", "region"]
    >>> [_guess_name(name, names) for name in ("environment", "AWS::AccountId", "IMAGE_TAG")]
    ['env', 'account', '']
    """
    words = re.findall(r"[A-Z]?[a-z]+|[A-Z]+", name)
    words = [_SYNONYMS.get(word.lower(), word) for word in words]
    for word in reversed((*words, name)):
        if meant := near(word, existing):
            return meant
    return ""


_SYNONYMS = {"stage": "env", "application": "app", "project": "app"}
"""Words of other tools, such as the Serverless Framework and CodeBuild, for names of params."""
