"""Environment -> stacks, composed by their template modules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from moorage.cfn.deployment_permissions import build_view, collect_needs
from moorage.findings.finding import Finding
from moorage.model import Environment, StackSpec, TemplateModule
from moorage.pipeline.document import Document
from moorage.plan import Deployment, Rendering, Stack


def compose(env: Environment, templates: Mapping[str, TemplateModule]) -> tuple[Stack, ...]:
    """The stacks of an environment by name, without those that exist already (`existing:`) or are
    shared, and without those of `compose_last`."""
    composed = (
        (spec, templates[spec.template].compose(name, spec.params, env))
        for name, spec in env.stacks.items()
        if name not in env.shared
    )
    return tuple(
        Stack(spec.name, template.to_dict(), spec.overrides, _deployment(spec, env, templates))
        for spec, template in composed
        if template is not None
    )


def compose_last(
    env: Environment,
    templates: Mapping[str, TemplateModule],
    renderings: Iterable[Rendering],
    document: Document,
) -> tuple[list[Stack], list[Finding]]:
    """The stacks whose templates depend on those of the others, which are rendered; and what is
    wrong with them."""
    specs = [
        spec for spec in env.stacks.values() if hasattr(templates[spec.template], "compose_last")
    ]
    if not specs:
        return [], []
    bodies = {rendering.stack: rendering.body for rendering in renderings}
    needs = collect_needs(build_view(bodies), {name: env.stack_name(name) for name in bodies})
    stacks: list[Stack] = []
    findings: list[Finding] = []
    for spec in specs:
        module: Any = templates[spec.template]
        findings += [
            document.locate(problem, ("stacks", spec.name, *problem.path))
            for problem in module.last_problems(spec.name, spec.params, env, needs)
        ]
        template = module.compose_last(spec.name, spec.params, env, needs)
        deployment = _deployment(spec, env, templates)
        stacks.append(Stack(spec.name, template.to_dict(), spec.overrides, deployment))
    return stacks, findings


def _deployment(
    spec: StackSpec, env: Environment, templates: Mapping[str, TemplateModule]
) -> Deployment:
    find = getattr(templates[spec.template], "deployment", None)
    return find(spec.name, spec.params, env) if find else Deployment()
