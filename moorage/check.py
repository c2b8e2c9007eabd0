"""cfn-lint in this process: a template's text -> Findings. Its rules are loaded once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache
from typing import Any

from cfnlint.config import ConfigMixIn
from cfnlint.decode.decode import decode_str
from cfnlint.exceptions import ConfigFileError
from cfnlint.helpers import REGIONS
from cfnlint.rules import Match
from cfnlint.runner import Runner, run_template_by_data

from moorage.load import Document
from moorage.model import Finding, Level, Path, Place, Plan, near, shown

_LONGEST = 300
_LEVELS: dict[str, Level] = {"error": "error", "warning": "warning", "informational": "info"}


def check(plan: Plan, document: Document) -> list[Finding]:
    """What cfn-lint says of a plan's templates, told where the params brought it about: at the
    override that did, or at the stack. The templates are not written yet."""
    region = plan.environment.region
    if region not in REGIONS:
        path: Path = ("region",)
        meant = near(region, REGIONS)
        hint = (f"Did you mean `{meant}`? " if meant else "") + "For a new one update cfn-lint."
        message = f"There is no region {shown(region)}"
        return [Finding("M1107", "error", document.place(path), path, message, hint)]
    return [
        _in_params(finding, stack.name, document)
        for stack in plan.stacks
        for finding in check_text(stack.rendering.text, stack.rendering.file, region)
    ]


def _in_params(finding: Finding, stack: str, document: Document) -> Finding:
    path: Path = ("stacks", stack, "overrides", *finding.path)
    while len(path) > 3 and path not in document.places:
        path = path[:-1]
    path = path if len(path) > 3 else ("stacks", stack)
    where = ".".join(str(step) for step in finding.path) or "the template"
    message = f"In {finding.place.file}, {where}: {finding.message}"
    return replace(finding, place=document.place(path), path=path, message=message)


def check_text(text: str, file: str, region: str | None = None) -> list[Finding]:
    """What cfn-lint says of one template, for a region (its own default where none is given)."""
    try:
        runner = _runner(region if region in REGIONS else None)
    except ConfigFileError as error:
        hint = "Mend the file `.cfnlintrc`, here or in your home folder."
        message = f"cfn-lint refuses its settings: {error}"
        return [Finding("M1001", "error", Place(".cfnlintrc", 1), (), message, hint)]
    template, matches = decode_str(text)
    if not matches:
        try:
            matches = list(run_template_by_data(template, runner.config, runner.rules))
        except Exception as error:  # its own rules it guards itself, what stands before them not
            hint = "Check that each section is a map, as in CloudFormation's user guide."
            message = f"cfn-lint cannot make sense of the template: {error}"
            return [Finding("E0002", "error", Place(file, 1), (), message, hint)]
    return sorted(_findings(matches, file), key=lambda one: (one.place.line, one.code, one.message))


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
