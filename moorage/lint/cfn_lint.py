"""A template -> findings of cfn-lint, in this process."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache, cached_property
from typing import Any

from cfnlint.config import ConfigMixIn
from cfnlint.exceptions import ConfigFileError
from cfnlint.helpers import REGIONS
from cfnlint.rules import Match
from cfnlint.runner import Runner, run_template_by_data
from cfnlint.template import Template as LintTemplate
from yaml import YAMLError

from moorage.cfn.nodes import nearest_existing_path
from moorage.facts.secret_values import hide
from moorage.findings.finding import Finding, Level, Path, Place
from moorage.lint.decoding import decode_template
from moorage.lint.settings import LintSettings, SettingsError, find_settings
from moorage.rules.registry import RULES

MOORAGE_RULES = frozenset(rule.id for rule in RULES)
"""The ids of Moorage's rules, which the user's settings of cfn-lint can add to cfn-lint's."""

_MAX_LENGTH = 300
_LEVELS: dict[str, Level] = {"error": "error", "warning": "warning", "informational": "info"}


def lint_text(
    text: str, region: str | None, settings: LintSettings, file: str = ""
) -> tuple[Finding, ...]:
    """The findings of cfn-lint about one template, in the order in which cfn-lint makes them.

    `file` is the name that they get. Without a region, or with one that cfn-lint does not know, its
    default counts. Raises SettingsError for settings that cfn-lint does not accept.
    """
    body, errors = decode_template(text)
    return lint_decoded(body, errors, region, settings, file)


def lint_decoded(
    body: Any, errors: Iterable[Match], region: str | None, settings: LintSettings, file: str = ""
) -> tuple[Finding, ...]:
    """The same about a template that `decode_template` has read, with the errors of reading it.

    Moorage's rules are left out: they are applied to all templates of an environment at once.
    """
    runner = find_runner(region, settings)
    found = _findings(errors, file)
    return (*found, *(_lint(body, file, runner) if body is not None else ()))


def _lint(body: Any, file: str, runner: Any) -> list[Finding]:
    try:
        matches = run_template_by_data(body, runner.config, runner.rules)
        findings = _findings((m for m in matches if m.rule.id not in MOORAGE_RULES), file)
        return [finding for finding in findings if not _is_false(finding, body)]
    except Exception as error:  # cfn-lint catches exceptions of its rules only
        hint = "Check that each section is a map, as in the CloudFormation user guide."
        message = f"cfn-lint cannot read the template: {error}"
        return [Finding("E0002", "error", Place(file, 1), (), message, hint)]


def _is_false(finding: Finding, body: Any) -> bool:
    """Whether cfn-lint requires the HealthCheckPort of a target group for dynamic host ports.
    `traffic-port` is its default (Elastic Load Balancing API: CreateTargetGroup)."""
    return finding.code == "E3049" and nearest_existing_path(body, finding.path) != finding.path


def _findings(matches: Iterable[Match], file: str) -> Iterator[Finding]:
    for match in matches:
        # cfn-lint takes some dynamic references for the value that they are replaced by.
        if match.message.startswith("'{{resolve:"):
            continue
        path = tuple(match.path) if getattr(match, "path", None) else ()
        yield Finding(
            code=match.rule.id,
            level=_LEVELS[match.rule.severity],
            place=Place(file, match.linenumber or 1),
            path=path,
            message=_shorten(match.message),
            hint=match.rule.source_url if match.rule.id.startswith("E0") else "",
        )


def _shorten(message: str) -> str:
    """Cuts long messages: some list thousands of possible values."""
    message = hide(message)
    return message if len(message) <= _MAX_LENGTH else f"{message[:_MAX_LENGTH]}..."


def lint_page(code: str) -> str | None:
    """The page of a rule of cfn-lint; None where it has no such rule."""
    rules = find_runner(None, find_settings()).rules.values()
    rule = next((rule for rule in rules if rule.id == code), None)
    if rule is None:
        return None
    return f"{code}  {rule.shortdesc} (cfn-lint)\n\n{rule.description}\n\n{rule.source_url}\n"


def known_ids() -> frozenset[str]:
    """The ids of all rules, also of those that the settings of cfn-lint add."""
    try:
        rules = find_runner(None, find_settings()).rules.values()
    except SettingsError:
        rules = ()
    return frozenset({*MOORAGE_RULES, *(rule.id for rule in rules)})


def find_runner(region: str | None, settings: LintSettings) -> Any:
    """cfn-lint's runner, with its rules and settings. Raises SettingsError."""
    return _runner(region if region in REGIONS else None, settings)


@cache
def _runner(region: str | None, settings: LintSettings) -> Any:
    arguments = ["--config-file", settings.file] if settings.is_elsewhere else []
    config_class = ConfigMixIn if settings.ignores else _WithoutIgnores
    try:
        config = config_class(arguments, **({"regions": [region]} if region else {}))
    except ConfigFileError as error:
        raise SettingsError(str(error)) from error
    except YAMLError as error:
        raise SettingsError(f"This is not YAML: {' '.join(str(error).split())}.") from error
    return Runner(config)


class _WithoutIgnores(ConfigMixIn):  # type: ignore[misc]
    """The settings with all rules."""

    @property
    def ignore_checks(self) -> list[str]:
        return []


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
