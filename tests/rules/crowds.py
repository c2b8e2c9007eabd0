"""Templates with other resources in front of their own.

A rule that looks only at the first resource of a type, or stops at the first that is correct,
finds nothing in them.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from typing import Any

from resource_rewrites import rename_resources
from template_parts import Body, references

_MERGED = ("Conditions", "Mappings", "Parameters", "Resources")


def put_in_front(body: Body, *others: Body) -> Body:
    """The template with the resources of others in front of its own, under other names. Where two
    have a parameter, mapping or condition of the same name, its own is taken."""
    renamed = [_rename(other, f"Other{index}") for index, other in enumerate(others)]
    merged = {
        section: {
            name: value
            for template in (*renamed, body)
            for name, value in template.get(section, {}).items()
        }
        for section in _MERGED
        if any(section in template for template in (*renamed, body))
    }
    return {**body, **merged}


def _rename(body: Body, prefix: str) -> Body:
    """A template with a prefix before the names of its parameters and resources."""
    parameters = body.get("Parameters", {})
    names = {name: prefix + name for name in (*parameters, *body["Resources"])}
    renamed = {names[name]: parameter for name, parameter in parameters.items()}
    return rename_resources({**body, "Parameters": renamed}, names)


def with_unknown_references(body: Body) -> Body:
    """The template with imports in place of all references to its resources."""
    numbers = count()

    def replace(value: Any) -> Any:
        if isinstance(value, list):
            return [replace(item) for item in value]
        if not isinstance(value, Mapping):
            return value
        if _is_reference(value) and not body["Resources"].keys().isdisjoint(references(value)):
            return {"Fn::ImportValue": f"value-{next(numbers)}"}
        return {key: replace(child) for key, child in value.items()}

    return _with_properties(body, replace)


def with_unknown_properties(body: Body) -> Body:
    """The template with imports in place of all properties that are neither a text nor a boolean:
    the kind of a resource stays known."""
    numbers = count()

    def replace(properties: Mapping[str, Any]) -> Body:
        return {
            key: value
            if isinstance(value, str | bool)
            else {"Fn::ImportValue": f"value-{next(numbers)}"}
            for key, value in properties.items()
        }

    return _with_properties(body, replace)


def _is_reference(value: Mapping[str, Any]) -> bool:
    return [*value] in (["Ref"], ["Fn::GetAtt"], ["Fn::Sub"])


def _with_properties(body: Body, replace: Any) -> Body:
    resources = {
        name: {
            "Type": resource["Type"],
            **({"Condition": resource["Condition"]} if "Condition" in resource else {}),
            "Properties": replace(resource.get("Properties", {})),
        }
        for name, resource in body["Resources"].items()
    }
    return {**body, "Resources": resources}
