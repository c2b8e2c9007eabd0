"""The IAM permissions with which CloudFormation deploys stacks: actions of each resource's type, on
the resource itself where its name is known before the deployment.

Sources: the handlers in the schemas of the resource types (moorage/facts/handler_permissions.py),
and what CloudFormation reads itself: dynamic references and parameters of the type
`AWS::SSM::Parameter::Value`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from moorage.cfn.arns import Arns, expand_parts
from moorage.cfn.nodes import Node
from moorage.cfn.permissions import ROLE, allows, role_name_from_arn
from moorage.cfn.stack import Resource, Stack
from moorage.cfn.template import Template
from moorage.cfn.trust_policies import trusted_services
from moorage.cfn.values import Attr, OneOf, Unknown
from moorage.cfn.view import View
from moorage.facts.handler_permissions import (
    OPTIONAL_ACTIONS,
    OPTIONAL_SERVICES,
    find_actions,
    find_kinds,
)
from moorage.facts.resource_arns import (
    HERE,
    LONGEST_PREFIX,
    NAMED_TYPES,
    REFERRING_TYPES,
    ROOT,
    NamedType,
)
from moorage.records import record

ANY = "*"
PASS_ROLE = "iam:PassRole"
_CREATE_LINKED_ROLE = "iam:CreateServiceLinkedRole"
_UNBIND = "iam:DeleteRolePermissionsBoundary"
_LINKED_ROLES = f"{ROOT}:iam::${{AWS::AccountId}}:role/aws-service-role/*"
_INSTANCE_PROFILE, _LAUNCH_TEMPLATE = "AWS::IAM::InstanceProfile", "AWS::EC2::LaunchTemplate"
_MAX_DEPTH = 4
"""Through how many resources a name is followed that is made of the name of another one."""
_WITHOUT_ACTIONS = ("AWS::CDK::Metadata", "AWS::CloudFormation::WaitConditionHandle")
_PSEUDO = ("AWS::AccountId", "AWS::Partition", "AWS::Region", "AWS::URLSuffix")
_DYNAMIC = re.compile(r"\{\{resolve:(ssm|secretsmanager):([^}\"]{1,2000}?)\}\}")
_PSEUDO_PARAMETER = re.compile(r"\$\{(AWS::\w+)\}")


@dataclass(frozen=True, order=True)
class Permission:
    """An action on a resource."""

    action: str
    resource: str
    """A pattern of ARNs with pseudo parameters such as `${AWS::Region}`, or `*`."""
    passed_to: tuple[str, ...] = ()
    """For `iam:PassRole`: the service principals that the role is passed to, if they are known."""


@record
class Need:
    """A permission, and the resource of a template that needs it."""

    permission: Permission
    resource: Resource | None
    stack: Stack


@record
class UnknownType:
    """A resource whose type is not in the table of actions."""

    stack: str
    logical_id: str
    type: str


@record
class DeploymentNeeds:
    """What a deployment of stacks needs."""

    permissions: tuple[Permission, ...]
    """Without duplicates, sorted."""
    unknown: tuple[UnknownType, ...] = ()
    boundaries: tuple[str, ...] = ()
    """The permissions boundaries of the roles, as patterns of ARNs; none if a role has none."""


def build_view(bodies: Mapping[str, Mapping[str, object]]) -> View:
    """The templates of an environment by the names of their stacks, in any region."""
    return View([Template(name, body) for name, body in bodies.items()], {})


def collect_needs(view: View, stack_names: Mapping[str, str]) -> DeploymentNeeds:
    """What CloudFormation needs for the stacks of a view; `stack_names` has their names in
    CloudFormation."""
    unknown = [
        UnknownType(stack.name, resource.id, resource.type)
        for stack in view.stacks
        for resource in stack.resources.values()
        if not find_actions(resource.type) and resource.type not in _WITHOUT_ACTIONS
    ]
    needs = find_needs(view.stacks, stack_names)
    return DeploymentNeeds(
        permissions=tuple(sorted({need.permission for need in needs})),
        unknown=tuple(unknown),
        boundaries=_find_boundaries(view, stack_names),
    )


def find_needs(stacks: Iterable[Stack], stack_names: Mapping[str, str]) -> Iterator[Need]:
    """The permissions that the resources of stacks need, one by one."""
    for stack in stacks:
        for permission in _parameter_permissions(stack):
            yield Need(permission, None, stack)
        for resource in stack.resources.values():
            for permission in _resource_permissions(resource, stack_names):
                yield Need(permission, resource, stack)


def find_missing(role: Resource, needs: Iterable[Need]) -> Iterator[Need]:
    """The needs that the policies of a role certainly do not allow."""
    answers: dict[Permission, bool] = {}
    for need in needs:
        wanted = need.permission
        if wanted not in answers:
            arns = _to_arns(wanted.resource, role.stack)
            answers[wanted] = allows(role, wanted.action, arns) is False
        if answers[wanted]:
            yield need


def _to_arns(pattern: str, stack: Stack) -> Arns:
    """A pattern as a text with placeholders for pseudo parameters, as the stack sees them."""
    pieces = _PSEUDO_PARAMETER.split(pattern)
    parts = [stack.resolve_ref(piece) if index % 2 else piece for index, piece in enumerate(pieces)]
    return expand_parts(stack.view, parts)


# Actions of a resource -------------------------------------------------------------------------


def _resource_permissions(
    resource: Resource, stack_names: Mapping[str, str]
) -> Iterator[Permission]:
    own = _find_own_arns(resource, stack_names)
    roles = list(_find_passed_roles(resource.props, stack_names))
    words = json.dumps(resource.props.raw, default=str).lower()
    for action in find_actions(resource.type):
        if action == PASS_ROLE:
            yield from (Permission(action, arn, services) for arn, services in roles)
        elif action == _CREATE_LINKED_ROLE:
            yield Permission(action, _LINKED_ROLES)
        elif action == _UNBIND and resource["PermissionsBoundary"].certainly_present:
            continue  # only who removes the boundary needs it
        elif _is_used(action, resource.type, words):
            yield from (Permission(action, arn) for arn in _limit(action, own, roles))
    yield from _dynamic_references(json.dumps(resource.body.raw, default=str))


def _is_used(action: str, resource_type: str, words: str) -> bool:
    """Whether the properties of a resource, as one text, need the service of an action."""
    needed = OPTIONAL_ACTIONS.get(action)
    service = action.partition(":")[0]
    if needed is None and service != resource_type.split("::")[1].lower():
        needed = OPTIONAL_SERVICES.get(service)
    return needed is None or any(word in words for word in needed)


def _limit(
    action: str, own: Mapping[str, list[str]], roles: list[tuple[str, tuple[str, ...]]]
) -> list[str]:
    """The ARNs that an action can be limited to: those of the resource itself, or of the roles that
    it is given; `*` if it can be limited to neither."""
    kinds = find_kinds(action)
    arns = [arn for kind in sorted(kinds & own.keys()) for arn in own[kind]]
    if not arns and "role" in kinds:
        return sorted({arn for arn, _ in roles})
    return arns or [ANY]


def _find_own_arns(resource: Resource, stack_names: Mapping[str, str]) -> dict[str, list[str]]:
    """The ARNs of a resource, or of the resources that it is a part of, by their kinds."""
    property_name, target = REFERRING_TYPES.get(resource.type, ("", ""))
    owners = [resource]
    if property_name:
        found = [node.resource for node in resource[property_name].as_list]
        owners = [owner for owner in found if owner is not None and owner.type == target]
        if len(owners) < len(found):
            return {}
    arns: dict[str, list[str]] = {}
    for owner in owners:
        named = NAMED_TYPES.get(owner.type)
        if named is not None:
            for kind, form in named.arns.items():
                arn = _arn_of(owner, named, form, stack_names)
                arns.setdefault(kind, []).append(arn)
                if named.suffix and not arn.endswith(ANY):
                    arns[kind].append(f"{arn}{named.suffix}")
    return arns


def _arn_of(resource: Resource, named: NamedType, form: str, stack_names: Mapping[str, str]) -> str:
    name = _name_of(resource, named, stack_names)
    arn = form.replace("{name}", name.removeprefix("/") if "/{name}" in form else name)
    if named.path:
        path = resource[named.path]
        arn = arn.replace("{path}", _to_pattern(path, stack_names) if path.present else "/")
    for placeholder, key in named.of.items():
        arn = arn.replace(f"{{{placeholder}}}", _name_in(resource[key], stack_names))
    return arn


def _name_of(
    resource: Resource, named: NamedType, stack_names: Mapping[str, str], depth: int = 0
) -> str:
    """The name of a resource, with a `*` for what is not known."""
    node = resource[named.name]
    if node.present:
        return _to_pattern(node, stack_names, depth) if depth < _MAX_DEPTH else ANY
    stack = stack_names.get(resource.stack.name)
    if not named.generated or stack is None:
        return ANY
    begin = named.generated.format(stack=stack, id=resource.id)
    prefix = begin[:LONGEST_PREFIX]
    name = f"{prefix}-*" if prefix == begin else f"{prefix}*"
    return name.lower() if named.lower else name


def _name_in(node: Node, stack_names: Mapping[str, str]) -> str:
    """The name of the resource that a property refers to by its name or its ARN."""
    resource = node.resource
    named = NAMED_TYPES.get(resource.type) if resource is not None else None
    if resource is not None and named is not None:
        return _name_of(resource, named, stack_names)
    return node.text.rpartition("/")[2] if node.text is not None else ANY


def _to_pattern(node: Node, stack_names: Mapping[str, str], depth: int = 0) -> str:
    return "".join(_part_pattern(part, stack_names, depth) for part in node.parts) or ANY


def _part_pattern(
    part: str | Attr | Unknown | OneOf, stack_names: Mapping[str, str], depth: int
) -> str:
    if isinstance(part, str):
        return _DYNAMIC.sub(ANY, part)
    if isinstance(part, Unknown):
        stack, _, name = part.token.partition(":")
        if name == "AWS::StackName":
            return stack_names.get(stack, ANY)
        return f"${{{part.token}}}" if part.token in _PSEUDO else ANY
    if isinstance(part, Attr) and part.name == "Ref":
        named = NAMED_TYPES.get(part.resource.type)
        return ANY if named is None else _name_of(part.resource, named, stack_names, depth + 1)
    return ANY


# Roles -----------------------------------------------------------------------------------------


def _find_passed_roles(
    node: Node, stack_names: Mapping[str, str], depth: int = 0
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The ARNs of the roles that the properties below a node refer to, also by an instance profile
    or a launch template, and the services that these roles trust."""
    resource = node.resource
    if resource is not None and depth < 3:
        if resource.type == ROLE:
            form = NAMED_TYPES[ROLE].arns["role"]
            arn = _arn_of(resource, NAMED_TYPES[ROLE], form, stack_names)
            yield arn, tuple(sorted(set(trusted_services(resource))))
        elif resource.type in (_INSTANCE_PROFILE, _LAUNCH_TEMPLATE):
            yield from _find_passed_roles(resource.props, stack_names, depth + 1)
    elif role_name_from_arn(node):
        yield _to_pattern(node, stack_names), ()
    inside = (value for key, value in node.entries if key not in _VARIABLES)
    for inner in (*node.items, *inside):
        yield from _find_passed_roles(inner, stack_names, depth)


_VARIABLES = ("Environment", "EnvironmentVariables")
"""Properties whose values AWS passes on as text: the ARN of a role in a variable passes no role."""


def _find_boundaries(view: View, stack_names: Mapping[str, str]) -> tuple[str, ...]:
    nodes = [role["PermissionsBoundary"] for role in view.resources_of_type(ROLE)]
    patterns = {_to_pattern(node, stack_names) if node.present else ANY for node in nodes}
    return () if any(ANY in pattern for pattern in patterns) else tuple(sorted(patterns))


# What CloudFormation reads itself ----------------------------------------------------------------


def _parameter_permissions(stack: Stack) -> Iterator[Permission]:
    for parameter in stack.template.parameters.values():
        if not parameter.is_direct and isinstance(parameter.default, str):
            yield Permission("ssm:GetParameters", _parameter_arn(parameter.default))


def _dynamic_references(text: str) -> Iterator[Permission]:
    """The permissions for the dynamic references in a resource, given as JSON."""
    for service, reference in _DYNAMIC.findall(text):
        reference = re.sub(r"\$\{[^}]*\}?", ANY, reference)
        if service == "ssm":
            yield Permission("ssm:GetParameters", _parameter_arn(reference.split(":")[0]))
        else:
            yield Permission("secretsmanager:GetSecretValue", _secret_arn(reference))


def _parameter_arn(name: str) -> str:
    """Parameters below /aws/service belong to AWS."""
    account = "" if name.startswith("/aws/service/") else "${AWS::AccountId}"
    return f"{ROOT}:ssm:${{AWS::Region}}:{account}:parameter/{name.lstrip('/')}"


def _secret_arn(reference: str) -> str:
    """The pattern for the name or the ARN in a reference: of `name:SecretString:key` the name."""
    if reference.startswith("arn:"):
        return ":".join(reference.split(":")[:7])
    return f"{ROOT}:secretsmanager:{HERE}:secret:{reference.split(':')[0]}-*"
