"""Rewrites of resources, their names and their order."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
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

LOCALHOST_RULE = {"IpProtocol": "-1", "CidrIp": "127.0.0.1/32"}
"""An egress rule that keeps the group without the default rule that allows everything."""


NEED_PERMISSIONS = (
    "AWS::CodeBuild::Project",
    "AWS::Lambda::Function",
    "AWS::StepFunctions::StateMachine",
)
"""Types whose role is checked when they are created."""


def separate_security_group_rules(body: Body, chosen: Chosen) -> Body:
    """Rules of security groups as separate resources, on which services depend."""
    result = deepcopy(body)
    for name, resource in body["Resources"].items():
        if resource.get("Type") != "AWS::EC2::SecurityGroup":
            continue
        for key, rest in (
            ("SecurityGroupIngress", None),
            ("SecurityGroupEgress", [LOCALHOST_RULE]),
        ):
            rules = resource.get("Properties", {}).get(key)
            if not rules or not isinstance(rules, list) or not all(map(_is_map, rules)):
                continue
            if not chosen():
                continue
            properties = result["Resources"][name]["Properties"]
            del properties[key]
            if rest:
                properties[key] = deepcopy(rest)
            for index, rule in enumerate(rules):
                group = {"Fn::GetAtt": [name, "GroupId"]}
                _add_resource(
                    result,
                    f"{name}{key[13:]}{index}",
                    f"AWS::EC2::{key}",
                    {"GroupId": group, **rule},
                )
    return result


def separate_policies(body: Body, chosen: Chosen) -> Body:
    """Inline policies of roles as separate resources, on which services depend."""
    result = deepcopy(body)
    for name, index, policy in _policies(body):
        if chosen():
            _remove_policy(result, name, policy)
            _add_resource(
                result,
                f"{name}Policy{index}",
                "AWS::IAM::Policy",
                {**policy, "Roles": [{"Ref": name}]},
            )
    return result


def policies_as_managed_policies(body: Body, chosen: Chosen) -> Body:
    """Inline policies of roles as managed policies that the roles attach."""
    result = deepcopy(body)
    for name, index, policy in _policies(body):
        role = result["Resources"][name]["Properties"]
        arns = role.get("ManagedPolicyArns", [])
        if not isinstance(arns, list) or not chosen():
            continue
        _remove_policy(result, name, policy)
        policy_name = _free_name(result, f"{name}Policy{index}")
        role["ManagedPolicyArns"] = [*arns, {"Ref": policy_name}]
        result["Resources"][policy_name] = {
            "Type": "AWS::IAM::ManagedPolicy",
            "Properties": {"PolicyDocument": deepcopy(policy["PolicyDocument"])},
        }
    return result


def _policies(body: Body) -> Iterator[tuple[str, int, Body]]:
    for name, resource in body["Resources"].items():
        policies = resource.get("Properties", {}).get("Policies")
        if resource.get("Type") == "AWS::IAM::Role" and isinstance(policies, list):
            for index, policy in enumerate(policies):
                if _is_map(policy):
                    yield name, index, policy


def _remove_policy(result: Body, role: str, policy: Body) -> None:
    properties = result["Resources"][role]["Properties"]
    properties["Policies"] = [other for other in properties["Policies"] if other != policy]
    if not properties["Policies"]:
        del properties["Policies"]


def _free_name(body: Body, name: str) -> str:
    """A name that no resource has yet."""
    return name if name not in body["Resources"] else _free_name(body, f"{name}x")


def _is_map(value: Any) -> bool:
    return isinstance(value, Mapping) and not is_function(value)


def _add_resource(result: Body, name: str, resource_type: str, properties: Body) -> None:
    """Adds a resource, and adds it to DependsOn of services that it does not depend on."""
    name = _free_name(result, name)
    result["Resources"][name] = {"Type": resource_type, "Properties": deepcopy(properties)}
    before = dependencies(result, name)
    for other, resource in result["Resources"].items():
        if resource.get("Type") in (*TASK_RUNNERS, *NEED_PERMISSIONS) and other not in before:
            resource["DependsOn"] = [*depends_on(resource), name]


def with_meaningless_names(body: Body, chosen: Chosen) -> Body:
    """Resources with meaningless names. Parameters keep their names, which rules may use to know
    what values are for."""
    existing = body["Resources"]
    prefix = next(f"X{index}x" for index in range(99) if f"X{index}x" not in " ".join(existing))
    return rename_resources(
        body, {name: f"{prefix}{index}" for index, name in enumerate(existing) if chosen()}
    )


def rename_resources(body: Body, names: Mapping[str, str]) -> Body:
    """A template with other names for its resources."""
    result: Body = _rename_references(body, names)
    resources = result["Resources"]
    result["Resources"] = {names.get(name, name): body for name, body in resources.items()}
    for resource in result["Resources"].values():
        if "DependsOn" in resource:
            resource["DependsOn"] = [names.get(name, name) for name in depends_on(resource)]
    if "Hooks" in result:
        result["Hooks"] = _rename_texts(result["Hooks"], names)
    return result


def _rename_references(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, list):
        return [_rename_references(item, names) for item in value]
    if not isinstance(value, Mapping):
        return value
    if not is_function(value):
        return {key: _rename_references(child, names) for key, child in value.items()}
    function, argument = next(iter(value.items()))
    if function == "Ref":
        return {function: names.get(argument, argument)}
    if function == "Fn::GetAtt":
        name, attribute = split_attribute(argument)
        return {function: [names.get(name, name), attribute]}
    if function == "Fn::Sub":
        text, variables = (argument, {}) if isinstance(argument, str) else argument
        kept = {name: new for name, new in names.items() if name not in variables}

        def new(match: re.Match[str]) -> str:
            name, dot, attribute = match[1].partition(".")
            return "${" + kept.get(name, name) + dot + attribute + "}"

        text = PLACEHOLDER.sub(new, text)
        return {function: [text, _rename_references(variables, names)] if variables else text}
    return {function: _rename_references(argument, names)}


def _rename_texts(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, list):
        return [_rename_texts(item, names) for item in value]
    if isinstance(value, Mapping):
        return {key: _rename_texts(child, names) for key, child in value.items()}
    return names.get(value, value) if isinstance(value, str) else value


def in_reverse_order(body: Body, chosen: Chosen) -> Body:
    """Sections, resources and properties in reverse order."""

    def reverse(value: Any) -> Any:
        if not isinstance(value, Mapping):
            return [reverse(item) for item in value] if isinstance(value, list) else value
        items = [(key, reverse(child)) for key, child in value.items()]
        return dict(reversed(items) if chosen() else items)

    result: Body = reverse(body)
    return result
