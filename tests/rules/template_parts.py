"""Parts of templates, for rewrites: values, references, dependencies."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import Any

Body = dict[str, Any]
Chosen = Callable[[], bool]
Rewrite = Callable[[Body, Chosen], Body]
Split = Callable[[Body, Chosen], tuple[Body, Body] | None]

LIST_ATTRIBUTES = {"CidrBlockAssociations", "DnsEntries", "Ipv6CidrBlocks", "NetworkInterfaceIds"}
"""Attributes that are lists, which Fn::Sub does not accept."""

PLACEHOLDER = re.compile(r"\$\{([^}]*)\}")


def everywhere() -> bool:
    return True


def somewhere(seed: int) -> Chosen:
    """Random choices that are the same for the same seed."""
    random = Random(seed)
    return lambda: random.random() < 0.5


def is_function(value: Any) -> bool:
    """Whether a value is a function of CloudFormation with its argument."""
    if not isinstance(value, Mapping) or len(value) != 1:
        return False
    name = next(iter(value))
    return name in ("Ref", "Condition") or str(name).startswith("Fn::")


def is_literal(value: Any) -> bool:
    return isinstance(value, str | int | float)


def split_attribute(argument: Any) -> tuple[str, str]:
    name, attribute = argument.split(".", 1) if isinstance(argument, str) else argument
    return name, attribute


TASK_RUNNERS = ("AWS::ECS::Service", "AWS::ECS::TaskSet")


def depends_on(resource: Body) -> list[str]:
    existing = resource.get("DependsOn", [])
    return [existing] if isinstance(existing, str) else existing


def references(raw: Any) -> Iterator[str]:
    """The names that a value refers to."""
    if isinstance(raw, list):
        for item in raw:
            yield from references(item)
    elif isinstance(raw, Mapping):
        for key, value in raw.items():
            if key == "Ref":
                yield value
            elif key == "Fn::GetAtt":
                yield split_attribute(value)[0]
            elif key == "Fn::Sub":
                text, names = (value, {}) if isinstance(value, str) else value
                found = (name.split(".")[0] for name in PLACEHOLDER.findall(text))
                yield from (name for name in found if name not in names)
                yield from references(names)
            else:
                yield from references(value)


def dependencies(body: Body, *names: str) -> set[str]:
    """Resources with everything that is created before them."""
    seen: set[str] = set()
    todo = list(names)
    while todo:
        name = todo.pop()
        if name not in seen and name in body["Resources"]:
            seen.add(name)
            todo += depends_on(body["Resources"][name])
            todo += references(body["Resources"][name])
    return seen
