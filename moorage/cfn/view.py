"""Templates under one scenario: what stands in them once the choices of a deployment are made.

`View` is what rules are given. It holds one template, or all those of an environment; then imports
lead to the resource in the stack that exports it, so that a security group in one stack and the
rule in another are judged together.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any

from moorage.cfn.nodes import Node, evaluate, expression_key
from moorage.cfn.template import Parameter, Template
from moorage.cfn.values import MISSING, Attr, OneOf, Unknown, are_same, as_text

_IMPORT = "Fn::ImportValue"

Scenario = Mapping[tuple[str, str], Any]
"""What is chosen for parameters and conditions, by (template's name, its own name)."""


class Resource:
    """A resource that exists under the scenario."""

    __slots__ = ("body", "id", "props", "stack", "type")

    def __init__(self, stack: Stack, name: str, body: Mapping[str, Any]) -> None:
        self.stack = stack
        self.id = name
        self.type: str = body["Type"]
        self.body = Node(stack, body, ("Resources", name))
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
    """One template under the scenario."""

    def __init__(self, view: View, template: Template) -> None:
        self.view = view
        self.template = template
        self.name = template.name
        self._truths: dict[str, bool | None] = {}
        self._named: dict[str, Any] = {}
        self._references: dict[str, frozenset[str]] = {}
        self._upstream: dict[str, frozenset[str]] = {}

    @cached_property
    def resources(self) -> dict[str, Resource]:
        """Without those whose condition is false."""
        return {
            name: Resource(self, name, body)
            for name, body in self.template.resources.items()
            if "Condition" not in body or self.evaluate_condition(body["Condition"]) is not False
        }

    def resolve_ref(self, name: str) -> Any:
        """What `Ref` gives for a name."""
        if name not in self._named:
            self._named[name] = self._found(name)
        return self._named[name]

    def _found(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return MISSING
        chosen = self.view.scenario.get((self.name, name), MISSING)
        if chosen is not MISSING:
            return chosen
        if name == "AWS::Region" and self.template.region:
            return self.template.region
        if name.startswith("AWS::"):
            own = name in ("AWS::StackName", "AWS::StackId")
            return Unknown(f"{self.name}:{name}" if own else name)
        parameter = self.template.parameters.get(name)
        if parameter is not None:
            return _given(parameter, self)
        if name in self.resources:
            return Attr(self.resources[name], "Ref")
        return Unknown(f"{self.name}:{name}")

    @cached_property
    def import_names(self) -> frozenset[str]:
        """The names that the template imports, as far as they are known."""
        names = (evaluate(self, raw, ())[0] for raw in _imports(self.template.body))
        return frozenset(name for name in names if isinstance(name, str))

    @cached_property
    def imported_values(self) -> tuple[Any, ...]:
        """What its imports stand for; unknown where the stack that exports it is not here."""
        names = (evaluate(self, raw, ())[0] for raw in _imports(self.template.body))
        return tuple(map(self.view.resolve_import, names))

    # Conditions -------------------------------------------------------------------------------

    def evaluate_condition(self, condition: Any) -> bool | None:
        """Whether a condition holds, by its name; None where only the deployment knows."""
        if not isinstance(condition, str):
            return None
        if condition not in self._truths:
            self._truths[condition] = None  # a condition that refers to itself is not known
            chosen = self.view.scenario.get((self.name, f"Condition {condition}"), MISSING)
            if chosen is MISSING:
                chosen = self._holds(self.template.conditions.get(condition))
            self._truths[condition] = chosen
        return self._truths[condition]

    def _holds(self, raw: Any) -> bool | None:
        if not isinstance(raw, Mapping) or len(raw) != 1:
            return None
        function, argument = next(iter(raw.items()))
        if function == "Condition":
            return self.evaluate_condition(argument)
        if not isinstance(argument, list):
            return None
        if function == "Fn::Equals" and len(argument) == 2:
            return are_same(*(evaluate(self, one, ())[0] for one in argument))
        if function == "Fn::Not" and len(argument) == 1:
            inner = self._holds(argument[0])
            return None if inner is None else not inner
        if function in ("Fn::And", "Fn::Or"):
            truths = [self._holds(one) for one in argument]
            settles = function == "Fn::Or"
            return settles if settles in truths else None if None in truths else not settles
        return None

    # What depends on what ---------------------------------------------------------------------

    def direct_dependencies(self, name: str) -> frozenset[str]:
        """The logical IDs that a resource refers to or names in DependsOn."""
        if name not in self._references:
            body = self.template.resources.get(name, {})
            found = {one for one in self._mentioned(body) if one in self.resources and one != name}
            self._references[name] = frozenset(found)
        return self._references[name]

    def _mentioned(self, raw: Any) -> Iterator[str]:
        todo: list[Any] = [
            value for key, value in raw.items() if key not in ("Type", "Metadata", "DependsOn")
        ]
        yield from _names(raw.get("DependsOn"))
        while todo:
            value = todo.pop()
            if isinstance(value, list):
                todo += value
            elif isinstance(value, Mapping):
                for key, inner in value.items():
                    if key == "Ref" and isinstance(inner, str):
                        yield inner
                    elif key == "Fn::GetAtt":
                        named = inner.split(".") if isinstance(inner, str) else inner
                        yield from _names(named[0] if isinstance(named, list) and named else None)
                    elif key == "Fn::Sub":
                        text = inner[0] if isinstance(inner, list) and inner else inner
                        yield from _substituted(text)
                        todo += inner[1:] if isinstance(inner, list) else []
                    elif key == "Fn::If" and isinstance(inner, list) and len(inner) == 3:
                        truth = self.evaluate_condition(inner[0])
                        todo += inner[1:] if truth is None else [inner[1 if truth else 2]]
                    else:
                        todo.append(inner)

    def all_dependencies(self, name: str) -> frozenset[str]:
        """All logical IDs that exist before a resource is created, however far back."""
        if name not in self._upstream:
            seen: set[str] = set()
            todo = [name]
            while todo:
                new = self.direct_dependencies(todo.pop()) - seen
                seen |= new
                todo += new
            self._upstream[name] = frozenset(seen)
        return self._upstream[name]


class View:
    """Templates under one scenario."""

    def __init__(self, templates: Iterable[Template], scenario: Scenario) -> None:
        self.scenario = scenario
        self.stacks = [Stack(self, template) for template in templates]
        self.cache: dict[Any, Any] = {}
        """What analyses have worked out, by their own keys."""

    @cached_property
    def _by_type(self) -> dict[str, list[Resource]]:
        found: dict[str, list[Resource]] = {}
        for stack in self.stacks:
            for resource in stack.resources.values():
                found.setdefault(resource.type, []).append(resource)
        return found

    def resources_of_type(self, *types: str) -> Iterator[Resource]:
        """The resources of some types, in the order of the templates."""
        for one in types:
            yield from self._by_type.get(one, ())

    def resources_with_type_prefix(self, prefix: str) -> Iterator[Resource]:
        """The resources whose type begins so."""
        for one, resources in self._by_type.items():
            if one.startswith(prefix):
                yield from resources

    def resolve_import(self, name: Any) -> Any:
        """What an import of that name stands for: the exporting stack's value, where it is here."""
        text = as_text(name)
        if text is not None and text in self._exports:
            return self._exports[text]
        return Unknown(f"import:{expression_key(text if text is not None else name)}")

    @cached_property
    def _exports(self) -> dict[str, Any]:
        """Values by the names under which they are exported. A value that is itself imported
        stays unknown: such a chain may be a circle."""
        found: dict[str, Any] = {}
        for stack in self.stacks if len(self.stacks) > 1 else ():
            for key, output in stack.template.outputs.items():
                node = Node(stack, output, ("Outputs", key))
                name, raw = node.at("Export", "Name").text, output.get("Value")
                if name is not None and not (isinstance(raw, Mapping) and _IMPORT in raw):
                    found[name] = node["Value"].value
        return found

    def dependents(self, resource: Resource) -> frozenset[Resource]:
        """The resources that refer to one or wait for it, those that import it too."""
        return frozenset(self._users.get(resource, ()))

    @cached_property
    def _users(self) -> dict[Resource, set[Resource]]:
        found: dict[Resource, set[Resource]] = {}
        for stack in self.stacks:
            for user in stack.resources.values():
                for name in stack.direct_dependencies(user.id):
                    found.setdefault(stack.resources[name], set()).add(user)
                for raw in _imports(user.body.raw) if self._exports else ():
                    value = evaluate(stack, {_IMPORT: raw}, ())[0]
                    if isinstance(value, Attr):
                        found.setdefault(value.resource, set()).add(user)
        return found

    def is_created_before(self, first: Resource, then: Resource) -> bool:
        """Whether a resource certainly exists when another is created."""
        if first.stack is then.stack:
            return first.id in first.stack.all_dependencies(then.id)
        return first.stack.name in self._earlier(then.stack)

    def _earlier(self, stack: Stack) -> frozenset[str]:
        """The stacks that must stand before one: it imports from them, or they from others."""
        key = ("earlier", stack.name)
        if key not in self.cache:
            seen: set[str] = set()
            todo = [stack.name]
            while todo:
                new = self._imports.get(todo.pop(), frozenset()) - seen
                seen |= new
                todo += new
            self.cache[key] = frozenset(seen)
        found: frozenset[str] = self.cache[key]
        return found

    @cached_property
    def _imports(self) -> dict[str, frozenset[str]]:
        exports = (
            (stack.name, Node(stack, output, ()).at("Export", "Name").text)
            for stack in self.stacks
            for output in stack.template.outputs.values()
        )
        owners = {name: stack for stack, name in exports if name is not None}
        return {
            stack.name: frozenset(
                owners[name]
                for name in stack.import_names
                if name in owners and owners[name] != stack.name
            )
            for stack in self.stacks
        }


def _given(parameter: Parameter, stack: Stack) -> Any:
    """What is known of a parameter's value."""
    given = stack.template.parameter_values.get(parameter.name)
    if given is not None and parameter.is_direct and not parameter.is_list:
        return given
    key = f"{stack.name}:{parameter.name}"
    found = dict.fromkeys(map(as_text, parameter.allowed_values))
    texts = tuple(text for text in found if text is not None)
    if parameter.is_list or not parameter.is_direct or len(texts) != len(parameter.allowed_values):
        return Unknown(key, parameter.default if parameter.is_direct else None)
    if len(texts) == 1:
        return texts[0]
    return OneOf(texts, key, parameter.default) if texts else Unknown(key, parameter.default)


def _names(value: Any) -> Iterator[str]:
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, str):
            yield one


def _substituted(text: Any) -> Iterator[str]:
    if isinstance(text, str):
        for part in text.split("${")[1:]:
            yield part.split("}")[0].split(".")[0].strip()


def _imports(raw: Any) -> Iterator[Any]:
    """What stands in every Fn::ImportValue."""
    todo = [raw]
    while todo:
        value = todo.pop()
        if isinstance(value, Mapping):
            if _IMPORT in value:
                yield value[_IMPORT]
            todo += value.values()
        elif isinstance(value, list):
            todo += value
