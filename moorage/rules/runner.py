"""Runs all rules over a template, or over the templates of an environment."""

from __future__ import annotations

import gc
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from typing import Any

from moorage.cfn.nodes import nearest_existing_path
from moorage.cfn.scenarios import Finder, Found, find_in_scenarios
from moorage.cfn.template import Switch, Template
from moorage.cfn.values import Path, Unknown
from moorage.cfn.view import View
from moorage.records import record
from moorage.rules.ignored_checks import is_ignored
from moorage.rules.message_parts import join_and, quote
from moorage.rules.modules import rules_about
from moorage.rules.rule import Problem, Rule

_MAX_CHOICES = 2
"""How many default values a message names."""
_MANY = 200
"""With more templates, their memory can be given back: processes beside this one need it."""


@record
class LocatedProblem:
    """A problem with its path in the template as it is written."""

    rule: Rule
    template: str
    path: Path
    message: str
    hint: str
    number: int = 0
    """Counts the problems that a rule finds at the same place."""

    @property
    def kind(self) -> Hashable:
        """The same in two scenarios, whose messages can differ."""
        return self.rule.id, self.number


def run_rules(templates: Sequence[Template]) -> list[LocatedProblem]:
    """The problems that all rules find, without those that a template or a resource ignores
    (`Metadata: {cfn-lint: {config: {ignore_checks: [...]}}}`, as for cfn-lint's own rules).

    A message begins with the condition under which the problem exists, if there is one.
    """
    by_name = {template.name: template for template in templates}
    finders = _finders_about(_types_in(templates))
    with _pause_garbage_collection():
        if len(templates) > _MANY:
            _make_lasting_values(templates, finders)
        found = find_in_scenarios(templates, finders)
    return [
        _add_condition(problem) for problem in found if not _is_ignored(problem.result, by_name)
    ]


def _is_ignored(problem: LocatedProblem, templates: Mapping[str, Template]) -> bool:
    return is_ignored(problem.rule.id, problem.path, templates[problem.template].written)


def _types_in(templates: Sequence[Template]) -> frozenset[str]:
    return frozenset(body["Type"] for template in templates for body in template.resources.values())


@lru_cache(maxsize=64)  # many templates of a folder, and all runs of `watch`, have the same types
def _finders_about(types: frozenset[str]) -> tuple[Finder[LocatedProblem], ...]:
    """The rules without those about types of which there are no resources, which are most."""
    return tuple(map(_finder, rules_about(types)))


def _make_lasting_values(
    templates: Sequence[Template], finders: Sequence[Finder[LocatedProblem]]
) -> None:
    """Lets rules make what they keep for the next templates, such as the steps of a path.

    Python gives memory back in pieces of a mebibyte, each when nothing in it is in use. What is
    made among the nodes of many templates would keep the memory of most of these.
    """
    samples: list[Template] = []
    seen: set[str] = set()
    for template in templates:
        types = _types_in([template])
        if not types <= seen:
            samples.append(template)
            seen |= types
    find_in_scenarios(samples, finders)


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


def _finder(rule: Rule) -> Finder[LocatedProblem]:
    def find(view: View) -> list[LocatedProblem]:
        problems = [*rule.check(view)]
        return [*_locate(rule, problems)] if problems else []

    # A warning is about what is probably meant: about the default, not about all allowed values.
    return Finder(find, tries_values=rule.id.startswith("E") and not rule.compares_defaults)


def _locate(rule: Rule, problems: Iterable[Problem]) -> Iterator[LocatedProblem]:
    hints: dict[tuple[str, Path], set[str]] = {}
    for problem in problems:
        template = problem.node.stack.template
        path = nearest_existing_path(template.written, template.written_path(problem.node.path))
        before = hints.setdefault((template.name, path), set())
        if problem.hint not in before:  # otherwise one correction is enough
            yield LocatedProblem(
                rule, template.name, path, problem.message, problem.hint, number=len(before)
            )
            before.add(problem.hint)


# Conditions ----------------------------------------------------------------------------------


def _add_condition(found: Found[LocatedProblem]) -> LocatedProblem:
    problem = found.result
    if not found.choices:
        return problem
    if found.by_default and len(found.choices) > _MAX_CHOICES:
        condition = "the parameters have their default values"
    else:
        choices = found.choices.items()
        condition = join_and(_describe_choice(*choice, problem.template) for choice in choices)
    return replace(problem, message=f"If {condition}: {problem.message}")


def _describe_choice(switch: Switch, value: Any, template: str) -> str:
    owner, name = switch
    suffix = "" if owner == template else f" of {owner}"
    if name.startswith("Condition "):
        name = name.removeprefix("Condition ")
        return f"the condition `{name}`{suffix} is {'true' if value else 'false'}"
    subject = f"`{name}`" if name.startswith("AWS::") else f"the parameter `{name}`{suffix}"
    if not isinstance(value, Unknown):
        return f"{subject} is {f'`{value}`' if value else 'empty'}"
    words = [*quote(sorted(filter(None, value.excluded))), *(["empty"] * ("" in value.excluded))]
    return f"{subject} is not {' and not '.join(words)}" if words else f"{subject} is set"
