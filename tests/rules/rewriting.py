"""Other ways to write a template that mean the same.

A rewrite takes a template's body and returns another; `chosen` decides, place by place, whether it
is rewritten there. What comes out deploys the same resources, so rules have to say the same of it,
or nothing where a value went out of their sight.
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

LISTS = {"CidrBlockAssociations", "DnsEntries", "Ipv6CidrBlocks", "NetworkInterfaceIds"}
"""Attributes that are lists, which no text can hold."""

_NAME = re.compile(r"\$\{([^}]*)\}")


def everywhere() -> bool:
    return True


def somewhere(seed: int) -> Chosen:
    """A choice that is the same for the same seed."""
    random = Random(seed)
    return lambda: random.random() < 0.5


# Values --------------------------------------------------------------------------------------


def is_function(value: Any) -> bool:
    """Whether a value is a function of CloudFormation and its argument."""
    if not isinstance(value, Mapping) or len(value) != 1:
        return False
    name = next(iter(value))
    return name in ("Ref", "Condition") or str(name).startswith("Fn::")


def is_literal(value: Any) -> bool:
    return isinstance(value, str | int | float)


def as_text(value: Any) -> str:
    return json.dumps(value) if isinstance(value, bool | int | float) else value


def each(value: Any, change: Callable[[Any], Any]) -> Any:
    """A value with every value in it changed, the inner ones first."""
    if isinstance(value, list):
        return change([each(one, change) for one in value])
    if not isinstance(value, Mapping):
        return change(value)
    if not is_function(value):
        return change({key: each(one, change) for key, one in value.items()})
    name, argument = next(iter(value.items()))
    if name == "Fn::Join":
        argument = [argument[0], [each(one, change) for one in argument[1]]]
    elif name == "Fn::If":
        argument = [argument[0], *(each(one, change) for one in argument[1:])]
    elif name == "Fn::Sub" and isinstance(argument, list):
        names = {key: each(one, change) for key, one in argument[1].items()}
        argument = [argument[0], names]
    elif name == "Fn::Base64":
        argument = each(argument, change)
    return change({name: argument})


def with_values(body: Body, change: Callable[[Any], Any], **sections: Body) -> Body:
    """A template with the values in all properties changed, and more entries in some sections."""
    made = deepcopy(body)
    for resource in made["Resources"].values():
        if isinstance(resource.get("Properties"), Mapping):
            resource["Properties"] = {
                key: each(value, change) for key, value in resource["Properties"].items()
            }
    for name, entries in sections.items():
        if entries:
            made[name] = {**made.get(name, {}), **entries}
    return made


def with_literals(body: Body, chosen: Chosen, written: Callable[[Any], Any], **more: Body) -> Body:
    """A template with its literals written in another way."""

    def change(value: Any) -> Any:
        return written(value) if is_literal(value) and chosen() else value

    return with_values(body, change, **more)


def numbers_as_text(body: Body, chosen: Chosen) -> Body:
    return with_literals(body, chosen, as_text)


def literals_by_parameters(body: Body, chosen: Chosen) -> Body:
    parameters: Body = {}
    names: dict[str, str] = {}
    prefix = f"Given{len(body.get('Parameters', {}))}x"

    def written(value: Any) -> Any:
        text = as_text(value)
        name = names.setdefault(text, f"{prefix}{len(names)}")
        parameters[name] = {"Type": "String", "Default": text, "AllowedValues": [text]}
        return {"Ref": name}

    return with_literals(body, chosen, written, Parameters=parameters)


def literals_by_mappings(body: Body, chosen: Chosen) -> Body:
    table: Body = {}
    names: dict[str, str] = {}
    own = f"Mapping{len(body.get('Mappings', {}))}"

    def written(value: Any) -> Any:
        name = names.setdefault(repr(value), f"Value{len(names)}")
        table[name] = value
        return {"Fn::FindInMap": [own, "All", name]}

    return with_literals(body, chosen, written, Mappings={own: {"All": table}})


def literals_by_sub(body: Body, chosen: Chosen) -> Body:
    def written(value: Any) -> Any:
        return {"Fn::Sub": as_text(value).replace("${", "${!")}

    return with_literals(body, chosen, written)


def literals_by_join(body: Body, chosen: Chosen) -> Body:
    def written(value: Any) -> Any:
        text = as_text(value)
        middle = len(text) // 2
        return {"Fn::Join": ["", [text[:middle], text[middle:]]]}

    return with_literals(body, chosen, written)


def literals_by_select(body: Body, chosen: Chosen) -> Body:
    return with_literals(body, chosen, lambda value: {"Fn::Select": [1, ["other", value]]})


def references_by_sub(body: Body, chosen: Chosen) -> Body:
    """`${X}` for Ref and GetAtt, where what they give is a text."""
    lists = {
        name
        for name, one in body.get("Parameters", {}).items()
        if "List" in one["Type"]  # CommaDelimitedList too
    } | {"AWS::NoValue", "AWS::NotificationARNs"}

    def change(value: Any) -> Any:
        if is_function(value) and chosen():
            name, argument = next(iter(value.items()))
            if name == "Ref" and argument not in lists:
                return {"Fn::Sub": f"${{{argument}}}"}
            if name == "Fn::GetAtt" and _attribute(argument)[1] not in LISTS:
                return {"Fn::Sub": f"${{{'.'.join(_attribute(argument))}}}"}
        return value

    return with_values(body, change)


def _attribute(argument: Any) -> tuple[str, str]:
    name, attribute = argument.split(".", 1) if isinstance(argument, str) else argument
    return name, attribute


def attributes_as_text(body: Body, chosen: Chosen) -> Body:
    """`A.B` for `[A, B]`, as YAML has it too."""

    def change(value: Any) -> Any:
        if is_function(value) and "Fn::GetAtt" in value and chosen():
            return {"Fn::GetAtt": ".".join(_attribute(value["Fn::GetAtt"]))}
        return value

    return with_values(body, change)


def join_for_sub(body: Body, chosen: Chosen) -> Body:
    def change(value: Any) -> Any:
        if is_function(value) and "Fn::Sub" in value and chosen():
            return {"Fn::Join": ["", list(_parts(value["Fn::Sub"]))]}
        return value

    return with_values(body, change)


def _parts(argument: Any) -> Iterator[Any]:
    """The texts and values that a Sub puts together."""
    text, names = (argument, {}) if isinstance(argument, str) else argument
    for at, part in enumerate(_NAME.split(text)):
        if not at % 2:
            yield part
        elif part.startswith("!"):
            yield "${" + part[1:] + "}"
        elif part in names:
            yield names[part]
        else:
            yield {"Fn::GetAtt": part.split(".", 1)} if "." in part else {"Ref": part}


def sub_for_join(body: Body, chosen: Chosen) -> Body:
    def change(value: Any) -> Any:
        if not is_function(value) or "Fn::Join" not in value or not chosen():
            return value
        separator, items = value["Fn::Join"]
        if not isinstance(items, list) or any(_is_list(one) for one in items):
            return value
        names = {f"Part{at}": one for at, one in enumerate(items) if not is_literal(one)}
        texts = (
            as_text(one).replace("${", "${!") if is_literal(one) else f"${{Part{at}}}"
            for at, one in enumerate(items)
        )
        text = separator.join(texts)
        return {"Fn::Sub": [text, names] if names else text}

    return with_values(body, change)


def _is_list(value: Any) -> bool:
    return isinstance(value, Mapping) and "Fn::If" in value


# Conditions ----------------------------------------------------------------------------------

STAGE = {"Stage0": {"Type": "String", "Default": "dev"}}
IS_PROD = {"IsProd0": {"Fn::Equals": [{"Ref": "Stage0"}, "prod"]}}


def _either(value: Any) -> Any:
    return {"Fn::If": ["IsProd0", value, deepcopy(value)]}


def if_around_literals(body: Body, chosen: Chosen) -> Body:
    return with_literals(body, chosen, _either, Parameters=STAGE, Conditions=IS_PROD)


def if_around_items(body: Body, chosen: Chosen) -> Body:
    """Around each item of each list that holds no other list with such items."""

    def change(value: Any) -> Any:
        if isinstance(value, list) and "IsProd0" not in json.dumps(value) and chosen():
            return [_either(one) for one in value]
        return value

    return with_values(body, change, Parameters=STAGE, Conditions=IS_PROD)


def if_around_properties(body: Body, chosen: Chosen) -> Body:
    made = with_values(body, lambda value: value, Parameters=STAGE, Conditions=IS_PROD)
    for resource in made["Resources"].values():
        if isinstance(resource.get("Properties"), Mapping):
            resource["Properties"] = {
                key: _either(value) if chosen() else value
                for key, value in resource["Properties"].items()
            }
    return made


# Resources -----------------------------------------------------------------------------------

RUNS = ("AWS::ECS::Service", "AWS::ECS::TaskSet")
LOCALHOST = {"IpProtocol": "-1", "CidrIp": "127.0.0.1/32"}
"""The rule in line without which a group's own rule, which lets everything out, would stay."""


def rules_apart(body: Body, chosen: Chosen) -> Body:
    """Rules of security groups as resources, for which what runs tasks waits."""
    made = deepcopy(body)
    for name, resource in body["Resources"].items():
        if resource.get("Type") != "AWS::EC2::SecurityGroup":
            continue
        for way, rest in (("SecurityGroupIngress", None), ("SecurityGroupEgress", [LOCALHOST])):
            rules = resource.get("Properties", {}).get(way)
            if not rules or not isinstance(rules, list) or not all(map(_is_map, rules)):
                continue
            if not chosen():
                continue
            properties = made["Resources"][name]["Properties"]
            del properties[way]
            if rest:
                properties[way] = deepcopy(rest)
            for at, rule in enumerate(rules):
                group = {"Fn::GetAtt": [name, "GroupId"]}
                _added(
                    made, f"{name}{way[13:]}{at}", f"AWS::EC2::{way}", {"GroupId": group, **rule}
                )
    return made


def policies_apart(body: Body, chosen: Chosen) -> Body:
    """Policies of roles as resources, for which what runs tasks waits."""
    made = deepcopy(body)
    for name, at, policy in _policies(body):
        if chosen():
            _without_policy(made, name, policy)
            _added(
                made,
                f"{name}Policy{at}",
                "AWS::IAM::Policy",
                {**policy, "Roles": [{"Ref": name}]},
            )
    return made


def policies_managed(body: Body, chosen: Chosen) -> Body:
    """Policies of roles as managed policies that the roles name."""
    made = deepcopy(body)
    for name, at, policy in _policies(body):
        role = made["Resources"][name]["Properties"]
        arns = role.get("ManagedPolicyArns", [])
        if not isinstance(arns, list) or not chosen():
            continue
        _without_policy(made, name, policy)
        own = _free(made, f"{name}Policy{at}")
        role["ManagedPolicyArns"] = [*arns, {"Ref": own}]
        made["Resources"][own] = {
            "Type": "AWS::IAM::ManagedPolicy",
            "Properties": {"PolicyDocument": deepcopy(policy["PolicyDocument"])},
        }
    return made


def _policies(body: Body) -> Iterator[tuple[str, int, Body]]:
    for name, resource in body["Resources"].items():
        policies = resource.get("Properties", {}).get("Policies")
        if resource.get("Type") == "AWS::IAM::Role" and isinstance(policies, list):
            for at, policy in enumerate(policies):
                if _is_map(policy):
                    yield name, at, policy


def _without_policy(made: Body, role: str, policy: Body) -> None:
    properties = made["Resources"][role]["Properties"]
    properties["Policies"] = [one for one in properties["Policies"] if one != policy]
    if not properties["Policies"]:
        del properties["Policies"]


def _free(body: Body, name: str) -> str:
    """A name that no resource has."""
    return name if name not in body["Resources"] else _free(body, f"{name}x")


def _is_map(value: Any) -> bool:
    return isinstance(value, Mapping) and not is_function(value)


def _added(made: Body, name: str, kind: str, properties: Body) -> None:
    """Adds a resource, and lets what runs tasks wait for it unless that comes before it."""
    name = _free(made, name)
    made["Resources"][name] = {"Type": kind, "Properties": deepcopy(properties)}
    before = _upstream(made, name)
    for other, resource in made["Resources"].items():
        if resource.get("Type") in RUNS and other not in before:
            resource["DependsOn"] = [*_waits(resource), name]


def renamed(body: Body, chosen: Chosen) -> Body:
    """Resources under names that say nothing. Parameters keep theirs, which may say what is meant
    to be given for them."""
    given = body["Resources"]
    prefix = next(f"X{at}x" for at in range(99) if f"X{at}x" not in " ".join(given))
    return with_names(body, {name: f"{prefix}{at}" for at, name in enumerate(given) if chosen()})


def with_names(body: Body, names: Mapping[str, str]) -> Body:
    """A template whose resources have other names."""
    made: Body = _with_names(body, names)
    made["Resources"] = {names.get(key, key): one for key, one in made["Resources"].items()}
    for resource in made["Resources"].values():
        if "DependsOn" in resource:
            resource["DependsOn"] = [names.get(one, one) for one in _waits(resource)]
    if "Hooks" in made:
        made["Hooks"] = _with_texts(made["Hooks"], names)
    return made


def _with_names(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, list):
        return [_with_names(one, names) for one in value]
    if not isinstance(value, Mapping):
        return value
    if not is_function(value):
        return {key: _with_names(one, names) for key, one in value.items()}
    function, argument = next(iter(value.items()))
    if function == "Ref":
        return {function: names.get(argument, argument)}
    if function == "Fn::GetAtt":
        name, attribute = _attribute(argument)
        return {function: [names.get(name, name), attribute]}
    if function == "Fn::Sub":
        text, given = (argument, {}) if isinstance(argument, str) else argument
        kept = {name: new for name, new in names.items() if name not in given}

        def new(match: re.Match[str]) -> str:
            name, dot, attribute = match[1].partition(".")
            return "${" + kept.get(name, name) + dot + attribute + "}"

        text = _NAME.sub(new, text)
        return {function: [text, _with_names(given, names)] if given else text}
    return {function: _with_names(argument, names)}


def _with_texts(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, list):
        return [_with_texts(one, names) for one in value]
    if isinstance(value, Mapping):
        return {key: _with_texts(one, names) for key, one in value.items()}
    return names.get(value, value) if isinstance(value, str) else value


def reordered(body: Body, chosen: Chosen) -> Body:
    """Sections, resources and properties the other way round."""

    def turned(value: Any) -> Any:
        if not isinstance(value, Mapping):
            return [turned(one) for one in value] if isinstance(value, list) else value
        items = [(key, turned(one)) for key, one in value.items()]
        return dict(reversed(items) if chosen() else items)

    made: Body = turned(body)
    return made


# Files ---------------------------------------------------------------------------------------


def as_json(body: Body, chosen: Chosen) -> Body:
    """What cfn-lint reads from a file in JSON, with its marks."""
    read: Body = json.loads(json.dumps(body), cls=CfnJSONDecoder) if chosen() else body
    return read


# Two stacks ----------------------------------------------------------------------------------


def _waits(resource: Body) -> list[str]:
    given = resource.get("DependsOn", [])
    return [given] if isinstance(given, str) else given


def references(raw: Any) -> Iterator[str]:
    """The names that a value mentions."""
    if isinstance(raw, list):
        for one in raw:
            yield from references(one)
    elif isinstance(raw, Mapping):
        for key, value in raw.items():
            if key == "Ref":
                yield value
            elif key == "Fn::GetAtt":
                yield _attribute(value)[0]
            elif key == "Fn::Sub":
                text, names = (value, {}) if isinstance(value, str) else value
                found = (one.split(".")[0] for one in _NAME.findall(text))
                yield from (one for one in found if one not in names)
                yield from references(names)
            else:
                yield from references(value)


def _upstream(body: Body, *names: str) -> set[str]:
    """Resources with everything that must stand before them."""
    seen: set[str] = set()
    todo = list(names)
    while todo:
        name = todo.pop()
        if name not in seen and name in body["Resources"]:
            seen.add(name)
            todo += _waits(body["Resources"][name])
            todo += references(body["Resources"][name])
    return seen


def shared_apart(body: Body, chosen: Chosen) -> tuple[Body, Body] | None:
    """Network, cluster and load balancer in a stack of their own."""
    prefixes = ("AWS::EC2::", "AWS::ECS::Cluster", "AWS::ElasticLoadBalancingV2::LoadBalancer")
    return _split(body, _of_types(body, prefixes, chosen))


def listeners_apart(body: Body, chosen: Chosen) -> tuple[Body, Body] | None:
    """Everything up to the listeners and target groups in a stack of its own."""
    prefixes = ("AWS::EC2::", "AWS::ECS::Cluster", "AWS::ElasticLoadBalancingV2::")
    return _split(body, _of_types(body, prefixes, chosen))


def roles_apart(body: Body, chosen: Chosen) -> tuple[Body, Body] | None:
    """Roles and secrets in a stack of their own."""
    prefixes = ("AWS::IAM::", "AWS::SecretsManager::", "AWS::KMS::")
    return _split(body, _of_types(body, prefixes, chosen))


def services_apart(body: Body, chosen: Chosen) -> tuple[Body, Body] | None:
    """What runs tasks, and what needs it, in a stack of its own."""
    runs = {name for name, one in body["Resources"].items() if one.get("Type") in RUNS}
    return _split(body, (one for one in body["Resources"] if not runs & _upstream(body, one)))


def _of_types(body: Body, prefixes: tuple[str, ...], chosen: Chosen) -> Iterator[str]:
    for name, resource in body["Resources"].items():
        if str(resource.get("Type")).startswith(prefixes) and chosen():
            yield name


def _split(body: Body, first: Iterable[str]) -> tuple[Body, Body] | None:
    """The stack with these resources and all that they need, and the stack with the others, which
    imports from it; None where that makes no two stacks, or would lose their order, or where still
    others may use what comes out of the template."""
    upper = _with_parts(body, _upstream(body, *first))
    lower = {name: one for name, one in body["Resources"].items() if name not in upper}
    if not upper or not lower or "Hooks" in body or "Outputs" in body:
        return None
    exports: Body = {}
    imported = {name: _below(one, upper, exports) for name, one in lower.items()}
    if not exports:
        return None
    shared = {key: value for key, value in body.items() if key != "Resources"}
    above = {name: one for name, one in body["Resources"].items() if name in upper}
    return (
        deepcopy({**shared, "Resources": above, "Outputs": exports}),
        deepcopy({**shared, "Resources": imported}),
    )


PARTS = (
    "AWS::EC2::",
    "AWS::ECS::ClusterCapacityProviderAssociations",
    "AWS::IAM::Policy",
    "AWS::S3::BucketPolicy",
)
"""Types of resources that are a part of others, beside which they stand in any stack."""


def _with_parts(body: Body, names: set[str]) -> set[str]:
    """Resources with what is a part of them, as far as it needs nothing else."""
    parts = {
        name
        for name, one in body["Resources"].items()
        if str(one.get("Type")).startswith(PARTS)
        and (needs := _upstream(body, name) - {name})
        and needs <= names
    }
    return names if parts <= names else _with_parts(body, names | parts)


def _below(resource: Body, upper: set[str], exports: Body) -> Body:
    """A resource of the lower stack, which as a whole comes after the upper one."""
    rest = {key: value for key, value in resource.items() if key != "DependsOn"}
    waits = [one for one in _waits(resource) if one not in upper]
    made: Body = _importing(rest, upper, exports)
    return made | ({"DependsOn": waits} if waits else {})


def _importing(value: Any, upper: set[str], exports: Body) -> Any:
    """A part of the lower stack, with imports for what it takes from the upper one."""
    if isinstance(value, list):
        return [_importing(one, upper, exports) for one in value]
    if not isinstance(value, Mapping):
        return value
    if not is_function(value):
        return {key: _importing(one, upper, exports) for key, one in value.items()}
    function, argument = next(iter(value.items()))
    if function == "Ref" and argument in upper:
        return _exported(value, argument, exports)
    if function == "Fn::GetAtt" and _attribute(argument)[0] in upper:
        return _exported(value, ".".join(_attribute(argument)), exports)
    if function == "Fn::Sub":
        text, names = (argument, {}) if isinstance(argument, str) else argument
        made = dict(_importing(names, upper, exports))

        def new(match: re.Match[str]) -> str:
            name, dot, attribute = match[1].partition(".")
            if name not in upper or match[1] in names:
                return match[0]
            inner = {"Fn::GetAtt": [name, attribute]} if dot else {"Ref": name}
            made[name + attribute.replace(".", "")] = _exported(inner, name + attribute, exports)
            return "${" + name + attribute.replace(".", "") + "}"

        text = _NAME.sub(new, text)
        return {function: [text, made] if made else text}
    return {function: _importing(argument, upper, exports)}


def _exported(value: Any, name: str, exports: Body) -> Any:
    name = name.replace(".", "")
    exports[name] = {"Value": value, "Export": {"Name": f"upper-{name}"}}
    return {"Fn::ImportValue": f"upper-{name}"}


REWRITES: tuple[Rewrite, ...] = (
    as_json,
    numbers_as_text,
    attributes_as_text,
    literals_by_parameters,
    literals_by_mappings,
    literals_by_sub,
    literals_by_join,
    literals_by_select,
    references_by_sub,
    join_for_sub,
    sub_for_join,
    if_around_literals,
    if_around_items,
    if_around_properties,
    rules_apart,
    policies_apart,
    policies_managed,
    renamed,
    reordered,
)

SPLITS: tuple[Split, ...] = (shared_apart, listeners_apart, roles_apart, services_apart)
