"""Two versions of the same templates: added, removed, updated and replaced resources.

CloudFormation identifies resources by logical ID. It replaces a resource if a create-only property
changes, or if a create-only property refers to a resource that is replaced. It creates the new
resource first, and deletes replaced and removed resources at the end, so for some time both exist
and cannot have the same name, for example. A few types are deleted first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Any

from moorage.cfn import ecs
from moorage.cfn.nodes import Node
from moorage.cfn.stack import Resource, Stack
from moorage.cfn.value_comparison import differs, referenced_resources
from moorage.cfn.view import View
from moorage.records import entity, record

Schemas = Callable[[str], Mapping[str, Any]]
"""Returns the CloudFormation schema of a resource type; empty if there is none."""

_MORE_CREATE_ONLY_PROPERTIES = {
    "AWS::DynamoDB::Table": ("KeySchema",),
    "AWS::RDS::DBInstance": ("DBSnapshotIdentifier",),
}
"""Properties that are create-only according to the documentation, but not to the schema."""


@record
class ResourcePair:
    """A resource before and after the update."""

    old: Resource
    new: Resource

    @cached_property
    def changed_properties(self) -> tuple[str, ...]:
        """The names of the properties that change."""
        keys = dict.fromkeys([*_keys(self.old.props), *_keys(self.new.props)])
        return tuple(key for key in keys if differs(self.old.props[key], self.new.props[key]))


@entity
class Comparison:
    """The templates of one environment before and after an update, in the order of deployment."""

    old: View
    new: View
    schemas: Schemas

    @cached_property
    def stack_pairs(self) -> list[tuple[Stack, Stack]]:
        """The stacks that exist before and after, by name."""
        before = {stack.name: stack for stack in self.old.stacks}
        return [(before[new.name], new) for new in self.new.stacks if new.name in before]

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
        """Removed resources of stacks that still exist after the update."""
        return [
            resource
            for old, new in self.stack_pairs
            for name, resource in old.resources.items()
            if name not in new.resources
        ]

    @cached_property
    def added(self) -> list[Resource]:
        """Added resources, with those of added stacks."""
        kept = {id(pair.new) for pair in self.pairs}
        return [
            resource
            for stack in self.new.stacks
            for resource in stack.resources.values()
            if id(resource) not in kept
        ]

    def find_old_version(self, new: Resource) -> Resource | None:
        """The resource with the same logical ID before the update."""
        return self._before.get(id(new))

    def find_new_version(self, old: Resource) -> Resource | None:
        """The resource with the same logical ID after the update: updated or replaced."""
        return self._after.get(id(old))

    @cached_property
    def _after(self) -> dict[int, Resource]:
        return {id(pair.old): pair.new for pair in self.pairs}

    @cached_property
    def _before(self) -> dict[int, Resource]:
        return {id(pair.new): pair.old for pair in self.pairs}

    @cached_property
    def replacements(self) -> dict[Resource, tuple[ResourcePair, str]]:
        """The new versions of replaced resources, with the name of the property that causes the
        replacement. A replacement may cause replacements of resources that refer to it."""
        replaced: dict[Resource, tuple[ResourcePair, str]] = {}
        candidates = [pair for pair in self.pairs if pair.old.type == pair.new.type]
        while True:
            new = {
                pair.new: (pair, cause)
                for pair in candidates
                if pair.new not in replaced
                for cause in [self._find_cause(pair, replaced)]
                if cause
            }
            if not new:
                return replaced
            replaced |= new

    def _find_cause(self, pair: ResourcePair, replaced: Mapping[Resource, Any]) -> str:
        """The name of the property that causes a replacement; empty if there is none."""
        for path in self._create_only_paths(pair):
            old_nodes, new_nodes = _nodes_at(pair.old.props, path), _nodes_at(pair.new.props, path)
            for old, new in zip(old_nodes, new_nodes, strict=False):
                refers_to_replaced = any(
                    resource in replaced for resource in referenced_resources(new)
                )
                if refers_to_replaced or differs(old, new):
                    return path[0]
        return ""

    def _create_only_paths(self, pair: ResourcePair) -> Iterator[list[str]]:
        """The paths of properties whose change causes a replacement."""
        resource_type = pair.new.type
        for pointer in self.schemas(resource_type).get("createOnlyProperties") or ():
            yield pointer.removeprefix("/properties/").split("/")
        yield from ([key] for key in _MORE_CREATE_ONLY_PROPERTIES.get(resource_type, ()))
        key = "LaunchType"  # a change between launch type and capacity providers is an update
        if resource_type == ecs.SERVICE and pair.old[key].present and pair.new[key].present:
            yield [key]

    def is_deleted_first(self, resource: Resource) -> bool:
        """Whether a replacement deletes the old resource before it creates the new one."""
        strategy: object = self.schemas(resource.type).get("replacementStrategy")
        return strategy == "delete_then_create"


def _keys(node: Node) -> list[str]:
    return [key for key, _ in node.entries]


def _nodes_at(root: Node, path: list[str]) -> list[Node]:
    """The nodes at a path, in which `*` matches every item of a list."""
    nodes = [root]
    for key in path:
        nodes = [child for node in nodes for child in (node.items if key == "*" else (node[key],))]
    return nodes
