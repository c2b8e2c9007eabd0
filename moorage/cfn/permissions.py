"""Whether a role allows an action on an ARN.

Answers are True, False, or None if only the deployment knows: a policy that is not in the view, a
condition, a parameter in an ARN. Source: IAM user guide, "Policy evaluation logic".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from functools import lru_cache

from moorage.cfn.arn_patterns import ArnPatterns
from moorage.cfn.arns import Arns, expand_arns
from moorage.cfn.nodes import Node
from moorage.cfn.stack import Resource
from moorage.cfn.tristate import TriState, all_of, any_of, negate
from moorage.cfn.values import Attr, Text
from moorage.cfn.view import View
from moorage.facts.managed_policies import STATEMENTS
from moorage.facts.wildcards import wildcard_expression
from moorage.records import entity

ROLE = "AWS::IAM::Role"
MANAGED_POLICY = "AWS::IAM::ManagedPolicy"
POLICIES = ("AWS::IAM::Policy", "AWS::IAM::RolePolicy", MANAGED_POLICY)

ANY_RESOURCE: Arns = ("*",)
"""The resource of actions that do not support resource-level permissions."""

_AWS_POLICY = re.compile(r":iam::aws:policy/(.+)\Z")
_ROLE_ARN = re.compile(r":role/(?:[^/]++/)*+([^/]*+)\Z")


# Roles and policies that properties refer to ---------------------------------------------------


def find_role(node: Node) -> Resource | None:
    """The role in the view that a property refers to, by an attribute or by an ARN with its
    name."""
    resource = node.resource
    if resource is not None:
        return resource if resource.type == ROLE else None
    value = node.value
    if isinstance(value, Text) and isinstance(value.parts[-1], Attr):
        last = value.parts[-1]
        prefix = "".join(part for part in value.parts[:-1] if isinstance(part, str))
        is_role = last.resource.type == ROLE and last.name == "Ref"
        return last.resource if is_role and ":role/" in prefix else None
    name = role_name_from_arn(node)
    return _roles_by_name(node.stack.view).get(name) if name else None


def role_name_from_arn(node: Node) -> str | None:
    """The name in the ARN of a role, if it is a literal at the end."""
    last = node.parts[-1] if node.parts else None
    match = _ROLE_ARN.search(last) if isinstance(last, str) else None
    return match[1] or None if match else None


def _roles_by_name(view: View) -> dict[str, Resource]:
    """The roles whose RoleName is a literal."""
    return view.cached(
        "roles by name",
        lambda: {
            name: role
            for role in view.resources_of_type(ROLE)
            for name in [role["RoleName"].text]
            if name
        },
    )


def aws_managed_policy_path(node: Node) -> str | None:
    """The path and name of the AWS managed policy that a property refers to, such as
    `service-role/AmazonECSTaskExecutionRolePolicy`."""
    last = node.parts[-1] if node.parts else None
    match = _AWS_POLICY.search(last) if isinstance(last, str) else None
    return match[1] if match else None


# Policy statements -----------------------------------------------------------------------------


@entity
class Statement:
    """A statement of a policy."""

    node: Node
    """Its place in the template; the path is empty for an AWS managed policy."""
    allows: TriState
    """Whether the effect is Allow (True) or Deny (False)."""
    actions: tuple[str | None, ...]
    """Patterns of actions; None for an unknown one."""
    excludes_actions: bool
    """Whether `actions` is a NotAction."""
    resources: tuple[Arns, ...]
    excludes_resources: bool
    """Whether `resources` is a NotResource."""
    certain: bool
    """Whether it certainly applies: it has no condition, and its policy is certainly attached."""
    aws_managed: bool

    def covers_action(self, action: str) -> TriState:
        """Whether the statement applies to an action."""
        is_listed = any_of(
            None if pattern is None else matches_action(pattern, action) for pattern in self.actions
        )
        return negate(is_listed) if self.excludes_actions else is_listed


class _Grant:
    """What statements that differ only in their resources allow, or deny."""

    def __init__(self, is_certain: TriState, statements: Sequence[Statement]) -> None:
        self._is_certain = is_certain
        self._is_exclusion = statements[0].excludes_resources
        resources = [pattern for statement in statements for pattern in statement.resources]
        self._resources = ArnPatterns(resources, aws_managed=statements[0].aws_managed)
        self._covers_all = not self._is_exclusion and ANY_RESOURCE in resources

    def applies(self, arn: Arns | None) -> TriState:
        """Whether one of the statements applies to an ARN, which is None if it is unknown."""
        return all_of((self._is_certain, self._covers(arn)))

    def _covers(self, arn: Arns | None) -> TriState:
        if arn is None:
            return True if self._covers_all else None
        is_listed = self._resources.match(arn)
        return negate(is_listed) if self._is_exclusion else is_listed


@entity
class PolicySet:
    """The statements of one or more policies, as far as they are in the view."""

    statements: tuple[Statement, ...]
    complete: bool
    """Whether there are certainly no other statements."""
    _grants: dict[tuple[str, bool], list[_Grant]] = field(
        default_factory=dict, compare=False, repr=False
    )
    """What applies to an action, allowing or denying it."""

    def allows(self, action: str, arn: Arns | None) -> TriState:
        """Whether the policies allow an action on an ARN."""
        is_allowed = any_of(grant.applies(arn) for grant in self._find_grants(action, allows=True))
        is_denied = any_of(grant.applies(arn) for grant in self._find_grants(action, allows=False))
        if is_denied:
            return False
        if is_allowed is False:
            return False if self.complete else None
        return True if is_allowed and is_denied is False and self.complete else None

    def _find_grants(self, action: str, *, allows: bool) -> list[_Grant]:
        """What allows the action on some resources or, if `allows` is false, denies it."""
        if (action, allows) not in self._grants:
            self._grants[action, allows] = self._make_grants(action, allows=allows)
        return self._grants[action, allows]

    def _make_grants(self, action: str, *, allows: bool) -> list[_Grant]:
        alike: dict[object, tuple[TriState, list[Statement]]] = {}
        for number, statement in enumerate(self.statements):
            covers = statement.covers_action(action)
            if statement.allows is (not allows) or covers is False:
                continue
            is_certain = statement.certain and statement.allows is not None
            applies = all_of((covers, True if is_certain else None))
            key = number if statement.excludes_resources else (applies, statement.aws_managed)
            alike.setdefault(key, (applies, []))[1].append(statement)
        return [_Grant(applies, statements) for applies, statements in alike.values()]


# Permissions of a role -------------------------------------------------------------------------


def allows(role: Resource, action: str, arn: Arns | None = ANY_RESOURCE) -> TriState:
    """Whether the policies of a role, within its permissions boundary, allow an action
    (`logs:PutLogEvents`) on an ARN. `arn` is None if it is unknown. Ignores
    resource-based policies."""
    return role.view.cached(
        ("allows", role, action, arn), lambda: _evaluate_policies(role, action, arn)
    )


def _evaluate_policies(role: Resource, action: str, arn: Arns | None) -> TriState:
    allowed = policies_of_role(role).allows(action, arn)
    boundary = role["PermissionsBoundary"]
    if allowed is False or boundary.absent:
        return allowed
    return all_of((allowed, resolve_managed_policy(boundary).allows(action, arn)))


def policies_of_role(role: Resource) -> PolicySet:
    """The statements of a role: of inline policies, managed policies and separate policy
    resources."""
    return role.view.cached(("policies", role), lambda: _collect_policies(role))


def _collect_policies(role: Resource) -> PolicySet:
    inline, managed = role["Policies"], role["ManagedPolicyArns"]
    policies = [
        *(parse_document(item["PolicyDocument"]) for item in inline.items),
        *map(resolve_managed_policy, managed.items),
        *(
            parse_document(policy["PolicyDocument"], is_attached)
            for policy, is_attached in _separate_policies(role.view).get(role, ())
        ),
    ]
    are_lists_complete = _is_complete_list(inline) and _is_complete_list(managed)
    return PolicySet(
        tuple(statement for policy in policies for statement in policy.statements),
        are_lists_complete
        and not _is_name_exported(role)
        and all(policy.complete for policy in policies),
    )


def _is_complete_list(node: Node) -> bool:
    return node.absent or (isinstance(node.value, list) and node.all_known)


def _separate_policies(view: View) -> dict[Resource, list[tuple[Resource, bool]]]:
    """Policy resources by the role that they refer to, and whether they certainly refer to it."""
    return view.cached("separate policies", lambda: _find_separate_policies(view))


def _find_separate_policies(view: View) -> dict[Resource, list[tuple[Resource, bool]]]:
    policies: dict[Resource, list[tuple[Resource, bool]]] = {}
    for policy in view.resources_of_type(*POLICIES):
        for node in (*policy["Roles"].items, policy["RoleName"]):
            for role, is_certain in _possible_roles(node):
                policies.setdefault(role, []).append((policy, is_certain))
    return policies


def _possible_roles(name: Node) -> Iterator[tuple[Resource, bool]]:
    """The roles that may have a name, and whether each certainly has it."""
    if name.absent:
        return
    resource = name.resource
    if resource is not None:
        if resource.type == ROLE:
            yield resource, True
        return
    for role in name.stack.view.resources_of_type(ROLE):
        role_name = role["RoleName"]
        is_same = role_name.is_same_as(name) if role_name.present else False
        if is_same is not False:
            yield role, bool(is_same)


def _is_name_exported(role: Resource) -> bool:
    """Whether a stack that is not in the view can import the name of a role, and attach policies
    to it."""
    stack = role.stack
    if len(stack.view.stacks) > 1:
        return False
    values = (
        stack.node(output.get("Value"), ())
        for output in stack.template.outputs.values()
        if "Export" in output
    )
    return any(value.attr == Attr(role, "Ref") for value in values)


# Policy documents ------------------------------------------------------------------------------


def policy_documents(view: View) -> Iterator[Node]:
    """All identity-based policy documents."""
    for identity in view.resources_of_type(ROLE, "AWS::IAM::User", "AWS::IAM::Group"):
        yield from (policy["PolicyDocument"] for policy in identity["Policies"].items)
    yield from (policy["PolicyDocument"] for policy in view.resources_of_type(*POLICIES))


def resolve_managed_policy(arn: Node) -> PolicySet:
    """The statements of the managed policy that a property refers to."""
    policy = arn.resource
    if policy is not None and policy.type == MANAGED_POLICY:
        return parse_document(policy["PolicyDocument"])
    path = aws_managed_policy_path(arn)
    statements = STATEMENTS.get(path.rpartition("/")[2]) if path else None
    if statements is None:
        return PolicySet((), complete=False)
    return _parse_document(arn.stack.node({"Statement": list(statements)}, ()), aws_managed=True)


def parse_document(document: Node, is_attached: bool = True) -> PolicySet:
    """The statements of a policy document. `is_attached`: whether it certainly is attached."""
    return document.stack.view.cached(
        ("document", document, is_attached), lambda: _parse_document(document, is_attached)
    )


def _parse_document(
    document: Node, is_attached: bool = True, *, aws_managed: bool = False
) -> PolicySet:
    if not isinstance(document.value, Mapping):
        return PolicySet((), complete=document.absent)
    nodes = document["Statement"].as_list
    statements = tuple(
        _parse_statement(node, is_attached, aws_managed)
        for node in nodes
        if isinstance(node.value, Mapping)
    )
    is_complete = document["Statement"].present and len(statements) == len(nodes)
    return PolicySet(statements, is_complete)


def _parse_statement(node: Node, is_attached: bool, aws_managed: bool) -> Statement:
    excludes_actions, excludes_resources = node["Action"].absent, node["Resource"].absent
    actions = node["NotAction" if excludes_actions else "Action"]
    resources = node["NotResource" if excludes_resources else "Resource"]
    return Statement(
        node=node,
        allows={"Allow": True, "Deny": False}.get(node["Effect"].text or ""),
        actions=tuple(
            # A missing element has no choices: what the statement covers is unknown.
            pattern
            for action in (actions.as_list or (actions,))
            for pattern in (action.choices if len(action.choices) == 1 else (None,))
        ),
        excludes_actions=excludes_actions,
        resources=tuple(
            _expand_resource(resource, aws_managed)
            for resource in (resources.as_list or (resources,))
        ),
        excludes_resources=excludes_resources,
        certain=is_attached and node["Condition"].absent and node["Principal"].absent,
        aws_managed=aws_managed,
    )


def _expand_resource(node: Node, aws_managed: bool) -> Arns:
    """The pattern of a Resource. AWS managed policies are the same in every partition."""
    text = node.text
    if aws_managed and text is not None and text.startswith("arn:aws:"):
        return (f"arn:*:{text[8:]}",)
    return expand_arns(node)


@lru_cache(maxsize=2048)
def matches_action(pattern: str, action: str) -> bool:
    """Whether a pattern matches an action; case does not matter.

    >>> matches_action("Logs:Create*", "logs:CreateLogGroup"), matches_action("s3:Get?", "s3:Get")
    (True, False)
    """
    if "*" not in pattern and "?" not in pattern:
        return pattern.lower() == action.lower()
    return re.fullmatch(wildcard_expression(pattern), action, re.IGNORECASE | re.DOTALL) is not None
