"""Which override a finding comes from: what the rules do not find without it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import cached_property
from itertools import groupby
from typing import Any

from moorage.cfn.template import Template
from moorage.findings.finding import Finding, Path
from moorage.pipeline.override_lists import apply_overrides
from moorage.plan import Plan, Rendering
from moorage.records import record

_MOST = 20
"""How many of them are tried one by one."""

Key = tuple[str, str, Path]


@record
class _Override:
    """What the overrides of a stack say about a resource or output."""

    rendering: Rendering
    section: str
    name: str


class _Search:
    """Finds which of some parts causes a finding: the one without which it does not exist.

    The rules run a few times with half of the parts, so that they need not run for each part and
    finding: without those whose numbers have a bit, and without those whose numbers do not.
    """

    def __init__(self, parts: int, find_without: Callable[[Collection[int]], frozenset[Key]]):
        self._parts = parts
        self._find_without = find_without
        self._tried: dict[int, frozenset[Key]] = {}

    @cached_property
    def _halves(self) -> list[tuple[frozenset[Key], frozenset[Key]]]:
        """For each bit of the numbers, what is found without the parts that do not have it, and
        without those that have it."""
        parts = range(self._parts)
        bits = range((self._parts - 1).bit_length())
        return [
            (
                self._find_without([part for part in parts if not part >> bit & 1]),
                self._find_without([part for part in parts if part >> bit & 1]),
            )
            for bit in bits
        ]

    def find_cause(self, key: Key, among: Iterable[int]) -> int | None:
        """The number of the part that causes a finding. If it exists without either half, or only
        with both, the parts `among` which it is looked for are tried in their order.

        The part that halves point to is tried, too: of three items where one is allowed, each two
        are too many. If too many have been tried, the halves decide.
        """
        cause = 0
        for bit, (without_first, without_second) in enumerate(self._halves):
            if (key in without_first) == (key in without_second):
                return next((part for part in among if self._is_cause(key, part, False)), None)
            cause |= (key in without_first) << bit
        return cause if cause < self._parts and self._is_cause(key, cause, True) else None

    def _is_cause(self, key: Key, part: int, if_not_tried: bool) -> bool:
        if part not in self._tried:
            if len(self._tried) == _MOST:
                return if_not_tried
            self._tried[part] = self._find_without([part])
        return key not in self._tried[part]


@record
class OverrideCauses:
    """The overrides of an environment, and what the rules find without them."""

    plan: Plan

    @cached_property
    def _renderings(self) -> tuple[Rendering, ...]:
        return tuple(stack.rendering for stack in self.plan.stacks)

    @cached_property
    def _overridden(self) -> tuple[Rendering, ...]:
        return tuple(rendering for rendering in self._renderings if rendering.overrides)

    @cached_property
    def _overrides(self) -> tuple[_Override, ...]:
        return tuple(
            _Override(rendering, section, name)
            for rendering in self._overridden
            for section, patch in rendering.overrides.items()
            if isinstance(patch, Mapping)
            for name in patch
        )

    @cached_property
    def _numbers(self) -> dict[str, range]:
        """The numbers of the overrides of each file."""
        files = [override.rendering.file for override in self._overrides]
        counts, ends = Counter(files), {file: end for end, file in enumerate(files, 1)}
        return {file: range(end - counts[file], end) for file, end in ends.items()}

    @cached_property
    def _without_any(self) -> frozenset[Key]:
        return self._find_without_stacks(range(len(self._overridden)))

    @cached_property
    def _by_stack(self) -> _Search:
        return _Search(len(self._overridden), self._find_without_stacks)

    @cached_property
    def _by_override(self) -> _Search:
        return _Search(len(self._overrides), self._find_without_overrides)

    @property
    def are_possible(self) -> bool:
        """Whether there are overrides."""
        return bool(self._overridden)

    def is_caused(self, finding: Finding) -> bool:
        """Whether a finding of the rules about a template comes from overrides."""
        return self.are_possible and _key(finding) not in self._without_any

    def find(self, finding: Finding) -> Path | None:
        """The override in the params without which a finding does not exist: of one resource if
        possible, otherwise all of a stack. None if no single stack has it."""
        key = _key(finding)
        stack = self._by_stack.find_cause(key, range(len(self._overridden)))
        if stack is None:
            return None
        rendering = self._overridden[stack]
        root: Path = ("stacks", rendering.stack, "overrides")
        own = self._numbers.get(rendering.file, range(0))
        cause = self._by_override.find_cause(key, own) if own else None
        if cause is None or cause not in own:
            return root
        override = self._overrides[cause]
        return (*root, override.section, override.name)

    def _find_without_stacks(self, left_out: Iterable[int]) -> frozenset[Key]:
        """What the rules find without the overrides of some stacks."""
        without = [self._overridden[number] for number in left_out]
        return self._found({rendering.file: rendering.composed for rendering in without})

    def _find_without_overrides(self, left_out: Iterable[int]) -> frozenset[Key]:
        """What the rules find without some overrides."""
        bodies = {}
        for file, group in groupby(left_out, lambda number: self._overrides[number].rendering.file):
            overrides = [self._overrides[number] for number in group]
            rendering = overrides[0].rendering
            patch = {
                section: dict(part) if isinstance(part, Mapping) else part
                for section, part in rendering.overrides.items()
            }
            for override in overrides:
                del patch[override.section][override.name]
            bodies[file] = apply_overrides(rendering.composed, patch)[0]
        return self._found(bodies)

    def _found(self, bodies: Mapping[str, Mapping[str, Any]]) -> frozenset[Key]:
        """What the rules find if some files have other contents."""
        from moorage.rules.runner import run_rules

        region = self.plan.environment.region
        templates = [
            Template(rendering.file, bodies.get(rendering.file, rendering.body), region)
            for rendering in self._renderings
        ]
        problems = run_rules(templates)
        return frozenset((problem.rule.id, problem.template, problem.path) for problem in problems)


def _key(finding: Finding) -> Key:
    return finding.code, finding.place.file, finding.path
