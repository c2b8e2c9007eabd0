"""A constraint: a rule as data, for what needs no analysis.

Constraint(
    "E9262",
    "AWS::ECS::Service VolumeConfigurations[].ManagedEBSVolume",
    "An EBS volume of type io1 or io2 has no Iops.",
    when=Is("VolumeType", "io1", "io2"),
    must=Present("Iops"),
    message="The EBS volume of service {id} has the type {VolumeType}, but no Iops",
    fix="Write `Iops`, or the type `gp3`.",
    sources=("Amazon ECS API reference: ServiceManagedEBSVolumeConfiguration",),
)
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property

from moorage.cfn.nodes import Node
from moorage.cfn.view import View
from moorage.records import entity
from moorage.rules.constraints.combinations import All
from moorage.rules.constraints.predicates import Context, Predicate, list_items
from moorage.rules.message_parts import join_or, quote
from moorage.rules.rule import Problem, Rule


@entity
class Constraint:
    """What must hold for a part of each resource of a type."""

    id: str
    """`E9xxx` or `W9xxx`, as of a Rule."""
    about: str | tuple[str, ...]
    """The type of the resource, and after a space the path to the part: `Containers[]` is each
    item of a list, `Statement[*]` also a value that is no list, `Options{}` each entry of a map,
    `LifecyclePolicyText<json>` what a text contains as JSON, and `@UpdatePolicy` an attribute of
    the resource beside its properties. Parts that do not exist are not checked."""
    title: str
    must: Predicate
    message: str | tuple[str, ...]
    """What is wrong. `{id}` is the logical ID of the resource, `{Path.To.Value}` a value, `{value}`
    the part itself, `{key}` the property to change and `{actual}` its value; all are shown in
    backticks. If `must` is an `All`, there can be a message for each of its parts: each part that
    does not hold is then a problem of its own."""
    fix: str
    sources: tuple[str, ...]
    when: Predicate | None = None
    """The condition under which `must` has to hold; None for always."""
    why: str = ""
    """What happens otherwise, if the title does not say it."""
    error_messages: tuple[str, ...] = ()
    failure_ids: tuple[str, ...] = ()

    def rule(self) -> Rule:
        """The constraint as a rule."""
        return Rule(
            self.id,
            self.title,
            self.why or self.title,
            self.error_messages,
            self.fix,
            self.sources,
            self.failure_ids,
            self.check,
            types=frozenset(about.partition(" ")[0] for about in self._abouts),
        )

    @cached_property
    def statements(self) -> tuple[tuple[Predicate, str], ...]:
        """What must hold, each with the message if it does not."""
        if isinstance(self.message, str):
            return ((self.must, self.message),)
        assert isinstance(self.must, All)
        return tuple(zip(self.must.parts, self.message, strict=True))

    def check(self, view: View) -> Iterator[Problem]:
        """The problems in a view. What only the deployment knows is no problem."""
        for about in self._abouts:
            for context in _contexts(view, about):
                if self.when is not None and self.when.holds(context) is not True:
                    continue
                for must, message in self.statements:
                    if must.holds(context) is False:
                        place = must.place(context)
                        yield Problem(place, _fill(message, context, place), self.fix)

    @cached_property
    def _abouts(self) -> tuple[str, ...]:
        return (self.about,) if isinstance(self.about, str) else self.about


def _contexts(view: View, about: str) -> list[Context]:
    """The parts that a constraint is about, found once for all that are about the same, or about
    parts of it."""
    return view.cached(("parts", about), lambda: _find_contexts(view, about))


def _find_contexts(view: View, about: str) -> list[Context]:
    resource_type, _, path = about.partition(" ")
    before, _, step = path.rpartition(".")
    if before:
        owners = _contexts(view, f"{resource_type} {before}")
    elif step.startswith("@"):
        owners = [Context(each, each.body) for each in view.resources_of_type(resource_type)]
    elif step:
        owners = _contexts(view, resource_type)
    else:
        # A resource without `Properties` has absent ones.
        return [Context(each, each.props) for each in view.resources_of_type(resource_type)]
    follow = _follow(step.removeprefix("@"))
    return [owner.inner(node) for owner in owners for node in follow(owner.node) if node.present]


def _follow(step: str) -> Callable[[Node], Iterable[Node]]:
    """What leads from a node to the parts that a step of a path names."""
    if step.endswith(("[]", "[*]")):
        name, _, mark = step.partition("[")
        return lambda node: list_items(node[name], f"[{mark}")
    if step.endswith("<json>"):
        name = step.removesuffix("<json>")
        return lambda node: parse_json(node[name])
    if step.endswith("{}"):
        name = step.removesuffix("{}")
        return lambda node: [entry for _, entry in node[name].entries]
    return lambda node: (node[step],)


def parse_json(node: Node) -> Iterator[Node]:
    """What a text contains as JSON. Nothing if it is unknown, or no JSON."""
    try:
        yield node.stack.node(json.loads(node.text or ""), node.path)
    except (ValueError, RecursionError):
        return


def _fill(message: str, context: Context, place: Node) -> str:
    """The message with logical ID, property and values in place of the names in braces."""

    def replace(match: re.Match[str]) -> str:
        if match[1] == "id":
            return f"`{context.resource.id}`"
        if match[1] == "key":
            return f"`{_name(place)}`"
        if match[1] == "actual":
            return join_or(quote(_shown(place)))
        return join_or(quote(_shown(context.at("" if match[1] == "value" else match[1]))))

    return re.sub(r"\{([A-Za-z0-9./-]+)\}", replace, message)


def _name(node: Node) -> str:
    """The name of a property, also of one whose value is an `Fn::If`."""
    names = (key for key in reversed(node.path) if isinstance(key, str))
    return next(name for name in names if not name.startswith("Fn::"))


def _shown(node: Node) -> tuple[str, ...]:
    """The possible texts, or the known parts of a text."""
    if node.choices:
        return node.choices
    return ("".join(part if isinstance(part, str) else "..." for part in node.parts) or "?",)
