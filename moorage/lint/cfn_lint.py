"""A template -> findings of cfn-lint, in this process."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

from cfnlint.config import ConfigMixIn
from cfnlint.exceptions import ConfigFileError
from cfnlint.helpers import REGIONS
from cfnlint.rules import Match
from cfnlint.runner import Runner, run_template_by_data
from cfnlint.template import Template as LintTemplate
from yaml import YAMLError

from moorage.cfn.nodes import nearest_existing_path
from moorage.findings.finding import Finding, Level, Path, Place
from moorage.garbage import free_cycles
from moorage.lint.decoding import decode_template
from moorage.lint.late_schemas import postpone_schemas
from moorage.lint.messages import shorten
from moorage.lint.settings import Description, LintSettings, SettingsError, find_settings
from moorage.lint.validator_classes import share_classes

postpone_schemas()
share_classes()

_LEVELS: dict[str, Level] = {"error": "error", "warning": "warning", "informational": "info"}


def lint_text(text: str, region: str | None, settings: LintSettings) -> tuple[Finding, ...]:
    """The findings of cfn-lint about one template, in the order of their lines. Their places have
    no file.

    Without a region, or with one that cfn-lint does not know, its default counts. Raises
    SettingsError for settings that cfn-lint does not accept.
    """
    body, errors = decode_template(text)
    return lint_decoded(body, errors, region, settings)


def lint_decoded(
    body: Any, errors: Iterable[Match], region: str | None, settings: LintSettings
) -> tuple[Finding, ...]:
    """The same about a template that `decode_template` has read, with the errors of reading it.

    Moorage's rules are left out: they are applied to all templates of an environment at once.
    """
    runner = find_runner(region, settings)
    with free_cycles():
        found = [*_findings(errors), *(_lint(body, runner) if body is not None else ())]
        return tuple(sorted(found, key=_position))


def _position(finding: Finding) -> tuple[int, str, str, str]:
    """The order of findings, which cfn-lint makes in another one in each process."""
    return finding.place.line, finding.code, finding.message, repr(finding.path)


def _lint(body: Any, runner: RunnerParts) -> list[Finding]:
    try:
        matches = run_template_by_data(body, runner.config, runner.rules)
        findings = _findings(m for m in matches if m.rule.id not in runner.left_out)
        return [finding for finding in findings if not _is_false(finding, body)]
    except Exception as error:  # cfn-lint catches exceptions of its rules only
        hint = "Check that each section is a map, as in the CloudFormation user guide."
        message = f"cfn-lint cannot read the template: {error}"
        return [Finding("E0002", "error", Place("", 1), (), message, hint)]


def _is_false(finding: Finding, body: Any) -> bool:
    """Whether cfn-lint requires the HealthCheckPort of a target group for dynamic host ports.
    `traffic-port` is its default (Elastic Load Balancing API: CreateTargetGroup)."""
    return finding.code == "E3049" and nearest_existing_path(body, finding.path) != finding.path


def _findings(matches: Iterable[Match]) -> Iterator[Finding]:
    for match in matches:
        # cfn-lint takes some dynamic references for the value that they are replaced by.
        if match.message.startswith("'{{resolve:"):
            continue
        yield Finding(
            code=match.rule.id,
            level=_LEVELS[match.rule.severity],
            place=Place("", match.linenumber or 1),
            path=tuple(map(_plain_step, getattr(match, "path", None) or ())),
            message=shorten(match.message),
            hint=match.rule.source_url if match.rule.id.startswith("E0") else "",
        )


def _plain_step(step: Any) -> str | int:
    """A key or index without what cfn-lint's reader adds to it. YAML has keys of other types."""
    return int(step) if isinstance(step, int) and not isinstance(step, bool) else str(step)


def lint_page(code: str) -> str | None:
    """The page of a rule of cfn-lint; None where it has no such rule."""
    rules = find_runner(None, find_settings()).rules.values()
    rule = next((rule for rule in rules if rule.id == code), None)
    if rule is None:
        return None
    return f"{code}  {rule.shortdesc} (cfn-lint)\n\n{rule.description}\n\n{rule.source_url}\n"


def describe(settings: LintSettings) -> Description:
    """What settings mean, before a template adds to them. Raises SettingsError."""
    runner = find_runner(None, settings)
    runner.config.set_template_args({})
    ids = {*_moorage_rules(), *(rule.id for rule in runner.rules.values())}
    return Description(tuple(runner.config.ignore_checks), tuple(sorted(ids)))


def find_runner(region: str | None, settings: LintSettings) -> RunnerParts:
    """cfn-lint's settings and rules. Raises SettingsError."""
    return _runner(region if region in REGIONS else None, settings)


class RunnerParts(NamedTuple):
    """What cfn-lint needs to check a template."""

    config: ConfigMixIn
    rules: Any
    left_out: frozenset[str]
    """The ids of Moorage's rules, if settings may have added them to cfn-lint's."""


def _moorage_rules() -> frozenset[str]:
    from moorage.rules.registry import RULES  # seldom needed, and slow to import

    return frozenset(rule.id for rule in RULES)


_CHANGING: set[LintSettings] = set()
"""The settings in use that can change what is found with others."""


def is_unchanged() -> bool:
    """Whether no settings can have changed what cfn-lint finds in this process with others."""
    return not _CHANGING


@lru_cache(maxsize=4)  # each has some 100 MB of rules and schemas
def _runner(region: str | None, settings: LintSettings) -> RunnerParts:
    if settings.may_change_others:
        _CHANGING.add(settings)
    config = _read_config(region, settings)
    if not settings.is_current:
        raise SettingsError("They were changed while they were read. Start again.")
    if region and settings.decide_alone:  # then the rules are those of any region
        return _runner(None, settings)._replace(config=config)
    left_out = _moorage_rules() if settings.may_add_rules else frozenset()
    return RunnerParts(config, Runner(config).rules, left_out)


def _read_config(region: str | None, settings: LintSettings) -> ConfigMixIn:
    arguments = ["--config-file", settings.file] if settings.is_only else []
    manual = {"regions": [region]} if region else {}
    try:
        return _Config(settings.ignores, arguments, **manual)
    except ConfigFileError as error:
        raise SettingsError(str(error)) from error
    except YAMLError as error:
        raise SettingsError(f"This is not YAML: {' '.join(str(error).split())}.") from error


class _Config(ConfigMixIn):  # type: ignore[misc]
    """The settings for templates that are given as data."""

    def __init__(self, ignores: bool, arguments: list[str], **manual: Any) -> None:
        self._ignores = ignores
        super().__init__(arguments, **manual)

    @property
    def ignore_checks(self) -> list[str]:
        return [*super().ignore_checks] if self._ignores else []

    @property
    def templates(self) -> None:
        """No files that settings name, which cfn-lint's command would lint."""


def find_lines(body: Any, paths: Iterable[Iterable[str | int]]) -> list[int]:
    """The lines of values of a template."""
    finder = LineFinder("", body)
    return [finder.find(tuple(path)) for path in paths]


class LineFinder:
    """The lines of a template's values."""

    def __init__(self, file: str, body: Any) -> None:
        self._file, self._body = file, body

    @cached_property
    def _view(self) -> LintTemplate:
        """cfn-lint's view of the template. It is slow to create, and most templates do not need
        it."""
        return LintTemplate(self._file, self._body)

    def find(self, path: Path) -> int:
        """The line of a value; 1 where it is not known."""
        location = self._view.get_location_yaml(self._body, list(path)) if path else None
        return location[0] + 1 if location else 1
