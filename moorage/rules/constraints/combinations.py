"""Predicates that are made of others: for lists, for references, and combinations."""

from __future__ import annotations

from operator import methodcaller

from moorage.cfn.nodes import Node
from moorage.cfn.tristate import TriState, all_of, any_of, negate
from moorage.cfn.values import MISSING
from moorage.records import entity
from moorage.rules.constraints.predicates import Context, Predicate, ValuePredicate, owner_of_lists

# References and lists ------------------------------------------------------------------------


@entity
class Refers(ValuePredicate):
    """The statement holds for the resource of a type that the value refers to. None for anything
    else, such as an ARN."""

    type: str
    predicate: Predicate

    def holds(self, context: Context) -> TriState:
        resource = context.at(self.path).resource
        if resource is None or resource.type != self.type:
            return None
        return self.predicate.holds(Context(resource, resource.props))


@entity
class IsReference(ValuePredicate):
    """The value is the attribute (`Ref`, or a name of `Fn::GetAtt`) of a resource of a type."""

    type: str
    attribute: str | None = None
    """None for any attribute."""

    def holds(self, context: Context) -> TriState:
        node = context.at(self.path)
        attr = node.attr
        if attr is None:
            return None if node.unknown else False
        is_type = attr.resource.type == self.type
        return is_type and self.attribute in (None, attr.name)


@entity
class Each(ValuePredicate):
    """The statement holds for all items of a list."""

    predicate: Predicate

    def holds(self, context: Context) -> TriState:
        all_hold = all_of(self.predicate.holds(item) for item in context.items(self.path))
        return None if all_hold and not context.all_items_known(self.path) else all_hold

    def place(self, context: Context) -> Node:
        for item in context.items(self.path):
            if self.predicate.holds(item) is False:
                return self.predicate.place(item)
        return context.at(owner_of_lists(self.path))


@entity
class Some(ValuePredicate):
    """The statement holds for an item of a list."""

    predicate: Predicate

    def holds(self, context: Context) -> TriState:
        found = any_of(self.predicate.holds(item) for item in context.items(self.path))
        return None if found is False and not context.all_items_known(self.path) else found

    def place(self, context: Context) -> Node:
        for item in context.items(self.path):
            if self.predicate.holds(item) is True:
                return self.predicate.place(item)
        return context.at(owner_of_lists(self.path))


@entity
class AtMostItems(ValuePredicate):
    """The statement holds for at most this number of items of a list."""

    high: int
    predicate: Predicate

    def holds(self, context: Context) -> TriState:
        results = [self.predicate.holds(item) for item in context.items(self.path)]
        if results.count(True) > self.high:
            return False
        is_known = context.all_items_known(self.path) and None not in results
        return True if is_known else None

    def place(self, context: Context) -> Node:
        return context.at(owner_of_lists(self.path))


@entity
class Among(ValuePredicate):
    """The value is the value at `key` of an item of a list, or the item itself. An item for which
    `where` does not hold is left out."""

    items: str
    key: str = ""
    where: Predicate | None = None
    of: str = ""
    """The reference to the resource of the list, if it is another one, and its type."""
    type: str = ""

    def holds(self, context: Context) -> TriState:
        owner = self._owner(context)
        if owner is None or context.at(self.path).absent:
            return None
        found = any_of(self._is_it(context, item) for item in owner.items(self.items))
        return None if found is False and not owner.all_items_known(self.items) else found

    def _owner(self, context: Context) -> Context | None:
        if not self.of:
            return context
        resource = context.at(self.of).resource
        if resource is None or resource.type != self.type:
            return None
        return Context(resource, resource.props)

    def _is_it(self, context: Context, item: Context) -> TriState:
        node = item.at(self.key)
        is_same = False if node.absent else context.at(self.path).is_same_as(node)
        return all_of((is_same, True if self.where is None else self.where.holds(item)))


@entity
class Attribute(ValuePredicate):
    """The statement holds for the entry with a key in a list of keys and values, such as
    `TargetGroupAttributes`. Without such an entry, `Value` is absent."""

    key: str
    predicate: Predicate

    def holds(self, context: Context) -> TriState:
        entry = self._entry(context)
        if entry is None and not context.all_items_known(self.path):
            return None
        return self.predicate.holds(entry or context.inner(_nothing(context, self.path)))

    def place(self, context: Context) -> Node:
        entry = self._entry(context)
        return self.predicate.place(entry) if entry else context.at(self.path)

    def _entry(self, context: Context) -> Context | None:
        items = context.items(self.path)
        return next((item for item in items if item.at("Key").text == self.key), None)


def _nothing(context: Context, path: str) -> Node:
    return context.resource.stack.node(MISSING, context.at(path).path)


# Combinations --------------------------------------------------------------------------------


@entity
class _Combination:
    parts: tuple[Predicate, ...]

    def __init__(self, *parts: Predicate) -> None:
        object.__setattr__(self, "parts", parts)


class All(_Combination):
    """All statements hold."""

    def holds(self, context: Context) -> TriState:
        return all_of(map(methodcaller("holds", context), self.parts))

    def place(self, context: Context) -> Node:
        wrong = (part for part in self.parts if part.holds(context) is False)
        return next(wrong, self.parts[0]).place(context)


class Either(_Combination):
    """At least one statement holds."""

    def holds(self, context: Context) -> TriState:
        return any_of(map(methodcaller("holds", context), self.parts))

    def place(self, context: Context) -> Node:
        """The first value that exists."""
        places = [part.place(context) for part in self.parts]
        return next((place for place in places if place.present), places[0])


@entity
class Not:
    """The statement does not hold."""

    part: Predicate

    def holds(self, context: Context) -> TriState:
        return negate(self.part.holds(context))

    def place(self, context: Context) -> Node:
        return self.part.place(context)


class AtMostOne(_Combination):
    """No two of the statements hold."""

    def holds(self, context: Context) -> TriState:
        results = [part.holds(context) for part in self.parts]
        if results.count(True) > 1:
            return False
        return None if None in results else True

    def place(self, context: Context) -> Node:
        true = [part for part in self.parts if part.holds(context)]
        return (true[1] if len(true) > 1 else self.parts[0]).place(context)
