"""A build: params -> a plan and findings.

A build only reads the params, except for `inspect` of template modules: that of services runs the
installed nginx, if there is one, to test the configuration of a proxy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from moorage.findings.codes import CODES
from moorage.findings.finding import Finding
from moorage.model import NO_VALUES, GivenValues, Plan, TemplateModule
from moorage.pipeline.check import check
from moorage.pipeline.compose import compose
from moorage.pipeline.document import Document
from moorage.pipeline.inspect import inspect_stacks
from moorage.pipeline.link import link
from moorage.pipeline.load import load
from moorage.pipeline.render import Format, render
from moorage.pipeline.secret_params import hide_secrets
from moorage.pipeline.suppressions import add_suppressions, has_tls_listeners
from moorage.pipeline.validate import by_place, validate


@dataclass(frozen=True)
class Built:
    """The result of a build of one environment: its plan is None if a finding is an error."""

    env: str
    plan: Plan | None
    findings: tuple[Finding, ...]
    document: Document | None = None
    """The params, if there is a plan."""


def build(
    params: Path,
    env: str,
    templates: Mapping[str, TemplateModule],
    form: Format = "yaml",
    step: Callable[[str], None] = lambda name: None,
    given: GivenValues = NO_VALUES,
) -> Built:
    """Builds one environment and writes nothing. `step` is called with the name of each step, and
    `given` are values of the command line."""

    def stop(findings: list[Finding]) -> Built:
        shown = hide_secrets(findings, document.data) if document else findings
        return Built(env, None, tuple(sorted(shown, key=by_place)))

    step("load")
    document, findings = load(params, env, given)
    if document is None:
        return stop(findings)
    step("validate")
    environment, more = validate(document, templates)
    findings += more
    if environment is None or _has_error(findings):
        return stop(findings)
    step("compose")
    stacks = compose(environment, templates)
    step("render")
    finish: Callable[[Mapping[str, Any]], Mapping[str, Any]] = dict
    if environment.suppressions:
        finish = partial(add_suppressions, tls_listeners=has_tls_listeners(stacks))
    rendered = [render(stack, document, form, finish) for stack in stacks]
    findings += [finding for _, more in rendered for finding in more]
    renderings = tuple(rendering for rendering, _ in rendered if rendering is not None)
    if _has_error(findings):
        return stop(findings)
    step("link")
    plan, more = link(renderings, environment, document)
    findings += more
    if plan is None:
        return stop(findings)
    step("check")
    findings += _without_repeats(check(plan, document), findings)
    findings += inspect_stacks(plan, document, templates)
    findings = hide_secrets(findings, document.data)
    if _has_error(findings):
        return Built(env, None, tuple(findings))
    return Built(env, plan, tuple(findings), document)


def _without_repeats(found: list[Finding], earlier: list[Finding]) -> list[Finding]:
    """Drops findings about a template if a finding about the params of the stack replaces them."""
    repeated = {
        (rule, finding.path[:2])
        for finding in earlier
        if finding.code in CODES
        for rule in CODES[finding.code].replaces
    }
    return [finding for finding in found if (finding.code, finding.path[:2]) not in repeated]


def _has_error(findings: list[Finding]) -> bool:
    return any(finding.level == "error" for finding in findings)
