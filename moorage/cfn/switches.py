"""Switches: parameters and conditions whose value decides what a template deploys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from moorage.cfn.template import Switch, Template
from moorage.cfn.values import MISSING, Unknown, as_text
from moorage.cfn.view import View

Switches = Mapping[Switch, Sequence[Any]]
"""The possible values of each switch, the default first. A parameter with AllowedValues that no
condition depends on has MISSING as its default, with which its value is any of them."""


def find_switches(templates: Sequence[Template]) -> Switches:
    """The switches of templates."""
    switches = {
        (template.name, name): values
        for template in templates
        for name, compared in _compared(template.conditions).items()
        for values in [_values(template, name, compared)]
        if values
    }
    view = View(templates, {switch: values[0] for switch, values in switches.items()})
    for stack in view.stacks:
        for name in stack.template.conditions:
            if stack.evaluate_condition(name) is None and _is_plain(
                stack.template.conditions[name]
            ):
                switches[stack.name, f"Condition {name}"] = [True, False]
    for template in templates:
        for name, parameter in template.parameters.items():
            allowed = parameter.texts_allowed
            is_free = parameter.is_direct and not parameter.is_list
            if is_free and len(allowed) > 1 and not template.is_decided(name):
                switches.setdefault((template.name, name), [MISSING, *allowed])
    return switches


def _is_plain(raw: Mapping[str, Any]) -> bool:
    """Whether a condition is a comparison, and not derived from other conditions."""
    return "Fn::Equals" in raw or (
        "Fn::Not" in raw and "Fn::Equals" in str(raw) and "Condition" not in str(raw)
    )


def _values(template: Template, name: str, compared: Sequence[str]) -> list[Any]:
    """The values of a parameter (or pseudo parameter) that can change a condition."""
    if template.is_decided(name):
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
    allowed = parameter.texts_allowed
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
