"""Rewrites of one template into two stacks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from typing import Any

from template_parts import (
    PLACEHOLDER,
    TASK_RUNNERS,
    Body,
    Chosen,
    dependencies,
    depends_on,
    is_function,
    split_attribute,
)


def split_off_shared_resources(body: Body, chosen: Chosen) -> tuple[Body, Body] | None:
    """Network, cluster and load balancer in another stack."""
    prefixes = ("AWS::EC2::", "AWS::ECS::Cluster", "AWS::ElasticLoadBalancingV2::LoadBalancer")
    return _split(body, _of_types(body, prefixes, chosen))


def split_off_listeners(body: Body, chosen: Chosen) -> tuple[Body, Body] | None:
    """Network, cluster, load balancer, listeners and target groups in another stack."""
    prefixes = ("AWS::EC2::", "AWS::ECS::Cluster", "AWS::ElasticLoadBalancingV2::")
    return _split(body, _of_types(body, prefixes, chosen))


def split_off_roles(body: Body, chosen: Chosen) -> tuple[Body, Body] | None:
    """Roles, secrets and keys in another stack."""
    prefixes = ("AWS::IAM::", "AWS::SecretsManager::", "AWS::KMS::")
    return _split(body, _of_types(body, prefixes, chosen))


def split_off_services(body: Body, chosen: Chosen) -> tuple[Body, Body] | None:
    """Services, and what depends on them, in another stack."""
    runs = {
        name for name, resource in body["Resources"].items() if resource.get("Type") in TASK_RUNNERS
    }
    return _split(body, (name for name in body["Resources"] if not runs & dependencies(body, name)))


def _of_types(body: Body, prefixes: tuple[str, ...], chosen: Chosen) -> Iterator[str]:
    for name, resource in body["Resources"].items():
        if str(resource.get("Type")).startswith(prefixes) and chosen():
            yield name


def _split(body: Body, first: Iterable[str]) -> tuple[Body, Body] | None:
    """A stack with these resources and their dependencies, and a stack with the others, which
    imports from the first. None if that are not two stacks, if their order would be lost, or if the
    template has outputs that other stacks may use."""
    upper = _with_attached_resources(body, dependencies(body, *first))
    lower = {name: resource for name, resource in body["Resources"].items() if name not in upper}
    if not upper or not lower or "Hooks" in body or "Outputs" in body:
        return None
    exports: Body = {}
    imported = {name: _lower_resource(resource, upper, exports) for name, resource in lower.items()}
    if not exports:
        return None
    shared = {key: value for key, value in body.items() if key != "Resources"}
    above = {name: resource for name, resource in body["Resources"].items() if name in upper}
    return (
        deepcopy({**shared, "Resources": above, "Outputs": exports}),
        deepcopy({**shared, "Resources": imported}),
    )


ATTACHED_TYPES = (
    "AWS::EC2::",
    "AWS::ECS::ClusterCapacityProviderAssociations",
    "AWS::IAM::Policy",
    "AWS::Lambda::Permission",
    "AWS::S3::BucketPolicy",
)
"""Types of resources that belong to others, and are in the same stack."""


def _with_attached_resources(body: Body, names: set[str]) -> set[str]:
    """Resources with those that belong to them and have no other dependencies."""
    parts = {
        name
        for name, resource in body["Resources"].items()
        if str(resource.get("Type")).startswith(ATTACHED_TYPES)
        and (needs := dependencies(body, name) - {name})
        and needs <= names
    }
    return names if parts <= names else _with_attached_resources(body, names | parts)


def _lower_resource(resource: Body, upper: set[str], exports: Body) -> Body:
    """A resource of the lower stack, which is created after the upper one."""
    rest = {key: value for key, value in resource.items() if key != "DependsOn"}
    waits = [name for name in depends_on(resource) if name not in upper]
    result: Body = _with_imports(rest, upper, exports)
    return result | ({"DependsOn": waits} if waits else {})


def _with_imports(value: Any, upper: set[str], exports: Body) -> Any:
    """A value of the lower stack, with imports in place of references to the upper one."""
    if isinstance(value, list):
        return [_with_imports(item, upper, exports) for item in value]
    if not isinstance(value, Mapping):
        return value
    if not is_function(value):
        return {key: _with_imports(child, upper, exports) for key, child in value.items()}
    function, argument = next(iter(value.items()))
    if function == "Ref" and argument in upper:
        return _export(value, argument, exports)
    if function == "Fn::GetAtt" and split_attribute(argument)[0] in upper:
        return _export(value, ".".join(split_attribute(argument)), exports)
    if function == "Fn::Sub":
        text, names = (argument, {}) if isinstance(argument, str) else argument
        result = dict(_with_imports(names, upper, exports))

        def new(match: re.Match[str]) -> str:
            name, dot, attribute = match[1].partition(".")
            if name not in upper or match[1] in names:
                return match[0]
            inner = {"Fn::GetAtt": [name, attribute]} if dot else {"Ref": name}
            result[name + attribute.replace(".", "")] = _export(inner, name + attribute, exports)
            return "${" + name + attribute.replace(".", "") + "}"

        text = PLACEHOLDER.sub(new, text)
        return {function: [text, result] if result else text}
    return {function: _with_imports(argument, upper, exports)}


def _export(value: Any, name: str, exports: Body) -> Any:
    name = name.replace(".", "")
    exports[name] = {"Value": value, "Export": {"Name": f"upper-{name}"}}
    return {"Fn::ImportValue": f"upper-{name}"}
