"""Which override a finding comes from: what the rules do not find without it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from moorage.cfn.template import Template
from moorage.findings.finding import Finding, Path
from moorage.pipeline.override_lists import apply_overrides
from moorage.plan import Plan, Rendering

_MOST = 20
"""Overrides that are tried one by one."""

Key = tuple[str, str, Path]


@dataclass(frozen=True)
class OverrideCauses:
    """The overrides of an environment, and what the rules find without them."""

    plan: Plan

    @cached_property
    def _renderings(self) -> tuple[Rendering, ...]:
        return tuple(stack.rendering for stack in self.plan.stacks)

    @cached_property
    def _overridden(self) -> tuple[Rendering, ...]:
        return tuple(rendering for rendering in self._renderings if rendering.overrides)

    @cached_property
    def _without_any(self) -> frozenset[Key]:
        return self._found({rendering.file: rendering.composed for rendering in self._overridden})

    @property
    def are_possible(self) -> bool:
        """Whether there are overrides."""
        return bool(self._overridden)

    def is_caused(self, finding: Finding) -> bool:
        """Whether a finding of the rules about a template comes from overrides."""
        return self.are_possible and _key(finding) not in self._without_any

    def find(self, finding: Finding) -> Path | None:
        """The override in the params without which a finding does not exist: of one resource if
        possible, otherwise all of a stack. None if no single stack has it."""
        for rendering in self._overridden:
            bodies = {rendering.file: rendering.composed}
            if _key(finding) not in self._found(bodies):
                root: Path = ("stacks", rendering.stack, "overrides")
                return next(self._single_overrides(finding, rendering, root), root)
        return None

    def _single_overrides(
        self, finding: Finding, rendering: Rendering, root: Path
    ) -> Iterator[Path]:
        entries = [
            (section, name)
            for section, patch in rendering.overrides.items()
            if isinstance(patch, Mapping)
            for name in patch
        ]
        for section, name in entries[:_MOST]:
            others = {**rendering.overrides[section]}
            del others[name]
            body, _ = apply_overrides(rendering.composed, {**rendering.overrides, section: others})
            if _key(finding) not in self._found({rendering.file: body}):
                yield (*root, section, name)

    def _found(self, bodies: Mapping[str, Mapping[str, Any]]) -> frozenset[Key]:
        """What the rules find if some files have other contents."""
        from moorage.rules.runner import run_rules

        region = self.plan.environment.region
        templates = [
            Template(rendering.file, bodies.get(rendering.file, rendering.body), region)
            for rendering in self._renderings
        ]
        problems = run_rules(templates)
        return frozenset((problem.rule.id, problem.template, problem.path) for problem in problems)


def _key(finding: Finding) -> Key:
    return finding.code, finding.place.file, finding.path
