"""All rules over a template, or over the templates of an environment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from moorage.cfn.nodes import Path, nearest_existing_path
from moorage.cfn.scenarios import find_in_scenarios
from moorage.cfn.template import Template
from moorage.cfn.view import View
from moorage.rules.registry import RULES
from moorage.rules.rule import Rule


@dataclass(frozen=True)
class LocatedProblem:
    """A fault where it stands in a template as written."""

    rule: Rule
    template: str
    path: Path
    message: str
    hint: str


def run_rules(templates: Sequence[Template]) -> list[LocatedProblem]:
    """What all rules find, without what a resource's Metadata asks not to be told
    (`cfn-lint: {config: {ignore_checks: [...]}}`, as cfn-lint has it)."""
    bodies = {template.name: template.body for template in templates}

    def judged(view: View) -> Iterator[LocatedProblem]:
        for rule in RULES:
            for one in rule.check(view):
                name = one.node.stack.name
                path = nearest_existing_path(bodies[name], one.node.path)
                yield LocatedProblem(rule, name, path, one.message, one.hint)

    every = find_in_scenarios(templates, judged, lambda one: (one.rule.id, one.template, one.path))
    return [one for one in every if not _ignored(bodies[one.template], one)]


def _ignored(body: Mapping[str, Any], verdict: LocatedProblem) -> bool:
    """Whether the template's Metadata asks for silence, by the beginning of the id, or the
    resource's, by the whole of it."""
    if verdict.rule.id.startswith(tuple(_silenced(body))):
        return True
    inside = verdict.path[:1] == ("Resources",) and len(verdict.path) > 1
    return inside and verdict.rule.id in _silenced(body["Resources"][verdict.path[1]])


def _silenced(place: Any) -> list[str]:
    for key in ("Metadata", "cfn-lint", "config", "ignore_checks"):
        place = place.get(key) if isinstance(place, Mapping) else None
    listed = place if isinstance(place, list) else []
    return [one for one in listed if isinstance(one, str) and one]
