"""Rewrites of templates that do not change what is deployed.

A rewrite takes the body of a template and returns another one; `chosen` decides for each place
whether it is rewritten. The result deploys the same resources, so the rules must find the same
problems in it, or fewer if a value is no longer in view.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import deepcopy
from random import Random
from typing import Any

from cfnlint.decode.cfn_json import CfnJSONDecoder

Body = dict[str, Any]
Chosen = Callable[[], bool]
Rewrite = Callable[[Body, Chosen], Body]
Split = Callable[[Body, Chosen], tuple[Body, Body] | None]

LIST_ATTRIBUTES = {"CidrBlockAssociations", "DnsEntries", "Ipv6CidrBlocks", "NetworkInterfaceIds"}
"""Attributes that are lists, which Fn::Sub does not accept."""

_PLACEHOLDER = re.compile(r"\$\{([^}]*)\}")


def everywhere() -> bool:
    return True


def somewhere(seed: int) -> Chosen:
    """Random choices that are the same for the same seed."""
    random = Random(seed)
    return lambda: random.random() < 0.5


# Values --------------------------------------------------------------------------------------


def is_function(value: Any) -> bool:
    """Whether a value is a function of CloudFormation with its argument."""
    if not isinstance(value, Mapping) or len(value) != 1:
        return False
    name = next(iter(value))
    return name in ("Ref", "Condition") or str(name).startswith("Fn::")


def is_literal(value: Any) -> bool:
    return isinstance(value, str | int | float)


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
            if name == "Fn::GetAtt" and _attribute(argument)[1] not in LIST_ATTRIBUTES:
                return {"Fn::Sub": f"${{{'.'.join(_attribute(argument))}}}"}
        return value

    return change_values(body, change)


def _attribute(argument: Any) -> tuple[str, str]:
    name, attribute = argument.split(".", 1) if isinstance(argument, str) else argument
    return name, attribute


def attributes_as_text(body: Body, chosen: Chosen) -> Body:
    """`A.B` for `[A, B]` in Fn::GetAtt."""

    def change(value: Any) -> Any:
        if is_function(value) and "Fn::GetAtt" in value and chosen():
            return {"Fn::GetAtt": ".".join(_attribute(value["Fn::GetAtt"]))}
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
    for index, part in enumerate(_PLACEHOLDER.split(text)):
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


# Resources -----------------------------------------------------------------------------------

TASK_RUNNERS = ("AWS::ECS::Service", "AWS::ECS::TaskSet")
LOCALHOST_RULE = {"IpProtocol": "-1", "CidrIp": "127.0.0.1/32"}
"""An egress rule that keeps the group without the default rule that allows everything."""


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
    before = _dependencies(result, name)
    for other, resource in result["Resources"].items():
        if resource.get("Type") in TASK_RUNNERS and other not in before:
            resource["DependsOn"] = [*_depends_on(resource), name]


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
            resource["DependsOn"] = [names.get(name, name) for name in _depends_on(resource)]
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
        name, attribute = _attribute(argument)
        return {function: [names.get(name, name), attribute]}
    if function == "Fn::Sub":
        text, variables = (argument, {}) if isinstance(argument, str) else argument
        kept = {name: new for name, new in names.items() if name not in variables}

        def new(match: re.Match[str]) -> str:
            name, dot, attribute = match[1].partition(".")
            return "${" + kept.get(name, name) + dot + attribute + "}"

        text = _PLACEHOLDER.sub(new, text)
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


# Files ---------------------------------------------------------------------------------------


def as_json(body: Body, chosen: Chosen) -> Body:
    """The template as cfn-lint reads it from a JSON file, with its marks."""
    read: Body = json.loads(json.dumps(body), cls=CfnJSONDecoder) if chosen() else body
    return read


# Two stacks ----------------------------------------------------------------------------------


def _depends_on(resource: Body) -> list[str]:
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
                yield _attribute(value)[0]
            elif key == "Fn::Sub":
                text, names = (value, {}) if isinstance(value, str) else value
                found = (name.split(".")[0] for name in _PLACEHOLDER.findall(text))
                yield from (name for name in found if name not in names)
                yield from references(names)
            else:
                yield from references(value)


def _dependencies(body: Body, *names: str) -> set[str]:
    """Resources with everything that is created before them."""
    seen: set[str] = set()
    todo = list(names)
    while todo:
        name = todo.pop()
        if name not in seen and name in body["Resources"]:
            seen.add(name)
            todo += _depends_on(body["Resources"][name])
            todo += references(body["Resources"][name])
    return seen


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
    return _split(
        body, (name for name in body["Resources"] if not runs & _dependencies(body, name))
    )


def _of_types(body: Body, prefixes: tuple[str, ...], chosen: Chosen) -> Iterator[str]:
    for name, resource in body["Resources"].items():
        if str(resource.get("Type")).startswith(prefixes) and chosen():
            yield name


def _split(body: Body, first: Iterable[str]) -> tuple[Body, Body] | None:
    """A stack with these resources and their dependencies, and a stack with the others, which
    imports from the first. None if that are not two stacks, if their order would be lost, or if the
    template has outputs that other stacks may use."""
    upper = _with_attached_resources(body, _dependencies(body, *first))
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
    "AWS::S3::BucketPolicy",
)
"""Types of resources that belong to others, and are in the same stack."""


def _with_attached_resources(body: Body, names: set[str]) -> set[str]:
    """Resources with those that belong to them and have no other dependencies."""
    parts = {
        name
        for name, resource in body["Resources"].items()
        if str(resource.get("Type")).startswith(ATTACHED_TYPES)
        and (needs := _dependencies(body, name) - {name})
        and needs <= names
    }
    return names if parts <= names else _with_attached_resources(body, names | parts)


def _lower_resource(resource: Body, upper: set[str], exports: Body) -> Body:
    """A resource of the lower stack, which is created after the upper one."""
    rest = {key: value for key, value in resource.items() if key != "DependsOn"}
    waits = [name for name in _depends_on(resource) if name not in upper]
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
    if function == "Fn::GetAtt" and _attribute(argument)[0] in upper:
        return _export(value, ".".join(_attribute(argument)), exports)
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

        text = _PLACEHOLDER.sub(new, text)
        return {function: [text, result] if result else text}
    return {function: _with_imports(argument, upper, exports)}


def _export(value: Any, name: str, exports: Body) -> Any:
    name = name.replace(".", "")
    exports[name] = {"Value": value, "Export": {"Name": f"upper-{name}"}}
    return {"Fn::ImportValue": f"upper-{name}"}


REWRITES: tuple[Rewrite, ...] = (
    as_json,
    numbers_as_text,
    attributes_as_text,
    literals_as_parameters,
    literals_as_mappings,
    literals_as_sub,
    literals_as_join,
    literals_as_select,
    references_as_sub,
    sub_as_join,
    join_as_sub,
    if_around_literals,
    if_around_items,
    if_around_properties,
    separate_security_group_rules,
    separate_policies,
    policies_as_managed_policies,
    with_meaningless_names,
    in_reverse_order,
)

SPLITS: tuple[Split, ...] = (
    split_off_shared_resources,
    split_off_listeners,
    split_off_roles,
    split_off_services,
)
