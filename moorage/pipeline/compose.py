"""Environment -> stacks, composed by their template modules."""

from __future__ import annotations

from collections.abc import Mapping

from moorage.model import Deployment, Environment, Stack, StackSpec, TemplateModule


def compose(env: Environment, templates: Mapping[str, TemplateModule]) -> tuple[Stack, ...]:
    """The stacks of an environment by name, without those that exist already (`existing:`) or are
    shared."""
    composed = (
        (spec, templates[spec.template].compose(name, spec.params, env))
        for name, spec in env.stacks.items()
        if name not in env.shared
    )
    return tuple(
        Stack(spec.name, template, spec.overrides, _deployment(spec, env, templates))
        for spec, template in composed
        if template is not None
    )


def _deployment(
    spec: StackSpec, env: Environment, templates: Mapping[str, TemplateModule]
) -> Deployment:
    find = getattr(templates[spec.template], "deployment", None)
    return find(spec.name, spec.params, env) if find else Deployment()
