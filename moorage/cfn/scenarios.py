"""Scenarios: which values of parameters and conditions are evaluated.

A template with conditions can be deployed in many ways. Evaluating all combinations takes too long,
and most are never deployed. So these are evaluated: the scenario of the parameters' defaults, and
scenarios that differ from it in one choice, those that matter most first. A result that appears
only with such a choice counts if it also appears when all other choices are inverted, because then
this choice alone is the cause.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from moorage.cfn.template import Template
from moorage.cfn.values import Unknown, as_text
from moorage.cfn.view import Scenario, View

MAX_STEPS = 12
"""How many scenarios other than the default one are evaluated."""

_UNIMPORTANT_PROPERTIES = ("Environment", "Tags", "Description", "Metadata")
"""Properties that hardly any result depends on."""

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
    for name, value in _steps(_by_importance(choices, templates)):
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


def _by_importance(
    choices: Mapping[tuple[str, str], Sequence[Any]], templates: Sequence[Template]
) -> dict[tuple[str, str], Sequence[Any]]:
    """The choices in the order in which they are worth a scenario: first those that decide about
    resources and their properties, then those that only change environment variables or tags."""
    important = {
        (template.name, name)
        for template in templates
        for condition in _find_conditions(template.body.get("Resources"))
        for name in (f"Condition {condition}", *_parameters_of(template, condition, set()))
    }
    return dict(sorted(choices.items(), key=lambda choice: choice[0] not in important))


def _find_conditions(raw: Any) -> Iterator[str]:
    """The conditions that resources or their properties depend on."""
    if isinstance(raw, list):
        for item in raw:
            yield from _find_conditions(item)
    elif isinstance(raw, Mapping):
        condition, choice = raw.get("Condition"), raw.get("Fn::If")
        if isinstance(condition, str):
            yield condition
        if isinstance(choice, list) and choice and isinstance(choice[0], str):
            yield choice[0]
        for key, value in raw.items():
            if key not in _UNIMPORTANT_PROPERTIES:
                yield from _find_conditions(value)


def _parameters_of(template: Template, condition: str, seen: set[str]) -> Iterator[str]:
    """The parameters that a condition depends on, also through other conditions."""
    raw = template.conditions.get(condition)
    if condition in seen or raw is None:
        return
    seen.add(condition)
    yield from _compared({condition: raw})
    for other in _find_conditions(raw):
        yield from _parameters_of(template, other, seen)


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
        for name, compared in _compared(template.conditions).items()
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
    if template.is_decided(name) and name in template.parameters:
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


def _compared(conditions: Mapping[str, Any]) -> dict[str, list[str]]:
    """Parameters used in conditions, with the literals that each is compared with."""
    compared: dict[str, list[str]] = {}
    todo: list[Any] = list(conditions.values())
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
