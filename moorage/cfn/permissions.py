"""Whether a role allows an action on an ARN, and which services it trusts.

Three answers: True, False, and None where it hangs on what only the deployment knows: a policy
that is not in sight, a condition, a parameter in an ARN ("AWS docs: Policy evaluation logic").
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from moorage.cfn.arn_patterns import matches
from moorage.cfn.arns import Arns, expand_arns
from moorage.cfn.nodes import Node
from moorage.cfn.return_values import ACCOUNT
from moorage.cfn.tristate import all_of, any_of
from moorage.cfn.values import Attr, Text
from moorage.cfn.view import Resource, View
from moorage.facts.managed_policies import STATEMENTS

ROLE = "AWS::IAM::Role"
MANAGED_POLICY = "AWS::IAM::ManagedPolicy"
_POLICIES = ("AWS::IAM::Policy", "AWS::IAM::RolePolicy", MANAGED_POLICY)

ANY_RESOURCE: Arns = ("*",)
"""What actions are asked for on that know no single resources."""

_AWS_POLICY = re.compile(r":iam::aws:policy/(.+)\Z")
_ROLE_ARN = re.compile(r":role/(?:[^/]+/)*([^/]*)\Z")


# Which role, which policy ----------------------------------------------------------------------


def find_role(node: Node) -> Resource | None:
    """The role in sight that a property names, by an attribute or by an ARN that ends so."""
    named = node.resource
    if named is not None:
        return named if named.type == ROLE else None
    value = node.value
    if isinstance(value, Text) and isinstance(value.parts[-1], Attr):
        last = value.parts[-1]
        before = "".join(part for part in value.parts[:-1] if isinstance(part, str))
        is_role = last.resource.type == ROLE and last.name == "Ref"
        return last.resource if is_role and ":role/" in before else None
    name = role_name_from_arn(node)
    return _by_name(node.stack.view).get(name) if name else None


def role_name_from_arn(node: Node) -> str | None:
    """The name at the end of a role's ARN, where it is written out."""
    last = node.parts[-1] if node.parts else None
    found = _ROLE_ARN.search(last) if isinstance(last, str) else None
    return found[1] or None if found else None


def _by_name(view: View) -> dict[str, Resource]:
    """The roles whose names are written out."""
    if "roles by name" not in view.cache:
        named = {one["RoleName"].text: one for one in view.resources_of_type(ROLE)}
        view.cache["roles by name"] = {name: one for name, one in named.items() if name}
    found: dict[str, Resource] = view.cache["roles by name"]
    return found


def aws_managed_policy_path(node: Node) -> str | None:
    """Path and name of the AWS managed policy that a property names: `service-role/...`."""
    parts = node.parts
    rest = parts[-1] if parts else None
    if not isinstance(rest, str):
        return None
    found = _AWS_POLICY.search(rest)
    return found[1] if found else None


# What policies say -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Statement:
    """A statement of a policy that a role has."""

    node: Node
    """Where it stands; AWS's own stand nowhere, and their path is empty."""
    allows: bool | None
    actions: tuple[str | None, ...]
    excludes_actions: bool
    """Whether it is about all actions but these."""
    resources: tuple[Arns, ...]
    excludes_resources: bool
    certain: bool
    """Whether it holds whatever the deployment knows: no condition, and certainly attached."""
    aws_managed: bool

    def covers_action(self, action: str) -> bool | None:
        """Whether it is about an action."""
        found = any_of(None if one is None else _is_like(one, action) for one in self.actions)
        return found if not self.excludes_actions else None if found is None else not found

    def covers_resource(self, on: Arns | None) -> bool | None:
        """Whether it is about an ARN; None asks for one that is not known."""
        if on is None:
            is_all = not self.excludes_resources and ("*",) in self.resources
            return True if is_all else None
        found = any_of(
            matches(resource, on, aws_managed=self.aws_managed) for resource in self.resources
        )
        return found if not self.excludes_resources else None if found is None else not found

    def applies(self, action: str, on: Arns | None, allows: bool) -> bool | None:
        """Whether it allows, or else denies, that action on that ARN."""
        if self.allows is (not allows) or self.covers_action(action) is False:
            return False
        certain = self.certain and self.allows is not None
        return all_of(
            (self.covers_action(action), self.covers_resource(on), True if certain else None)
        )


@dataclass(frozen=True)
class PolicySet:
    """What is in sight of the policies of a role."""

    statements: tuple[Statement, ...]
    complete: bool
    """Whether there are no others."""

    def allows(self, action: str, on: Arns | None) -> bool | None:
        """Whether they allow an action on an ARN."""
        allowed = any_of(statement.applies(action, on, True) for statement in self.statements)
        denied = any_of(one.applies(action, on, False) for one in self.statements)
        if denied:
            return False
        if allowed is False:
            return False if self.complete else None
        return True if allowed and denied is False and self.complete else None


def allows(role: Resource, action: str, on: Arns | None = ANY_RESOURCE) -> bool | None:
    """Whether a role allows an action (`logs:PutLogEvents`) on an ARN, by its own policies. What
    the resource's own policy says is not looked at. Give None for an ARN that is not known."""
    key = ("allows", role, action, on)
    memo = role.view.cache
    if key not in memo:
        found = policies_of_role(role).allows(action, on)
        bound = None if found is False else _boundary(role)
        memo[key] = all_of((found, bound.allows(action, on))) if bound else found
    answer: bool | None = memo[key]
    return answer


def policies_of_role(role: Resource) -> PolicySet:
    """All that is in sight of a role's policies: in line, attached, and beside it."""
    key = ("policies", role)
    memo = role.view.cache
    if key not in memo:
        memo[key] = _policies(role)
    found: PolicySet = memo[key]
    return found


def _policies(role: Resource) -> PolicySet:
    inline, attached = role["Policies"], role["ManagedPolicyArns"]
    complete = _counted(inline) and _counted(attached) and not _name_is_exported(role)
    statements: list[Statement] = []
    for item in inline.items:
        found = parse_document(item["PolicyDocument"])
        complete = complete and found.complete
        statements += found.statements
    for item in attached.items:
        found = resolve_managed_policy(item)
        complete = complete and found.complete
        statements += found.statements
    for policy, sure in _beside(role.view).get(role, ()):
        found = parse_document(policy["PolicyDocument"], sure)
        complete = complete and found.complete
        statements += found.statements
    return PolicySet(tuple(statements), complete)


def policy_documents(view: View) -> Iterator[Node]:
    """Every document of what roles, or those who have a policy, may do."""
    for role in view.resources_of_type(ROLE, "AWS::IAM::User", "AWS::IAM::Group"):
        yield from (one["PolicyDocument"] for one in role["Policies"].items)
    yield from (policy["PolicyDocument"] for policy in view.resources_of_type(*_POLICIES))


def _counted(listed: Node) -> bool:
    return listed.absent or (isinstance(listed.value, list) and listed.all_known)


def resolve_managed_policy(arn: Node) -> PolicySet:
    """The managed policy that a property names."""
    policy = arn.resource
    if policy is not None and policy.type == MANAGED_POLICY:
        return parse_document(policy["PolicyDocument"])
    path = aws_managed_policy_path(arn)
    said = STATEMENTS.get(path.rpartition("/")[2]) if path else None
    if said is None:
        return PolicySet((), complete=False)
    return parse_document(Node(arn.stack, {"Statement": list(said)}, ()), aws_managed=True)


def _boundary(role: Resource) -> PolicySet | None:
    """What a permissions boundary leaves of what a role allows."""
    bound = role["PermissionsBoundary"]
    return None if bound.absent else resolve_managed_policy(bound)


def _beside(view: View) -> dict[Resource, list[tuple[Resource, bool]]]:
    """The policies that stand as resources of their own, by role, and whether they surely are
    attached to it."""
    if "policies beside" not in view.cache:
        found: dict[Resource, list[tuple[Resource, bool]]] = {}
        for policy in view.resources_of_type(*_POLICIES):
            for name in (*policy["Roles"].items, policy["RoleName"]):
                for role, sure in _meant(name):
                    found.setdefault(role, []).append((policy, sure))
        view.cache["policies beside"] = found
    beside: dict[Resource, list[tuple[Resource, bool]]] = view.cache["policies beside"]
    return beside


def _meant(name: Node) -> Iterator[tuple[Resource, bool]]:
    """The roles that a name means or may mean."""
    if name.absent:
        return
    named = name.resource
    if named is not None:
        if named.type == ROLE:
            yield named, True
        return
    for role in name.stack.view.resources_of_type(ROLE):
        given = role["RoleName"]
        same = given.is_same_as(name) if given.present else False
        if same is not False:
            yield role, bool(same)


def _name_is_exported(role: Resource) -> bool:
    """Whether another stack, not in sight, is handed the role's name: to attach a policy to it."""
    stack = role.stack
    if len(stack.view.stacks) > 1:
        return False
    return any(
        "Export" in output and value.resource is role and value.attr == Attr(role, "Ref")
        for output in stack.template.outputs.values()
        for value in [Node(stack, output.get("Value"), ())]
    )


def parse_document(policy: Node, sure: bool = True, *, aws_managed: bool = False) -> PolicySet:
    """What a policy document says."""
    if not isinstance(policy.value, Mapping):
        return PolicySet((), complete=policy.absent)
    said = policy["Statement"]
    known = all(isinstance(one.value, Mapping) for one in said.as_list) and said.present
    statements = tuple(
        _statement(item, sure, aws_managed)
        for item in said.as_list
        if isinstance(item.value, Mapping)
    )
    return PolicySet(statements, known)


def _statement(said: Node, sure: bool, aws_managed: bool) -> Statement:
    but_actions, but_resources = said["Action"].absent, said["Resource"].absent
    actions = said["NotAction" if but_actions else "Action"]
    resources = said["NotResource" if but_resources else "Resource"]
    return Statement(
        node=said,
        allows={"Allow": True, "Deny": False}.get(said["Effect"].text or ""),
        actions=tuple(
            # A statement without what it needs says nothing that is known.
            action
            for one in (actions.as_list or (actions,))
            for action in (one.choices if len(one.choices) == 1 else (None,))
        ),
        excludes_actions=but_actions,
        resources=tuple(
            _patterns(resource, aws_managed) for resource in (resources.as_list or (resources,))
        ),
        excludes_resources=but_resources,
        certain=sure and said["Condition"].absent and said["Principal"].absent,
        aws_managed=aws_managed,
    )


def _patterns(node: Node, aws_managed: bool) -> Arns:
    """The ARNs that a Resource means. AWS's own policies are the same in every partition."""
    text = node.text
    if aws_managed and text is not None and text.startswith("arn:aws:"):
        return (f"arn:*:{text[8:]}",)
    return expand_arns(node)


@lru_cache(maxsize=2048)
def _is_like(pattern: str, action: str) -> bool:
    """Whether a pattern of actions covers one; case does not matter there.

    >>> _is_like("Logs:Create*", "logs:CreateLogGroup"), _is_like("ecr:Get?", "ecr:GetX")
    (True, True)
    """
    if "*" not in pattern and "?" not in pattern:
        return pattern.lower() == action.lower()
    said = {"*": ".*", "?": "."}
    expression = "".join(said.get(one) or re.escape(one) for one in pattern)
    return re.fullmatch(expression, action, re.IGNORECASE | re.DOTALL) is not None


# Whom a role trusts ----------------------------------------------------------------------------


def trusts(role: Resource, service: str) -> bool | None:
    """Whether a service (`ecs-tasks`) may assume a role."""
    trust = role["AssumeRolePolicyDocument"]
    said = trust["Statement"]
    if not isinstance(trust.value, Mapping) or not said.as_list:
        return None
    trusted: list[bool | None] = []
    for item in said.as_list:
        about = all_of((_assumes(item), _principal_is(item["Principal"], service)))
        effect = item["Effect"].text
        if about is not False and (effect != "Allow" or item["Condition"].present):
            about = None
        trusted.append(about)
    return any_of(trusted)


def _assumes(said: Node) -> bool | None:
    actions = said["Action"]
    if actions.absent:
        return None
    return any_of(
        _is_like(action.text, "sts:AssumeRole") if action.text is not None else None
        for action in actions.as_list
    )


def _principal_is(principal: Node, service: str) -> bool | None:
    """Whether a Principal means a service."""
    if not isinstance(principal.value, Mapping):
        return None
    named = dict(principal.entries)
    if "Service" not in named:
        return None if any(map(_may_be_anyone, principal["AWS"].as_list)) else False
    services = named["Service"].as_list
    return any_of(_is_service(one, service) for one in services) if services else None


def _may_be_anyone(node: Node) -> bool:
    """Whether a principal of AWS may be `*`. Neither an account nor a role is."""
    if node.parts == (ACCOUNT,) or node.resource is not None:
        return False
    return node.text in (None, "*") and not any(
        isinstance(part, str) and part.strip("*") for part in node.parts
    )


def _is_service(node: Node, service: str) -> bool | None:
    """Whether a principal is a service, in any region or partition: `codedeploy.amazonaws.com`,
    `codedeploy.us-east-1.amazonaws.com`, `codedeploy.${AWS::URLSuffix}`."""
    parts = node.parts
    first = parts[0] if parts else None
    if not isinstance(first, str):
        return None
    if len(parts) == 1 or "." in first:
        return first.partition(".")[0].lower() == service
    return None if service.startswith(first.lower()) else False


def trusted_services(role: Resource) -> list[str]:
    """The services that a role names as trusted, as they are written."""
    return [
        service.text
        for said in role["AssumeRolePolicyDocument"]["Statement"].as_list
        for service in said["Principal"]["Service"].as_list
        if service.text is not None
    ]
