"""Intrinsic functions, evaluated as far as a template allows.

An `Fn::If` has the value of the branch that is taken. What cannot be evaluated has a value of the
module `values`, such as Unknown.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from moorage.cfn.values import (
    KNOWN_LATER,
    MISSING,
    ZONE_PREFIX,
    Attr,
    OneOf,
    Path,
    Text,
    Unknown,
    are_same,
    as_text,
    join_parts,
)

if TYPE_CHECKING:
    from moorage.cfn.stack import Stack

_SUB = re.compile(r"\$\{([^}]{0,256}+)\}")
_OUTPUTS = "Outputs."
_MAX_CHOICES = 24
_MAX_DEPTH = 60


def evaluate(stack: Stack, raw: Any, path: Path) -> tuple[Any, Path]:
    """Evaluates the outermost function of a raw value. Returns the value and its path, which is
    longer than `path` if the value is a branch of `Fn::If` or an item of `Fn::Select`."""
    for _ in range(_MAX_DEPTH):
        if isinstance(raw, str):
            return without_dynamic_reference(raw), path
        if not isinstance(raw, dict) or len(raw) != 1:
            return raw, path
        function, argument = next(iter(raw.items()))
        if function in _SELECTORS:
            selected = _SELECTORS[function](stack, argument)
            if not isinstance(selected, tuple):
                return selected, path
            steps, raw = selected
            path = (*path, function, *steps)
        elif function in _FUNCTIONS:
            try:
                return without_dynamic_reference(_FUNCTIONS[function](stack, argument)), path
            except (TypeError, ValueError, KeyError, IndexError, AttributeError):
                return Unknown(expression_key(raw)), path
        elif isinstance(function, str) and function.startswith("Fn::"):
            return Unknown(expression_key(_simplify(stack, raw))), path
        else:
            return raw, path
    return Unknown("too deep"), path


def is_function(raw: Mapping[str, Any]) -> bool:
    """Whether a map is a function, which has to be evaluated."""
    if len(raw) != 1:
        return False
    (key,) = raw
    return key == "Ref" or (isinstance(key, str) and key.startswith("Fn::"))


def _evaluate_list(stack: Stack, raw: Any) -> list[Any] | None:
    """The evaluated items of a list, without AWS::NoValue; None if their number is unknown."""
    items = evaluate(stack, raw, ())[0]
    if not isinstance(items, list):
        return None
    values = [evaluate(stack, item, ())[0] for item in items]
    return [value for value in values if value is not MISSING]


def expression_key(raw: Any) -> str:
    """A text that is equal for equal expressions."""
    return repr(raw)


def without_dynamic_reference(value: Any) -> Any:
    """The value; Unknown if it is a text with a dynamic reference (`{{resolve:...}}`)."""
    return Unknown(value) if isinstance(value, str) and "{{resolve:" in value else value


def _simplify(stack: Stack, raw: Any) -> Any:
    """Replaces everything in an expression that can be evaluated, so that equal expressions have
    equal keys."""
    if isinstance(raw, Mapping):
        if len(raw) == 1 and next(iter(raw)) in ("Ref", "Fn::Sub", "Fn::FindInMap", "Fn::If"):
            value = evaluate(stack, raw, ())[0]
            return _simplify(stack, value) if isinstance(value, list) else value
        return {key: _simplify(stack, value) for key, value in raw.items()}
    if isinstance(raw, list):
        return [_simplify(stack, value) for value in raw]
    return as_text(raw)


def _evaluate_ref(stack: Stack, argument: Any) -> Any:
    if not isinstance(argument, str):
        return Unknown(expression_key(argument))
    return stack.resolve_ref(argument)


def _evaluate_get_att(stack: Stack, argument: Any) -> Any:
    name, attribute = argument.split(".", 1) if isinstance(argument, str) else argument
    resource = stack.find(name) if isinstance(name, str) else None
    if resource is None or not isinstance(attribute, str):
        return Unknown(f"{stack.name}:{name}.{attribute}")
    nested = stack.view.nested_stack(resource)
    if nested is not None and attribute.startswith(_OUTPUTS):
        return nested.resolve_output(attribute.removeprefix(_OUTPUTS))
    return Attr(resource, attribute)


def _evaluate_sub(stack: Stack, argument: Any) -> Any:
    text, variables = (argument, {}) if isinstance(argument, str) else argument
    parts: list[Any] = []
    end = 0
    for match in _SUB.finditer(text):
        parts.append(text[end : match.start()])
        end = match.end()
        name = match[1].strip()
        if name.startswith("!"):
            parts.append("${" + name[1:] + "}")
        elif name in variables:
            parts.append(_as_part(evaluate(stack, variables[name], ())[0]))
        elif "." in name:
            parts.append(_as_part(_evaluate_get_att(stack, name)))
        else:
            parts.append(_as_part(stack.resolve_ref(name)))
    parts.append(text[end:])
    return join_parts(parts)


def _as_part(value: Any) -> Any:
    """A value as a part of a text."""
    text = as_text(value)
    if text is not None:
        return text
    return value if isinstance(value, KNOWN_LATER) else Unknown(expression_key(value))


def _evaluate_join(stack: Stack, argument: Any) -> Any:
    separator, items = argument
    values = _evaluate_list(stack, items)
    if values is None or not isinstance(separator, str):
        return Unknown(expression_key(_simplify(stack, {"Fn::Join": argument})))
    parts: list[Any] = []
    for value in values:
        parts += ([separator] if parts else []) + [_as_part(value)]
    return join_parts(parts)


def _evaluate_split(stack: Stack, argument: Any) -> Any:
    separator, raw = argument
    text = as_text(evaluate(stack, raw, ())[0])
    if text is not None and isinstance(separator, str):
        return text.split(separator)
    return Unknown(expression_key(_simplify(stack, {"Fn::Split": argument})))


def _evaluate_if(stack: Stack, argument: Any) -> Any:
    """The steps of the path to the branch that is taken, with the raw branch. If the condition is
    unknown: the value of the branches if both are the same text, else Unknown."""
    if not isinstance(argument, list) or len(argument) != 3:
        return Unknown(expression_key(argument))
    is_true = stack.evaluate_condition(argument[0])
    if is_true is not None:
        index = 1 if is_true else 2
        return (index,), argument[index]
    values = [evaluate(stack, branch, ())[0] for branch in argument[1:]]
    is_same = as_text(values[0]) is not None and are_same(*values)
    return values[0] if is_same else Unknown(expression_key(argument))


def _evaluate_select(stack: Stack, argument: Any) -> Any:
    """The steps of the path to the selected item, with the raw item; else Unknown."""
    if not isinstance(argument, list) or len(argument) != 2:
        return Unknown(expression_key(argument))
    index = as_text(evaluate(stack, argument[0], ())[0])
    items = evaluate(stack, argument[1], ())[0]
    if index is not None and re.fullmatch("[0-9]{1,9}", index) and isinstance(items, list):
        position = int(index)
        if position < len(items):
            return (1, position), items[position]
        return Unknown(expression_key(argument))
    zones = argument[1].get("Fn::GetAZs") if isinstance(argument[1], Mapping) else None
    if index is not None and zones in ("", {"Ref": "AWS::Region"}, stack.template.region or ""):
        return Unknown(f"{ZONE_PREFIX}{index}")
    return Unknown(expression_key(_simplify(stack, {"Fn::Select": argument})))


def _evaluate_find_in_map(stack: Stack, argument: Any) -> Any:
    keys = [evaluate(stack, key, ())[0] for key in argument[:3]]
    unknown = Unknown(expression_key({"Fn::FindInMap": _simplify(stack, argument)}))
    mapping = stack.template.mappings.get(as_text(keys[0]) or "")
    if mapping is None:
        return unknown
    values = [
        value
        for first in _possible_keys(keys[1], mapping)
        if isinstance(mapping.get(first), Mapping)
        for second in _possible_keys(keys[2], mapping[first])
        for value in [mapping[first].get(second, MISSING)]
        if value is not MISSING
    ]
    are_keys_known = all(as_text(key) is not None for key in keys[1:])
    has_default = len(argument) > 3  # DefaultValue
    if not values or (has_default and not are_keys_known):
        return unknown
    if all(value == values[0] for value in values):
        return values[0]
    default = _value_by_default_keys(keys, mapping)
    texts = dict.fromkeys(map(as_text, values))
    known = tuple(text for text in texts if text is not None)
    if any(isinstance(key, Unknown | Text) for key in keys) or len(texts) > _MAX_CHOICES:
        return Unknown(unknown.token, default)
    all_known = 1 < len(known) == len(texts)
    return OneOf(known, unknown.token, default) if all_known else Unknown(unknown.token, default)


def _value_by_default_keys(keys: list[Any], mapping: Mapping[str, Any]) -> Any:
    """The value in a mapping with the defaults of parameters as keys; None if there is none."""
    first, second = (
        as_text(key.default if isinstance(key, Unknown | OneOf) else key) or "" for key in keys[1:]
    )
    row = mapping.get(first)
    return row.get(second) if isinstance(row, Mapping) else None


def _possible_keys(key: Any, mapping: Mapping[str, Any]) -> tuple[str, ...]:
    if isinstance(key, OneOf):
        return key.values
    text = as_text(key)
    return tuple(map(str, mapping)) if text is None else (text,)


def _evaluate_import_value(stack: Stack, argument: Any) -> Any:
    return stack.view.resolve_import(evaluate(stack, argument, ())[0])


_SELECTORS: dict[str, Any] = {"Fn::If": _evaluate_if, "Fn::Select": _evaluate_select}
_FUNCTIONS: dict[str, Any] = {
    "Ref": _evaluate_ref,
    "Fn::GetAtt": _evaluate_get_att,
    "Fn::Sub": _evaluate_sub,
    "Fn::Join": _evaluate_join,
    "Fn::Split": _evaluate_split,
    "Fn::FindInMap": _evaluate_find_in_map,
    "Fn::ImportValue": _evaluate_import_value,
}
