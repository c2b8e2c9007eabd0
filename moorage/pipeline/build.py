"""A build: params -> a plan and findings.

A build only reads the params and the priorities that the last build wrote, except for `inspect` of
template modules: that of services runs the installed nginx, if there is one, to test the
configuration of a proxy.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from moorage.findings.codes import CODES
from moorage.findings.finding import Finding
from moorage.findings.wording import limit_guesses
from moorage.lint.linter import Linter
from moorage.model import NO_PRIORITIES, NO_VALUES, Environment, GivenValues, TemplateModule
from moorage.pipeline.check import HERE, Show, check
from moorage.pipeline.compose import compose, compose_last
from moorage.pipeline.document import Document
from moorage.pipeline.exports import export_imported
from moorage.pipeline.inspect import inspect_stacks
from moorage.pipeline.link import link
from moorage.pipeline.load import load
from moorage.pipeline.manifest import find_priorities
from moorage.pipeline.render import Format, render
from moorage.pipeline.secret_params import hide_secrets
from moorage.pipeline.service_role import check_service_role
from moorage.pipeline.shares import (
    Shared,
    add_shared_stacks,
    find_shared_conflicts,
    render_second_preview,
)
from moorage.pipeline.suppressions import add_suppressions, has_tls_listeners
from moorage.pipeline.target_checks import (
    RegionalBuild,
    find_account_references,
    find_target_findings,
)
from moorage.pipeline.validate import by_place, validate
from moorage.plan import Plan, PlannedStack, Rendering, Stack
from moorage.records import record


def _show(findings: Sequence[Finding], show: Show | None) -> None:
    if show is not None:
        show(findings)


def _without_secrets(show: Show | None, document: Document) -> Show | None:
    """Shows findings without the secrets in the params."""
    if show is None:
        return None
    return lambda findings: show(hide_secrets(findings, document.data))


@record
class Built:
    """The result of a build of one environment: its plan is None if a finding is an error."""

    env: str
    plan: Plan | None
    findings: tuple[Finding, ...]
    document: Document | None = None
    """The params, if there is a plan."""

    @property
    def stacks(self) -> list[PlannedStack]:
        """The stacks of the plan that are meant: those that were named, or all."""
        if self.plan is None or self.document is None:
            return []
        return [stack for stack in self.plan.stacks if self.document.names(stack.name)]


@limit_guesses()
def build(
    params: Path,
    env: str,
    templates: Mapping[str, TemplateModule],
    form: Format = "yaml",
    step: Callable[[str], None] = lambda name: None,
    given: GivenValues = NO_VALUES,
    *,
    out: Path | None = None,
    linter: Linter = HERE,
    show: Show | None = None,
    named: Collection[str] = (),
) -> Built:
    """Builds one environment and writes nothing. `step` is called with the name of each step, and
    `given` are values of the command line. Listener rules keep the priorities that the last build
    wrote to its folder below `out`. `linter` is how templates are linted.

    The plan has all stacks, since the template of one can depend on any other. If some are `named`,
    cfn-lint sees only their templates, and warnings about other stacks are left out.

    `show` is called with all findings so far: after the params are read, before templates are made,
    before they are checked, and before cfn-lint has checked those that have changed.
    """
    step("load")
    document, findings = load(params, env, given)
    if document is None:
        return Built(env, None, tuple(sorted(findings, key=by_place)))
    show = _without_secrets(show, document)
    _show(findings, show)
    recorded = find_priorities(out / document.env) if out else NO_PRIORITIES
    document = replace(document, named=frozenset(named), priorities=recorded)
    document, shared, more = add_shared_stacks(params, document, templates, out)
    findings += more
    if shared is not None:
        shared = replace(shared, second=render_second_preview(params, document, templates))
    plan, more = _build_document(
        document, templates, form, step, findings, linter, shared=shared, show=show
    )
    findings += more
    if plan is not None and plan.environment.targets is not None:
        step("targets")
        more = _check_targets(params, templates, form, plan, document, findings, linter)
        findings = sorted([*_without_repeats(findings, more), *more], key=by_place)
    findings = hide_secrets(_without_others(findings, document), document.data)
    if plan is None:
        return Built(env, None, tuple(sorted(findings, key=by_place)))
    if _has_error(findings):
        return Built(env, None, tuple(findings))
    return Built(env, plan, tuple(findings), document)


def _build_document(
    document: Document,
    templates: Mapping[str, TemplateModule],
    form: Format,
    step: Callable[[str], None],
    earlier: Sequence[Finding],
    linter: Linter,
    *,
    inspect: bool = True,
    shared: Shared | None = None,
    show: Show | None = None,
) -> tuple[Plan | None, list[Finding]]:
    """The plan, and the findings in addition to the earlier ones. Without a plan, an error in the
    params leaves nothing to check. `inspect`: whether programs of this machine may run."""
    step("validate")
    stacks = document.data.get("stacks")
    linter.prepare_engine(len(stacks) if isinstance(stacks, Mapping) else 0)
    environment, findings = validate(document, templates)
    if environment is None or _has_error([*earlier, *findings]):
        return None, findings
    _show([*earlier, *findings], show)
    renderings, more = _make_renderings(environment, templates, document, form, step)
    findings += more
    if _has_error(findings):
        return None, findings
    step("link")
    theirs = shared.renderings if shared else ()
    renderings = export_imported(renderings, environment, document, form, theirs)
    plan, more = link(renderings, environment, document, theirs)
    findings += more
    if shared is not None:
        findings += find_shared_conflicts(renderings, shared, document)
    if plan is None:
        return None, findings
    before = [*earlier, *findings]
    _show(before, show)
    step("check")
    found = check(plan, document, linter, _after(before, show))
    findings += _without_repeats(found, before)
    findings += check_service_role(plan, document)
    if inspect:
        findings += inspect_stacks(plan, document, templates)
    return plan, findings


def _make_renderings(
    environment: Environment,
    templates: Mapping[str, TemplateModule],
    document: Document,
    form: Format,
    step: Callable[[str], None],
) -> tuple[tuple[Rendering, ...], list[Finding]]:
    """The templates of all stacks; first of those that others are composed from."""
    step("compose")
    stacks = compose(environment, templates)
    step("render")
    finish: Callable[[Mapping[str, Any]], Mapping[str, Any]] = dict
    if environment.suppressions:
        finish = partial(add_suppressions, tls_listeners=has_tls_listeners(stacks))
    renderings, findings = _render_all(stacks, document, form, finish)
    if _has_error(findings):
        return renderings, findings
    last, more = compose_last(environment, templates, renderings, document)
    rendered, errors = _render_all(last, document, form, finish)
    return (*renderings, *rendered), [*findings, *more, *errors]


def _render_all(
    stacks: Iterable[Stack],
    document: Document,
    form: Format,
    finish: Callable[[Mapping[str, Any]], Mapping[str, Any]],
) -> tuple[tuple[Rendering, ...], list[Finding]]:
    rendered = [render(stack, document, form, finish) for stack in stacks]
    findings = [finding for _, more in rendered for finding in more]
    return tuple(rendering for rendering, _ in rendered if rendering is not None), findings


def _check_targets(
    params: Path,
    templates: Mapping[str, TemplateModule],
    form: Format,
    plan: Plan,
    document: Document,
    earlier: Sequence[Finding],
    linter: Linter,
) -> list[Finding]:
    """What cannot be deployed to all `targets`."""
    env, targets = plan.environment, plan.environment.targets
    assert targets is not None
    findings: list[Finding] = []
    others = []
    for region in targets.regions:
        if region != env.region:
            theirs, more = load(params, env.name, document.given, {"region": region})
            assert theirs is not None
            theirs = replace(theirs, named=document.named, priorities=document.priorities)
            found, rest = _build_document(
                theirs, templates, form, lambda _: None, more, linter, inspect=False
            )
            others.append(RegionalBuild(region, theirs, found, [*more, *rest]))
    if env.account is not None and targets.accounts != (env.account,):
        other, _ = load(params, env.name, document.given, {"account": _NO_ACCOUNT})
        assert other is not None
        findings += find_account_references(document, other)
    return findings + find_target_findings(plan, document, targets, earlier, others)


_NO_ACCOUNT = "0" * 12
"""In place of the account of the params, to find where it is used."""


def _after(before: Sequence[Finding], show: Show | None) -> Show | None:
    """Shows findings about templates together with those before."""
    if show is None:
        return None
    return lambda more: show([*before, *_without_repeats(more, before)])


def _without_repeats(found: Sequence[Finding], earlier: Sequence[Finding]) -> list[Finding]:
    """Drops findings about a template if one about the same part of the params says the same."""
    repeated = {
        (rule, _part_of_params(finding))
        for finding in earlier
        if finding.code in CODES
        for rule in CODES[finding.code].rules
    }
    return [
        finding for finding in found if (finding.code, _part_of_params(finding)) not in repeated
    ]


def _part_of_params(finding: Finding) -> tuple[str | int, ...]:
    """The resource in the overrides that a finding is about, or else the stack."""
    resource = ("stacks", "web", "overrides", "Resources", "Service")
    return finding.path[: len(resource) if "overrides" in finding.path[2:3] else 2]


def _without_others(findings: Iterable[Finding], document: Document) -> list[Finding]:
    """Drops warnings about stacks that were not named, if some were. Errors stay, since a stack can
    be wrong because of another."""
    return [
        finding
        for finding in findings
        if finding.level == "error"
        or finding.path[:1] != ("stacks",)
        or all(map(document.names, finding.path[1:2]))
    ]


def _has_error(findings: Sequence[Finding]) -> bool:
    return any(finding.level == "error" for finding in findings)
