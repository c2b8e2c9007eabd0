"""Predicates about other resources: roles, keys, and what must exist before or only once."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import field
from typing import Any

from moorage.cfn.nodes import Node
from moorage.cfn.permissions import Statement, allows, find_role, parse_document
from moorage.cfn.stack import Resource
from moorage.cfn.tristate import TriState, all_of, any_of
from moorage.cfn.trust_policies import trusts
from moorage.cfn.values import Attr, are_same, identity
from moorage.cfn.view import View
from moorage.records import entity
from moorage.rules.constraints.predicates import Context, Predicate

# Roles and keys ------------------------------------------------------------------------------


@entity
class Trusts:
    """A service (`scheduler`) can assume the role that a value refers to."""

    path: str
    service: str

    def holds(self, context: Context) -> TriState:
        role = find_role(context.at(self.path))
        return trusts(role, self.service) if role else None

    def place(self, context: Context) -> Node:
        role = find_role(context.at(self.path))
        if role is None:
            return context.at(self.path)
        statements = role["AssumeRolePolicyDocument"]["Statement"].as_list
        return statements[0]["Principal"] if statements else role["AssumeRolePolicyDocument"]


@entity
class Allows:
    """The role that a value refers to has permission for an action on some resource."""

    path: str
    action: str

    def holds(self, context: Context) -> TriState:
        role = find_role(context.at(self.path))
        # The ARN is unknown: False only if no statement is about the action.
        return allows(role, self.action, None) if role else None

    def place(self, context: Context) -> Node:
        role = find_role(context.at(self.path))
        return role.body if role else context.at(self.path)


_KEY = "AWS::KMS::Key"


@entity
class KeyTrusts:
    """The policy of the KMS key that a value refers to has a statement for a service (`logs`)."""

    path: str
    service: str
    action: str | None = None
    """An action that the statement must contain; None for any."""

    def holds(self, context: Context) -> TriState:
        key = context.at(self.path).resource
        if key is None or key.type != _KEY:
            return None
        statements = key["KeyPolicy"]["Statement"]
        if not statements.all_known or statements.absent:
            return None
        return any_of(
            all_of((self._includes_service(statement.node), self._covers_action(statement)))
            for statement in parse_document(key["KeyPolicy"]).statements
        )

    def place(self, context: Context) -> Node:
        key = context.at(self.path).resource
        return key["KeyPolicy"] if key and key.type == _KEY else context.at(self.path)

    def _covers_action(self, statement: Statement) -> TriState:
        return True if self.action is None else statement.covers_action(self.action)

    def _includes_service(self, statement: Node) -> TriState:
        if statement["Effect"].text == "Deny":
            return False
        principal = statement["Principal"]
        if principal.text == "*":
            return True
        if principal.unknown or statement["Effect"].unknown:
            return None
        users = principal["AWS"].as_list
        if any(user.text == "*" or (user.unknown and not user.parts) for user in users):
            return None
        return any_of(self._is_service(node) for node in principal["Service"].as_list)

    def _is_service(self, node: Node) -> TriState:
        first = node.parts[0] if node.parts else None
        if not isinstance(first, str):
            return None
        return first.partition(".")[0].lower() == self.service


# Other resources of the view -----------------------------------------------------------------


def _referrers(
    context: Context, path: str, resource_type: str, other: str, where: Predicate | None
) -> Iterator[Resource]:
    """The resources of a type that refer with `other` to the resource that `path` refers to."""
    mine = context.at(path).resource
    if mine is None:
        return
    view = context.resource.view
    referrers = view.cached(
        ("referrers", resource_type, other), lambda: _group_referrers(view, resource_type, other)
    )
    for resource in referrers.get(mine, ()):
        if where is None or where.holds(Context(resource, resource.props)) is True:
            yield resource


def _group_referrers(view: View, resource_type: str, path: str) -> dict[Resource, list[Resource]]:
    """The resources of a type by each resource that the value at `path` is an attribute of, or
    contains one of, such as an ARN."""
    referrers: dict[Resource, list[Resource]] = {}
    for resource in view.resources_of_type(resource_type):
        parts = Context(resource, resource.props).at(path).parts
        for mine in dict.fromkeys(part.resource for part in parts if isinstance(part, Attr)):
            referrers.setdefault(mine, []).append(resource)
    return referrers


@entity
class HasReferrer:
    """A resource of a type, other than this one, refers to the same resource. False only if the
    stack itself creates that resource, so that no other stack can refer to it before."""

    path: str
    """The reference of the resource; empty for the resource itself."""
    type: str
    other: str
    """The reference of the other resource."""
    where: Predicate | None = None
    """What must hold for the other resource."""

    def holds(self, context: Context) -> TriState:
        target = context.at(self.path).resource
        if target is None:
            return None
        found = any_of(
            True if self.where is None else self.where.holds(Context(resource, resource.props))
            for resource in _referrers(context, self.path, self.type, self.other, None)
            if resource is not context.resource
        )
        return None if found is False and target.stack is not context.resource.stack else found

    def place(self, context: Context) -> Node:
        return context.at(self.path)


@entity
class IsPseudoParameter:
    """The value is that of a pseudo parameter such as `AWS::Region`."""

    path: str
    name: str

    def holds(self, context: Context) -> TriState:
        return are_same(context.at(self.path).value, context.resource.stack.resolve_ref(self.name))

    def place(self, context: Context) -> Node:
        return context.at(self.path)


@entity
class IsDeployedTo:
    """The stack is deployed to a region. None if the region is not known. `path` is the value to
    change, if it is not."""

    path: str
    region: str

    def holds(self, context: Context) -> TriState:
        region = context.resource.stack.template.region
        return None if region is None else region == self.region

    def place(self, context: Context) -> Node:
        return context.at(self.path)


@entity
class PolicyAllows:
    """A resource's policy allows an action on all resources (`*`)."""

    path: str
    action: str

    def holds(self, context: Context) -> TriState:
        document = context.at(self.path)
        return None if document.absent else parse_document(document).allows(self.action, ("*",))

    def place(self, context: Context) -> Node:
        return context.at(self.path)


@entity
class CreatedAfter:
    """The resource is created after one of a type that refers to the same resource. None if there
    is no such resource."""

    path: str
    """The reference of the resource."""
    type: str
    other: str
    """The reference of the other resource."""
    where: Predicate | None = None
    """What must hold for the other resource."""

    def holds(self, context: Context) -> TriState:
        others = list(_referrers(context, self.path, self.type, self.other, self.where))
        if not others:
            return None
        return any(
            context.resource.view.is_created_before(other, context.resource) for other in others
        )

    def place(self, context: Context) -> Node:
        return context.at(self.path)


@entity
class NoOther:
    """No other resource of the type has the same values at all `keys`: of two resources, the later
    one is wrong. With `this` and `other`, only pairs count in which one holds for the resource and
    the other one for the other."""

    keys: tuple[str, ...]
    defaults: Mapping[str, str] = field(default_factory=dict)
    this: Predicate | None = None
    other: Predicate | None = None
    in_stack: bool = False
    """Whether only resources of the same stack count, as others may be in another region."""

    def holds(self, context: Context) -> TriState:
        return not any(self._conflicts(context, other) is True for other in self._others(context))

    def place(self, context: Context) -> Node:
        return context.at(self.keys[-1]) if self.keys else context.resource.body

    def _others(self, context: Context) -> Iterator[Context]:
        """The resources that can conflict, from an index: a comparison of each resource with all
        others would take quadratic time."""
        view, kind = context.resource.view, context.resource.type
        key = "others", kind, self.keys, tuple(self.defaults.items()), self.in_stack
        others = view.cached(key, lambda: self._group(view, kind))
        for other in others.get(self._values(context), ()):
            if other is not context.resource:
                yield Context(other, other.props)
            elif self.this is None:
                return

    def _group(self, view: View, kind: str) -> dict[Hashable, list[Resource]]:
        """The resources of a type by their values at the keys."""
        groups: dict[Hashable, list[Resource]] = {}
        for resource in view.resources_of_type(kind):
            values = self._values(Context(resource, resource.props))
            groups.setdefault(values, []).append(resource)
        return groups

    def _values(self, context: Context) -> Hashable:
        """The values at the keys: equal for resources that can conflict."""
        values = (identity(self._value(context, key)) for key in self.keys)
        return context.resource.stack.name if self.in_stack else None, *values

    def _conflicts(self, context: Context, other: Context) -> TriState:
        return all_of(
            (
                *(self._are_same(context, other, key) for key in self.keys),
                *([self.this.holds(context)] if self.this else ()),
                *([self.other.holds(other)] if self.other else ()),
            )
        )

    def _are_same(self, first: Context, second: Context, key: str) -> TriState:
        left, right = self._value(first, key), self._value(second, key)
        return left is right if left is None or right is None else are_same(left, right)

    def _value(self, context: Context, key: str) -> Any:
        node = context.at(key)
        return self.defaults.get(key) if node.absent else node.value
