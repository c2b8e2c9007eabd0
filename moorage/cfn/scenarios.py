"""Scenarios: which values of parameters and conditions are evaluated.

A template with conditions can be deployed in many ways. Evaluating all combinations takes too long,
and most are never deployed. So these are evaluated: the scenario of the parameters' defaults, and
each scenario that differs from it in one choice. A result that appears only with such a choice
counts if it also appears when all other choices are inverted, because then this choice alone is the
cause.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from moorage.cfn.template import Template
from moorage.cfn.values import Unknown, as_text
from moorage.cfn.view import Scenario, View

MAX_STEPS = 6
"""How many scenarios other than the default one are evaluated."""

T = TypeVar("T")


def find_in_scenarios(
    templates: Sequence[Template],
    find: Callable[[View], Iterable[T]],
    key: Callable[[T], Hashable],
) -> list[T]:
    """Returns what `find` returns in any scenario, each result once by its key."""
    choices = _choices(templates)
    base = {name: values[0] for name, values in choices.items()}
    first = View(templates, base)
    results = {key(result): result for result in find(first)}
    seen = {_condition_values(first)}
    for name, value in _steps(choices):
        view = View(templates, {**base, name: value})
        conditions = _condition_values(view)
        if conditions in seen:
            continue
        if len(seen) > MAX_STEPS:
            break
        seen.add(conditions)
        new = {key(result): result for result in find(view)}
        if new.keys() - results.keys():
            inverted = View(templates, {**_inverted(choices), name: value})
            confirmed = {key(result) for result in find(inverted)} - results.keys()
            results |= {result: new[result] for result in new if result in confirmed}
    return list(results.values())


def default_view(templates: Sequence[Template]) -> View:
    """The templates with the defaults of their parameters."""
    return View(templates, {name: values[0] for name, values in _choices(templates).items()})


def _steps(choices: Mapping[tuple[str, str], Sequence[Any]]) -> Iterator[tuple[Any, Any]]:
    """Single changes of the default scenario: first one alternative of each choice, then the
    next."""
    for index in range(1, max(map(len, choices.values()), default=0)):
        for name, values in choices.items():
            if index < len(values):
                yield name, values[index]


def _inverted(choices: Mapping[tuple[str, str], Sequence[Any]]) -> Scenario:
    return {name: values[-1] for name, values in choices.items()}


def _condition_values(view: View) -> tuple[Any, ...]:
    return tuple(
        stack.evaluate_condition(name)
        for stack in view.stacks
        for name in stack.template.conditions
    )


def _choices(templates: Sequence[Template]) -> dict[tuple[str, str], list[Any]]:
    """Parameters and conditions that can vary, by (template, name), with their possible values, the
    default first."""
    choices = {
        (template.name, name): values
        for template in templates
        for name, compared in _compared(template).items()
        for values in [_values(template, name, compared)]
        if values
    }
    view = View(templates, {name: values[0] for name, values in choices.items()})
    for stack in view.stacks:
        for name in stack.template.conditions:
            if stack.evaluate_condition(name) is None and _is_plain(
                stack.template.conditions[name]
            ):
                choices[stack.name, f"Condition {name}"] = [True, False]
    return choices


def _is_plain(raw: Mapping[str, Any]) -> bool:
    """Whether a condition is a comparison, and not derived from other conditions."""
    return "Fn::Equals" in raw or (
        "Fn::Not" in raw and "Fn::Equals" in str(raw) and "Condition" not in str(raw)
    )


def _values(template: Template, name: str, compared: Sequence[str]) -> list[Any]:
    """The values of a parameter (or pseudo parameter) that can change a condition."""
    if name in template.parameter_values:
        return []
    if name.startswith("AWS::"):
        is_known = name == "AWS::Region" and template.region
        different = Unknown(name, excluded=frozenset(compared))
        return [] if is_known or name == "AWS::NoValue" else [different, *compared]
    different = Unknown(f"{template.name}:{name}", excluded=frozenset(compared))
    parameter = template.parameters.get(name)
    if parameter is None or parameter.is_list or not parameter.is_direct:
        return []
    default = as_text(parameter.default)
    allowed = [text for text in map(as_text, parameter.allowed_values) if text is not None]
    if allowed:
        first = default if default in allowed else allowed[0]
        return [first, *(value for value in allowed if value != first)]
    if default is None:
        return [different, *compared]
    rest = [value for value in compared if value != default]
    return [default, *([different] if default in compared else []), *rest]


def _compared(template: Template) -> dict[str, list[str]]:
    """Parameters used in conditions, with the literals that each is compared with."""
    compared: dict[str, list[str]] = {}
    todo: list[Any] = list(template.conditions.values())
    while todo:
        raw = todo.pop(0)
        if isinstance(raw, Mapping):
            equals = raw.get("Fn::Equals")
            if isinstance(equals, list) and len(equals) == 2:
                for operand, literal in (equals, reversed(equals)):
                    text = as_text(literal)
                    if isinstance(operand, Mapping) and isinstance(operand.get("Ref"), str):
                        literals = compared.setdefault(operand["Ref"], [])
                        literals += [text] if text is not None and text not in literals else []
            if isinstance(raw.get("Ref"), str):
                compared.setdefault(raw["Ref"], [])
            todo += raw.values()
        elif isinstance(raw, list):
            todo += raw
    return compared
