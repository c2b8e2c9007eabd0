"""What a template takes from outside of its environment: exports of other stacks, and parameters of
Parameter Store that CloudFormation reads."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from moorage.cfn.needs import Need

PARAMETER_REFERENCE = re.compile(r"\{\{resolve:ssm:([\w./-]+)(?::[0-9]+)?\}\}", re.ASCII)


def find_outside_needs(body: Mapping[str, Any], own_exports: Collection[str]) -> tuple[Need, ...]:
    """The exports and parameters, each once. `own_exports` are those of the environment."""
    needs: dict[tuple[str, str], Need] = {}
    for section in ("Resources", "Outputs"):
        for logical_id, value in body.get(section, {}).items():
            for kind, name in _named(value):
                if name not in own_exports:
                    need = Need("export" if kind == "export" else "value", name, logical_id)
                    needs.setdefault((kind, name), need)
    return tuple(needs.values())


def find_created_parameters(body: Mapping[str, Any]) -> frozenset[str]:
    """The names of the parameters of Parameter Store that a template creates."""
    names = (
        resource.get("Properties", {}).get("Name")
        for resource in body.get("Resources", {}).values()
        if resource.get("Type") == "AWS::SSM::Parameter"
    )
    return frozenset(name for name in names if isinstance(name, str))


def find_read_parameters(body: Mapping[str, Any]) -> frozenset[str]:
    """The names of the parameters that CloudFormation reads for a template."""
    return frozenset(need.name for need in find_outside_needs(body, ()) if need.kind == "value")


def _named(value: Any) -> Iterator[tuple[str, str]]:
    """Kind and name of each export and parameter in a value."""
    todo = [value]
    while todo:
        value = todo.pop()
        if isinstance(value, str):
            if "{{" in value:
                yield from (("value", name) for name in PARAMETER_REFERENCE.findall(value))
        elif isinstance(value, dict):
            if isinstance(name := value.get("Fn::ImportValue"), str):
                yield "export", name
            todo += [item for item in reversed(value.values()) if item is not name]
        elif isinstance(value, list | tuple):
            todo += reversed(value)
