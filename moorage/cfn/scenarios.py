"""Scenarios: with which values of parameters and conditions a template is judged.

A template with switches can be deployed in many ways. Trying all combinations takes too long, and
most are never deployed. So each finder (a rule) first gets the scenario of the parameters'
defaults. The view records which switches it reads; each of their other values is tried, for this
finder alone. A switch that is read only then, because a resource exists or an `Fn::If` takes
another branch, is tried from there.

What a finder finds only with another value counts if it is also found when all other switches that
it reads are inverted, because then this value alone is the cause. Not inverted are the switches
that would remove a resource, or the place where something is found.

The switches of an environment grow with its stacks. Those of different stacks that change values
only are therefore changed together. If nothing else is found or read then, none of them matters to
the finder; otherwise the stacks where the results differ are tried one by one, and the others
together again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from itertools import chain, zip_longest
from typing import Any, Generic, Protocol, TypeVar

from moorage.cfn.switches import find_switches
from moorage.cfn.template import Switch, Template
from moorage.cfn.values import MISSING, Path
from moorage.cfn.view import Scenario, View
from moorage.records import entity

MAX_SCENARIOS = 48
"""How many scenarios a finder gets. One that reads more switches is not tried with all of them."""
_MAX_CHANGES = 4
"""In how many switches a scenario differs from the defaults."""
_NO_VALUE = {"Ref": "AWS::NoValue"}


class Located(Protocol):
    """Something found at a place in a template."""

    @property
    def template(self) -> str: ...
    @property
    def path(self) -> Path: ...
    @property
    def kind(self) -> Hashable:
        """Equal for two scenarios, if they are found at the same place."""


T = TypeVar("T", bound=Located)
Changes = tuple[tuple[Switch, Any], ...]
"""Switches of a scenario with other values than the defaults."""
_Key = tuple[Hashable, str, Path]
"""What is found, in which template, and where."""
_Group = tuple[Changes, ...]
"""Changes that are tried in one scenario, each in another template."""
_DEFAULTS: _Group = ((),)


@entity
class Finder(Generic[T]):
    """A rule, or something else that finds things in a view."""

    find: Callable[[View], Iterable[T]]
    tries_values: bool = True
    """Whether AllowedValues of a parameter that no condition depends on are tried one by one."""


@entity
class Found(Generic[T]):
    """What a finder finds."""

    result: T
    choices: Mapping[Switch, Any]
    """The values of switches without which it is not found."""
    by_default: bool
    """Whether these are the default values."""


def find_in_scenarios(
    templates: Sequence[Template], finders: Iterable[Finder[T]]
) -> list[Found[T]]:
    """What finders find in any scenario, each once."""
    search: _Search[T] = _Search(templates)
    if not search.switches:
        with closing(search.view(())) as view:
            return [found for finder in finders for found in _find_in_only_scenario(finder, view)]
    runs = [_Runs(finder) for finder in finders]
    search.run_all(runs)
    return [found for run in runs for found in run.conclude(search.defaults)]


def _find_in_only_scenario(finder: Finder[T], view: View) -> list[Found[T]]:
    """What a finder finds in templates without switches."""
    results = {_key(result): result for result in finder.find(view)}
    return [Found(result, {}, by_default=True) for result in results.values()]


def default_view(templates: Sequence[Template]) -> View:
    """The templates with the defaults of their parameters."""
    search: _Search[Any] = _Search(templates)
    return search.view(())


class _Runs(Generic[T]):
    """The runs of a finder."""

    def __init__(self, finder: Finder[T]) -> None:
        self.finder = finder
        self.outcomes: set[Any] = set()
        """The values of the switches with which it has been run, as far as they differ."""
        self.keys: dict[Changes, frozenset[_Key]] = {}
        """What is found in each scenario."""
        self.found: dict[_Key, tuple[T, Changes]] = {}
        """What counts, and in which scenario it was found first."""

    def conclude(self, defaults: Scenario) -> Iterator[Found[T]]:
        for key, (result, changes) in self.found.items():
            if changes:
                yield Found(result, dict(changes), by_default=False)
            else:
                yield Found(result, dict(self._defaults_needed(key, defaults)), by_default=True)

    def _defaults_needed(self, key: _Key, defaults: Scenario) -> Iterator[tuple[Switch, Any]]:
        for changes, keys in self.keys.items():
            if len(changes) == 1 and key not in keys and defaults[changes[0][0]] is not MISSING:
                yield changes[0][0], defaults[changes[0][0]]


_Step = tuple[_Runs[T], frozenset[Switch]]
"""A finder that is to be run in a scenario, and the switches that have been tried for it."""


class _Search(Generic[T]):
    """The scenarios of templates. Finders that want the same scenario share its view."""

    def __init__(self, templates: Sequence[Template]) -> None:
        self.templates = templates
        self.switches = find_switches(templates)
        self.defaults = {switch: values[0] for switch, values in self.switches.items()}
        self._of_existence = frozenset(self._find_switches_of_existence())

    def view(self, changes: Changes) -> View:
        scenario = {**self.defaults, **dict(changes)}
        known = {switch: value for switch, value in scenario.items() if value is not MISSING}
        return View(self.templates, known, records=bool(self.switches))

    def _find_switches_of_existence(self) -> Iterator[Switch]:
        """The switches that may decide whether a resource exists, also one of a nested stack."""
        nesting = {part.parent[0] for part in self.templates if part.parent is not None}
        for template in self.templates:
            yield from (switch for found in template.switches_of_types.values() for switch in found)
            if template.parent is not None or template.name in nesting:
                yield from (switch for switch in self.switches if switch[0] == template.name)

    def run_all(self, runs: Iterable[_Runs[T]]) -> None:
        """Runs finders in the scenarios that matter to each."""
        level: dict[_Group, list[_Step[T]]] = {_DEFAULTS: [(run, frozenset()) for run in runs]}
        while level:
            following: dict[_Group, list[_Step[T]]] = {}
            for group, steps in level.items():
                changes = tuple(chain.from_iterable(group))
                with closing(self.view(changes)) as view:
                    for run, tried in steps:
                        for other, seen in self._run(run, view, changes, group, tried):
                            following.setdefault(other, []).append((run, seen))
            level = following

    def _run(
        self,
        run: _Runs[T],
        view: View,
        changes: Changes,
        group: _Group,
        tried: frozenset[Switch],
    ) -> Iterator[tuple[_Group, frozenset[Switch]]]:
        """Runs a finder, unless it has been run with an equal scenario. Returns the groups to try
        next, each with the switches that have been tried then."""
        outcome = self._outcome(view, run.finder, changes)
        if outcome in run.outcomes or len(run.outcomes) >= MAX_SCENARIOS:
            return
        run.outcomes.add(outcome)
        results, reads = view.record(lambda: list(run.finder.find(view)))
        keys = frozenset(map(_key, results))
        if len(group) > 1:
            differing = {template for _, template, _ in keys ^ run.keys[()]}
            if differing or any(self._changes(run, (), reads - tried)):
                yield from ((part, tried) for part in _split(group, differing))
            return
        run.keys[changes] = keys
        new = [result for result in results if _key(result) not in run.found]
        if changes and new:
            new = [*self._confirm(run.finder, new, view, changes, reads)]
        run.found |= {_key(result): (result, changes) for result in new}
        following = [*self._changes(run, changes, reads - tried)]
        if following:
            groups = [(changed,) for changed in following] if changes else self._group(following)
            yield from ((changed, tried | reads) for changed in groups)

    def _changes(
        self, run: _Runs[T], changes: Changes, reads: frozenset[Switch]
    ) -> Iterator[Changes]:
        """The next scenarios: each with another value of a switch."""
        if len(changes) == _MAX_CHANGES or not reads:
            return
        for switch, (default, *others) in self.switches.items():
            is_tried = run.finder.tries_values or default is not MISSING
            if switch in reads and is_tried and switch not in dict(changes):
                for value in others:
                    yield (*changes, (switch, value))

    def _group(self, following: Sequence[Changes]) -> Iterator[_Group]:
        """The scenarios, those of different templates together where one cannot hide what another
        changes: where each changes a switch that confirmation would invert to the same value."""
        by_template: dict[str, list[Changes]] = {}
        for changes in following:
            ((switch, _),) = changes
            default, *others = self.switches[switch]
            is_inverted = default is not MISSING and switch not in self._of_existence
            if is_inverted and len(others) == 1:
                by_template.setdefault(switch[0], []).append(changes)
        grouped = set(chain.from_iterable(by_template.values())) if len(by_template) > 1 else set()
        yield from ((changes,) for changes in following if changes not in grouped)
        for group in zip_longest(*by_template.values()) if grouped else ():
            yield tuple(changes for changes in group if changes is not None)

    def _outcome(self, view: View, finder: Finder[T], changes: Changes) -> Hashable:
        """What makes a difference between scenarios: the conditions, and values that are tried."""
        conditions = view.cached("conditions", lambda: tuple(_values_of_conditions(view)))
        tried = changes if finder.tries_values else ()
        return conditions, tuple(
            (switch, value)
            for switch, value in tried
            if isinstance(value, str) and len(self.switches[switch]) > 2
        )

    # Confirmation -----------------------------------------------------------------------------

    def _confirm(
        self,
        finder: Finder[T],
        results: Iterable[T],
        view: View,
        changes: Changes,
        reads: frozenset[Switch],
    ) -> Iterator[T]:
        """The results that are also found with the other switches inverted."""
        inverted = {
            switch: values[-1]
            for switch, values in self.switches.items()
            if switch in reads and switch not in dict(changes) and values[0] is not MISSING
        }
        for switch in self._of_existence.intersection(inverted):
            with closing(self.view((*changes, (switch, inverted[switch])))) as changed:
                if _removes(changed, view):
                    del inverted[switch]
        found: dict[Changes, set[Hashable]] = {}
        for result in results:
            kept = self._switches_around(result)
            scenario = (*changes, *(item for item in inverted.items() if item[0] not in kept))
            if scenario not in found:
                with closing(self.view(scenario)) as other:
                    found[scenario] = {*map(_place, finder.find(other))}
            if _place(result) in found[scenario]:
                yield result

    def _switches_around(self, result: T) -> frozenset[Switch]:
        """The switches of each `Fn::If` around a place with AWS::NoValue in the other branch."""
        (template,) = (t for t in self.templates if t.name == result.template)
        switches: frozenset[Switch] = frozenset()
        raw: Any = template.written
        for key in result.path:
            raw = raw[key]
            if key == "Fn::If" and isinstance(raw, list) and _NO_VALUE in raw:
                switches |= template.switches_of_conditions.get(raw[0], frozenset())
        return switches


def _split(group: _Group, templates: Collection[str]) -> list[_Group]:
    """Parts of a group: the changes of these templates one by one, and the others together; halves
    if there are no others, or no such templates."""
    suspected = [changes for changes in group if changes[0][0][0] in templates]
    others = tuple(changes for changes in group if changes not in suspected)
    if suspected:
        return [*((changes,) for changes in suspected), *([others] if others else [])]
    half = len(group) // 2
    return [group[:half], group[half:]]


def _key(result: Located) -> _Key:
    return result.kind, result.template, result.path


def _place(result: Located) -> Hashable:
    """What is found and where, whichever branch of an `Fn::If` it is in."""
    branches = {index for index, key in enumerate(result.path) if key == "Fn::If"}
    path = enumerate(result.path)
    steps = (key for index, key in path if index not in branches and index - 1 not in branches)
    return result.kind, result.template, tuple(steps)


def _values_of_conditions(view: View) -> Iterator[bool | None]:
    for stack in view.stacks:
        for name in stack.template.conditions:
            yield stack.evaluate_condition(name)


def _removes(changed: View, view: View) -> bool:
    """Whether a resource does not exist in a changed view."""
    return any(
        stack.evaluate_condition(condition) is not False
        and changed_stack.evaluate_condition(condition) is False
        for stack, changed_stack in zip(view.stacks, changed.stacks, strict=True)
        for condition in {body.get("Condition") for body in stack.template.resources.values()}
        if isinstance(condition, str)
    )
