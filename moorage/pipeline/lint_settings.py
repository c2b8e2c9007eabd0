"""The settings of cfn-lint (`.cfnlintrc`), which also switch off Moorage's rules: `ignore_checks`.

Those of the current folder count, as for cfn-lint; without them, those of the nearest folder above
the template.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from moorage.findings.finding import Finding, Level, Place

NAME = ".cfnlintrc"
_NAMES = (NAME, f"{NAME}.yaml", f"{NAME}.yml")
_MAX_SIZE = 1_000_000


class SettingsError(Exception):
    """cfn-lint does not accept its settings. The text says why."""


@dataclass(frozen=True)
class LintSettings:
    """A file with settings, or none."""

    file: str = NAME
    text: str | None = None
    """None if there is no file."""
    is_elsewhere: bool = False
    """Whether cfn-lint does not find the file itself, because it is not in the current folder."""
    folder: str = ""
    """The current folder, to which the paths in the settings are relative; empty if there are no
    settings, so that these are equal in all folders."""
    ignores: bool = True
    """Whether `ignore_checks` counts."""

    @property
    def ignored(self) -> dict[str, int]:
        """The ids in `ignore_checks`, or beginnings of ids, with their lines."""
        try:
            settings = yaml.safe_load(self.text or "")
        except (yaml.YAMLError, ValueError, RecursionError):
            return {}  # which cfn-lint reports
        ids = settings.get("ignore_checks") if isinstance(settings, dict) else None
        texts = [name for name in ids if isinstance(name, str)] if isinstance(ids, list) else []
        return {name: self._line_of(name) for name in texts}

    def _line_of(self, name: str) -> int:
        word = re.compile(rf"(?<!\w){re.escape(name)}(?!\w)")
        lines = (self.text or "").splitlines()
        return next((line for line, text in enumerate(lines, 1) if word.search(text)), 1)


def find_settings(template: str | Path = "") -> LintSettings:
    """The settings for a template; those of the current folder for an empty path."""
    here = Path.cwd()
    above = Path(os.path.abspath(template)).parents if str(template) else ()
    for folder in (here, *above):
        for name in _NAMES:
            path = folder / name
            if path.is_file() and path.stat().st_size < _MAX_SIZE:
                text = path.read_text(encoding="utf-8", errors="replace")
                shown = os.path.relpath(path)
                return LintSettings(shown, text, folder != here, str(here))
    return LintSettings(folder=str(here) if _is_set_at_home() else "")


def _is_set_at_home() -> bool:
    """Whether cfn-lint also reads settings in the home folder, with paths from the current one."""
    try:
        home = Path.home()
    except RuntimeError:  # it is not known
        return True
    return any((home / name).exists() for name in _NAMES)


def find_unknown(settings: LintSettings, known: Collection[str]) -> Iterator[Finding]:
    """A finding for each id that is switched off, and that no rule has."""
    for name, line in settings.ignored.items():
        if not any(code.startswith(name) for code in known):
            near = difflib.get_close_matches(name, sorted(known), n=1)
            meant = f"Did you mean `{near[0]}`? " if near else ""
            message = f"`ignore_checks` has `{name}`, which no rule of cfn-lint or Moorage has"
            hint = f"{meant}`moorage rules` lists the rules. Correct or remove the id."
            yield _finding("M1025", "warning", settings, line, message, hint)


def find_unused(
    settings: LintSettings, known: Collection[str], found: Collection[str]
) -> Iterator[Finding]:
    """A finding for each rule that is switched off although it would find nothing. `found` are the
    codes of all findings without `ignore_checks`."""
    for name, line in settings.ignored.items():
        exists = any(code.startswith(name) for code in known)
        if exists and not any(code.startswith(name) for code in found):
            message = f"`ignore_checks` has `{name}`, but nothing that was checked has that finding"
            hint = "Remove the id, unless other templates need it."
            yield _finding("M1026", "info", settings, line, message, hint)


def _finding(
    code: str, level: Level, settings: LintSettings, line: int, message: str, hint: str
) -> Finding:
    return Finding(code, level, Place(settings.file, line), ("ignore_checks",), message, hint)
