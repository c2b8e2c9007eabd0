"""Predicates about policies and other documents in properties."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from moorage.cfn.nodes import Node
from moorage.cfn.text_sizes import resolve_known
from moorage.cfn.tristate import TriState, all_of
from moorage.rules.constraints.predicates import Context, Predicate, ValuePredicate


@dataclass(frozen=True)
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
        name = rf"(?:ForAllValues:|ForAnyValue:)?(?:{self.operators})(?:IfExists)?"
        for operator, keys in context.at("Condition").entries:
            if re.fullmatch(name, operator):
                for _, values in keys.entries:
                    yield from map(context.inner, values.as_list)


@dataclass(frozen=True)
class DocumentSize(ValuePredicate):
    """A document has at most this number of characters as JSON, without white space. What only AWS
    knows does not count."""

    high: int
    part: str | None = None
    """The document in each item, if the path is that of a list: then all together count."""

    def holds(self, context: Context) -> TriState:
        if self.part is None:
            return _count_characters(context.at(self.path)) <= self.high
        documents = (item.at(self.part) for item in context.items(self.path))
        return sum(map(_count_characters, documents)) <= self.high


def _count_characters(node: Node) -> int:
    if node.absent or node.unknown:
        return 0
    known = resolve_known(node.raw)
    text = known if isinstance(known, str) else json.dumps(known, ensure_ascii=False, default=str)
    return len(re.sub(r"\s", "", text))
