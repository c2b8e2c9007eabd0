"""cfn-lint in this process: a template's text -> Findings. Its rules are loaded once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

from cfnlint.config import ConfigMixIn
from cfnlint.decode.decode import decode_str
from cfnlint.exceptions import ConfigFileError
from cfnlint.helpers import REGIONS
from cfnlint.rules import Match
from cfnlint.runner import Runner, run_template_by_data

from moorage.model import Finding, Level, Place, Plan

_LEVELS: dict[str, Level] = {"error": "error", "warning": "warning", "informational": "info"}


def check(plan: Plan, folder: str) -> list[Finding]:
    """What cfn-lint says of a plan's templates; `folder` is where they will stand."""
    region = plan.environment.region
    return [
        finding
        for stack in plan.stacks
        for finding in check_text(stack.rendering.text, f"{folder}/{stack.rendering.file}", region)
    ]


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
            message=match.message,
            hint=match.rule.source_url if match.rule.id.startswith("E0") else "",
        )
