"""The settings of cfn-lint (`.cfnlintrc`), which also switch off Moorage's rules: `ignore_checks`.

Those of the current folder count, as for cfn-lint; without them, those of the nearest folder above
the template.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple

import yaml

from moorage.findings.finding import Finding, Level, Place
from moorage.records import record

NAME = ".cfnlintrc"
NAMES = (NAME, f"{NAME}.yaml", f"{NAME}.yml")
_MAX_SIZE = 1_000_000
_RULES = {"append_rules"}
_OWN_RULES = "moorage.rules"
_UNREADABLE = "\ufffd"
"""The character that replaces bytes that are not valid UTF-8."""
_WITHOUT_FILES = frozenset(
    {
        *("configure_rules", "format", "ignore_bad_template", "ignore_checks", "ignore_templates"),
        *("include_checks", "include_experimental", "mandatory_checks", "merge_configs"),
        *("regions", "templates"),
    }
)
"""The keys of settings that name no file which cfn-lint reads, or none that Moorage does not give
it itself (cfn-lint's README, "Config file")."""


class Description(NamedTuple):
    """What settings mean for cfn-lint."""

    ignored: tuple[str, ...]
    """The ids that they switch off, or beginnings of ids."""
    ids: tuple[str, ...]
    """The ids of all rules, Moorage's and those that they add included."""


class SettingsError(Exception):
    """cfn-lint does not accept its settings. The text says why."""


@record
class LintSettings:
    """A file with settings, or none."""

    file: str = NAME
    text: str | None = None
    """None if there is no file."""
    is_only: bool = False
    """Whether cfn-lint must read no other file than this one: it is outside of the current folder,
    or the home folder cannot be used."""
    folder: str = ""
    """The current folder, to which the paths in the settings are relative; empty if there are no
    settings, so that these are equal in all folders."""
    ignores: bool = True
    """Whether `ignore_checks` counts."""
    home: str | None = None
    """The text of the settings in the home folder, which count as well unless `is_only`."""
    is_whole: bool = True
    """False if cfn-lint reads a file with settings that is not read here."""

    @property
    def texts(self) -> tuple[str, ...]:
        """All that cfn-lint reads."""
        return tuple(text for text in (self.text, self.home) if text is not None)

    @property
    def decide_alone(self) -> bool:
        """Whether what cfn-lint does depends on these texts alone, and on no file that they
        name."""
        return self.is_whole and all(_names_no_file(text) for text in self.texts)

    @property
    def may_change_others(self) -> bool:
        """Whether cfn-lint, once it has read these settings, may find something else with others,
        too, in the same process: both keys change its schemas."""
        keys = ("override_spec", "registry_schemas")
        return not self.is_whole or any(key in text for text in self.texts for key in keys)

    @property
    def may_add_rules(self) -> bool:
        """Whether cfn-lint may apply more rules than its own with these settings."""
        return not self.is_whole or any(key in text for text in self.texts for key in _RULES)

    @property
    def is_current(self) -> bool:
        """Whether the files still have these texts."""
        if self.text is None:
            text = next(map(_read, _files_in(Path(self.folder))), None)
        else:
            file = Path(self.folder, self.file)
            text = _read(file) if file.is_file() else None
        return text == self.text and _read_home().text == self.home

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
    home = _read_home()
    is_whole = home.is_whole
    for folder in (here, *above):
        for path in _files_in(folder):
            text = _read(path)
            is_whole = is_whole and text is not None
            if text is not None:
                return LintSettings(
                    os.path.relpath(path),
                    text,
                    is_only=folder != here or not home.is_usable,
                    folder=str(here),
                    home=home.text,
                    is_whole=is_whole,
                )
    return LintSettings(
        is_only=not home.is_usable,
        folder=str(here) if home.text is not None or not is_whole else "",
        home=home.text,
        is_whole=is_whole,
    )


class _Home(NamedTuple):
    """The settings in the home folder."""

    text: str | None = None
    is_whole: bool = True
    """Whether the text is all that cfn-lint reads there."""
    is_usable: bool = True
    """False if no home folder is known, or what is in it cannot be read, as in a container that
    runs as another user than its image is made for. Then there are no settings, as for git."""


def _read_home() -> _Home:
    home = os.path.expanduser("~")
    if not os.path.isabs(home):
        return _Home(is_usable=False)
    try:
        for path in _files_in(Path(home)):
            text = _read(path)
            return _Home(text, is_whole=text is not None)
    except OSError:
        return _Home(is_usable=False)
    return _Home()


def _files_in(folder: Path) -> Iterator[Path]:
    return (path for path in (folder / name for name in NAMES) if path.is_file())


def _read(path: Path) -> str | None:
    """None if it is too large."""
    if path.stat().st_size >= _MAX_SIZE:
        return None
    return path.read_text(encoding="utf-8", errors="replace")


def _names_no_file(text: str) -> bool:
    """Whether settings have only keys that lead to no other file, as far as they can be read."""
    if _UNREADABLE in text:
        return False
    try:
        settings = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError):
        return False
    if isinstance(settings, dict) and settings.get("append_rules") == [_OWN_RULES]:
        return not os.path.isdir(_OWN_RULES) and _WITHOUT_FILES.issuperset(settings.keys() - _RULES)
    return settings is None or (isinstance(settings, dict) and _WITHOUT_FILES.issuperset(settings))


def find_unknown(settings: LintSettings, known: Collection[str]) -> Iterator[Finding]:
    """A finding for each id that is switched off, and that no rule has."""
    for name, line in settings.ignored.items():
        if not any(code.startswith(name) for code in known):
            near = difflib.get_close_matches(name, sorted(known), n=1)
            meant = f"Did you mean `{near[0]}`? " if near else ""
            owners = "cfn-lint, cloudformation-validate or Moorage"
            message = f"`ignore_checks` has `{name}`, which no rule of {owners} has"
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
