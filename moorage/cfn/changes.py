"""Two versions of the same templates: which resources are kept, removed, added and replaced.

CloudFormation matches resources by logical ID. A resource is replaced if a create-only property
changes, or if it refers to a replaced resource in a create-only property. The new resource is
created first; the replaced or removed one is deleted after that. Both exist for a while, so they
must not need the same name, port or address. A few types are deleted first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from moorage.cfn import ecs
from moorage.cfn.nodes import Node
from moorage.cfn.value_comparison import differs, referenced_resources
from moorage.cfn.view import Resource, Stack, View

Schemas = Callable[[str], Mapping[str, Any]]
"""Returns the CloudFormation schema of a type; empty if there is none."""

_ALSO = {
    "AWS::DynamoDB::Table": ("KeySchema",),
    "AWS::RDS::DBInstance": ("DBSnapshotIdentifier",),
}
"""Properties that are create-only by the documentation of their type, but not by its schema."""


@dataclass(frozen=True)
class ResourcePair:
    """A resource before and after."""

    old: Resource
    new: Resource

    @cached_property
    def changed_properties(self) -> tuple[str, ...]:
        """The properties that change, by name."""
        keys = dict.fromkeys([*_keys(self.old.props), *_keys(self.new.props)])
        return tuple(key for key in keys if differs(self.old.props[key], self.new.props[key]))


@dataclass(frozen=True, eq=False)
class Comparison:
    """Templates of one environment before and after, each side in the order of deployment."""

    old: View
    new: View
    schemas: Schemas

    @cached_property
    def stack_pairs(self) -> list[tuple[Stack, Stack]]:
        """The stacks of both versions, matched by name."""
        before = {stack.name: stack for stack in self.old.stacks}
        return [(before[one.name], one) for one in self.new.stacks if one.name in before]

    @cached_property
    def removed_stacks(self) -> list[Stack]:
        after = {stack.name for stack in self.new.stacks}
        return [stack for stack in self.old.stacks if stack.name not in after]

    @cached_property
    def pairs(self) -> list[ResourcePair]:
        return [
            ResourcePair(old.resources[name], resource)
            for old, new in self.stack_pairs
            for name, resource in new.resources.items()
            if name in old.resources
        ]

    @cached_property
    def removed(self) -> list[Resource]:
        """Resources that are removed from a stack that is kept."""
        return [
            resource
            for old, new in self.stack_pairs
            for name, resource in old.resources.items()
            if name not in new.resources
        ]

    @cached_property
    def added(self) -> list[Resource]:
        """New resources, including those of new stacks."""
        kept = {id(pair.new) for pair in self.pairs}
        return [
            resource
            for stack in self.new.stacks
            for resource in stack.resources.values()
            if id(resource) not in kept
        ]

    def find_old_version(self, new: Resource) -> Resource | None:
        """The old version of a resource; None if it is new."""
        return self._before.get(id(new))

    def find_new_version(self, old: Resource) -> Resource | None:
        """The new version of a resource, updated or replaced; None if it is removed."""
        return self._after.get(id(old))

    @cached_property
    def _after(self) -> dict[int, Resource]:
        return {id(pair.old): pair.new for pair in self.pairs}

    @cached_property
    def _before(self) -> dict[int, Resource]:
        return {id(pair.new): pair.old for pair in self.pairs}

    @cached_property
    def replacements(self) -> dict[Resource, tuple[ResourcePair, str]]:
        """The resources that an update replaces, each with the property that is the reason.
        References to replaced resources are followed until nothing more is replaced."""
        found: dict[Resource, tuple[ResourcePair, str]] = {}
        todo = [pair for pair in self.pairs if pair.old.type == pair.new.type]
        while True:
            new = {
                pair.new: (pair, reason)
                for pair in todo
                if pair.new not in found
                for reason in [self._reason(pair, found)]
                if reason
            }
            if not new:
                return found
            found |= new

    def _reason(self, pair: ResourcePair, replaced: Mapping[Resource, Any]) -> str:
        for steps in self._create_only(pair):
            for old, new in zip(
                _at(pair.old.props, steps), _at(pair.new.props, steps), strict=False
            ):
                if differs(old, new) or any(
                    referenced_resource in replaced
                    for referenced_resource in referenced_resources(new)
                ):
                    return steps[0]
        return ""

    def _create_only(self, pair: ResourcePair) -> Iterator[list[str]]:
        """The paths of properties that cannot change."""
        kind = pair.new.type
        for pointer in self.schemas(kind).get("createOnlyProperties") or ():
            yield pointer.removeprefix("/properties/").split("/")
        yield from ([key] for key in _ALSO.get(kind, ()))
        launch = "LaunchType"  # a change to capacity providers, or from them, is an update
        if kind == ecs.SERVICE and pair.old[launch].present and pair.new[launch].present:
            yield [launch]

    def is_deleted_first(self, resource: Resource) -> bool:
        """Whether a replacement deletes the old resource before it creates the new one."""
        found: bool = self.schemas(resource.type).get("replacementStrategy") == "delete_then_create"
        return found


def _keys(node: Node) -> list[str]:
    return [key for key, _ in node.entries]


def _at(node: Node, steps: list[str]) -> list[Node]:
    """The nodes at a path, in which `*` means every item."""
    nodes = [node]
    for step in steps:
        nodes = [inner for one in nodes for inner in (one.items if step == "*" else (one[step],))]
    return nodes
