"""The priorities of the rules of a listener: unique, in the right order, and the same after a
rebuild. Without a build: a listener here has up to 100 rules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from itertools import combinations
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import Phase, given
from hypothesis import strategies as st
from route_strategies import WORDS, conditions_of_a_route, deterministic, make_route

from moorage.model import NO_PRIORITIES, KnownPriorities, RulePriority
from templates.exposure.alb.assigned_priorities import assign_priorities
from templates.exposure.alb.priorities import compute_priority, find_range
from templates.exposure.alb.route_conflicts import find_conflict, overlap
from templates.exposure.alb.rule_conflicts import group_by_listener, rule_conflicts
from templates.exposure.alb.targets import ListenerRule

Routes = Mapping[str, dict[str, Any]]
"""The routes of a listener by the names of their stacks."""

LONG = "x" * 60
ALL = {"methods": ["POST"], "headers": {"X-Canary": "yes"}, "source_ips": ["10.0.0.0/8"]}
SHAPES: tuple[Callable[[str], dict[str, Any]], ...] = (
    lambda word: {"hosts": [f"{word.strip('_-')}0.example.com"]},
    lambda word: {"hosts": [f"*.{word.strip('_-')}0.example.com"]},
    lambda word: {"hosts": ["shop.example.com"], "paths": [f"/{word}/*"]},
    lambda word: {"hosts": ["*.example.org"], "paths": [f"/api/{word}/*"]},
    lambda word: {"paths": [f"/{word}/*"]},
    lambda word: {"paths": [f"/{word}", f"/{word}/*"]},
    lambda word: {"paths": [f"/api/{word}/*"], "methods": ["POST", "PUT"]},
    lambda word: {"paths": [f"/{word}/*"], "headers": {"X-Canary": "yes"}, "methods": ["GET"]},
    lambda word: {"paths": [f"/{word}/*"], **ALL},
    lambda word: {"paths": [f"/{word}/*"], "query": [{"key": "version", "value": "2"}]},
    lambda word: {"paths": [f"/{LONG}/{word}/*"]},
    lambda word: {"paths": [f"/{LONG}/{word}"], "hosts": ["shop.example.com"], **ALL},
)
# A set of 100 routes is not made smaller, which would take minutes.
large = partial(deterministic, phases=[Phase.generate])
SEVERAL_SHAPES = st.sampled_from([SHAPES, *((shape,) for shape in SHAPES)])


@st.composite
def routes_of_services(draw: st.DrawFn, number: int = 100) -> Routes:
    """The routes of different services, of one shape or of all, so that no two match the same
    request."""
    shape = st.sampled_from(draw(SEVERAL_SHAPES))
    pairs = st.tuples(WORDS.filter(lambda word: word.strip("_-")), shape)
    drawn = draw(
        st.lists(
            pairs, min_size=number, max_size=number, unique_by=lambda pair: pair[0].strip("_-")
        )
    )
    return {f"s-{word}": make(word) for word, make in drawn}


@st.composite
def decided_routes(draw: st.DrawFn) -> Routes:
    """Routes of which any two may match the same request, if one is more specific."""
    decided: list[dict[str, Any]] = []
    for params in draw(st.lists(conditions_of_a_route(), min_size=2, max_size=24)):
        if all(find_conflict(make_route(**params), make_route(**each)) is None for each in decided):
            decided.append(params)
    return {f"s{number}": params for number, params in enumerate(decided)}


def rules(routes: Routes, listener: str = "public") -> list[ListenerRule]:
    balancer = cast("Any", SimpleNamespace(name="public", listener_id=listener))
    return [
        ListenerRule(stack, 0, make_route(**params), balancer, None)
        for stack, params in routes.items()
    ]


def assign(routes: Routes, known: KnownPriorities = NO_PRIORITIES) -> dict[str, int]:
    """The numbers by stack."""
    return {
        stack: priority.number
        for (stack, _, _), priority in assign_priorities(rules(routes), known).items()
    }


def record(routes: Routes, known: KnownPriorities = NO_PRIORITIES) -> KnownPriorities:
    """What a build records for the next one."""
    priorities = assign_priorities(rules(routes), known)
    return KnownPriorities({key[:2]: priority for key, priority in priorities.items()})


def recorded(numbers: Mapping[str, int]) -> KnownPriorities:
    title = rules({"any": {"paths": ["/*"]}})[0].title
    return KnownPriorities(
        {(stack, title): RulePriority(number) for stack, number in numbers.items()}
    )


def computed(routes: Routes) -> dict[str, int]:
    return {rule.stack: compute_priority(rule.route, rule.name) for rule in rules(routes)}


def find_messages(routes: Routes, known: KnownPriorities = NO_PRIORITIES) -> list[str]:
    """The problems that are reported, with the stack that has each."""
    listed = rules(routes)
    listeners = group_by_listener(listed, assign_priorities(listed, known))
    return [
        f"{rule.stack}: {problem.message}. {problem.hint}"
        for rule in listed
        for problem in rule_conflicts([rule], listeners)
    ]


def paths(*words: str) -> dict[str, dict[str, Any]]:
    return {f"s-{word}": {"paths": [f"/{word}/*"]} for word in words}


def clashing_words(number: int = 2) -> list[str]:
    """Words whose paths have the same computed priority."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = [first + second for first in letters for second in letters]
    by_priority: dict[int, list[str]] = {}
    for word, priority in zip(words, computed(paths(*words)).values(), strict=True):
        by_priority.setdefault(priority, []).append(word)
    return next(found[:number] for found in by_priority.values() if len(found) >= number)


# Properties ----------------------------------------------------------------------------------


@large(max_examples=40)
@given(routes_of_services())
def test_a_hundred_routes_of_any_shape_need_no_written_priority(routes: Routes) -> None:
    numbers = assign(routes)
    assert numbers.keys() == routes.keys()
    assert len(set(numbers.values())) == 100
    assert all(1 <= number <= 50_000 for number in numbers.values())
    assert find_messages(routes) == []


@large(max_examples=20)
@given(routes_of_services())
def test_a_number_without_a_clash_is_the_computed_one(routes: Routes) -> None:
    numbers, wanted = assign(routes), computed(routes)
    claims = Counter(wanted.values())
    alone = {stack for stack, number in wanted.items() if claims[number] == 1}
    assert {stack: numbers[stack] for stack in alone} == {stack: wanted[stack] for stack in alone}
    assert all(numbers[stack] != wanted[stack] for stack in numbers.keys() - alone)


@large(max_examples=30)
@given(routes_of_services(), st.randoms(use_true_random=False))
def test_numbers_stay_when_services_come_and_go(routes: Routes, random: Any) -> None:
    stacks = [*routes]
    random.shuffle(stacks)
    before = {stack: routes[stack] for stack in stacks[:60]}
    known = record(before)
    assert record(before, known) == known
    kept = {stack: number for stack, number in assign(before).items() if random.random() < 0.7}
    changed = {stack: routes[stack] for stack in sorted({*kept, *stacks[60:]})}
    after = assign(changed, known)
    assert after.keys() == changed.keys()
    assert {stack: after[stack] for stack in kept} == kept
    new = {after[stack] for stack in stacks[60:]}
    assert not new & set(assign(before).values()), "also not those of the removed rules"


@deterministic(max_examples=150)
@given(decided_routes(), st.integers(0, 24))
def test_the_more_specific_route_is_evaluated_first(routes: Routes, count: int) -> None:
    """Also if a part of the routes came in an earlier build."""
    known = record(dict([*routes.items()][:count]))
    numbers = assign(routes, known)
    assert numbers.keys() == routes.keys()
    made = {stack: make_route(**params) for stack, params in routes.items()}
    for first, second in combinations(made, 2):
        wide, narrow = sorted((first, second), key=lambda stack: made[stack].specificity)
        if made[wide].specificity != made[narrow].specificity and overlap(made[wide], made[narrow]):
            assert numbers[narrow] < numbers[wide]


def crowd(length: int, *words: str) -> dict[str, dict[str, Any]]:
    """Routes of a part of five numbers: those of paths with this many characters before `*`."""
    return {f"s-{word}": {"paths": [f"/{word:x<{length}}*"]} for word in words}


@large(max_examples=25)
@given(
    st.lists(
        st.tuples(st.sampled_from("abcdefghijkl"), st.integers(66, 70)),
        min_size=30,
        max_size=45,
        unique=True,
    ),
    st.integers(0, 45),
)
def test_nested_routes_of_full_parts_are_in_order(pairs: list[tuple[str, int]], count: int) -> None:
    """Each part has five numbers and up to twelve routes. Those of a letter are nested. If no
    number is left between two others, that is reported."""
    routes = {f"s-{letter}-{size}": crowd(size, letter)[f"s-{letter}"] for letter, size in pairs}
    known = record(dict([*routes.items()][:count]))
    numbers = assign(routes, known)
    reported = [message.split(":")[0] for message in find_messages(routes, known)]
    assert sorted(reported) == sorted(routes.keys() - numbers.keys())
    assert len(reported) < 4
    for letter in {letter for letter, _ in pairs}:
        sizes = sorted((size for each, size in pairs if each == letter), reverse=True)
        names = [f"s-{letter}-{size}" for size in sizes]
        in_order = [numbers[name] for name in names if name in numbers]
        assert in_order == sorted(in_order)


def test_routes_whose_part_is_full_keep_the_order_and_their_numbers() -> None:
    full = crowd(70, *"abcdefghij")
    known = record(full)
    outside = {key: each for key, each in known.recorded.items() if each.range_start is not None}
    assert len(outside) >= 5
    wide = {f"w-{letter}": {"paths": [f"/{letter}x*"]} for letter in "abcdefghij"}
    narrow = {f"n-{word}": params for word, params in crowd(72, *"abcdefghij").items()}
    numbers = assign({**full, **wide, **narrow}, known)
    for letter in "abcdefghij":
        first, second, third = (numbers[f"{kind}-{letter}"] for kind in ("n-s", "s", "w"))
        assert first < second < third
    assert {stack: numbers[stack] for stack in full} == assign(full)
    assert assign(full, known) == assign(full)


# What can change between two builds ----------------------------------------------------------


def test_a_new_route_leaves_its_number_to_the_one_that_has_it() -> None:
    first, second = clashing_words()
    for old, new in ((first, second), (second, first)):
        before = assign(paths(old))
        after = assign(paths(first, second), record(paths(old)))
        assert after[f"s-{old}"] == before[f"s-{old}"]
        assert after[f"s-{new}"] in find_range(make_route(paths=[f"/{new}/*"]))
        assert after[f"s-{new}"] != before[f"s-{old}"]
        assert assign(paths(new), record(paths(first, second), record(paths(old)))) == {
            f"s-{new}": after[f"s-{new}"]
        }, "the number stays when the other route is removed"


def test_without_a_record_no_route_gets_the_number_that_one_of_them_may_be_deployed_with() -> None:
    words = clashing_words(3)
    numbers = assign(paths(*words))
    assert computed(paths(*words))[f"s-{words[0]}"] not in numbers.values()
    assert len(set(numbers.values())) == 3
    assert [assign(paths(*words[:2]))[f"s-{word}"] for word in words[:2]] == [
        numbers[f"s-{word}"] for word in words[:2]
    ], "what they get instead depends on the others as little as possible"


def test_a_number_that_two_branches_gave_is_given_to_neither() -> None:
    routes = paths("aa", "bb", "cc")
    (number,) = assign(paths("cc")).values()
    merged = recorded({"s-aa": number, "s-bb": number})
    numbers = assign(routes, merged)
    assert number not in numbers.values()
    assert len(set(numbers.values())) == 3
    known = record(routes, merged)
    assert assign(routes, known) == numbers


def test_a_changed_route_keeps_its_number_within_its_part() -> None:
    (number,) = assign({"web": {"paths": ["/aa/*"]}}).values()
    known = record({"web": {"paths": ["/aa/*"]}})
    assert assign({"web": {"paths": ["/bb/*"]}}, known) == {"web": number}
    for changed in ({"paths": ["/aaa/*"]}, {"paths": ["/aa/*"], "methods": ["GET"]}):
        assert assign({"web": changed}, known) == computed({"web": changed})
    assert assign({"web": {"paths": ["/aa/*"], "priority": 7}}, known) == {"web": 7}


def test_a_rule_with_another_logical_id_does_not_take_the_number_of_the_old_one() -> None:
    routes = {"web": {"paths": ["/aa/*"]}}
    (number,) = assign({"web": {"paths": ["/aa/*"], "name": "next"}}).values()
    renamed = assign({"web": {"paths": ["/aa/*"], "name": "next"}}, recorded({"web": number}))
    assert renamed["web"] != number
    assert assign(routes, recorded({"web": number})) == {"web": number}


def test_a_rule_outside_its_part_moves_when_its_conditions_do() -> None:
    full = crowd(70, *"abcdefghij")
    known = record(full)
    (stack, _), _ = next(each for each in known.recorded.items() if each[1].range_start)
    changed = {**full, stack: {"paths": ["/short/*"]}}
    assert assign(changed, known)[stack] == computed(changed)[stack]


def test_a_record_outside_its_part_that_breaks_the_order_is_dropped() -> None:
    routes = {"narrow": {"paths": ["/aa/*"]}, "wide": {"paths": ["/a*"]}}
    start = find_range(make_route(paths=["/aa/*"])).start
    title = rules(routes)[0].title
    wrong = KnownPriorities(
        {
            ("narrow", title): RulePriority(50_000, start),
            ("wide", title): RulePriority(find_range(make_route(paths=["/a*"])).start),
        }
    )
    assert assign(routes, wrong)["narrow"] == computed(routes)["narrow"]


def test_a_number_of_another_part_is_not_kept() -> None:
    routes = paths("aa")
    assert assign(routes, recorded({"s-aa": 17})) == computed(routes)


# Written priorities --------------------------------------------------------------------------


def test_a_new_route_avoids_a_written_priority() -> None:
    (number,) = computed(paths("aa")).values()
    written = {"web": {"paths": ["/other/*"], "priority": number}}
    numbers = assign({**paths("aa"), **written})
    assert numbers["web"] == number
    assert numbers["s-aa"] != number
    assert find_messages({**paths("aa"), **written}) == []


def test_a_written_priority_that_another_rule_has_is_reported_where_it_is_written() -> None:
    (number,) = computed(paths("aa")).values()
    for stack in ("a-first", "z-last"):
        routes = {**paths("aa"), stack: {"paths": ["/other/*"], "priority": number}}
        (message,) = find_messages(routes, record(paths("aa")))
        start = f"{stack}: The route has the same priority, {number}, as `stacks.s-aa.expose[0]`."
        assert message.startswith(f"{start} Write another `priority:` here; ")
        free = int(message.split()[-3])
        assert (
            find_messages(
                {**routes, stack: {"paths": ["/other/*"], "priority": free}}, record(paths("aa"))
            )
            == []
        )


def test_each_finding_about_equal_priorities_has_a_free_number_of_its_own() -> None:
    routes = {
        f"s-{word}": {"paths": [f"/{word}/*"], "priority": 5} for word in ("aa", "bb", "cc", "dd")
    }
    messages = find_messages(routes)
    hints = {message.split(". ", 1)[1] for message in messages}
    assert {message.split(":", 1)[0] for message in messages} == {"s-bb", "s-cc", "s-dd"}
    assert len(hints) == 3
    assert all("in the route that is not deployed yet; " in hint for hint in hints)


def test_the_number_of_a_removed_priority_is_kept_if_it_is_in_the_part() -> None:
    numbers = find_range(make_route(paths=["/aa/*"]))
    for number in (numbers[0], numbers[-1]):
        assert assign(paths("aa"), recorded({"s-aa": number})) == {"s-aa": number}


# Listeners -----------------------------------------------------------------------------------


def test_rules_of_two_listeners_may_have_the_same_number() -> None:
    first, second = clashing_words()
    listed = [*rules(paths(first), "one"), *rules(paths(second), "two")]
    numbers = [each.number for each in assign_priorities(listed, NO_PRIORITIES).values()]
    assert numbers[0] == numbers[1]


def test_no_number_of_another_environment_on_the_listener_is_used() -> None:
    (number,) = computed(paths("aa")).values()
    for known in (NO_PRIORITIES, record(paths("aa"))):
        foreign = KnownPriorities(known.recorded, frozenset({number}))
        (other,) = assign(paths("aa"), foreign).values()
        assert other != number
        assert other in find_range(make_route(paths=["/aa/*"]))


def test_a_rule_for_which_no_number_is_left_is_reported() -> None:
    everything = KnownPriorities({}, frozenset(range(1, 50_001)))
    assert assign(paths("aa"), everything) == {}
    assert find_messages(paths("aa"), everything) == [
        "s-aa: No priority is left that keeps the order among the routes of the listener. "
        "Write a `priority:` (the lowest is first), or other conditions."
    ]


def test_no_routes_are_compared_while_no_part_is_full() -> None:
    """So the time grows with the number of routes, and not with its square."""
    routes = {f"s{each}": {"hosts": [f"h{each}.example.com"]} for each in range(2000)}
    compared: list[Any] = []
    with pytest.MonkeyPatch.context() as patch:
        module = "templates.exposure.alb.assigned_priorities"
        patch.setattr(f"{module}.overlap", lambda *pair: compared.append(pair))
        patch.setattr(f"{module}.RouteIndex", compared.append)
        assert len(set(assign(routes).values())) == 2000
    assert compared == []
