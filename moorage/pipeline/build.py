"""Builds an environment: params in, a plan and findings out.

A build only reads the params. What else may run is up to the `inspect` of template modules: a
service's runs the installed nginx, if there is one, to test the configuration of its proxy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from moorage.findings.finding import Finding
from moorage.model import Plan, TemplateModule
from moorage.pipeline.check import check
from moorage.pipeline.compose import compose
from moorage.pipeline.inspect import inspect_stacks
from moorage.pipeline.link import link
from moorage.pipeline.load import load
from moorage.pipeline.render import Format, render
from moorage.pipeline.validate import by_place, validate

STEPS = ("load", "validate", "compose", "render", "link", "check")


@dataclass(frozen=True)
class Built:
    """What became of one environment: a plan where there is nothing of level error."""

    env: str
    plan: Plan | None
    findings: tuple[Finding, ...]


def build(
    params: Path,
    env: str,
    templates: Mapping[str, TemplateModule],
    form: Format = "yaml",
    step: Callable[[str], None] = lambda name: None,
) -> Built:
    """Builds one environment; `step` hears the name of each step. Nothing is written."""

    def stopped(findings: list[Finding]) -> Built:
        return Built(env, None, tuple(sorted(findings, key=by_place)))

    step("load")
    document, findings = load(params, env)
    if document is None:
        return stopped(findings)
    step("validate")
    environment, more = validate(document, templates)
    findings += more
    if environment is None or _fatal(findings):
        return stopped(findings)
    step("compose")
    stacks = compose(environment, templates)
    step("render")
    rendered = [render(stack, document, form) for stack in stacks]
    findings += [finding for _, more in rendered for finding in more]
    renderings = tuple(rendering for rendering, _ in rendered if rendering is not None)
    if _fatal(findings):
        return stopped(findings)
    step("link")
    plan, more = link(renderings, environment, document)
    findings += more
    if plan is None:
        return stopped(findings)
    step("check")
    findings += check(plan, document)
    findings += inspect_stacks(plan, document, templates)
    return Built(env, None if _fatal(findings) else plan, tuple(findings))


def _fatal(findings: list[Finding]) -> bool:
    return any(finding.level == "error" for finding in findings)
