"""Which choices of a deployment are looked at.

A template with conditions stands for many templates. All of them are too many, and most
combinations nobody deploys, so these are looked at: the one that the parameters' defaults make,
and each that differs from it by one choice. What is found only after such a step counts if it is
still found when every other choice is made the other way as well: then the step alone is wrong,
whatever else is chosen.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from moorage.cfn.template import Template
from moorage.cfn.values import Unknown, as_text
from moorage.cfn.view import Scenario, View

MAX_STEPS = 6
"""Steps from the defaults that are looked at."""

T = TypeVar("T")


def find_in_scenarios(
    templates: Sequence[Template],
    find: Callable[[View], Iterable[T]],
    key: Callable[[T], Hashable],
) -> list[T]:
    """What `find` finds in any scenario, each thing once by its key."""
    choices = _choices(templates)
    base = {name: values[0] for name, values in choices.items()}
    first = View(templates, base)
    results = {key(one): one for one in find(first)}
    seen = {_truths(first)}
    for name, value in _steps(choices):
        view = View(templates, {**base, name: value})
        truths = _truths(view)
        if truths in seen:
            continue
        if len(seen) > MAX_STEPS:
            break
        seen.add(truths)
        new = {key(one): one for one in find(view)}
        if new.keys() - results.keys():
            other = View(templates, {**_others(choices), name: value})
            still = {key(one) for one in find(other)}
            results |= {one: new[one] for one in new if one in still and one not in results}
    return list(results.values())


def default_view(templates: Sequence[Template]) -> View:
    """The templates as the parameters' defaults make them."""
    return View(templates, {name: values[0] for name, values in _choices(templates).items()})


def _steps(choices: Mapping[tuple[str, str], Sequence[Any]]) -> Iterator[tuple[Any, Any]]:
    """One choice made otherwise, the first alternative of each before the second of any."""
    for at in range(1, max(map(len, choices.values()), default=0)):
        for name, values in choices.items():
            if at < len(values):
                yield name, values[at]


def _others(choices: Mapping[tuple[str, str], Sequence[Any]]) -> Scenario:
    return {name: values[-1] for name, values in choices.items()}


def _truths(view: View) -> tuple[Any, ...]:
    return tuple(
        stack.evaluate_condition(name)
        for stack in view.stacks
        for name in stack.template.conditions
    )


def _choices(templates: Sequence[Template]) -> dict[tuple[str, str], list[Any]]:
    """What conditions hang on, by (template, name), with the possible values, the default first."""
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
    """Whether a condition compares by itself, and does not follow from others."""
    return "Fn::Equals" in raw or (
        "Fn::Not" in raw and "Fn::Equals" in str(raw) and "Condition" not in str(raw)
    )


def _values(template: Template, name: str, compared: Sequence[str]) -> list[Any]:
    """The values of a parameter (or pseudo parameter) that can matter."""
    if name in template.parameter_values:
        return []
    other = Unknown(f"{template.name}:{name}", excluded=frozenset(compared))
    if name.startswith("AWS::"):
        known = name == "AWS::Region" and template.region
        own = Unknown(name, excluded=frozenset(compared))
        return [] if known or name == "AWS::NoValue" else [own, *compared]
    parameter = template.parameters.get(name)
    if parameter is None or parameter.is_list or not parameter.is_direct:
        return []
    default = as_text(parameter.default)
    allowed = [text for text in map(as_text, parameter.allowed_values) if text is not None]
    if allowed:
        first = default if default in allowed else allowed[0]
        return [first, *(one for one in allowed if one != first)]
    if default is None:
        return [other, *compared]
    rest = [one for one in compared if one != default]
    return [default, *([other] if default in compared else []), *rest]


def _compared(template: Template) -> dict[str, list[str]]:
    """Parameters that conditions mention, with the literals each is compared with."""
    compared: dict[str, list[str]] = {}
    todo: list[Any] = list(template.conditions.values())
    while todo:
        raw = todo.pop(0)
        if isinstance(raw, Mapping):
            equals = raw.get("Fn::Equals")
            if isinstance(equals, list) and len(equals) == 2:
                for one, other in (equals, reversed(equals)):
                    text = as_text(other)
                    if isinstance(one, Mapping) and isinstance(one.get("Ref"), str):
                        literals = compared.setdefault(one["Ref"], [])
                        literals += [text] if text is not None and text not in literals else []
            if isinstance(raw.get("Ref"), str):
                compared.setdefault(raw["Ref"], [])
            todo += raw.values()
        elif isinstance(raw, list):
            todo += raw
    return compared
