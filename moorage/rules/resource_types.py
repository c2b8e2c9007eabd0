"""The types of resources that a rule is about."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.cfn.stack import Resource
from moorage.cfn.template import Template
from moorage.cfn.view import View
from moorage.rules.rule import Rule


class _RecordingView(View):
    """A view of an empty template that records which types a rule looks for."""

    def __init__(self) -> None:
        super().__init__([Template("empty", {"Resources": {}})], {})
        self.types: dict[str, None] = {}

    def resources_of_type(self, *types: str) -> Iterator[Resource]:
        self.types |= dict.fromkeys(types)
        return iter(())


def resource_types(rule: Rule) -> tuple[str, ...]:
    """The types of which a rule reads all resources; none if it reads those of every type. What it
    reads of the resources that these refer to is left out."""
    view = _RecordingView()
    assert not list(rule.check(view)), f"{rule.id} finds a problem in an empty template"
    return tuple(sorted(view.types))
