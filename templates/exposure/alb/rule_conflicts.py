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
"""How many conflicts of one route are reported: thousands of equal routes have millions."""


class ListenerRules:
    """The rules of a listener, with indexes by what can conflict."""

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
        """The rules of entries before that of this one that may conflict with it: all that have the
        same conditions or priority, or a computed priority of the same range and similar
        conditions."""
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
    """The rules of all services by what identifies their listener."""
    groups: dict[str, list[ListenerRule]] = {}
    for rule in rules:
        groups.setdefault(rule.load_balancer.listener_id, []).append(rule)
    return {listener: ListenerRules(group) for listener, group in groups.items()}


def rule_conflicts(rules: Sequence[ListenerRule], all_rules: RulesByListener) -> Iterator[Problem]:
    """Conflicts of a service's rules with the rules of every service. A conflict is reported in the
    stack that comes later by name."""
    for rule in rules:
        same = all_rules[rule.load_balancer.listener_id]
        if rule.route.priority is not None:
            yield from _hidden_problems(rule, same.find_similar(rule))
        yield from islice(_conflicts(rule, same), MAX_CONFLICTS)


def _conflicts(rule: ListenerRule, same: ListenerRules) -> Iterator[Problem]:
    for other in same.find_earlier(rule):
        numbers = rule.priority, other.priority
        if conflict := find_conflict(rule.route, other.route, numbers, same.priorities):
            reason, hint = conflict
            yield Problem("M2430", rule.path, f"The route {reason} as `{other.place}`", hint)


def _hidden_problems(rule: ListenerRule, others: Sequence[ListenerRule]) -> Iterator[Problem]:
    """Rules that get no requests because of a priority in the params."""
    route, path = rule.route, (*rule.path, "priority")
    hidden = [
        other for other in others if rule.priority < other.priority and shadows(route, other.route)
    ]
    if hidden:
        names = ", ".join(f"`{other.place}`" for other in hidden[:3])
        more = f" and {len(hidden) - 3} more" if len(hidden) > 3 else ""
        message = f"With this `priority`, the route takes all requests of {names}{more}"
        last = max(other.priority for other in hidden)
        hint = (
            f"Remove `priority`, or write more than {last}."
            if last < LISTENER_RULE_PRIORITIES[1]
            else "Remove `priority`."
        )
        yield Problem("M2431", path, message, hint, level="warning")
    for other in others:
        first = other.route.priority is None and other.priority < rule.priority
        if first and shadows(other.route, route):
            message = f"With this `priority`, `{other.place}` takes all requests of the route"
            hint = f"Remove `priority`, or write less than {other.priority}."
            yield Problem("M2431", path, message, hint, level="warning")


def _key(conditions: Conditions) -> str:
    """A text that is the same for the same conditions."""
    return repr(sorted(conditions.items()))
