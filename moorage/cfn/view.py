"""Templates in one scenario: with a value for each parameter and condition that can vary.

`View` is what rules work on. It contains one template, or all those of an environment. In the
latter case an import resolves to the resource in the exporting stack, so that rules see, for
example, a security group in one stack together with its rules in another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from itertools import chain
from typing import Any, TypeVar

from moorage.cfn.intrinsic_functions import evaluate, expression_key
from moorage.cfn.nodes import Node
from moorage.cfn.raw_references import IMPORT, Call, references
from moorage.cfn.stack import Resource, Stack, find_reachable
from moorage.cfn.template import Switch, Template
from moorage.cfn.values import Attr, Text, Unknown, as_text
from moorage.facts.regions import dns_suffix, partition

T = TypeVar("T")

_NOTHING: frozenset[Switch] = frozenset()

Scenario = Mapping[Switch, Any]
"""Chosen values of parameters and conditions."""


class View:
    """Templates in one scenario.

    If there are switches, the view records which of them are read: `reads` has those that were read
    since the last call of `record`.
    """

    def __init__(
        self, templates: Iterable[Template], scenario: Scenario, *, records: bool = False
    ) -> None:
        self.scenario = scenario
        self.records = records
        self.reads: set[Switch] = set()
        self.stacks = [Stack(self, template) for template in templates]
        self.stacks_by_name = {stack.name: stack for stack in self.stacks}
        self._cache: dict[Any, tuple[Any, frozenset[Switch]]] = {}
        """Results of analyses, by a key of each analysis, and the switches that each depends on."""

    def close(self) -> None:
        """Forgets all resources. They and the view refer to each other, so that their memory would
        be free only after a garbage collection."""
        for stack in self.stacks:
            stack.forget()
        self.stacks.clear()
        self.stacks_by_name.clear()
        self._cache.clear()
        self.__dict__.pop("_by_type", None)
        self.__dict__.pop("_nested_stacks", None)
        self.__dict__.pop("_switches_by_type", None)

    def record(self, compute: Callable[[], T]) -> tuple[T, frozenset[Switch]]:
        """A result, and the switches that it depends on."""
        if not self.records:
            return compute(), _NOTHING
        outer, self.reads = self.reads, set()
        try:
            result = compute()
            reads = frozenset(self.reads)
        finally:
            outer |= self.reads
            self.reads = outer
        return result, reads

    def cached(self, key: object, compute: Callable[[], T]) -> T:
        """The result of an analysis, computed at the first call with this key."""
        cached: tuple[T, frozenset[Switch]] | None = self._cache.get(key)
        if cached is None:
            cached = self._cache[key] = self.record(compute)
        result, reads = cached
        if reads:
            self.reads |= reads
        return result

    @cached_property
    def common_values(self) -> dict[str, str]:
        """The pseudo parameters that have the same known value in all stacks. The account is none
        of them, nor is one that a condition compares: a scenario can have another value."""
        regions = {stack.template.region for stack in self.stacks if stack.template.parent is None}
        region = regions.pop() if len(regions) == 1 else None
        if not region:
            return {}
        values = {
            "AWS::Region": region,
            "AWS::Partition": partition(region),
            "AWS::URLSuffix": dns_suffix(region),
        }
        compared = {name for _, name in self.scenario}
        return {name: value for name, value in values.items() if name not in compared}

    @cached_property
    def _by_type(self) -> dict[str, list[Resource]]:
        resources: dict[str, list[Resource]] = {}
        for stack in self.stacks:
            for resource in stack._resources.values():
                resources.setdefault(resource.type, []).append(resource)
        return resources

    def resources_of_type(self, *types: str) -> Iterator[Resource]:
        """The resources of these types, type by type, each in the order of the templates."""
        if self.records:
            return self._record_resources(types)
        return chain.from_iterable(self._by_type.get(name, ()) for name in types)

    def _record_resources(self, types: tuple[str, ...]) -> Iterator[Resource]:
        """The resources of these types. Records what decides which of them exist, type by type."""
        for resource_type in types:
            self.reads |= self._switches_by_type.get(resource_type, _NOTHING)
            for stack in self._nested_stacks.values():
                stack.record_parent()
            yield from self._by_type.get(resource_type, ())

    @cached_property
    def _switches_by_type(self) -> dict[str, set[Switch]]:
        """The switches that decide which resources of a type exist."""
        switches: dict[str, set[Switch]] = {}
        for stack in self.stacks:
            for resource_type, found in stack.template.switches_of_types.items():
                switches.setdefault(resource_type, set()).update(found)
        return switches

    def resources_with_type_prefix(self, prefix: str) -> Iterator[Resource]:
        """The resources whose type starts with a prefix."""
        for resource_type in dict.fromkeys((*self._by_type, *self._switches_by_type)):
            if resource_type.startswith(prefix):
                yield from self.resources_of_type(resource_type)

    def referring(
        self, resources: Iterable[Resource], types: tuple[str, ...], keys: tuple[str, ...]
    ) -> list[Resource]:
        """The resources of some types that refer to one of these resources by one of the properties
        `keys`, or by an item of a list there, in the order of `resources_of_type`."""
        index = self.cached(("referring", types, keys), lambda: self._find_referring(types, keys))
        found = {number: each for to in resources for number, each in index.get(to, ())}
        return [found[number] for number in sorted(found)]

    def _find_referring(
        self, types: tuple[str, ...], keys: tuple[str, ...]
    ) -> dict[Resource, list[tuple[int, Resource]]]:
        index: dict[Resource, list[tuple[int, Resource]]] = {}
        for number, resource in enumerate(self.resources_of_type(*types)):
            nodes = [node for key in keys for node in resource[key].as_list]
            for to in dict.fromkeys(node.resource for node in nodes):
                if to is not None:
                    index.setdefault(to, []).append((number, resource))
        return index

    # Imports and exports ----------------------------------------------------------------------

    def resolve_import(self, name: Any) -> Any:
        """The value that is exported under a name; Unknown if no stack in the view exports it."""
        key = _export_key(name)
        export = self._exports.get(key) if key is not None else None
        if export is not None:
            return export["Value"].value
        text = as_text(name)
        return Unknown(f"import:{expression_key(text if text is not None else name)}")

    @property
    def _exports(self) -> dict[str | Text, Node]:
        """The outputs that are exported, by export name. Leaves out imported values that are
        exported again: such a chain may be circular."""
        return self.cached("exports", self._find_exports)

    def _find_exports(self) -> dict[str | Text, Node]:
        exports: dict[str | Text, Node] = {}
        self._cache["exports"] = exports, frozenset()  # a name can depend on an import
        for stack in self.stacks if len(self.stacks) > 1 else ():
            for logical_id, output in stack.template.outputs.items():
                node = stack.node(output, ("Outputs", logical_id))
                key, raw = _export_key(node.at("Export", "Name").value), output.get("Value")
                if key is not None and not (isinstance(raw, Mapping) and IMPORT in raw):
                    exports[key] = node
        return exports

    # Nested stacks ----------------------------------------------------------------------------

    def nested_stack(self, resource: Resource) -> Stack | None:
        """The stack that a resource creates, if it is a nested stack and its template is in the
        view."""
        return self._nested_stacks.get((resource.stack.name, resource.id))

    @cached_property
    def _nested_stacks(self) -> dict[tuple[str, str], Stack]:
        return {stack.template.parent: stack for stack in self.stacks if stack.template.parent}

    # Dependencies -----------------------------------------------------------------------------

    def dependents(
        self, resource: Resource, prefixes: tuple[str, ...] = ("",)
    ) -> frozenset[Resource]:
        """The resources that refer to a resource or depend on it, also through an import, or
        through a parameter or an output of a nested stack. Only those whose type starts with one of
        the prefixes: to find all takes time."""
        found = self.cached(("dependents", prefixes), lambda: self._find_dependents(prefixes))
        return found.get(resource, frozenset())

    def _find_dependents(self, prefixes: tuple[str, ...]) -> dict[Resource, frozenset[Resource]]:
        dependents: dict[Resource, set[Resource]] = {}
        for stack in self.stacks:
            resources = stack.resources
            calls = stack.calls if self._exports else {}
            for resource in resources.values():
                if not resource.type.startswith(prefixes):
                    continue
                for name in stack.direct_dependencies(resource.id):
                    dependents.setdefault(resources[name], set()).add(resource)
                for value in self._values_of_other_stacks(resource, calls.get(resource.id, ())):
                    if isinstance(value, Attr):
                        dependents.setdefault(value.resource, set()).add(resource)
        return {resource: frozenset(found) for resource, found in dependents.items()}

    def _values_of_other_stacks(self, resource: Resource, calls: Iterable[Call]) -> Iterator[Any]:
        """The values that a resource imports, or gets by way of a nested stack."""
        for call in calls:
            if call.name == IMPORT:
                yield self.resolve_import(evaluate(resource.stack, call.argument, ())[0])
        if self._nested_stacks:
            for expression in references(resource.body.raw):
                value = evaluate(resource.stack, expression, ())[0]
                yield from value if isinstance(value, list) else [value]

    def is_created_before(self, first: Resource, second: Resource) -> bool:
        """Whether the first resource certainly exists when the second is created."""
        for one, other in zip(_containers(first), _containers(second), strict=False):
            if one.stack is not other.stack:
                return one.stack.name in self._required_stacks(other.stack)
            if one is not other:
                return one.id in one.stack.all_dependencies(other.id)
        return False

    def _required_stacks(self, stack: Stack) -> frozenset[str]:
        """The names of the stacks that a stack imports from, directly or through others."""
        return self.cached(
            ("required stacks", stack.name),
            lambda: find_reachable(
                lambda name: self._imported_stacks.get(name, frozenset()), stack.name
            ),
        )

    @property
    def _imported_stacks(self) -> dict[str, frozenset[str]]:
        """The names of the stacks that each stack imports from. A nested stack is a part of the
        stack at the root."""
        return self.cached("imported stacks", self._find_imported_stacks)

    def _find_imported_stacks(self) -> dict[str, frozenset[str]]:
        exporters = {
            _export_key(stack.node(output, ()).at("Export", "Name").value): stack.root.name
            for stack in self.stacks
            for output in stack.template.outputs.values()
        }
        exporters.pop(None, None)
        imported: dict[str, frozenset[str]] = {}
        for stack in self.stacks:
            root = stack.root.name
            names = {exporters.get(_export_key(name), root) for name in stack.imported_names}
            imported[root] = imported.get(root, frozenset()) | (names - {root})
        return imported


def _export_key(name: Any) -> str | Text | None:
    """What an export is found by: its name, or an expression that is equal for equal names. None if
    there is no such thing."""
    text = as_text(name)
    return name if text is None and isinstance(name, Text) else text


def _containers(resource: Resource) -> list[Resource]:
    """The resource, after the nested stacks that contain it, the outermost first."""
    nested = resource.stack.nested_resource
    return [resource] if nested is None else [*_containers(nested), resource]
