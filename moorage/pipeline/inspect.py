"""Calls `inspect` of the template modules with the rendered bodies of their stacks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from moorage.findings.finding import Finding, Problem
from moorage.model import TemplateModule
from moorage.pipeline.document import Document
from moorage.plan import Plan

Inspect = Callable[[str, Any, Mapping[str, Any]], Iterator[Problem]]


def inspect_stacks(
    plan: Plan, document: Document, templates: Mapping[str, TemplateModule]
) -> list[Finding]:
    """The problems that `inspect` of each stack's template module finds in the stack's body, for
    the stacks that are meant."""
    findings: list[Finding] = []
    for stack in plan.stacks:
        spec = plan.environment.stacks[stack.name]
        inspect: Inspect | None = getattr(templates[spec.template], "inspect", None)
        if inspect is None or not document.names(stack.name):
            continue
        findings += [
            document.locate(problem, ("stacks", spec.name, *problem.path))
            for problem in inspect(spec.name, spec.params, stack.rendering.body)
        ]
    return findings
