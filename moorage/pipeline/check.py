"""Templates -> findings of cfn-lint, of AWS's engine, and of Moorage's rules.

cfn-lint and the engine check one template at a time. Moorage's rules see all templates of an
environment at once, including what one stack exports and another imports. cfn-lint and the rules
are imported only where the cache does not have the findings.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, replace
from functools import cache
from typing import TYPE_CHECKING, Any

from moorage.findings.finding import Finding, Level, Path, Place
from moorage.findings.wording import near, shown
from moorage.garbage import free_cycles
from moorage.lint.aws_engine import Validation, find_new
from moorage.lint.engine_rules import ids_of
from moorage.lint.linter import MANY, Linter
from moorage.lint.settings import LintSettings, SettingsError, find_settings
from moorage.pipeline.document import Document
from moorage.pipeline.finding_places import locate
from moorage.pipeline.override_causes import OverrideCauses
from moorage.pipeline.secret_params import hide_secrets
from moorage.pipeline.sources import Source
from moorage.pipeline.template_places import find_override
from moorage.plan import Plan

if TYPE_CHECKING:
    from moorage.rules.runner import LocatedProblem

HERE = Linter()
"""Lints in this process, without a cache."""

Show = Callable[[Sequence[Finding]], None]
"""Is called with the findings so far."""

_RULE_LEVELS: dict[str, Level] = {"E": "error", "W": "warning"}


def check(
    plan: Plan, document: Document, linter: Linter = HERE, show: Show | None = None
) -> list[Finding]:
    """The findings about the templates of a plan. `show` is called with those of AWS's engine and
    then with those of Moorage's rules, while cfn-lint is running.

    The templates are not written yet, so findings are located in the params: at the override or the
    stack that they are about.
    """
    region = plan.environment.region
    if region not in linter.regions:
        path: Path = ("region",)
        meant = near(region, linter.regions)
        hint = (f"Did you mean `{meant}`? " if meant else "") + "For a new region, update cfn-lint."
        message = f"cfn-lint does not know the region {shown(region)}"
        return [Finding("M1602", "error", document.place(path), path, message, hint)]
    account = _account(plan)
    sources = [
        Source(
            stack.rendering.file,
            stack.rendering.text,
            region=region,
            account=account,
            body=stack.rendering.body,
            is_linted=document.names(stack.name),
        )
        for stack in plan.stacks
    ]
    stacks = {stack.rendering.file: stack.name for stack in plan.stacks}
    causes = OverrideCauses(plan)

    def move(findings: Iterable[Finding]) -> list[Finding]:
        return [
            _move_to_params(finding, stacks[finding.place.file], document, causes)
            if finding.place.file in stacks
            else finding  # about the settings of cfn-lint
            for finding in findings
        ]

    show_moved = None if show is None else (lambda findings: show(move(findings)))
    return move(check_sources(sources, linter=linter, show=show_moved))


def _account(plan: Plan) -> str | None:
    """The account of the stacks; None if it is not known, or if there are several."""
    targets = plan.environment.targets
    return None if targets is not None and targets.several_accounts else plan.environment.account


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
    if not causes.are_possible:
        return None
    override = find_override(stack, finding.path, document)
    if not _is_by_moorage(finding):
        return override
    if not causes.is_caused(finding):
        return None
    is_in_resource = override is not None and len(override) > _RESOURCE_LENGTH
    return override if is_in_resource else causes.find(finding) or override


def _is_by_moorage(finding: Finding) -> bool:
    from moorage.rules.registry import RULES

    return any(rule.id == finding.code for rule in RULES)


_RESOURCE_LENGTH = len(("stacks", "web", "overrides", "Resources", "Service"))

_PARAMS_KEYS = {"SecurityGroupIngress": "clients", "Certificates": "certificate"}
"""Keys of load balancers in the params, by the template property that has their values."""


def _params_path(finding: Finding, stack: str, document: Document) -> Path:
    """The key of the stack that a finding is about; the stack if the key is not certain."""
    keys = [_PARAMS_KEYS[step] for step in finding.path if step in _PARAMS_KEYS]
    paths: list[Path] = [("stacks", stack, key) for key in keys]
    return next((path for path in paths if path in document.places), ("stacks", stack))


def check_texts(
    texts: Mapping[str, str],
    region: str | None = None,
    settings: LintSettings | None = None,
    linter: Linter = HERE,
) -> list[Finding]:
    """The findings about the templates of one environment, given as texts by file name.

    Without a region cfn-lint uses its default, and Moorage's rules treat it as unknown. Without
    settings, those of the current folder count.
    """
    sources = [Source(file, text, region=region) for file, text in texts.items()]
    return check_sources(sources, settings, linter)


def check_sources(
    sources: Sequence[Source],
    settings: LintSettings | None = None,
    linter: Linter = HERE,
    show: Show | None = None,
) -> list[Finding]:
    """The findings about templates whose stacks are deployed to one account and region.

    A file that is the template of several nested stacks has each finding once. `show` is called
    with the findings of AWS's engine and then with those of Moorage's rules, too, unless the cache
    has all.
    """
    settings = settings or find_settings()
    values = [asdict(replace(source, body=None)) for source in sources]
    key = linter.key("environment", settings, values)
    findings = linter.recall_findings(key)
    if findings is None:
        try:
            findings, is_complete = _find(sources, settings, linter, show)
        except SettingsError as error:
            hint = f"Correct the file `{settings.file}`, or the one in your home folder."
            message = f"cfn-lint does not accept its settings: {error}"
            return [Finding("M1001", "error", Place(settings.file, 1), (), message, hint)]
        if is_complete:
            linter.keep_findings(key, findings)
    return [*findings]


def _find(
    sources: Sequence[Source], settings: LintSettings, linter: Linter, show: Show | None
) -> tuple[tuple[Finding, ...], bool]:
    """The same without the cache of whole environments, and whether none is missing. Raises
    SettingsError."""
    ignored = linter.describe(settings).ignored if settings.texts else ()
    by_name = {source.id: source for source in sources}
    read = _reader()
    names = _one_for_each_text(source for source in sources if source.is_linted)
    texts = [by_name[name].text for name in names]
    region = next((source.region for source in sources), None)
    linting = linter.begin(texts, region, settings, read)
    bodies = _read_bodies(sources, read)
    readable = [by_name[name] for name in names if isinstance(bodies.get(name), Mapping)]
    is_large = show is None and len(readable) > MANY
    engine = None if is_large else _begin_engine(readable, bodies, linter)
    if show is not None and engine is not None:
        show(_finish(_new_findings(engine, (), ignored), sources, bodies))
    verdicts = _apply_rules(by_name, bodies, ignored)
    if show is not None and engine is not None:
        early = [_to_finding(verdict, 1) for verdict in verdicts]
        early += _new_findings(engine, early, ignored)
        show(_finish(early, sources, bodies))
    findings = [*_in_files(zip(names, linting.result(), strict=True))]
    findings += _with_lines(verdicts, by_name, linter, read)
    if engine is None:
        linter.end_workers()
        engine = _begin_engine(readable, bodies, linter)
    findings += _new_findings(engine, findings, ignored)
    return tuple(_finish(findings, sources, bodies)), not engine[1].was_killed


def _finish(
    found: Iterable[Finding], sources: Sequence[Source], bodies: Mapping[str, Any]
) -> list[Finding]:
    """The findings in their order, without secrets, and with what is known about their places."""
    by_name = {source.id: source for source in sources}
    findings = [*_hide_secrets(found, bodies)]
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


def _in_files(found: Iterable[tuple[str, Iterable[Finding]]]) -> Iterator[Finding]:
    """Findings about templates, with the names of these."""
    for name, findings in found:
        for finding in findings:
            yield replace(finding, place=replace(finding.place, file=name))


def _begin_engine(
    readable: Sequence[Source], bodies: Mapping[str, Any], linter: Linter
) -> tuple[list[str], Validation]:
    """Begins to check templates with AWS's engine; with their names."""
    region = next((source.region for source in readable), None)
    account = next((source.account for source in readable), None)
    templates = [(source.text, bodies[source.id]) for source in readable]
    names = [source.id for source in readable]
    return names, Validation(templates, region, account, linter)


def _new_findings(
    engine: tuple[list[str], Validation], others: Iterable[Finding], ignored: tuple[str, ...]
) -> Iterator[Finding]:
    """The findings of the engine that neither cfn-lint nor Moorage's rules report.

    Those that the user's settings of cfn-lint ignore are left out.
    """
    names, validation = engine
    by_name: dict[str, list[Finding]] = {name: [] for name in names}
    for other in others:
        by_name.setdefault(other.place.file, []).append(other)
    for name, found in zip(names, validation.result(), strict=True):
        new = find_new(found, by_name[name])
        kept = (f for f in new if not any(id_.startswith(ignored) for id_ in ids_of(f.code)))
        yield from _in_files([(name, kept)])


Read = Callable[[str], tuple[Any, Any]]
"""Reads the text of a template: its body, None if it cannot be read, and the errors."""


def _reader() -> Read:
    """Reads each text once, and none without need."""

    @cache
    def read(text: str) -> tuple[Any, Any]:
        from moorage.lint.decoding import decode_template

        return decode_template(text)

    return read


def _read_bodies(sources: Iterable[Source], read: Read) -> dict[str, Any]:
    bodies = {
        source.id: read(source.text)[0] if source.body is None else source.body
        for source in sources
    }
    return {name: body for name, body in bodies.items() if body is not None}


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
    """Hides the secrets of templates in findings, since cfn-lint quotes values. The findings are
    grouped by template."""
    by_file: dict[str, list[Finding]] = {}
    for finding in findings:
        by_file.setdefault(finding.place.file, []).append(finding)
    for file, about in by_file.items():
        yield from hide_secrets(about, bodies.get(file))


def _apply_rules(
    sources: Mapping[str, Source],
    bodies: Mapping[str, Any],
    ignored: tuple[str, ...],
) -> list[LocatedProblem]:
    """What Moorage's rules find in templates that belong together.

    Rules that the user's settings of cfn-lint ignore are left out.
    """
    from moorage.cfn.template import Template
    from moorage.rules.runner import run_rules

    templates = [
        Template.from_written(
            source.id,
            bodies[source.id],
            region=source.region,
            parameter_values=source.parameter_values,
            account=source.account,
            parent=source.parent,
        )
        for source in sources.values()
        if isinstance(bodies.get(source.id), Mapping)
    ]
    with free_cycles() if len(templates) > MANY else nullcontext():
        verdicts = run_rules(templates)
    return [verdict for verdict in verdicts if not verdict.rule.id.startswith(ignored)]


def _with_lines(
    verdicts: Sequence[LocatedProblem], sources: Mapping[str, Source], linter: Linter, read: Read
) -> Iterator[Finding]:
    """The findings at the lines of their values. A body that was not read from its text has no
    lines."""
    paths: dict[str, list[Path]] = {}
    for verdict in verdicts:
        paths.setdefault(verdict.template, []).append(verdict.path)
    lines = {
        name: iter(linter.find_lines(sources[name].text, found, read))
        for name, found in paths.items()
    }
    for verdict in verdicts:
        yield _to_finding(verdict, next(lines[verdict.template]))


def _to_finding(verdict: LocatedProblem, line: int) -> Finding:
    return Finding(
        code=verdict.rule.id,
        level=_RULE_LEVELS[verdict.rule.id[0]],
        place=Place(verdict.template, line),
        path=verdict.path,
        message=verdict.message,
        hint=verdict.hint,
    )
