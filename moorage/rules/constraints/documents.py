"""Predicates about policies and other documents in properties."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property

from moorage.cfn.nodes import Node
from moorage.cfn.tristate import TriState, all_of
from moorage.records import entity
from moorage.rules.constraints.predicates import Context, Predicate, ValuePredicate


@entity
class ConditionValues:
    """The statement holds for all values that a policy statement compares by some operators."""

    operators: str
    """The regular expression of the operators, without `ForAllValues:` and `IfExists`."""
    predicate: Predicate

    def holds(self, context: Context) -> TriState:
        return all_of(self.predicate.holds(value) for value in self._values(context))

    def place(self, context: Context) -> Node:
        wrong = (value for value in self._values(context) if self.predicate.holds(value) is False)
        return next(wrong, context).at("")

    def _values(self, context: Context) -> Iterator[Context]:
        for operator, keys in context.at("Condition").entries:
            if self._names.fullmatch(operator):
                for _, values in keys.entries:
                    yield from map(context.inner, values.as_list)

    @cached_property
    def _names(self) -> re.Pattern[str]:
        return re.compile(rf"(?:ForAllValues:|ForAnyValue:)?(?:{self.operators})(?:IfExists)?")


@entity
class DocumentSize(ValuePredicate):
    """A document has at most this number of characters as JSON, without white space. What only AWS
    knows does not count."""

    high: int

    def holds(self, context: Context) -> TriState:
        return _count_characters(context.at(self.path)) <= self.high


@entity
class InlinePoliciesSize:
    """All policies of a role that are no managed policies have at most this number of characters
    together."""

    high: int

    def holds(self, context: Context) -> TriState:
        role = context.resource
        documents = [item["PolicyDocument"] for item in role["Policies"].items]
        types = ("AWS::IAM::Policy", "AWS::IAM::RolePolicy")
        policies = role.view.referring((role,), types, ("Roles", "RoleName"))
        documents += [policy["PolicyDocument"] for policy in policies]
        return sum(map(_count_characters, documents)) <= self.high

    def place(self, context: Context) -> Node:
        return context.at("Policies")


def _count_characters(node: Node) -> int:
    """The least number of characters of a value as JSON, without white space."""
    count, todo = 0, [node]
    while todo:
        node = todo.pop()
        value = node.value
        if isinstance(value, str):
            count += _characters(value)
        elif isinstance(value, list):
            count += len(node.items) + 1
            todo += node.items
        elif entries := node.entries:
            count += 1
            for key, entry in entries:
                count += len(key) + 4
                todo.append(entry)
        elif isinstance(value, int | float):
            count += len(str(value))
        elif node.choices:
            count += min(map(_characters, node.choices))
        else:
            count += sum(_characters(part) for part in node.parts if isinstance(part, str))
    return count


def _characters(text: str) -> int:
    return len("".join(text.split())) + 2
