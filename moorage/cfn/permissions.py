"""Whether a role allows an action on an ARN, and which services it trusts.

Three answers: True, False, and None where it hangs on what only the deployment knows: a policy
that is not in sight, a condition, a parameter in an ARN ("AWS docs: Policy evaluation logic").
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from moorage.cfn.arns import ACCOUNT, Arns, arns, either, every, matches
from moorage.cfn.nodes import Node
from moorage.cfn.values import Attr, Text
from moorage.cfn.view import Resource, View
from moorage.facts.managed_policies import STATEMENTS

ROLE = "AWS::IAM::Role"
MANAGED_POLICY = "AWS::IAM::ManagedPolicy"
_POLICIES = ("AWS::IAM::Policy", "AWS::IAM::RolePolicy", MANAGED_POLICY)

EVERYTHING: Arns = ("*",)
"""What actions are asked for on that know no single resources."""

_AWS_POLICY = re.compile(r":iam::aws:policy/(.+)\Z")
_ROLE_ARN = re.compile(r":role/(?:[^/]+/)*([^/]*)\Z")


# Which role, which policy ----------------------------------------------------------------------


def role_of(node: Node) -> Resource | None:
    """The role in sight that a property names, by an attribute or by an ARN that ends so."""
    named = node.resource
    if named is not None:
        return named if named.type == ROLE else None
    value = node.value
    if isinstance(value, Text) and isinstance(value.parts[-1], Attr):
        last = value.parts[-1]
        before = "".join(one for one in value.parts[:-1] if isinstance(one, str))
        is_role = last.resource.type == ROLE and last.name == "Ref"
        return last.resource if is_role and ":role/" in before else None
    name = role_name(node)
    return _by_name(node.stack.view).get(name) if name else None


def role_name(node: Node) -> str | None:
    """The name at the end of a role's ARN, where it is written out."""
    last = node.parts[-1] if node.parts else None
    found = _ROLE_ARN.search(last) if isinstance(last, str) else None
    return found[1] or None if found else None


def _by_name(view: View) -> dict[str, Resource]:
    """The roles whose names are written out."""
    if "roles by name" not in view.memo:
        named = {one["RoleName"].text: one for one in view.of(ROLE)}
        view.memo["roles by name"] = {name: one for name, one in named.items() if name}
    found: dict[str, Resource] = view.memo["roles by name"]
    return found


def aws_policy(node: Node) -> str | None:
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

    at: Node
    """Where it stands; AWS's own stand nowhere, and their path is empty."""
    allows: bool | None
    actions: tuple[str | None, ...]
    but_actions: bool
    """Whether it is about all actions but these."""
    resources: tuple[Arns, ...]
    but_resources: bool
    sure: bool
    """Whether it holds whatever the deployment knows: no condition, and certainly attached."""
    by_aws: bool

    def covers(self, action: str) -> bool | None:
        """Whether it is about an action."""
        found = either(None if one is None else _is_like(one, action) for one in self.actions)
        return found if not self.but_actions else None if found is None else not found

    def reaches(self, on: Arns | None) -> bool | None:
        """Whether it is about an ARN; None asks for one that is not known."""
        if on is None:
            is_all = not self.but_resources and ("*",) in self.resources
            return True if is_all else None
        found = either(matches(one, on, by_aws=self.by_aws) for one in self.resources)
        return found if not self.but_resources else None if found is None else not found

    def holds(self, action: str, on: Arns | None, allows: bool) -> bool | None:
        """Whether it allows, or else denies, that action on that ARN."""
        if self.allows is (not allows) or self.covers(action) is False:
            return False
        certain = self.sure and self.allows is not None
        return every((self.covers(action), self.reaches(on), True if certain else None))


@dataclass(frozen=True)
class Policies:
    """What is in sight of the policies of a role."""

    statements: tuple[Statement, ...]
    complete: bool
    """Whether there are no others."""

    def allow(self, action: str, on: Arns | None) -> bool | None:
        """Whether they allow an action on an ARN."""
        allowed = either(one.holds(action, on, True) for one in self.statements)
        denied = either(one.holds(action, on, False) for one in self.statements)
        if denied:
            return False
        if allowed is False:
            return False if self.complete else None
        return True if allowed and denied is False and self.complete else None


def allows(role: Resource, action: str, on: Arns | None = EVERYTHING) -> bool | None:
    """Whether a role allows an action (`logs:PutLogEvents`) on an ARN, by its own policies. What
    the resource's own policy says is not looked at. Give None for an ARN that is not known."""
    key = ("allows", role, action, on)
    memo = role.view.memo
    if key not in memo:
        found = policies(role).allow(action, on)
        bound = None if found is False else _boundary(role)
        memo[key] = every((found, bound.allow(action, on))) if bound else found
    answer: bool | None = memo[key]
    return answer


def policies(role: Resource) -> Policies:
    """All that is in sight of a role's policies: in line, attached, and beside it."""
    key = ("policies", role)
    memo = role.view.memo
    if key not in memo:
        memo[key] = _policies(role)
    found: Policies = memo[key]
    return found


def _policies(role: Resource) -> Policies:
    inline, attached = role["Policies"], role["ManagedPolicyArns"]
    complete = _counted(inline) and _counted(attached) and not _name_is_exported(role)
    statements: list[Statement] = []
    for one in inline.items:
        found = document(one["PolicyDocument"])
        complete = complete and found.complete
        statements += found.statements
    for one in attached.items:
        found = managed(one)
        complete = complete and found.complete
        statements += found.statements
    for policy, sure in _beside(role.view).get(role, ()):
        found = document(policy["PolicyDocument"], sure)
        complete = complete and found.complete
        statements += found.statements
    return Policies(tuple(statements), complete)


def documents(view: View) -> Iterator[Node]:
    """Every document of what roles, or those who have a policy, may do."""
    for role in view.of(ROLE, "AWS::IAM::User", "AWS::IAM::Group"):
        yield from (one["PolicyDocument"] for one in role["Policies"].items)
    yield from (policy["PolicyDocument"] for policy in view.of(*_POLICIES))


def _counted(listed: Node) -> bool:
    return listed.absent or (isinstance(listed.value, list) and listed.all_known)


def managed(arn: Node) -> Policies:
    """The managed policy that a property names."""
    policy = arn.resource
    if policy is not None and policy.type == MANAGED_POLICY:
        return document(policy["PolicyDocument"])
    path = aws_policy(arn)
    said = STATEMENTS.get(path.rpartition("/")[2]) if path else None
    if said is None:
        return Policies((), complete=False)
    return document(Node(arn.stack, {"Statement": list(said)}, ()), by_aws=True)


def _boundary(role: Resource) -> Policies | None:
    """What a permissions boundary leaves of what a role allows."""
    bound = role["PermissionsBoundary"]
    return None if bound.absent else managed(bound)


def _beside(view: View) -> dict[Resource, list[tuple[Resource, bool]]]:
    """The policies that stand as resources of their own, by role, and whether they surely are
    attached to it."""
    if "policies beside" not in view.memo:
        found: dict[Resource, list[tuple[Resource, bool]]] = {}
        for policy in view.of(*_POLICIES):
            for name in (*policy["Roles"].items, policy["RoleName"]):
                for role, sure in _meant(name):
                    found.setdefault(role, []).append((policy, sure))
        view.memo["policies beside"] = found
    beside: dict[Resource, list[tuple[Resource, bool]]] = view.memo["policies beside"]
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
    for role in name.stack.view.of(ROLE):
        given = role["RoleName"]
        same = given.same(name) if given.present else False
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


def document(policy: Node, sure: bool = True, *, by_aws: bool = False) -> Policies:
    """What a policy document says."""
    if not isinstance(policy.value, Mapping):
        return Policies((), complete=policy.absent)
    said = policy["Statement"]
    known = all(isinstance(one.value, Mapping) for one in said.many) and said.present
    statements = tuple(
        _statement(one, sure, by_aws) for one in said.many if isinstance(one.value, Mapping)
    )
    return Policies(statements, known)


def _statement(said: Node, sure: bool, by_aws: bool) -> Statement:
    but_actions, but_resources = said["Action"].absent, said["Resource"].absent
    actions = said["NotAction" if but_actions else "Action"]
    resources = said["NotResource" if but_resources else "Resource"]
    return Statement(
        at=said,
        allows={"Allow": True, "Deny": False}.get(said["Effect"].text or ""),
        actions=tuple(
            # A statement without what it needs says nothing that is known.
            action
            for one in (actions.many or (actions,))
            for action in (one.choices if len(one.choices) == 1 else (None,))
        ),
        but_actions=but_actions,
        resources=tuple(_patterns(one, by_aws) for one in (resources.many or (resources,))),
        but_resources=but_resources,
        sure=sure and said["Condition"].absent and said["Principal"].absent,
        by_aws=by_aws,
    )


def _patterns(node: Node, by_aws: bool) -> Arns:
    """The ARNs that a Resource means. AWS's own policies are the same in every partition."""
    text = node.text
    if by_aws and text is not None and text.startswith("arn:aws:"):
        return (f"arn:*:{text[8:]}",)
    return arns(node)


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
    if not isinstance(trust.value, Mapping) or not said.many:
        return None
    trusted: list[bool | None] = []
    for one in said.many:
        about = every((_assumes(one), _principal_is(one["Principal"], service)))
        effect = one["Effect"].text
        if about is not False and (effect != "Allow" or one["Condition"].present):
            about = None
        trusted.append(about)
    return either(trusted)


def _assumes(said: Node) -> bool | None:
    actions = said["Action"]
    if actions.absent:
        return None
    return either(
        _is_like(one.text, "sts:AssumeRole") if one.text is not None else None
        for one in actions.many
    )


def _principal_is(principal: Node, service: str) -> bool | None:
    """Whether a Principal means a service."""
    if not isinstance(principal.value, Mapping):
        return None
    named = dict(principal.pairs)
    if "Service" not in named:
        return None if any(map(_may_be_anyone, principal["AWS"].many)) else False
    services = named["Service"].many
    return either(_is_service(one, service) for one in services) if services else None


def _may_be_anyone(node: Node) -> bool:
    """Whether a principal of AWS may be `*`. Neither an account nor a role is."""
    if node.parts == (ACCOUNT,) or node.resource is not None:
        return False
    return node.text in (None, "*") and not any(
        isinstance(one, str) and one.strip("*") for one in node.parts
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


def services_trusted(role: Resource) -> list[str]:
    """The services that a role names as trusted, as they are written."""
    return [
        one.text
        for said in role["AssumeRolePolicyDocument"]["Statement"].many
        for one in said["Principal"]["Service"].many
        if one.text is not None
    ]
