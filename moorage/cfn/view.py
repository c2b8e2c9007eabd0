"""Templates in one scenario: with a value for each parameter and condition that can vary.

`View` is what rules work on. It contains one template, or all those of an environment. In the
latter case an import resolves to the resource in the exporting stack, so that rules see, for
example, a security group in one stack together with its rules in another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any, TypeVar

from moorage.cfn import nested_stacks
from moorage.cfn.intrinsic_functions import evaluate, expression_key
from moorage.cfn.nodes import Node
from moorage.cfn.raw_references import IMPORT, imports, names_in_sub, references, texts
from moorage.cfn.template import Parameter, Switch, Template
from moorage.cfn.tristate import all_of, any_of, negate
from moorage.cfn.values import MISSING, Attr, OneOf, Text, Unknown, are_same, as_text

T = TypeVar("T")

Scenario = Mapping[Switch, Any]
"""Chosen values of parameters and conditions."""


class Resource:
    """A resource that exists in the scenario."""

    __slots__ = ("body", "id", "props", "stack", "type")

    def __init__(self, stack: Stack, name: str, body: Mapping[str, Any]) -> None:
        self.stack = stack
        self.id = name
        self.type: str = body["Type"]
        switches = stack.template.switches_of_resource(name) if stack.view.records else frozenset()
        self.body = Node(stack, body, ("Resources", name), switches)
        self.props = self.body["Properties"]

    def __getitem__(self, key: str) -> Node:
        """A property."""
        return self.props[key]

    @property
    def view(self) -> View:
        return self.stack.view

    def __repr__(self) -> str:
        return f"<{self.type} {self.id}>"


class Stack:
    """One template in the scenario."""

    def __init__(self, view: View, template: Template) -> None:
        self.view = view
        self.template = template
        self.name = template.name
        self._conditions: dict[str, bool | None] = {}
        self._refs: dict[str, Any] = {}

    @property
    def resources(self) -> dict[str, Resource]:
        """The resources by logical ID, except those whose condition is false."""
        if self.view.records:
            for switches in self.template.switches_of_types.values():
                self.view.reads |= switches
        return self._resources

    def find(self, name: str) -> Resource | None:
        """The resource with a logical ID, if it exists."""
        if self.view.records:
            self.view.reads |= self.template.switches_of_resource(name)
        return self._resources.get(name)

    @property
    def _resources(self) -> dict[str, Resource]:
        if self.template.parent is None:
            return self._all_resources
        # Whether they exist also depends on the switches of the parent.
        return self.view.cached(("resources", self.name), self._find_nested_resources)

    def record_parent(self) -> None:
        """Records the switches of a parent stack that decide which resources exist."""
        if self.template.parent is not None and any(self.template.resources):
            _ = self._resources

    def _find_nested_resources(self) -> dict[str, Resource]:
        if self.nested_resource is None:
            return {}
        for condition in self.template.conditions:
            self.evaluate_condition(condition)
        return self._all_resources

    @cached_property
    def _all_resources(self) -> dict[str, Resource]:
        return {
            name: Resource(self, name, body)
            for name, body in self.template.resources.items()
            if "Condition" not in body or self.evaluate_condition(body["Condition"]) is not False
        }

    def resolve_ref(self, name: str) -> Any:
        """The value of `Ref` for a name."""
        if self.view.records:
            self.view.reads.add((self.name, name))
            self.view.reads |= self.template.switches_of_resource(name)
        if self.template.parent is not None:
            key = ("ref", self.name, name)
            return self.view.cached(key, lambda: self._resolve_once(name))
        return self._resolve_once(name)

    def _resolve_once(self, name: str) -> Any:
        if name not in self._refs:
            self._refs[name] = Unknown(f"{self.name}:{name}")  # if its value refers to itself
            self._refs[name] = self._resolve_ref(name)
        return self._refs[name]

    def _resolve_ref(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return MISSING
        chosen = self.view.scenario.get((self.name, name), MISSING)
        if chosen is not MISSING:
            return chosen
        if name.startswith("AWS::"):
            return self._resolve_pseudo_parameter(name)
        parameter = self.template.parameters.get(name)
        if parameter is not None:
            nested = self.nested_resource
            if nested is not None:
                return nested_stacks.parameter_value(parameter, nested)
            return _parameter_value(parameter, self)
        resource = self._resources.get(name)
        return Attr(resource, "Ref") if resource else Unknown(f"{self.name}:{name}")

    def _resolve_pseudo_parameter(self, name: str) -> Any:
        if name in ("AWS::StackName", "AWS::StackId"):
            return Unknown(f"{self.name}:{name}", excluded=frozenset({""}))
        if self.nested_resource is not None:
            return self.nested_resource.stack.resolve_ref(name)
        known = {"AWS::Region": self.template.region, "AWS::AccountId": self.template.account}
        return known.get(name) or Unknown(name, excluded=frozenset({""}))

    @property
    def nested_resource(self) -> Resource | None:
        """The resource of the parent stack that this stack is created by, if it is a nested
        stack."""
        if self.template.parent is None:
            return None
        name, logical_id = self.template.parent
        parent = self.view.stacks_by_name.get(name)
        return parent.find(logical_id) if parent is not None else None

    @property
    def root(self) -> Stack:
        """The stack that contains this one at whatever depth; itself if it is no nested stack."""
        nested = self.nested_resource
        return self if nested is None else nested.stack.root

    def resolve_output(self, name: str) -> Any:
        """The value of an output; Unknown if there is no such output."""
        output = self.template.outputs.get(name)
        if output is None:
            return Unknown(f"{self.name}:Outputs.{name}")
        return Node(self, output, ("Outputs", name))["Value"].value

    @property
    def import_names(self) -> frozenset[str]:
        """The names of the exports that the template imports, as far as they are known."""
        return frozenset(name for name in self.imported_names if isinstance(name, str))

    @property
    def imported_values(self) -> tuple[Any, ...]:
        """The imported values; Unknown if the exporting stack is not in the view."""
        return tuple(map(self.view.resolve_import, self.imported_names))

    @property
    def imported_names(self) -> tuple[Any, ...]:
        """The names of the exports that the template imports, known or not."""
        return self.view.cached(
            ("imported names", self.name),
            lambda: tuple(evaluate(self, raw, ())[0] for raw in imports(self.template.body)),
        )

    # Conditions -------------------------------------------------------------------------------

    def evaluate_condition(self, condition: Any) -> bool | None:
        """Whether the condition of this name is true; None if only the deployment knows."""
        if not isinstance(condition, str):
            return None
        if self.view.records:
            self.view.reads |= self.template.switches_of_conditions.get(condition, frozenset())
        if self.template.parent is not None:
            key = ("condition", self.name, condition)
            return self.view.cached(key, lambda: self._evaluate_once(condition))
        return self._evaluate_once(condition)

    def _evaluate_once(self, condition: str) -> bool | None:
        if condition not in self._conditions:
            self._conditions[condition] = None  # the value of a condition that refers to itself
            chosen = self.view.scenario.get((self.name, f"Condition {condition}"), MISSING)
            if chosen is MISSING:
                chosen = self._evaluate_expression(self.template.conditions.get(condition))
            self._conditions[condition] = chosen
        return self._conditions[condition]

    def _evaluate_expression(self, raw: Any) -> bool | None:
        if not isinstance(raw, Mapping) or len(raw) != 1:
            return None
        function, argument = next(iter(raw.items()))
        if function == "Condition":
            return self.evaluate_condition(argument)
        if not isinstance(argument, list):
            return None
        if function == "Fn::Equals" and len(argument) == 2:
            return are_same(*(evaluate(self, operand, ())[0] for operand in argument))
        if function == "Fn::Not" and len(argument) == 1:
            return negate(self._evaluate_expression(argument[0]))
        if function == "Fn::And":
            return all_of(map(self._evaluate_expression, argument))
        if function == "Fn::Or":
            return any_of(map(self._evaluate_expression, argument))
        return None

    # Dependencies -----------------------------------------------------------------------------

    def direct_dependencies(self, name: str) -> frozenset[str]:
        """The logical IDs that a resource refers to, or that its DependsOn contains."""

        def find() -> frozenset[str]:
            names = self._referenced_names(self.template.resources.get(name, {}))
            return frozenset(other for other in names if other != name and self.find(other))

        return self.view.cached(("direct dependencies", self.name, name), find)

    def _referenced_names(self, body: Mapping[str, Any]) -> Iterator[str]:
        """The names in the references of a resource. Ignores branches of `Fn::If` that are not
        taken."""
        todo: list[Any] = [
            value for key, value in body.items() if key not in ("Type", "Metadata", "DependsOn")
        ]
        yield from texts(body.get("DependsOn"))
        while todo:
            value = todo.pop()
            if isinstance(value, list):
                todo += value
            elif isinstance(value, Mapping):
                for key, inner in value.items():
                    if key == "Ref" and isinstance(inner, str):
                        yield inner
                    elif key == "Fn::GetAtt":
                        steps = inner.split(".") if isinstance(inner, str) else inner
                        yield from texts(steps[0] if isinstance(steps, list) and steps else None)
                    elif key == "Fn::Sub":
                        text = inner[0] if isinstance(inner, list) and inner else inner
                        yield from names_in_sub(text)
                        todo += inner[1:] if isinstance(inner, list) else []
                    elif key == "Fn::If" and isinstance(inner, list) and len(inner) == 3:
                        is_true = self.evaluate_condition(inner[0])
                        todo += inner[1:] if is_true is None else [inner[1 if is_true else 2]]
                    else:
                        todo.append(inner)

    def all_dependencies(self, name: str) -> frozenset[str]:
        """The logical IDs of all resources that exist before a resource is created."""
        return self.view.cached(
            ("all dependencies", self.name, name),
            lambda: _transitive(self.direct_dependencies, name),
        )


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

    def record(self, compute: Callable[[], T]) -> tuple[T, frozenset[Switch]]:
        """A result, and the switches that it depends on."""
        outer, self.reads = self.reads, set()
        try:
            result = compute()
            reads = frozenset(self.reads)
        finally:
            self.reads |= outer
        return result, reads

    def cached(self, key: object, compute: Callable[[], T]) -> T:
        """The result of an analysis, computed at the first call with this key."""
        if key not in self._cache:
            self._cache[key] = self.record(compute)
        cached: tuple[T, frozenset[Switch]] = self._cache[key]
        result, reads = cached
        if reads:
            self.reads |= reads
        return result

    @cached_property
    def _by_type(self) -> dict[str, list[Resource]]:
        resources: dict[str, list[Resource]] = {}
        for stack in self.stacks:
            for resource in stack._resources.values():
                resources.setdefault(resource.type, []).append(resource)
        return resources

    def resources_of_type(self, *types: str) -> Iterator[Resource]:
        """The resources of these types, type by type, each in the order of the templates."""
        for resource_type in types:
            if self.records:
                for stack in self.stacks:
                    self.reads |= stack.template.switches_of_types.get(resource_type, frozenset())
                    stack.record_parent()
            yield from self._by_type.get(resource_type, ())

    def resources_with_type_prefix(self, prefix: str) -> Iterator[Resource]:
        """The resources whose type starts with a prefix."""
        conditional = (name for stack in self.stacks for name in stack.template.switches_of_types)
        for resource_type in dict.fromkeys((*self._by_type, *conditional)):
            if resource_type.startswith(prefix):
                yield from self.resources_of_type(resource_type)

    # Imports and exports ----------------------------------------------------------------------

    def resolve_import(self, name: Any) -> Any:
        """The value that is exported under a name; Unknown if no stack in the view exports it."""
        key = _export_key(name)
        if key is not None and key in self._exports:
            return self._exports[key]["Value"].value
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
                node = Node(stack, output, ("Outputs", logical_id))
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

    def dependents(self, resource: Resource) -> frozenset[Resource]:
        """The resources that refer to a resource or depend on it, also through an import, or
        through a parameter or an output of a nested stack."""
        return frozenset(self._dependents.get(resource, ()))

    @property
    def _dependents(self) -> dict[Resource, set[Resource]]:
        return self.cached("dependents", self._find_dependents)

    def _find_dependents(self) -> dict[Resource, set[Resource]]:
        dependents: dict[Resource, set[Resource]] = {}
        for stack in self.stacks:
            for resource in stack.resources.values():
                for name in stack.direct_dependencies(resource.id):
                    dependents.setdefault(stack.resources[name], set()).add(resource)
                for value in self._values_of_other_stacks(stack, resource.body.raw):
                    if isinstance(value, Attr):
                        dependents.setdefault(value.resource, set()).add(resource)
        return dependents

    def _values_of_other_stacks(self, stack: Stack, raw: Any) -> Iterator[Any]:
        """The values that a resource imports, or gets by way of a nested stack."""
        if self._exports:
            for name in imports(raw):
                yield self.resolve_import(evaluate(stack, name, ())[0])
        if self._nested_stacks:
            for expression in references(raw):
                value = evaluate(stack, expression, ())[0]
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
            lambda: _transitive(
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
            _export_key(Node(stack, output, ()).at("Export", "Name").value): stack.root.name
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


def _parameter_value(parameter: Parameter, stack: Stack) -> Any:
    """The value of a parameter, as far as it is known."""
    value = stack.template.parameter_values.get(parameter.name)
    if value is not None and parameter.is_direct and not parameter.is_list:
        return value
    token = f"{stack.name}:{parameter.name}"
    allowed = dict.fromkeys(map(as_text, parameter.allowed_values))
    texts = tuple(text for text in allowed if text is not None)
    if parameter.is_list or not parameter.is_direct or len(texts) != len(parameter.allowed_values):
        return Unknown(token, parameter.default if parameter.is_direct else None)
    if len(texts) == 1:
        return texts[0]
    return OneOf(texts, token, parameter.default) if texts else Unknown(token, parameter.default)


def _transitive(direct: Callable[[str], frozenset[str]], start: str) -> frozenset[str]:
    """Everything that can be reached from a name by `direct`, at any number of steps."""
    reached: set[str] = set()
    todo = [start]
    while todo:
        new = direct(todo.pop()) - reached
        reached |= new
        todo += new
    return frozenset(reached)
