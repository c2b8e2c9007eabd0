"""The priorities of the rules of a listener, together.

A rule that the last build wrote keeps its number (`moorage.pipeline.manifest`). A new
one gets the number that is computed from its route. If another rule has that number, it gets a free
one of the same part, and if the part is full, a free number nearby that keeps the order among the
routes that match the same requests.

A number that two rules claim equally, such as after two branches were merged, goes to neither:
either may be deployed with it, and Elastic Load Balancing refuses a number that is still in use. So
the stacks can be deployed in any order. For the same reason a number is not reused in the build
that frees it. docs/decisions/0050-recorded-priorities.md has the reasons.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import cached_property

from moorage.facts.quotas import LISTENER_RULE_PRIORITIES
from moorage.model import KnownPriorities, RulePriority

from .priorities import choose_number, compute_priority, find_range, other_priorities
from .route_conflicts import overlap
from .route_index import RouteIndex
from .targets import ListenerRule, Priorities, RuleKey

_SPREAD = 60
"""How far from its part a rule gets its number if the part is full."""
_BELOW, _ABOVE = LISTENER_RULE_PRIORITIES[0] - 1, LISTENER_RULE_PRIORITIES[1] + 1


def assign_priorities(rules: Sequence[ListenerRule], known: KnownPriorities) -> Priorities:
    """The priorities of all rules of an environment, apart from those for which no number is
    left."""
    listeners: dict[str, list[ListenerRule]] = {}
    for rule in rules:
        listeners.setdefault(rule.load_balancer.listener_id, []).append(rule)
    names = {(rule.stack, rule.title) for rule in rules}
    removed = (each.number for name, each in known.recorded.items() if name not in names)
    reserved = known.foreign.union(removed)
    return {
        key: priority
        for group in listeners.values()
        for key, priority in _Assignment(group, known, reserved).priorities.items()
    }


class _Assignment:
    """The assignment for one listener. `reserved` are numbers that no rule may get."""

    def __init__(
        self, rules: Sequence[ListenerRule], known: KnownPriorities, reserved: Collection[int]
    ) -> None:
        self._rules = sorted(rules, key=lambda rule: rule.key)
        self._foreign = known.foreign
        recorded = {
            rule.key: known.recorded[rule.stack, rule.title]
            for rule in self._rules
            if (rule.stack, rule.title) in known.recorded
        }
        written = {
            rule.key: rule.route.priority for rule in self._rules if rule.route.priority is not None
        }
        self._taken = {*reserved, *written.values(), *(each.number for each in recorded.values())}
        self._outside = False  # whether a rule has a number outside its part
        self.priorities: dict[RuleKey, RulePriority] = {}
        self._keep(recorded)
        self.priorities |= {key: RulePriority(number) for key, number in written.items()}
        self._place_new()

    def _place(self, rule: ListenerRule, number: int) -> None:
        numbers = find_range(rule.route)
        outside = number not in numbers
        self.priorities[rule.key] = RulePriority(number, numbers.start if outside else None)
        self._taken.add(number)
        self._outside |= outside

    @property
    def _waiting(self) -> list[ListenerRule]:
        """The rules whose priority is computed, and that have none yet."""
        return [
            rule
            for rule in self._rules
            if rule.route.priority is None and rule.key not in self.priorities
        ]

    def _keep(self, recorded: Priorities) -> None:
        """The recorded priorities of rules whose specificity is the same as then."""
        fitting = [rule for rule in self._waiting if _fits(recorded.get(rule.key), rule)]
        claims = Counter(recorded[rule.key].number for rule in fitting)
        outside = []
        for rule in fitting:
            number = recorded[rule.key].number
            if claims[number] == 1 and number not in self._foreign:
                if number in find_range(rule.route):
                    self._place(rule, number)
                else:
                    outside.append((rule, number))
        for rule, number in outside:
            low, high = self._find_bounds(rule)
            if low < number < high:
                self._place(rule, number)

    def _place_new(self) -> None:
        """The rules without a recorded priority."""
        computed = {rule.key: compute_priority(rule.route, rule.name) for rule in self._waiting}
        claims = Counter(computed.values())
        for rule in self._waiting:
            number = computed[rule.key]
            if claims[number] == 1:
                self._place_at_first(rule, [number])
        self._taken.update(claims)
        for rule in self._waiting:
            self._place_at_first(rule, other_priorities(rule.route, rule.name))
        for rule in self._waiting:
            self._place_at_first(rule, self._numbers_outside(rule))

    def _place_at_first(self, rule: ListenerRule, numbers: Iterable[int]) -> None:
        low, high = self._find_bounds(rule) if self._outside else (_BELOW, _ABOVE)
        for number in numbers:
            if low < number < high and number not in self._taken:
                self._place(rule, number)
                return

    # The order of rules outside their parts ------------------------------------------------------

    @cached_property
    def _index(self) -> RouteIndex:
        return RouteIndex([rule.route for rule in self._rules])

    def _find_bounds(self, rule: ListenerRule) -> tuple[int, int]:
        """Between which numbers a rule is evaluated in the right order with the placed ones that
        match the same requests."""
        own, low, high = find_range(rule.route), _BELOW, _ABOVE
        for position in self._index.find_similar(rule.route):
            other = self._rules[position]
            placed = self.priorities.get(other.key)
            if placed is None or other.key == rule.key or not overlap(rule.route, other.route):
                continue
            wanted = _find_wanted(other)
            if wanted.start < own[-1]:
                low = max(low, placed.number)
            elif wanted[-1] > own.start:
                high = min(high, placed.number)
        return low, high

    def _numbers_outside(self, rule: ListenerRule) -> Iterator[int]:
        """The two free numbers, above and below, that are the nearest to one that is chosen around
        the part of a rule; the nearer one first. Rules are not packed closely, because a rule that
        comes later may have to be evaluated between two of them."""
        own, (low, high) = find_range(rule.route), self._find_bounds(rule)
        around = range(max(low, own[-1] - _SPREAD) + 1, min(high, own.start + _SPREAD))
        numbers = around or range(low + 1, high)
        if not numbers:
            return
        start = choose_number(numbers, rule.route, rule.name, 3)
        nearest = [
            next((number for number in numbers if number not in self._taken), None)
            for numbers in (range(start, high), range(start - 1, low, -1))
        ]
        yield from sorted(
            (number for number in nearest if number is not None),
            key=lambda number: abs(number - start),
        )


def _fits(recorded: RulePriority | None, rule: ListenerRule) -> bool:
    """Whether a recorded priority is that of a route as specific as this one."""
    if recorded is None:
        return False
    numbers = find_range(rule.route)
    return recorded.number in numbers or recorded.range_start == numbers.start


def _find_wanted(rule: ListenerRule) -> range:
    """The numbers that say before and after which others a rule is to be evaluated."""
    number = rule.route.priority
    return find_range(rule.route) if number is None else range(number, number - 1, -1)
