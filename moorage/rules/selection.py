"""Which rules a user asks for."""

from __future__ import annotations

from collections.abc import Iterable

from moorage.records import record
from moorage.rules.resource_types import resource_types
from moorage.rules.rule import Rule
from moorage.rules.topics import page_of


@record
class Selection:
    """What rules must have in common. Of several ids, topics or types, one must apply; of several
    texts, all."""

    ids: tuple[str, ...] = ()
    """Ids, or beginnings of ids such as `E94`."""
    topics: tuple[str, ...] = ()
    """Names of pages below docs/rules."""
    levels: tuple[str, ...] = ()
    """`error` or `warning`."""
    types: tuple[str, ...] = ()
    """Types of resources, or beginnings of types such as `AWS::ECS`."""
    texts: tuple[str, ...] = ()

    def choose(self, rules: Iterable[Rule]) -> tuple[Rule, ...]:
        """The rules that fit, in their order."""
        return tuple(rule for rule in rules if self._fits(rule))

    def _fits(self, rule: Rule) -> bool:
        text = " ".join((rule.title, rule.description, rule.fix, *rule.error_messages)).lower()
        return (
            (not self.ids or rule.id.startswith(tuple(map(str.upper, self.ids))))
            and (not self.topics or page_of(rule) in self.topics)
            and (not self.levels or level_of(rule) in self.levels)
            and all(word.lower() in text for word in self.texts)
            and (not self.types or self._fits_types(rule))
        )

    def _fits_types(self, rule: Rule) -> bool:
        beginnings = tuple(map(str.lower, self.types))
        return any(name.lower().startswith(beginnings) for name in resource_types(rule))


def level_of(rule: Rule) -> str:
    """`error` or `warning`."""
    return "error" if rule.id.startswith("E") else "warning"
