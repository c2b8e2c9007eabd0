"""Templates -> findings of cfn-lint: from the cache, from processes beside this one, or made here.

Each way gives the same findings in the same order.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from functools import cached_property
from typing import Any

from moorage.cache_folder import find_day
from moorage.findings.finding import Finding, Path
from moorage.lint.engine_client import start_engine
from moorage.lint.findings_cache import Cache
from moorage.lint.installation import Installation, digest, find_installation
from moorage.lint.settings import Description, LintSettings, SettingsError
from moorage.lint.stored_findings import as_json, from_json
from moorage.lint.workers import Job, Workers
from moorage.records import record

Read = Callable[[str], tuple[Any, Any]]
"""`decode_template`, which may remember what it has read."""

_ENOUGH = 12
"""Templates for which it pays to start processes although this one has loaded cfn-lint: they have
to load it again."""

MANY = 200
"""With more templates, AWS's engine begins after cfn-lint has ended: its process has 240 MB."""

_RUNTIME = re.compile(r"Runtime(?![A-Za-z])")
"""The property of a Lambda function about which the day decides."""


@record
class Linter:
    """How templates are linted. Without a cache, each one is linted every time; without workers, in
    this process."""

    cache: Cache | None = None
    workers: Workers | None = None
    installation: Installation | None = None
    """The programs that make findings; None for those of this process."""
    day: str | None = None
    """The day of the findings; None for today."""

    def key(self, kind: str, settings: LintSettings | None, *values: Any) -> str | None:
        """The key of a result that depends on values of JSON, on settings, on the installed
        programs, and on the day if a value may be a template with a Lambda function; None if it may
        not be kept."""
        if self._installation is None or (settings is not None and not settings.decide_alone):
            return None
        meant = settings and [settings.text, settings.home, settings.is_only, settings.ignores]
        text = json.dumps([kind, self._installation, meant, values], sort_keys=True)
        day = (self.day or find_day()) if _RUNTIME.search(text) else ""
        return hashlib.sha256(f"{day}{text}".encode()).hexdigest()

    def _find_inputs_key(self, inputs: Sequence[Any]) -> str | None:
        """The key of what templates are made from. It decides no finding, so the installed programs
        are no part of it: to read them takes longer than to start a process."""
        if self.cache is None:
            return None
        return digest(["inputs", [*map(str, sys.path)], inputs])

    def recall(self, key: str | None) -> Any:
        """The value that is kept for a key; None if there is none."""
        return self.cache.read(key) if self.cache is not None and key is not None else None

    def keep(self, key: str | None, value: Any) -> None:
        if self.cache is not None and key is not None and _is_cfn_lint_unchanged():
            self.cache.write(key, value)

    def recall_findings(self, key: str | None) -> tuple[Finding, ...] | None:
        """The findings that are kept for a key."""
        with suppress(ValueError):
            value = self.recall(key)
            return None if value is None else from_json(value)
        return None

    def keep_findings(self, key: str | None, findings: Iterable[Finding]) -> None:
        self.keep(key, as_json(findings))

    @cached_property
    def _installation(self) -> str | None:
        if self.cache is None:
            return None
        installation = self.installation or find_installation()
        if installation is not None:
            with suppress(OSError):  # a file has just been removed, or cannot be read
                return installation.digest(self.cache)
        return None

    @contextmanager
    def prepare(self, *inputs: Any) -> Iterator[None]:
        """Lets a process load cfn-lint while this one makes the templates, unless what they are
        made from, in values of JSON, was linted before: then the cache probably has the findings.
        """
        key = self._find_inputs_key(inputs)
        if self.workers and self._is_cheaper_elsewhere(1) and self.recall(key) is None:
            self.workers.start()
        # The programs are read here, since a build opens nothing but files of its environment.
        can_keep = self._installation is not None
        yield
        if can_keep:
            self.keep(key, True)

    def prepare_engine(self, count: int) -> None:
        """Lets AWS's engine start while this process makes so many templates, if one of them is
        probably new: soon after the process that loads cfn-lint, so that it is ready when that one
        lints. In a build without a cache, it would take time from cfn-lint."""
        is_expected = self.workers is not None and self.workers.are_started
        if 0 < count <= MANY and is_expected and self.recall(self.key("regions", None)) is not None:
            start_engine()

    def end_workers(self) -> None:
        """Ends the processes that lint, which frees their memory. `begin` starts new ones."""
        if self.workers is not None:
            self.workers.end()

    # What cfn-lint knows -----------------------------------------------------------------------

    @cached_property
    def regions(self) -> tuple[str, ...]:
        """The regions that cfn-lint knows."""
        key = self.key("regions", None)
        found = self.recall(key)
        if not _are_texts(found):
            found = self._ask({"do": "regions"}, "regions") or _regions()
            self.keep(key, found)
        return tuple(found)

    def describe(self, settings: LintSettings) -> Description:
        """What settings mean. Raises SettingsError."""
        key = self.key("settings", settings)
        found = self.recall(key)
        if not isinstance(found, dict) or not all(map(_are_texts, found.values())):
            found = self._describe(settings)
            self.keep(key, found)
        return Description(*(tuple(found.get(name, ())) for name in Description._fields))

    def known_ids(self, settings: LintSettings) -> tuple[str, ...]:
        """The ids of all rules; only Moorage's for settings that cfn-lint does not accept."""
        try:
            return self.describe(settings).ids
        except SettingsError:
            from moorage.rules.registry import RULES

            return tuple(rule.id for rule in RULES)

    def _describe(self, settings: LintSettings) -> dict[str, Any]:
        request = {"do": "describe", "settings": asdict(settings)}
        found = self._ask(request, "description") if settings.decide_alone else None
        if found is not None:
            return dict(found)
        from moorage.lint.cfn_lint import describe

        return describe(settings)._asdict()

    def _ask(self, request: dict[str, Any], name: str) -> Any:
        """What a process beside this one answers; None if none is there to be asked."""
        if self.workers is None or not self._is_cheaper_elsewhere(1):
            return None
        answer = self.workers.ask(request) or {}
        if "refused" in answer:
            raise SettingsError(answer["refused"])
        return answer.get(name)

    # Findings ----------------------------------------------------------------------------------

    def begin(
        self, texts: Sequence[str], region: str | None, settings: LintSettings, read: Read
    ) -> Linting:
        """Begins to lint templates, each with the findings of cfn-lint about it alone. `read` is
        how a template is read in this process."""
        meant = self._region(region)
        keys = [self.key("template", settings, text, meant) for text in texts]
        found = {
            index: findings
            for index, key in enumerate(keys)
            if (findings := self.recall_findings(key)) is not None
        }
        missing = [index for index in range(len(texts)) if index not in found]
        job = None
        if self.workers and settings.decide_alone and self._is_cheaper_elsewhere(len(missing)):
            job = self.workers.begin([texts[index] for index in missing], region, settings)
        return Linting(self, texts, keys, found, missing, job, region, settings, read)

    def find_lines(self, text: str, paths: Sequence[Path], read: Read) -> list[int]:
        """The lines of values of a template; 1 where a line is not known. Not while templates are
        linted."""
        lines = self._ask({"do": "lines", "text": text, "paths": paths}, "lines")
        if lines is not None:
            return list(lines)
        from moorage.lint.cfn_lint import find_lines

        return find_lines(read(text)[0], paths)

    def _region(self, region: str | None) -> list[str | None]:
        """What decides the region for cfn-lint (`ConfigMixIn.regions` in cfnlint/config.py)."""
        if region is not None and region in self.regions:
            return [region]
        return [os.environ.get(name) for name in ("AWS_REGION", "AWS_DEFAULT_REGION")]

    def _is_cheaper_elsewhere(self, count: int) -> bool:
        if self.workers is None or not count:
            return False
        is_loaded = "cfnlint" in sys.modules
        return self.workers.are_started or not is_loaded or count >= _ENOUGH


@record
class Linting:
    """Templates that are being linted."""

    linter: Linter
    texts: Sequence[str]
    keys: Sequence[str | None]
    known: dict[int, tuple[Finding, ...]]
    """The findings that the cache has, by the index of the text."""
    missing: Sequence[int]
    job: Job | None
    region: str | None
    settings: LintSettings
    read: Read

    def result(self) -> list[tuple[Finding, ...]]:
        """Waits for the findings of each text. Raises SettingsError."""
        elsewhere = self.job.result() if self.job is not None else {}
        found = dict(self.known)
        for position, index in enumerate(self.missing):
            findings = elsewhere.get(position)
            if findings is None:  # there are no workers, or one of them has been ended
                findings = self._lint(self.texts[index])
            found[index] = findings
            self.linter.keep_findings(self.keys[index], findings)
        return [found[index] for index in range(len(self.texts))]

    def _lint(self, text: str) -> tuple[Finding, ...]:
        from moorage.lint.cfn_lint import lint_decoded

        return lint_decoded(*self.read(text), self.region, self.settings)


def _regions() -> list[str]:
    from cfnlint.helpers import REGIONS

    return list(REGIONS)


def _are_texts(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(text, str) for text in value)


def _is_cfn_lint_unchanged() -> bool:
    """Whether no settings have changed cfn-lint in this process, also for those of others."""
    module = sys.modules.get("moorage.lint.cfn_lint")
    return module is None or module.is_unchanged()
