"""Templates -> findings of cfn-lint and of Moorage's rules, in this process.

cfn-lint checks one template at a time. Moorage's rules see all templates of an environment at once,
including what one stack exports and another imports.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache, cached_property
from itertools import groupby
from typing import Any

from cfnlint.config import ConfigMixIn
from cfnlint.exceptions import ConfigFileError
from cfnlint.helpers import REGIONS
from cfnlint.rules import Match
from cfnlint.runner import Runner, run_template_by_data
from cfnlint.template import Template as LintTemplate
from yaml import YAMLError

from moorage.cfn.nodes import nearest_existing_path
from moorage.cfn.template import Template
from moorage.facts.secret_values import hide
from moorage.findings.finding import Finding, Level, Path, Place
from moorage.findings.wording import near, shown
from moorage.garbage import free_cycles
from moorage.model import Plan
from moorage.pipeline.decoding import decode_template
from moorage.pipeline.document import Document
from moorage.pipeline.finding_places import locate
from moorage.pipeline.lint_settings import LintSettings, SettingsError, find_settings
from moorage.pipeline.override_causes import OverrideCauses
from moorage.pipeline.secret_params import hide_secrets
from moorage.pipeline.sources import Source
from moorage.pipeline.template_places import find_override
from moorage.rules.registry import RULES
from moorage.rules.runner import LocatedProblem, run_rules

_MAX_LENGTH = 300
_LEVELS: dict[str, Level] = {"error": "error", "warning": "warning", "informational": "info"}
_MOORAGE_RULES = frozenset(rule.id for rule in RULES)
_RULE_LEVELS: dict[str, Level] = {"E": "error", "W": "warning"}


def check(plan: Plan, document: Document) -> list[Finding]:
    """The findings about the templates of a plan.

    The templates are not written yet, so findings are located in the params: at the override or the
    stack that they are about.
    """
    region = plan.environment.region
    if region not in REGIONS:
        path: Path = ("region",)
        meant = near(region, REGIONS)
        hint = (f"Did you mean `{meant}`? " if meant else "") + "For a new region, update cfn-lint."
        message = f"cfn-lint does not know the region {shown(region)}"
        return [Finding("M1602", "error", document.place(path), path, message, hint)]
    texts = {stack.rendering.file: stack.rendering.text for stack in plan.stacks}
    stacks = {stack.rendering.file: stack.name for stack in plan.stacks}
    causes = OverrideCauses(plan)
    return [
        _move_to_params(finding, stacks[finding.place.file], document, causes)
        if finding.place.file in stacks
        else finding  # about the settings of cfn-lint
        for finding in check_texts(texts, region)
    ]


def _move_to_params(
    finding: Finding, stack: str, document: Document, causes: OverrideCauses
) -> Finding:
    override = _find_override(finding, stack, document, causes)
    path = override or _params_path(finding, stack, document)
    where = ".".join(str(step) for step in finding.path) or "the template"
    message = f"In {finding.place.file}, {where}: {finding.message}"
    return replace(finding, place=document.place(path), path=path, message=message)


def _find_override(
    finding: Finding, stack: str, document: Document, causes: OverrideCauses
) -> Path | None:
    """The override that a finding comes from, also if it is about another resource or stack."""
    override = find_override(stack, finding.path, document)
    if finding.code not in _MOORAGE_RULES:
        return override
    if not causes.is_caused(finding):
        return None
    is_in_resource = override is not None and len(override) > _RESOURCE_LENGTH
    return override if is_in_resource else causes.find(finding) or override


_RESOURCE_LENGTH = len(("stacks", "web", "overrides", "Resources", "Service"))

_PARAMS_KEYS = {"SecurityGroupIngress": "clients", "Certificates": "certificate"}
"""Keys of load balancers in the params, by the template property that has their values."""


def _params_path(finding: Finding, stack: str, document: Document) -> Path:
    """The key of the stack that a finding is about; the stack if the key is not certain."""
    keys = [_PARAMS_KEYS[step] for step in finding.path if step in _PARAMS_KEYS]
    paths: list[Path] = [("stacks", stack, key) for key in keys]
    return next((path for path in paths if path in document.places), ("stacks", stack))


def check_texts(
    texts: Mapping[str, str], region: str | None = None, settings: LintSettings | None = None
) -> list[Finding]:
    """The findings about the templates of one environment, given as texts by file name.

    Without a region cfn-lint uses its default, and Moorage's rules treat it as unknown. Without
    settings, those of the current folder count.
    """
    sources = [Source(file, text, region=region) for file, text in texts.items()]
    return check_sources(sources, settings)


def check_sources(sources: Sequence[Source], settings: LintSettings | None = None) -> list[Finding]:
    """The findings about templates whose stacks are deployed to one account and region.

    A file that is the template of several nested stacks has each finding once.
    """
    settings = settings or find_settings()
    region = next((source.region for source in sources), None)
    try:
        runner = _runner(region if region in REGIONS else None, settings)
    except SettingsError as error:
        hint = f"Correct the file `{settings.file}`, or the one in your home folder."
        message = f"cfn-lint does not accept its settings: {error}"
        return [Finding("M1001", "error", Place(settings.file, 1), (), message, hint)]
    by_text = {text: decode_template(text) for text in {source.text: None for source in sources}}
    decoded = {source.id: by_text[source.text] for source in sources}
    bodies = {name: body for name, (body, _) in decoded.items() if body is not None}
    by_name = {source.id: source for source in sources}
    findings = [
        finding for name, (_, errors) in decoded.items() for finding in _findings(errors, name)
    ]
    for name in _one_for_each_text(sources):
        with free_cycles():
            findings += _lint(bodies[name], name, runner) if name in bodies else []
    findings += _apply_rules(by_name, bodies, tuple(runner.config.ignore_checks))
    findings = [*_hide_secrets(findings, bodies)]
    order = {source.id: position for position, source in enumerate(sources)}
    ordered = sorted(
        findings,
        key=lambda f: (order[f.place.file], f.place.line, f.code, f.message),
    )
    parents = {source.parent for source in sources}
    located = (
        locate(finding, by_name[finding.place.file], bodies.get(finding.place.file))
        for finding in ordered
        if not _is_about_path(finding, parents)
    )
    once = located if parents == {None} else dict.fromkeys(located)
    return [finding for finding in once if not _is_by_the_cdk(finding)]


def _is_by_the_cdk(finding: Finding) -> bool:
    """Whether a finding is about the style of what the CDK writes, which its users cannot change:
    its DependsOn repeats references."""
    return bool(finding.construct) and finding.code == "W3005"


def _is_about_path(finding: Finding, parents: Container[tuple[str, str] | None]) -> bool:
    """Whether cfn-lint warns that a template needs `aws cloudformation package`, although the file
    that it would upload exists and is checked."""
    is_path = finding.code == "W3002" and finding.path[2:] == ("Properties", "TemplateURL")
    return is_path and (finding.place.file, str(finding.path[1])) in parents


def _one_for_each_text(sources: Iterable[Source]) -> list[str]:
    """The name of the first source with each text: cfn-lint sees one at a time."""
    names: dict[object, str] = {}
    for source in sources:
        names.setdefault((source.file, source.prefix), source.id)
    return list(names.values())


def _hide_secrets(findings: Iterable[Finding], bodies: Mapping[str, Any]) -> Iterator[Finding]:
    """Hides the secrets of templates in findings, since cfn-lint quotes values."""
    for file, about in groupby(findings, key=lambda finding: finding.place.file):
        yield from hide_secrets(about, bodies.get(file))


def lint_page(code: str) -> str | None:
    """The page of a rule of cfn-lint; None where it has no such rule."""
    rule = next(
        (rule for rule in _runner(None, find_settings()).rules.values() if rule.id == code), None
    )
    if rule is None:
        return None
    return f"{code}  {rule.shortdesc} (cfn-lint)\n\n{rule.description}\n\n{rule.source_url}\n"


def _lint(body: Any, file: str, runner: Any) -> list[Finding]:
    """The findings of cfn-lint's rules about one template.

    Moorage's rules, which the user's cfn-lint settings can add, are left out: they are applied to
    all templates at once.
    """
    try:
        matches = run_template_by_data(body, runner.config, runner.rules)
        findings = _findings((m for m in matches if m.rule.id not in _MOORAGE_RULES), file)
        return [finding for finding in findings if not _is_false(finding, body)]
    except Exception as error:  # cfn-lint catches exceptions of its rules only
        hint = "Check that each section is a map, as in the CloudFormation user guide."
        message = f"cfn-lint cannot read the template: {error}"
        return [Finding("E0002", "error", Place(file, 1), (), message, hint)]


def _is_false(finding: Finding, body: Any) -> bool:
    """Whether cfn-lint requires the HealthCheckPort of a target group for dynamic host ports.
    `traffic-port` is its default (Elastic Load Balancing API: CreateTargetGroup)."""
    return finding.code == "E3049" and nearest_existing_path(body, finding.path) != finding.path


def _apply_rules(
    sources: Mapping[str, Source], bodies: Mapping[str, Any], ignored: tuple[str, ...]
) -> Iterator[Finding]:
    """The findings of Moorage's rules about templates that belong together.

    Rules that the user's settings of cfn-lint ignore are left out.
    """
    maps = {name: body for name, body in bodies.items() if isinstance(body, Mapping)}
    lines = {name: LineFinder(name, body) for name, body in maps.items()}
    templates = [_template(sources[name], body) for name, body in maps.items()]
    for verdict in run_rules(templates):
        if not verdict.rule.id.startswith(ignored):
            yield _to_finding(verdict, lines[verdict.template].find(verdict.path))


def _template(source: Source, body: Mapping[str, Any]) -> Template:
    return Template.from_written(
        source.id,
        body,
        region=source.region,
        parameter_values=source.parameter_values,
        account=source.account,
        parent=source.parent,
    )


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


def _to_finding(verdict: LocatedProblem, line: int) -> Finding:
    return Finding(
        code=verdict.rule.id,
        level=_RULE_LEVELS[verdict.rule.id[0]],
        place=Place(verdict.template, line),
        path=verdict.path,
        message=verdict.message,
        hint=verdict.hint,
    )


def known_ids() -> frozenset[str]:
    """The ids of all rules, also of those that the settings of cfn-lint add."""
    try:
        rules = _runner(None, find_settings()).rules.values()
    except SettingsError:
        rules = ()
    return frozenset({*_MOORAGE_RULES, *(rule.id for rule in rules)})


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
