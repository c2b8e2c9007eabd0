"""Runs all rules over a template, or over the templates of an environment."""

from __future__ import annotations

import gc
from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from moorage.cfn.nodes import nearest_existing_path
from moorage.cfn.scenarios import find_in_scenarios
from moorage.cfn.template import Template
from moorage.cfn.values import Path, Unknown
from moorage.cfn.view import Scenario, View
from moorage.rules.message_parts import join_and, quote
from moorage.rules.registry import RULES
from moorage.rules.rule import Rule

_MAX_CHOICES = 2
"""Parameters and conditions that a message names."""


@dataclass(frozen=True)
class LocatedProblem:
    """A problem with its path in the template as it is written."""

    rule: Rule
    template: str
    path: Path
    message: str
    hint: str

    @property
    def key(self) -> Hashable:
        """What is equal for the same problem in two scenarios."""
        return self.rule.id, self.template, self.path


def run_rules(templates: Sequence[Template]) -> list[LocatedProblem]:
    """The problems that all rules find, without those that a template or a resource ignores
    (`Metadata: {cfn-lint: {config: {ignore_checks: [...]}}}`, as for cfn-lint's own rules).

    A message begins with the condition under which the problem exists, if there is one.
    """
    by_name = {template.name: template for template in templates}
    runs: list[tuple[Scenario, set[Hashable]]] = []

    def find(view: View) -> list[LocatedProblem]:
        problems = list(_find_problems(view, by_name))
        runs.append((view.scenario, {problem.key for problem in problems}))
        return problems

    with _pause_garbage_collection():
        problems = find_in_scenarios(templates, find, lambda problem: problem.key)
    return [
        _add_condition(problem, runs)
        for problem in problems
        if not _is_ignored(problem, by_name[problem.template].written)
    ]


@contextmanager
def _pause_garbage_collection() -> Iterator[None]:
    """Each scenario is a view of many small objects, among which there is little garbage; the
    collector would go through all of them, and through cfn-lint's schemas, again and again."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _find_problems(view: View, templates: Mapping[str, Template]) -> Iterator[LocatedProblem]:
    for rule in RULES:
        for problem in rule.check(view):
            name = problem.node.stack.name
            template = templates[name]
            path = nearest_existing_path(template.written, template.written_path(problem.node.path))
            yield LocatedProblem(rule, name, path, problem.message, problem.hint)


# Metadata ------------------------------------------------------------------------------------


def _is_ignored(problem: LocatedProblem, body: Mapping[str, Any]) -> bool:
    """Whether the template ignores the rule, by the beginning of its id, or the resource does, by
    its whole id. That is how cfn-lint reads them."""
    if problem.rule.id.startswith(tuple(_ignored_checks(body))):
        return True
    if problem.path[:1] != ("Resources",) or len(problem.path) < 2:
        return False
    return problem.rule.id in _ignored_checks(body["Resources"][problem.path[1]])


def _ignored_checks(owner: Any) -> list[str]:
    for key in ("Metadata", "cfn-lint", "config", "ignore_checks"):
        owner = owner.get(key) if isinstance(owner, Mapping) else None
    checks = owner if isinstance(owner, list) else []
    return [check for check in checks if isinstance(check, str) and check]


# Conditions ----------------------------------------------------------------------------------

Choice = tuple[tuple[str, str], Any]
"""The name of a template and of its parameter or condition, with the value chosen for it."""


def _add_condition(
    problem: LocatedProblem, runs: Sequence[tuple[Scenario, set[Hashable]]]
) -> LocatedProblem:
    choices = _required_choices(problem.key, runs)
    if not choices:
        return problem
    if len(choices) > _MAX_CHOICES:
        condition = "the parameters have their default values"
    else:
        condition = join_and(_describe_choice(choice, problem.template) for choice in choices)
    return replace(problem, message=f"If {condition}: {problem.message}")


def _required_choices(
    key: Hashable, runs: Sequence[tuple[Scenario, set[Hashable]]]
) -> list[Choice]:
    """The choices without which a problem does not exist. The first run has the default values;
    those that differ from it by one choice show what that choice changes."""
    (defaults, default_keys), *rest = runs
    required: dict[tuple[str, str], Any] = {}
    for scenario, keys in rest:
        changed = [name for name, value in scenario.items() if value != defaults[name]]
        if len(changed) != 1 or (key in keys) is (key in default_keys):
            continue
        (name,) = changed
        if key in keys:
            return [(name, scenario[name])]
        required[name] = defaults[name]
    return list(required.items())


def _describe_choice(choice: Choice, template: str) -> str:
    (owner, name), value = choice
    suffix = "" if owner == template else f" of {owner}"
    if name.startswith("Condition "):
        name = name.removeprefix("Condition ")
        return f"the condition `{name}`{suffix} is {'true' if value else 'false'}"
    subject = f"`{name}`" if name.startswith("AWS::") else f"the parameter `{name}`{suffix}"
    if not isinstance(value, Unknown):
        return f"{subject} is {f'`{value}`' if value else 'empty'}"
    words = [*quote(sorted(filter(None, value.excluded))), *(["empty"] * ("" in value.excluded))]
    return f"{subject} is not {' and not '.join(words)}" if words else f"{subject} is set"
