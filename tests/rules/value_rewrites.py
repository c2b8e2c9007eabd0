"""Rewrites of values and conditions."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from typing import Any

from template_parts import (
    LIST_ATTRIBUTES,
    PLACEHOLDER,
    Body,
    Chosen,
    is_function,
    is_literal,
    split_attribute,
)


def as_text(value: Any) -> str:
    return json.dumps(value) if isinstance(value, bool | int | float) else value


def map_values(value: Any, change: Callable[[Any], Any]) -> Any:
    """A value with `change` applied to every value in it, the inner ones first."""
    if isinstance(value, list):
        return change([map_values(item, change) for item in value])
    if not isinstance(value, Mapping):
        return change(value)
    if not is_function(value):
        return change({key: map_values(child, change) for key, child in value.items()})
    name, argument = next(iter(value.items()))
    if name == "Fn::Join":
        argument = [argument[0], [map_values(item, change) for item in argument[1]]]
    elif name == "Fn::If":
        argument = [argument[0], *(map_values(item, change) for item in argument[1:])]
    elif name == "Fn::Sub" and isinstance(argument, list):
        names = {key: map_values(child, change) for key, child in argument[1].items()}
        argument = [argument[0], names]
    elif name == "Fn::Base64":
        argument = map_values(argument, change)
    return change({name: argument})


def change_values(body: Body, change: Callable[[Any], Any], **sections: Body) -> Body:
    """A template with all values in properties changed, and with entries added to sections."""
    result = deepcopy(body)
    for resource in result["Resources"].values():
        if isinstance(resource.get("Properties"), Mapping):
            resource["Properties"] = {
                key: map_values(value, change) for key, value in resource["Properties"].items()
            }
    for name, entries in sections.items():
        if entries:
            result[name] = {**result.get(name, {}), **entries}
    return result


def rewrite_literals(
    body: Body, chosen: Chosen, rewrite: Callable[[Any], Any], **sections: Body
) -> Body:
    """A template with its literals rewritten, and with entries added to sections."""

    def change(value: Any) -> Any:
        return rewrite(value) if is_literal(value) and chosen() else value

    return change_values(body, change, **sections)


def numbers_as_text(body: Body, chosen: Chosen) -> Body:
    return rewrite_literals(body, chosen, as_text)


def literals_as_parameters(body: Body, chosen: Chosen) -> Body:
    parameters: Body = {}
    names: dict[str, str] = {}
    prefix = f"Given{len(body.get('Parameters', {}))}x"

    def rewrite(value: Any) -> Any:
        text = as_text(value)
        name = names.setdefault(text, f"{prefix}{len(names)}")
        parameters[name] = {"Type": "String", "Default": text, "AllowedValues": [text]}
        return {"Ref": name}

    return rewrite_literals(body, chosen, rewrite, Parameters=parameters)


def literals_as_mappings(body: Body, chosen: Chosen) -> Body:
    table: Body = {}
    names: dict[str, str] = {}
    mapping = f"Mapping{len(body.get('Mappings', {}))}"

    def rewrite(value: Any) -> Any:
        name = names.setdefault(repr(value), f"Value{len(names)}")
        table[name] = value
        return {"Fn::FindInMap": [mapping, "All", name]}

    return rewrite_literals(body, chosen, rewrite, Mappings={mapping: {"All": table}})


def literals_as_sub(body: Body, chosen: Chosen) -> Body:
    def rewrite(value: Any) -> Any:
        return {"Fn::Sub": as_text(value).replace("${", "${!")}

    return rewrite_literals(body, chosen, rewrite)


def literals_as_join(body: Body, chosen: Chosen) -> Body:
    def rewrite(value: Any) -> Any:
        text = as_text(value)
        middle = len(text) // 2
        return {"Fn::Join": ["", [text[:middle], text[middle:]]]}

    return rewrite_literals(body, chosen, rewrite)


def literals_as_select(body: Body, chosen: Chosen) -> Body:
    return rewrite_literals(body, chosen, lambda value: {"Fn::Select": [1, ["other", value]]})


def references_as_sub(body: Body, chosen: Chosen) -> Body:
    """`${X}` for Ref and GetAtt that return a string."""
    lists = {
        name
        for name, parameter in body.get("Parameters", {}).items()
        if "List" in parameter["Type"]  # CommaDelimitedList too
    } | {"AWS::NoValue", "AWS::NotificationARNs"}

    def change(value: Any) -> Any:
        if is_function(value) and chosen():
            name, argument = next(iter(value.items()))
            if name == "Ref" and argument not in lists:
                return {"Fn::Sub": f"${{{argument}}}"}
            if name == "Fn::GetAtt" and split_attribute(argument)[1] not in LIST_ATTRIBUTES:
                return {"Fn::Sub": f"${{{'.'.join(split_attribute(argument))}}}"}
        return value

    return change_values(body, change)


def attributes_as_text(body: Body, chosen: Chosen) -> Body:
    """`A.B` for `[A, B]` in Fn::GetAtt."""

    def change(value: Any) -> Any:
        if is_function(value) and "Fn::GetAtt" in value and chosen():
            return {"Fn::GetAtt": ".".join(split_attribute(value["Fn::GetAtt"]))}
        return value

    return change_values(body, change)


def sub_as_join(body: Body, chosen: Chosen) -> Body:
    def change(value: Any) -> Any:
        if is_function(value) and "Fn::Sub" in value and chosen():
            return {"Fn::Join": ["", list(_parts_of_sub(value["Fn::Sub"]))]}
        return value

    return change_values(body, change)


def _parts_of_sub(argument: Any) -> Iterator[Any]:
    """The texts and values that a Fn::Sub joins."""
    text, names = (argument, {}) if isinstance(argument, str) else argument
    for index, part in enumerate(PLACEHOLDER.split(text)):
        if not index % 2:
            yield part
        elif part.startswith("!"):
            yield "${" + part[1:] + "}"
        elif part in names:
            yield names[part]
        else:
            yield {"Fn::GetAtt": part.split(".", 1)} if "." in part else {"Ref": part}


def join_as_sub(body: Body, chosen: Chosen) -> Body:
    def change(value: Any) -> Any:
        if not is_function(value) or "Fn::Join" not in value or not chosen():
            return value
        separator, items = value["Fn::Join"]
        if not isinstance(items, list) or any(_is_list(item) for item in items):
            return value
        names = {f"Part{index}": item for index, item in enumerate(items) if not is_literal(item)}
        texts = (
            as_text(item).replace("${", "${!") if is_literal(item) else f"${{Part{index}}}"
            for index, item in enumerate(items)
        )
        text = separator.join(texts)
        return {"Fn::Sub": [text, names] if names else text}

    return change_values(body, change)


def _is_list(value: Any) -> bool:
    return isinstance(value, Mapping) and "Fn::If" in value


# Conditions ----------------------------------------------------------------------------------

STAGE = {"Stage0": {"Type": "String", "Default": "dev"}}
IS_PROD = {"IsProd0": {"Fn::Equals": [{"Ref": "Stage0"}, "prod"]}}


def _if_around(value: Any) -> Any:
    return {"Fn::If": ["IsProd0", value, deepcopy(value)]}


def if_around_literals(body: Body, chosen: Chosen) -> Body:
    return rewrite_literals(body, chosen, _if_around, Parameters=STAGE, Conditions=IS_PROD)


def if_around_items(body: Body, chosen: Chosen) -> Body:
    """Around each item of each list that does not contain another rewritten list."""

    def change(value: Any) -> Any:
        if isinstance(value, list) and "IsProd0" not in json.dumps(value) and chosen():
            return [_if_around(item) for item in value]
        return value

    return change_values(body, change, Parameters=STAGE, Conditions=IS_PROD)


def if_around_properties(body: Body, chosen: Chosen) -> Body:
    result = change_values(body, lambda value: value, Parameters=STAGE, Conditions=IS_PROD)
    for resource in result["Resources"].values():
        if isinstance(resource.get("Properties"), Mapping):
            resource["Properties"] = {
                key: _if_around(value) if chosen() else value
                for key, value in resource["Properties"].items()
            }
    return result
