"""Conflicts between the rules of a listener, which may come from routes of several services."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import islice
from typing import TypeAlias

from moorage.facts.quotas import LISTENER_RULE_PRIORITIES
from moorage.findings.finding import Problem

from .route_conflicts import find_conflict, shadows
from .route_index import RouteIndex
from .specificity import Conditions
from .targets import ListenerRule

MAX_CONFLICTS = 10
"""How many conflicts of one route are reported: thousands of equal routes have millions of them."""


class ListenerRules:
    """The rules of a listener, with indexes of what can conflict: conditions and priorities."""

    def __init__(self, rules: Sequence[ListenerRule]) -> None:
        self.rules = rules
        self.priorities = {rule.priority for rule in rules}
        entries = [(rule.stack, rule.index) for rule in rules]
        ranks = {entry: rank for rank, entry in enumerate(sorted(set(entries)))}
        self._ranks = [ranks[entry] for entry in entries]
        self._rank_of_entry = ranks
        self._by_conditions: dict[str, list[int]] = {}
        self._by_priority: dict[int, list[int]] = {}
        computed: dict[tuple[int, int], list[int]] = {}
        for position, rule in enumerate(rules):
            route = rule.route
            self._by_conditions.setdefault(_key(route.effective_conditions), []).append(position)
            self._by_priority.setdefault(rule.priority, []).append(position)
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
        """The rules of earlier expose entries that may conflict with this one: those with the same
        conditions or priority, and those with similar conditions whose computed priority is in the
        same band."""
        route = rule.route
        candidates = {
            *self._by_conditions[_key(route.effective_conditions)],
            *self._by_priority[rule.priority],
        }
        if route.priority is None:
            positions, index = self._computed[route.specificity]
            candidates.update(positions[at] for at in index.find_similar(route))
        rank = self._rank_of_entry[rule.stack, rule.index]
        earlier = sorted(at for at in candidates if self._ranks[at] < rank)
        return [self.rules[at] for at in earlier]

    def find_similar(self, rule: ListenerRule) -> list[ListenerRule]:
        """The other rules whose conditions may overlap with those of this one."""
        similar = sorted(self._routes.find_similar(rule.route))
        return [self.rules[at] for at in similar if self.rules[at].place != rule.place]


RulesByListener: TypeAlias = Mapping[str, ListenerRules]


def group_by_listener(rules: Sequence[ListenerRule]) -> RulesByListener:
    """The rules of all services, by the ID of their listener."""
    groups: dict[str, list[ListenerRule]] = {}
    for rule in rules:
        groups.setdefault(rule.load_balancer.listener_id, []).append(rule)
    return {listener: ListenerRules(group) for listener, group in groups.items()}


def rule_conflicts(rules: Sequence[ListenerRule], all_rules: RulesByListener) -> Iterator[Problem]:
    """Conflicts of a service's rules with the rules of every service. A conflict is reported in the
    stack that comes later by name."""
    for rule in rules:
        listener = all_rules[rule.load_balancer.listener_id]
        if rule.route.priority is not None:
            yield from _hidden_problems(rule, listener.find_similar(rule))
        yield from islice(_conflicts(rule, listener), MAX_CONFLICTS)


def _conflicts(rule: ListenerRule, listener: ListenerRules) -> Iterator[Problem]:
    for earlier in listener.find_earlier(rule):
        numbers = rule.priority, earlier.priority
        if conflict := find_conflict(rule.route, earlier.route, numbers, listener.priorities):
            reason, hint = conflict
            yield Problem("M2430", rule.path, f"The route {reason} as `{earlier.place}`", hint)


def _hidden_problems(rule: ListenerRule, similar: Sequence[ListenerRule]) -> Iterator[Problem]:
    """Rules that get no requests because of a priority in the params."""
    route, path = rule.route, (*rule.path, "priority")
    hidden = [
        later for later in similar if rule.priority < later.priority and shadows(route, later.route)
    ]
    if hidden:
        names = ", ".join(f"`{later.place}`" for later in hidden[:3])
        more = f" and {len(hidden) - 3} more" if len(hidden) > 3 else ""
        message = (
            f"This route matches all requests of {names}{more} first, because of this `priority`"
        )
        last = max(later.priority for later in hidden)
        hint = (
            f"Remove `priority`, or write more than {last}."
            if last < LISTENER_RULE_PRIORITIES[1]
            else "Remove `priority`."
        )
        yield Problem("M2431", path, message, hint, level="warning")
    for earlier in similar:
        is_first = earlier.route.priority is None and earlier.priority < rule.priority
        if is_first and shadows(earlier.route, route):
            message = f"`{earlier.place}` matches all requests of this route first, because of "
            message += "this `priority`"
            hint = f"Remove `priority`, or write less than {earlier.priority}."
            yield Problem("M2431", path, message, hint, level="warning")


def _key(conditions: Conditions) -> str:
    """A text that is the same for the same conditions."""
    return repr(sorted(conditions.items()))
