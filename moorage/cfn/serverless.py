"""AWS SAM: the resources that the transform makes of functions and state machines.

Sources: AWS SAM developer guide, Generated CloudFormation resources; Globals section of the AWS SAM
template. Only what the rules look at is made: functions and state machines with their roles.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from moorage.records import entity

TRANSFORM = "AWS::Serverless-2016-10-31"
_FUNCTION, _STATE_MACHINE = "AWS::Serverless::Function", "AWS::Serverless::StateMachine"
_GLOBALS = {_FUNCTION: "Function", _STATE_MACHINE: "StateMachine"}
_ATTRIBUTES = ("Condition", "DependsOn", "Metadata", "DeletionPolicy", "UpdateReplacePolicy")
_UNKNOWN_POLICY = {"Fn::Transform": TRANSFORM}
"""In place of policies whose statements are not known here."""

Path = tuple[str | int, ...]


@entity
class Expansion:
    """A template before and after the transform, with the origin of resources that it adds."""

    written: Mapping[str, Any]
    body: Mapping[str, Any]
    origins: Mapping[str, str]
    """The logical ID of the resource that a generated resource is made of."""

    def written_path(self, path: Path) -> Path:
        """The path in the template as written that a path in the expanded one comes from."""
        if path[:1] != ("Resources",) or len(path) < 2:
            return path
        logical_id, rest = path[1], path[2:]
        if logical_id in self.origins:
            return ("Resources", self.origins[str(logical_id)], "Properties", *_role_path(rest[1:]))
        if rest[:1] == ("Properties",) and len(rest) > 1:
            written = _WRITTEN_NAMES.get(str(rest[1]), rest[1])
            return ("Resources", logical_id, "Properties", written, *rest[2:])
        return path


def expand(body: Mapping[str, Any]) -> Expansion | None:
    """A template after the transform; None if it is no SAM template."""
    transform, resources = body.get("Transform"), body.get("Resources")
    names = transform if isinstance(transform, list) else [transform]
    if TRANSFORM not in names or not isinstance(resources, Mapping):
        return None
    expanded: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for name, resource in resources.items():
        kind = resource.get("Type") if isinstance(resource, Mapping) else None
        if not isinstance(kind, str) or kind not in _MAKERS:
            expanded[name] = resource
            continue
        properties = _merge(_globals(body, kind), resource.get("Properties"))
        attributes = {key: resource[key] for key in _ATTRIBUTES if key in resource}
        role = f"{name}Role"
        if isinstance(properties, Mapping):
            made = _MAKERS[kind](properties, role)
            expanded[name] = {**attributes, **made}
            if not properties.get("Role") and role not in resources:
                expanded[role] = {**attributes, **_role(properties, kind)}
                origins[role] = str(name)
    return Expansion(body, {**body, "Resources": expanded}, origins)


# Globals -------------------------------------------------------------------------------------


def _globals(body: Mapping[str, Any], kind: str) -> Any:
    sections = body.get("Globals")
    section = sections.get(_GLOBALS[kind]) if isinstance(sections, Mapping) else None
    return section if isinstance(section, Mapping) else {}


def _merge(shared: Any, own: Any) -> Any:
    """A value of Globals with the resource's own: maps are merged, lists are added. cfn-lint may
    have merged them already."""
    if own is None:
        return shared
    if isinstance(shared, list) and isinstance(own, list):
        return own if own[: len(shared)] == shared else [*shared, *own]
    if not isinstance(shared, Mapping) or not isinstance(own, Mapping) or _is_function(own):
        return own
    return {**shared, **{key: _merge(shared.get(key), value) for key, value in own.items()}}


def _is_function(value: Mapping[str, Any]) -> bool:
    return len(value) == 1 and next(iter(value)).startswith(("Fn::", "Ref"))


# Resources -----------------------------------------------------------------------------------

_FUNCTION_PROPERTIES = (
    *("FunctionName", "Handler", "Runtime", "PackageType", "MemorySize", "Timeout", "Environment"),
    *("VpcConfig", "Layers", "Architectures", "EphemeralStorage", "KmsKeyArn", "Description"),
    *("FileSystemConfigs", "LoggingConfig", "SnapStart", "ImageConfig"),
)
"""Properties that AWS::Lambda::Function has with the same name and form."""
_STATE_MACHINE_PROPERTIES = {
    "Definition": "Definition",
    "DefinitionSubstitutions": "DefinitionSubstitutions",
    "Name": "StateMachineName",
    "Type": "StateMachineType",
    "Logging": "LoggingConfiguration",
    "Tracing": "TracingConfiguration",
}
"""Names of SAM's properties, and of those of AWS::StepFunctions::StateMachine."""
_WRITTEN_NAMES = {
    "RoleArn": "Role",
    **{made: written for written, made in _STATE_MACHINE_PROPERTIES.items()},
}


def _make_function(properties: Mapping[str, Any], role: str) -> dict[str, Any]:
    made = {key: properties[key] for key in _FUNCTION_PROPERTIES if key in properties}
    made["Role"] = properties.get("Role") or {"Fn::GetAtt": [role, "Arn"]}
    return {"Type": "AWS::Lambda::Function", "Properties": made}


def _make_state_machine(properties: Mapping[str, Any], role: str) -> dict[str, Any]:
    made = {
        name: properties[key]
        for key, name in _STATE_MACHINE_PROPERTIES.items()
        if key in properties
    }
    made["RoleArn"] = properties.get("Role") or {"Fn::GetAtt": [role, "Arn"]}
    return {"Type": "AWS::StepFunctions::StateMachine", "Properties": made}


_MAKERS: dict[str, Callable[[Mapping[str, Any], str], dict[str, Any]]] = {
    _FUNCTION: _make_function,
    _STATE_MACHINE: _make_state_machine,
}


def _role(properties: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """The role of a function or state machine. Functions get more policies than are written, by
    their events and settings."""
    service = "lambda.amazonaws.com" if kind == _FUNCTION else "states.amazonaws.com"
    trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    written = properties.get("Policies")
    policies = written if isinstance(written, list) else [] if written is None else [written]
    managed = [*_managed_policies(policies)]
    has_more = kind == _FUNCTION or "Tracing" in properties
    made = {
        "AssumeRolePolicyDocument": properties.get("AssumeRolePolicyDocument")
        or {"Version": "2012-10-17", "Statement": [trust]},
        "Policies": [
            {"PolicyName": f"Policy{index}", "PolicyDocument": policy}
            for index, policy in enumerate(policies)
            if _is_document(policy)
        ],
        "ManagedPolicyArns": [*managed, *([_UNKNOWN_POLICY] if has_more else [])],
    }
    return {"Type": "AWS::IAM::Role", "Properties": made}


def _is_document(policy: Any) -> bool:
    return isinstance(policy, Mapping) and "Statement" in policy


def _managed_policies(policies: list[Any]) -> Iterator[Any]:
    """ARNs as they are. Names of managed policies and SAM's policy templates are unknown."""
    for policy in policies:
        if isinstance(policy, str):
            yield policy if policy.startswith("arn:") else _UNKNOWN_POLICY
        elif isinstance(policy, Mapping) and not _is_document(policy):
            yield policy if _is_function(policy) else _UNKNOWN_POLICY


def _role_path(rest: Path) -> Path:
    """The path in the properties of the written resource, of a path in its role's properties."""
    return ("Policies",) if rest[:1] in (("Policies",), ("ManagedPolicyArns",)) else ()
