"""Conflicts between the rules of a listener, which may come from routes of several services."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import islice
from typing import TypeAlias

from moorage.facts.quotas import LISTENER_RULE_PRIORITIES
from moorage.findings.finding import Problem

from .priorities import find_range
from .route_conflicts import find_conflict, shadows
from .route_index import RouteIndex
from .specificity import Conditions
from .targets import ListenerRule, Priorities, RuleKey

MAX_CONFLICTS = 10
"""How many conflicts of one route are reported: thousands of equal routes have millions of them."""


class ListenerRules:
    """The rules of a listener, with indexes of what can conflict: conditions and priorities."""

    def __init__(self, rules: Sequence[ListenerRule], priorities: Priorities) -> None:
        self.rules = rules
        self.numbers = {rule.key: rule.find_priority(priorities) for rule in rules}
        """None for rules for which no number is left."""
        entries = [(rule.stack, rule.index) for rule in rules]
        ranks = {entry: rank for rank, entry in enumerate(sorted(set(entries)))}
        self._ranks = [ranks[entry] for entry in entries]
        self._rank_of_entry = ranks
        self._by_conditions: dict[str, list[int]] = {}
        self._by_number: dict[int | None, list[ListenerRule]] = {}
        computed: dict[tuple[int, int], list[int]] = {}
        for position, rule in enumerate(rules):
            route = rule.route
            self._by_conditions.setdefault(_key(route.effective_conditions), []).append(position)
            self._by_number.setdefault(self.numbers[rule.key], []).append(rule)
            if route.priority is None:
                computed.setdefault(route.specificity, []).append(position)
        self._computed = {
            specificity: (positions, RouteIndex([rules[at].route for at in positions]))
            for specificity, positions in computed.items()
        }

    @cached_property
    def _routes(self) -> RouteIndex:
        return RouteIndex([rule.route for rule in self.rules])

    def find_earlier(self, rule: ListenerRule) -> list[ListenerRule]:
        """The rules of earlier expose entries whose conditions may conflict with those of this one:
        those with the same, and with computed priorities those that are as specific and similar."""
        route = rule.route
        candidates = {*self._by_conditions[_key(route.effective_conditions)]}
        if route.priority is None:
            positions, index = self._computed[route.specificity]
            candidates.update(positions[at] for at in index.find_similar(route))
        rank = self._rank_of_entry[rule.stack, rule.index]
        earlier = sorted(at for at in candidates if self._ranks[at] < rank)
        return [self.rules[at] for at in earlier]

    def find_same_number(self, rule: ListenerRule) -> list[ListenerRule]:
        """The rules that have the number of this one, which is written in the params: those with a
        computed priority, and those of earlier entries."""
        if rule.route.priority is None:
            return []
        rank = self._rank_of_entry[rule.stack, rule.index]
        return [
            other
            for other in self._by_number[rule.route.priority]
            if other.route.priority is None or self._rank_of_entry[other.stack, other.index] < rank
        ]

    @cached_property
    def free_numbers(self) -> Mapping[RuleKey, int]:
        """A number for each rule that `find_same_number` finds others for. It is free, not that of
        another such rule, and keeps the order of evaluation."""
        used = {*self.numbers.values()}
        free: dict[RuleKey, int] = {}
        for rule in filter(self.find_same_number, self.rules):
            number = next((each for each in find_range(rule.route) if each not in used), None)
            if number is not None:
                free[rule.key] = number
                used.add(number)
        return free

    def find_similar(self, rule: ListenerRule) -> list[ListenerRule]:
        """The other rules whose conditions may overlap with those of this one."""
        similar = sorted(self._routes.find_similar(rule.route))
        return [self.rules[at] for at in similar if self.rules[at].place != rule.place]


RulesByListener: TypeAlias = Mapping[str, ListenerRules]


def group_by_listener(rules: Sequence[ListenerRule], priorities: Priorities) -> RulesByListener:
    """The rules of all services, by the ID of their listener."""
    groups: dict[str, list[ListenerRule]] = {}
    for rule in rules:
        groups.setdefault(rule.load_balancer.listener_id, []).append(rule)
    return {listener: ListenerRules(group, priorities) for listener, group in groups.items()}


def rule_conflicts(rules: Sequence[ListenerRule], all_rules: RulesByListener) -> Iterator[Problem]:
    """Conflicts of a service's rules with the rules of every service. A conflict is reported in the
    stack that comes later by name."""
    for rule in rules:
        listener = all_rules[rule.load_balancer.listener_id]
        if rule.route.priority is not None:
            yield from _hidden_problems(rule, listener)
        yield from islice(_conflicts(rule, listener), MAX_CONFLICTS)


def _conflicts(rule: ListenerRule, listener: ListenerRules) -> Iterator[Problem]:
    for earlier in listener.find_earlier(rule):
        if conflict := find_conflict(rule.route, earlier.route):
            reason, hint = conflict
            yield Problem("M2430", rule.path, f"The route {reason} as `{earlier.place}`", hint)
    number = listener.numbers[rule.key]
    if number is None:
        message = "No priority is left that keeps the order among the routes of the listener"
        hint = "Write a `priority:` (the lowest is first), or other conditions."
        yield Problem("M2430", rule.path, message, hint)
    for other in listener.find_same_number(rule):
        if find_conflict(rule.route, other.route) is None:
            message = f"The route has the same priority, {number}, as `{other.place}`"
            yield Problem("M2430", rule.path, message, _propose_number(rule, other, listener))


def _propose_number(rule: ListenerRule, other: ListenerRule, listener: ListenerRules) -> str:
    free = listener.free_numbers.get(rule.key)
    where = " here" if other.route.priority is None else " in the route that is not deployed yet"
    return f"Write another `priority:`{where}" + (f"; {free} is free." if free else ".")


def _hidden_problems(rule: ListenerRule, listener: ListenerRules) -> Iterator[Problem]:
    """Rules that get no requests because of a priority in the params."""
    route, path, own = rule.route, (*rule.path, "priority"), listener.numbers[rule.key]
    similar = [(listener.numbers[each.key], each) for each in listener.find_similar(rule)]
    others = [(number, each) for number, each in similar if number is not None]
    assert own is not None
    hidden = [(n, later) for n, later in others if own < n and shadows(route, later.route)]
    if hidden:
        names = ", ".join(f"`{later.place}`" for _, later in hidden[:3])
        more = f" and {len(hidden) - 3} more" if len(hidden) > 3 else ""
        message = (
            f"This route matches all requests of {names}{more} first, because of this `priority`"
        )
        last = max(number for number, _ in hidden)
        hint = (
            f"Remove `priority`, or write more than {last}."
            if last < LISTENER_RULE_PRIORITIES[1]
            else "Remove `priority`."
        )
        yield Problem("M2431", path, message, hint, level="warning")
    for number, earlier in others:
        if earlier.route.priority is None and number < own and shadows(earlier.route, route):
            message = f"`{earlier.place}` matches all requests of this route first, because of "
            message += "this `priority`"
            hint = f"Remove `priority`, or write less than {number}."
            yield Problem("M2431", path, message, hint, level="warning")


def _key(conditions: Conditions) -> str:
    """A text that is the same for the same conditions."""
    return repr(sorted(conditions.items()))
