"""cfn-lint and Moorage's own rules over templates -> Findings, in this process.

cfn-lint sees one template at a time. Moorage's rules see all templates of an environment at once,
so that what one stack exports and another imports is judged together.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from cfnlint.config import ConfigMixIn
from cfnlint.decode.decode import decode_str
from cfnlint.exceptions import ConfigFileError
from cfnlint.helpers import REGIONS
from cfnlint.rules import Match
from cfnlint.runner import Runner, run_template_by_data
from cfnlint.template import Template as LintTemplate

from moorage.cfn.template import Template
from moorage.findings.finding import Finding, Level, Path, Place
from moorage.findings.wording import near, shown
from moorage.model import Plan
from moorage.pipeline.document import Document
from moorage.rules.registry import RULES
from moorage.rules.runner import LocatedProblem, run_rules

_LONGEST = 300
_LEVELS: dict[str, Level] = {"error": "error", "warning": "warning", "informational": "info"}
_OWN = frozenset(rule.id for rule in RULES)
_VERDICTS: dict[str, Level] = {"E": "error", "W": "warning"}


def check(plan: Plan, document: Document) -> list[Finding]:
    """What stands against a plan's templates, told where the params brought it about: at the
    override that did, or at the stack. The templates are not written yet."""
    region = plan.environment.region
    if region not in REGIONS:
        path: Path = ("region",)
        meant = near(region, REGIONS)
        hint = (f"Did you mean `{meant}`? " if meant else "") + "For a new one update cfn-lint."
        message = f"There is no region {shown(region)}"
        return [Finding("M1602", "error", document.place(path), path, message, hint)]
    texts = {stack.rendering.file: stack.rendering.text for stack in plan.stacks}
    stacks = {stack.rendering.file: stack.name for stack in plan.stacks}
    return [
        _in_params(finding, stacks[finding.place.file], document)
        for finding in check_texts(texts, region)
    ]


def _in_params(finding: Finding, stack: str, document: Document) -> Finding:
    path: Path = ("stacks", stack, "overrides", *finding.path)
    while len(path) > 3 and path not in document.places:
        path = path[:-1]
    path = path if len(path) > 3 else ("stacks", stack)
    where = ".".join(str(step) for step in finding.path) or "the template"
    message = f"In {finding.place.file}, {where}: {finding.message}"
    return replace(finding, place=document.place(path), path=path, message=message)


def check_texts(texts: Mapping[str, str], region: str | None = None) -> list[Finding]:
    """What stands against the templates of one environment, by their files' names, for a region
    (none: cfn-lint takes its own default, and Moorage's rules take it as not known)."""
    try:
        runner = _runner(region if region in REGIONS else None)
    except ConfigFileError as error:
        hint = "Mend the file `.cfnlintrc`, here or in your home folder."
        message = f"cfn-lint refuses its settings: {error}"
        return [Finding("M1001", "error", Place(".cfnlintrc", 1), (), message, hint)]
    decoded = {file: decode_str(text) for file, text in texts.items()}
    bodies = {file: body for file, (body, wrong) in decoded.items() if not wrong}
    findings = [one for file, (_, wrong) in decoded.items() for one in _findings(wrong, file)]
    for file, body in bodies.items():
        findings += _linted(body, file, runner)
    findings += _judged(bodies, region, tuple(runner.config.ignore_checks))
    order = list(texts)
    return sorted(
        findings,
        key=lambda one: (order.index(one.place.file), one.place.line, one.code, one.message),
    )


def lint_page(code: str) -> str | None:
    """What one of cfn-lint's own rules looks for; None where it has no such rule."""
    rule = next((one for one in _runner(None).rules.values() if one.id == code), None)
    if rule is None:
        return None
    return f"{code}  {rule.shortdesc} (cfn-lint)\n\n{rule.description}\n\n{rule.source_url}\n"


def _linted(body: Any, file: str, runner: Any) -> list[Finding]:
    """What cfn-lint's own rules say of one template. A user's settings may append Moorage's, which
    are judged for all templates at once."""
    try:
        matches = run_template_by_data(body, runner.config, runner.rules)
        return list(_findings((one for one in matches if one.rule.id not in _OWN), file))
    except Exception as error:  # its own rules it guards itself, what stands before them not
        hint = "Check that each section is a map, as in CloudFormation's user guide."
        message = f"cfn-lint cannot make sense of the template: {error}"
        return [Finding("E0002", "error", Place(file, 1), (), message, hint)]


def _judged(
    bodies: Mapping[str, Any], region: str | None, ignored: tuple[str, ...]
) -> Iterator[Finding]:
    """What Moorage's rules say of templates that belong together, but for the rules that the
    user's settings of cfn-lint ignore."""
    maps = {file: body for file, body in bodies.items() if isinstance(body, Mapping)}
    for one in run_rules([Template(file, body, region) for file, body in maps.items()]):
        if not one.rule.id.startswith(ignored):
            yield _told(one, _line(one, maps[one.template]))


def _line(verdict: LocatedProblem, body: Any) -> int:
    # cfn-lint's view of a template is costly to make, and most templates have nothing to tell.
    found = LintTemplate(verdict.template, body).get_location_yaml(body, list(verdict.path))
    return found[0] + 1 if found else 1


def _told(verdict: LocatedProblem, line: int) -> Finding:
    return Finding(
        code=verdict.rule.id,
        level=_VERDICTS[verdict.rule.id[0]],
        place=Place(verdict.template, line),
        path=verdict.path,
        message=verdict.message,
        hint=verdict.hint,
    )


@cache
def _runner(region: str | None) -> Any:
    return Runner(ConfigMixIn([], **({"regions": [region]} if region else {})))


def _findings(matches: Iterable[Match], file: str) -> Iterator[Finding]:
    for match in matches:
        path = tuple(match.path) if getattr(match, "path", None) else ()
        yield Finding(
            code=match.rule.id,
            level=_LEVELS[match.rule.severity],
            place=Place(file, match.linenumber or 1),
            path=path,
            message=_short(match.message),
            hint=match.rule.source_url if match.rule.id.startswith("E0") else "",
        )


def _short(message: str) -> str:
    """Some messages list everything that would be right, which may be thousands of names."""
    return message if len(message) <= _LONGEST else f"{message[:_LONGEST]}..."
