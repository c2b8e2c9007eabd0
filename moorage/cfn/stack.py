"""A stack in one scenario: its resources, conditions, references and dependencies."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from moorage.cfn import nested_stacks
from moorage.cfn.intrinsic_functions import evaluate, is_function
from moorage.cfn.nodes import LateNode, Node, RecordedNode
from moorage.cfn.raw_references import (
    COLLECTIONS,
    IMPORT,
    Call,
    find_calls,
    imports,
    names_in_sub,
    texts,
)
from moorage.cfn.template import Parameter, Switch, Template
from moorage.cfn.tristate import all_of, any_of, negate
from moorage.cfn.values import MISSING, Attr, OneOf, Path, Unknown, are_same, as_text

if TYPE_CHECKING:
    from moorage.cfn.view import View


class Resource:
    """A resource that exists in the scenario."""

    __slots__ = ("body", "id", "props", "stack", "type")

    def __init__(self, stack: Stack, name: str, body: Mapping[str, Any]) -> None:
        self.stack = stack
        self.id = name
        self.type: str = body["Type"]
        switches = stack.template.switches_of_resource(name) if stack.view.records else frozenset()
        self.body = stack.node(body, ("Resources", name), switches)
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

    def node(self, raw: Any, path: Path, reads: frozenset[Switch] = frozenset()) -> Node:
        """A place in the template. `reads` are the switches that decide whether it exists."""
        if self.view.records:
            return RecordedNode(self, raw, path, reads)
        if isinstance(raw, dict) and is_function(raw):
            return LateNode(self, raw, path)
        return Node(self, raw, path)

    def forget(self) -> None:
        """Forgets all resources."""
        self._refs.clear()
        self.__dict__.pop("_all_resources", None)

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
        return self.node(output, ("Outputs", name))["Value"].value

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
        return self.view.cached(("imported names", self.name), self._find_imported_names)

    def _find_imported_names(self) -> tuple[Any, ...]:
        in_resources = [
            call.argument for calls in self.calls.values() for call in calls if call.name == IMPORT
        ]
        elsewhere = imports(self.template.other_parts)
        return tuple([evaluate(self, raw, ())[0] for raw in (*in_resources, *elsewhere)])

    @property
    def calls(self) -> dict[str, tuple[Call, ...]]:
        """The imports, Fn::Select and Fn::Split of each resource, in all branches."""
        return self.view.cached(("calls", self.name), self._find_calls)

    def _find_calls(self) -> dict[str, tuple[Call, ...]]:
        return {
            name: tuple(find_calls(body, ("Resources", name)))
            for name, body in self.template.resources.items()
        }

    def calls_in_properties(self, name: str) -> Iterator[Call]:
        """Those in the properties of a resource."""
        return (call for call in self.calls[name] if call.path[2:3] == ("Properties",))

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
                try:
                    chosen = self._evaluate_expression(self.template.conditions.get(condition))
                except RecursionError:  # too many conditions refer to each other in a row
                    chosen = None
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
            elif isinstance(value, dict):
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
                    elif isinstance(inner, COLLECTIONS):
                        todo.append(inner)

    def all_dependencies(self, name: str) -> frozenset[str]:
        """The logical IDs of all resources that exist before a resource is created."""
        return self.view.cached(
            ("all dependencies", self.name, name),
            lambda: find_reachable(self.direct_dependencies, name),
        )


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


def find_reachable(direct: Callable[[str], frozenset[str]], start: str) -> frozenset[str]:
    """Everything that can be reached from a name by `direct`, at any number of steps."""
    reached: set[str] = set()
    todo = [start]
    while todo:
        new = direct(todo.pop()) - reached
        reached |= new
        todo += new
    return frozenset(reached)
