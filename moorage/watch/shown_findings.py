"""Which findings of a build are new, and which are gone."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field

from moorage.findings.finding import Finding
from moorage.lint.engine_rules import are_same
from moorage.records import record

_Known = dict[Hashable, Finding]


@record
class Difference:
    """What has changed since the findings that were shown before."""

    came: tuple[Finding, ...]
    gone: tuple[Finding, ...]


@dataclass
class ShownFindings:
    """The findings of an environment that were shown.

    A build finds them in steps, and one that ends early says nothing about the findings of later
    steps. So what a step finds is compared with what the same step found in the last build that
    reached it.
    """

    _shown: _Known = field(default_factory=dict)
    _by_step: dict[int, _Known] = field(default_factory=dict)
    _repeated: set[Hashable] = field(default_factory=set)
    """Those of the same mistake as one that was shown before."""

    def update(self, step: int | None, findings: Iterable[Finding]) -> Difference:
        """The difference after a step, given all findings up to it. Steps count from 0 in each
        build; None is the last one of a build that found all there is to find.

        AWS's engine finds F3002 first, and then cfn-lint finds E3002 in its place. That is no
        difference.
        """
        now: _Known = {_identify(finding): finding for finding in findings}
        came = {key: each for key, each in now.items() if key not in self._shown}
        self._repeated |= {key for key, each in came.items() if _is_in(each, self._shown)}
        gone = {key: self._shown.pop(key) for key in self._list_lost(step, now)}
        difference = Difference(self._without_repeated(came), self._without_repeated(gone))
        self._repeated -= gone.keys()
        self._shown |= now
        if step is not None:
            self._by_step[step] = now
        return difference

    def _list_lost(self, step: int | None, now: _Known) -> list[Hashable]:
        if step is not None:
            before = self._by_step.get(step, {})
            return [key for key in before if key not in now and key in self._shown]
        lost = {key: each for key, each in self._shown.items() if key not in now}
        return [key for key, each in lost.items() if not _is_in(each, now)]

    def clear(self) -> tuple[Finding, ...]:
        """Forgets all findings, and returns those that were shown."""
        shown = self._without_repeated(self._shown)
        self._shown, self._by_step, self._repeated = {}, {}, set()
        return shown

    def _without_repeated(self, findings: _Known) -> tuple[Finding, ...]:
        return tuple(each for key, each in findings.items() if key not in self._repeated)


def _is_in(finding: Finding, others: _Known) -> bool:
    """Whether others have a finding about the same mistake, one by AWS's engine, one by cfn-lint:
    one place contains the other."""
    return any(
        are_same(finding.code, other.code)
        and finding.place.file == other.place.file
        and all(first == second for first, second in zip(finding.path, other.path, strict=False))
        for other in others.values()
    )


def _identify(finding: Finding) -> Hashable:
    """The same for a finding that has only moved to another line."""
    place = finding.place
    at = finding.path or place.line
    return finding.code, finding.level, place.file, at, finding.message, finding.hint
