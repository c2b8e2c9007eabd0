"""Which listener rule is asked first, and which two cannot both stand."""

from __future__ import annotations

from functools import partial
from itertools import combinations, pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from templates.exposure.alb import priorities
from templates.exposure.alb.listener_rules import actions, conditions
from templates.exposure.alb.priorities import find_free_priority, resolve_priority
from templates.exposure.alb.route_conflicts import find_conflict, shadows
from templates.exposure.alb.route_problems import route_problems
from templates.exposure.alb.routes import Route

# The same draws in every run: a red test is news about the change that it is red for.
steady = partial(settings, deadline=None, derandomize=True, database=None)


def route(**given: Any) -> Route:
    return Route.model_validate({"via": "public", **given})


# Strategies ----------------------------------------------------------------------------------

_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789-_"
WORDS = st.text(_LETTERS, min_size=1, max_size=12)
PATTERNS = st.lists(st.one_of(WORDS, st.sampled_from("*?/")), max_size=6).map("".join)
PATHS = st.one_of(PATTERNS.map("/{}".format), PATTERNS.map("*{}".format), st.just("/*"))
LABELS = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=12)
TOPS = st.text("abcdefghij", min_size=2, max_size=5)
HOSTS = st.one_of(
    LABELS.map("{}.example.com".format),
    st.tuples(LABELS, TOPS).map(".".join),
    LABELS.map("*.{}.com".format),
    LABELS.map("{}*.com".format),
    LABELS.map("?.{}.com".format),
)
OTHERS: list[dict[str, Any]] = [
    {"methods": ["POST"]},
    {"headers": {"X-Canary": "yes"}},
    {"query": [{"key": "version", "value": "2"}]},
    {"source_ips": ["10.0.0.0/8"]},
]


def _few(values: SearchStrategy[str]) -> SearchStrategy[list[str]]:
    return st.lists(values, min_size=1, max_size=3, unique=True)


@st.composite
def asked(draw: st.DrawFn) -> dict[str, Any]:
    """Conditions of a route, as params: at least one."""
    given = draw(st.fixed_dictionaries({}, optional={"hosts": _few(HOSTS), "paths": _few(PATHS)}))
    for one in draw(st.lists(st.sampled_from(OTHERS), unique_by=str, max_size=4)):
        given |= one
    return given or {"paths": ["/*"]}


@st.composite
def narrower_pattern(draw: st.DrawFn, pattern: str, letters: str = _LETTERS) -> str:
    """A pattern that matches less: a wildcard has become letters, or something more exact."""
    at = draw(st.sampled_from([at for at, one in enumerate(pattern) if one in "*?"]))
    text = st.text(letters, min_size=1, max_size=6)
    choices = (
        [text] if pattern[at] == "?" else [text, text.map("{}*".format), text.map("*{}".format)]
    )
    narrow = draw(st.one_of(*choices)) if pattern[at] == "*" else draw(st.sampled_from(letters))
    return pattern[:at] + narrow + pattern[at + 1 :]


WILD_PATHS = PATHS.filter(lambda one: "*" in one or "?" in one)
WILD_HOSTS = st.one_of(
    LABELS.map("*.{}.com".format), LABELS.map("{}*.com".format), LABELS.map("*.{}*.com".format)
)


@st.composite
def nested(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    """Conditions, and others that only match what those match, and less of it."""
    wide: dict[str, Any] = draw(
        st.fixed_dictionaries({}, optional={"hosts": _few(WILD_HOSTS), "paths": _few(WILD_PATHS)})
    )
    wide |= draw(st.sampled_from([{}, *OTHERS]))
    free = [one for one in OTHERS if not one.keys() & wide.keys()]
    narrow = dict(wide)
    way = draw(st.sampled_from(["other", "hosts", "paths"]))
    if way == "other":
        narrow |= draw(st.sampled_from(free))
    elif way in wide:
        letters = "abcdefghij" if way == "hosts" else _LETTERS
        less = [draw(narrower_pattern(one, letters)) for one in wide[way]]
        begun = [one if way == "hosts" or one[0] in "/*" else f"/{one}" for one in less]
        narrow[way] = list(dict.fromkeys(begun))
    else:
        narrow[way] = draw(_few(LABELS.map({"hosts": "{}.a.com", "paths": "/{}/*"}[way].format)))
    return wide or {"paths": ["/*"]}, narrow


# Priorities ----------------------------------------------------------------------------------


@steady(max_examples=300)
@given(asked())
def test_a_priority_is_one_that_aws_takes(given_: dict[str, Any]) -> None:
    assert 1 <= resolve_priority(route(**given_)) <= 50_000


@steady(max_examples=100)
@given(asked())
def test_a_priority_comes_from_the_conditions_alone(given_: dict[str, Any]) -> None:
    again = {
        key: list(reversed(value)) if isinstance(value, list) else value
        for key, value in given_.items()
    }
    settings_ = {"name": "other", "container": "app", "port": 80, "deregistration_delay": "5s"}
    assert resolve_priority(route(**given_)) == resolve_priority(route(**again, **settings_))


def test_priorities_are_the_same_for_ever() -> None:
    """Another number for a route that is deployed is a change in everybody's templates."""
    assert [
        resolve_priority(route(**one))
        for one in (
            {"paths": ["/*"]},
            {"paths": ["/api/*"]},
            {"hosts": ["shop.example.com"]},
            {"hosts": ["*.example.com"], "methods": ["POST"]},
            {"hosts": ["shop.example.com"], "paths": ["/api/*"], "headers": {"X-A": "b"}},
        )
    ] == [49901, 48512, 18568, 34780, 6531]


def test_bands_never_overlap_and_end_above_zero() -> None:
    hosts: list[dict[str, Any]] = [{}, {"hosts": ["a.example.com"]}]
    hosts += [{"hosts": [f"*.{'h' * length}"]} for length in (1, 7, 8, 40, 41, 126)]
    paths: list[dict[str, Any]] = [{}, {"paths": ["/"]}, {"paths": ["*a"]}]
    paths += [{"paths": [f"/{'p' * length}*"]} for length in range(1, 127)]
    others = [{}, *OTHERS[:1], OTHERS[0] | OTHERS[1], OTHERS[0] | OTHERS[1] | OTHERS[2]]
    every = [{**host, **path, **more} for host in hosts for path in paths for more in others]
    ranges = {one.specificity: priorities._find_range(one) for one in (route(**it) for it in every)}
    assert all(size >= 1 for _, size in ranges.values())
    in_order = [ranges[key] for key in sorted(ranges)]
    assert in_order[0][0] == 50_000
    assert all(first - size >= later for (first, size), (later, _) in pairwise(in_order))
    first, size = in_order[-1]
    assert first - size >= 0


NARROWER: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("a longer prefix", {"paths": ["/a/*"]}, {"paths": ["/a/b/*"]}),
    ("a longer name", {"paths": ["/a*"]}, {"paths": ["/ab*"]}),
    ("a whole path", {"paths": ["/a/*"]}, {"paths": ["/a/b"]}),
    ("the path itself", {"paths": ["/a*"]}, {"paths": ["/a"]}),
    ("one letter", {"paths": ["/a*"]}, {"paths": ["/a?"]}),
    ("that letter", {"paths": ["/a?"]}, {"paths": ["/ab"]}),
    ("any path", {"paths": ["/*"]}, {"paths": ["/a*"]}),
    ("an ending", {"paths": ["*.jpg"]}, {"paths": ["/a/*.jpg"]}),
    ("a path with a host", {"paths": ["/a/*"]}, {"paths": ["/a/*"], "hosts": ["a.example.com"]}),
    ("a whole path with a wild host", {"paths": ["/a"]}, {"paths": ["/a"], "hosts": ["*.a.com"]}),
    ("a host", {"paths": ["/*"]}, {"hosts": ["*.example.com"]}),
    ("a host by name", {"hosts": ["*.example.com"]}, {"hosts": ["shop.example.com"]}),
    ("a domain below", {"hosts": ["*.example.com"]}, {"hosts": ["*.api.example.com"]}),
    (
        "a wild host with a path",
        {"hosts": ["*.example.com"]},
        {"hosts": ["*.example.com"], "paths": ["/a/*"]},
    ),
    (
        "a host by name, with any path",
        {"hosts": ["*.example.com"], "paths": ["/a/very/long/path/indeed/*"]},
        {"hosts": ["shop.example.com"], "paths": ["/a/very/long/path/indeed/*"]},
    ),
    *(
        (f"with {next(iter(other))}", given_, given_ | other)
        for other in OTHERS
        for given_ in ({"paths": ["/a/*"]}, {"hosts": ["a.example.com"]}, {"paths": ["/*"]})
    ),
    ("two more", OTHERS[0], OTHERS[0] | OTHERS[1]),
    ("three", OTHERS[0] | OTHERS[1], OTHERS[0] | OTHERS[1] | OTHERS[2]),
    ("fewer values", {"paths": ["/a/*", "/bcd/*"]}, {"paths": ["/bcd/*"]}),
]


@pytest.mark.parametrize(
    ("wide", "narrow"), [pytest.param(*pair, id=name) for name, *pair in NARROWER]
)
def test_the_narrower_route_is_asked_first(wide: dict[str, Any], narrow: dict[str, Any]) -> None:
    assert resolve_priority(route(**narrow)) < resolve_priority(route(**wide))
    assert find_conflict(route(**narrow), route(**wide)) is None


@steady(max_examples=600)
@given(nested())
def test_the_narrower_route_is_asked_first_or_it_is_said(
    pair: tuple[dict[str, Any], dict[str, Any]],
) -> None:
    wide, narrow = (route(**one) for one in pair)
    assert narrow.specificity >= wide.specificity
    assert resolve_priority(narrow) < resolve_priority(wide) or find_conflict(narrow, wide)


def test_a_priority_of_ones_own_is_taken_as_it_is() -> None:
    assert resolve_priority(route(paths=["/a/*"], priority=17)) == 17


# Clashes -------------------------------------------------------------------------------------


@steady(max_examples=200)
@given(asked())
def test_routes_that_ask_the_same_always_clash(given_: dict[str, Any]) -> None:
    for more in ({}, {"priority": 1}):
        found = find_conflict(route(**given_), route(**given_, **more, name="other"))
        assert found is not None
        assert found[0] == "matches the same requests"


SAME: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"hosts": ["a.example.com"]}, {"hosts": ["A.Example.com"], "paths": ["/*"]}),
    ({"paths": ["/*"]}, {"paths": ["*"]}),
    ({"paths": ["/a", "/b"]}, {"paths": ["/b", "/a"]}),
    ({"headers": {"X-A": "One"}}, {"headers": {"x-a": "one"}}),
    ({"methods": ["GET"], "paths": ["/*"]}, {"methods": ["GET"]}),
]


@pytest.mark.parametrize(("one", "other"), SAME, ids=str)
def test_what_is_the_same_to_a_load_balancer_clashes(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    found = find_conflict(route(**one), route(**other))
    assert found
    assert found[0] == "matches the same requests"


UNDECIDED: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"paths": ["/a", "/b"]}, {"paths": ["/b", "/c"]}),
    ({"paths": ["/a?"]}, {"paths": ["/??"]}),
    ({"paths": ["/ab*"]}, {"paths": ["/a*b"]}),
    ({"paths": ["/a/*", "/b/*"]}, {"paths": ["/a/*"]}),
    ({"source_ips": ["10.0.0.0/8"]}, {"source_ips": ["10.1.0.0/16"]}),
    ({"headers": {"X-A": "a*"}}, {"headers": {"X-A": "ab"}}),
    ({"headers": {"X-A": "1"}}, {"headers": {"X-B": "1"}}),
    ({"methods": ["GET"]}, {"headers": {"X-B": "1"}}),
    ({"query": [{"key": "v", "value": "*"}]}, {"query": [{"key": "v", "value": "2"}]}),
    ({"query": [{"value": "2"}]}, {"query": [{"key": "v", "value": "2"}]}),
    ({"hosts": ["a.com", "b.com"]}, {"hosts": ["b.com", "c.com"]}),
]


@pytest.mark.parametrize(("one", "other"), UNDECIDED, ids=str)
def test_what_chance_would_decide_is_said(one: dict[str, Any], other: dict[str, Any]) -> None:
    for pair in ((one, other), (other, one)):
        found = find_conflict(*(route(**given_) for given_ in pair))
        assert found
        assert found[0] == "matches some of the same requests and is as specific"
    assert find_conflict(route(**one, priority=1), route(**other)) is None, "a person has decided"


APART: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"paths": ["/abc/*"]}, {"paths": ["/abd/*"]}),
    ({"paths": ["/a*"]}, {"paths": ["/A*"]}),
    ({"paths": ["/x/*"], "methods": ["GET"]}, {"paths": ["/x/*"], "methods": ["POST"]}),
    ({"source_ips": ["10.0.0.0/16"]}, {"source_ips": ["10.1.0.0/16"]}),
    ({"source_ips": ["10.0.0.0/16"]}, {"source_ips": ["fd00::/16"]}),
    ({"hosts": ["*.a.com"]}, {"hosts": ["*.bb.com"]}),
    ({"headers": {"X-A": "1*"}}, {"headers": {"X-A": "2*"}}),
    ({"query": [{"key": "v", "value": "1"}]}, {"query": [{"key": "v", "value": "2"}]}),
    ({"query": [{"key": "v", "value": "1"}]}, {"query": [{"key": "w", "value": "1"}]}),
]


@pytest.mark.parametrize(("one", "other"), APART, ids=str)
def test_what_no_request_asks_of_both_does_not_clash(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    assert find_conflict(route(**one), route(**other)) is None


def _same_number() -> tuple[Route, Route]:
    """Two routes whose conditions fall on one number by chance."""
    every = [route(paths=[f"/{first}{second}*"]) for first in _LETTERS for second in _LETTERS]
    return next(
        pair
        for pair in combinations(every, 2)
        if resolve_priority(pair[0]) == resolve_priority(pair[1])
    )


def test_numbers_that_meet_by_chance_are_told_apart_by_one_that_is_free() -> None:
    one, other = _same_number()
    below = route(paths=["/zz*"], priority=resolve_priority(one) - 1)
    found = find_conflict(
        one, other, taken=[resolve_priority(one), resolve_priority(other), resolve_priority(below)]
    )
    assert found
    assert found[0] == f"has the same priority, {resolve_priority(one)},"
    free = find_free_priority(one, {resolve_priority(one), resolve_priority(below)})
    assert f"`priority: {free}`" in found[1]
    assert free not in (resolve_priority(one), resolve_priority(below))
    moved = one.model_copy(update={"priority": free})
    assert find_conflict(moved, other) is None
    assert (
        resolve_priority(route(paths=["/abc*"]))
        < resolve_priority(moved)
        < resolve_priority(route(paths=["/a*"]))
    )


def test_a_part_that_is_full_has_no_free_number() -> None:
    assert find_free_priority(route(paths=["/a*"]), range(1, 50_001)) is None


def test_explicit_priorities_must_differ_too() -> None:
    found = find_conflict(route(paths=["/a/*"], priority=5), route(paths=["/b/*"], priority=5))
    assert found
    assert "same priority, 5" in found[0]


# Conditions ----------------------------------------------------------------------------------


def test_conditions_come_in_one_order_however_they_are_written() -> None:
    one = route(
        paths=["/b", "/a"],
        hosts=["b.com", "a.com"],
        headers={"X-B": "1", "X-A": ["2", "1"]},
        query=[{"value": "v"}, {"key": "a", "value": "b"}],
    )
    assert [condition.to_dict() for condition in conditions(one)] == [
        {"Field": "host-header", "HostHeaderConfig": {"Values": ["a.com", "b.com"]}},
        {"Field": "path-pattern", "PathPatternConfig": {"Values": ["/a", "/b"]}},
        {
            "Field": "http-header",
            "HttpHeaderConfig": {"HttpHeaderName": "X-A", "Values": ["1", "2"]},
        },
        {
            "Field": "http-header",
            "HttpHeaderConfig": {"HttpHeaderName": "X-B", "Values": ["1"]},
        },
        {
            "Field": "query-string",
            "QueryStringConfig": {"Values": [{"Value": "v"}, {"Key": "a", "Value": "b"}]},
        },
    ]


def found(https: bool = True, **given: Any) -> list[tuple[str, tuple[Any, ...]]]:
    problems = route_problems(route(**given), ("expose", 0), https=https)
    return [(one.code, one.path[2:]) for one in problems]


BAD: list[tuple[dict[str, Any], list[tuple[str, tuple[Any, ...]]]]] = [
    ({}, [("M1108", ())]),
    ({"paths": [f"/{number}" for number in range(6)]}, [("M1215", ())]),
    ({"paths": ["/*/*/*/*"], "hosts": ["*.*.a.com"]}, [("M1215", ())]),
    ({"paths": ["/a"], "redirect": {"host": "b.com"}}, [("M1102", ("name",))]),
    (
        {"paths": ["/a"], "name": "a", "redirect": {"status_code": 301}},
        [("M1108", ("redirect",))],
    ),
    (
        {"paths": ["/a"], "name": "a", "redirect": {"host": "b.com"}, "fixed_response": {}},
        [("M1108", ())],
    ),
    (
        {"paths": ["/a"], "name": "a", "fixed_response": {}, "stickiness": {}},
        [("M1108", ("stickiness",))],
    ),
    (
        {"paths": ["/a"], "slow_start": "30s", "algorithm": "least_outstanding_requests"},
        [("M1108", ("slow_start",))],
    ),
    (
        {"paths": ["/a"], "health_check": {"interval": "5s", "timeout": "5s"}},
        [("M1105", ("health_check",))],
    ),
    ({"paths": ["/a"], "authenticate": {}}, [("M1108", ("authenticate",))]),
]


@pytest.mark.parametrize(("given", "wanted"), BAD, ids=str)
def test_what_is_wrong_with_a_route(
    given: dict[str, Any], wanted: list[tuple[str, tuple[Any, ...]]]
) -> None:
    assert found(**given) == wanted


LOOPS: list[tuple[bool, dict[str, Any]]] = [
    (True, {"protocol": "HTTPS"}),
    (True, {"protocol": "HTTPS", "query": "a=b", "status_code": 301}),
    (True, {"port": 443}),
    (True, {"host": "#{host}", "path": "/#{path}", "port": 443, "protocol": "HTTPS"}),
    (False, {"protocol": "HTTP"}),
    (False, {"port": 80, "host": "#{host}"}),
]
MOVES: list[tuple[bool, dict[str, Any]]] = [
    (False, {"protocol": "HTTPS"}),
    (True, {"port": 8443}),
    (True, {"host": "www.#{host}"}),
    (True, {"path": "/#{host}/#{path}"}),
    (True, {"path": "/new", "query": "#{query}&old=#{path}"}),
]


@pytest.mark.parametrize(("https", "redirect"), LOOPS, ids=str)
def test_a_redirect_that_changes_nothing_is_a_loop(https: bool, redirect: dict[str, Any]) -> None:
    faults = found(https=https, name="a", paths=["/a"], redirect=redirect)
    assert faults == [("M1108", ("redirect",))]


@pytest.mark.parametrize(("https", "redirect"), MOVES, ids=str)
def test_a_redirect_that_changes_something_is_none(https: bool, redirect: dict[str, Any]) -> None:
    assert found(https=https, name="a", paths=["/a"], redirect=redirect) == []


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("host", "https://www.example.com"),
        ("host", "#{path}.example.com"),
        ("host", "a b"),
        ("path", "/#{query}"),
        ("path", "/#{pth}"),
        ("path", "/a?b=c"),
        ("path", "/a#b"),
        ("query", "a=#{uri}"),
    ],
)
def test_the_parts_of_a_redirect_are_well_formed(key: str, value: str) -> None:
    faults = found(name="a", paths=["/a"], redirect={"host": "b.com", key: value})
    assert faults == [("M1107", ("redirect", key))]


@pytest.mark.parametrize(
    ("given", "port"),
    [
        ({"protocol": "HTTPS"}, "443"),
        ({"protocol": "HTTP"}, "80"),
        ({"protocol": "HTTPS", "port": 8443}, "8443"),
        ({"host": "b.com"}, None),
    ],
    ids=str,
)
def test_a_redirect_to_a_protocol_goes_to_its_port(given: dict[str, Any], port: str | None) -> None:
    (action,) = actions(route(paths=["/a"], redirect=given), None)
    assert action.to_dict()["RedirectConfig"].get("Port") == port


@pytest.mark.parametrize(
    ("wide", "narrow", "wanted"),
    [
        ({"paths": ["/*"]}, {"hosts": ["a.com"]}, True),
        ({"paths": ["/*"]}, {"paths": ["/*"]}, False),
        ({"paths": ["/api/*"]}, {"paths": ["/api/a", "/api/b/*"]}, True),
        ({"paths": ["/api/*"]}, {"paths": ["/api/a", "/b"]}, False),
        ({"paths": ["/api/*"]}, {"hosts": ["a.com"]}, False),
        ({"paths": ["/api/a"]}, {"paths": ["/api/*"]}, False),
        ({"paths": ["/a?"]}, {"paths": ["/a*"]}, False),
        ({"hosts": ["*.a.com"]}, {"hosts": ["X.a.com"], "methods": ["POST"]}, True),
        ({"source_ips": ["10.0.0.0/8"]}, {"source_ips": ["10.1.0.0/16"]}, True),
        ({"source_ips": ["10.1.0.0/16"]}, {"source_ips": ["10.0.0.0/8"]}, False),
        ({"query": [{"value": "1"}]}, {"query": [{"key": "v", "value": "1"}]}, True),
    ],
    ids=str,
)
def test_which_route_would_hide_another(
    wide: dict[str, Any], narrow: dict[str, Any], wanted: bool
) -> None:
    assert shadows(route(**wide), route(**narrow)) is wanted


@pytest.mark.parametrize("version", ["GRPC", "HTTP2"])
def test_versions_after_http1_need_https(version: str) -> None:
    assert found(https=True, paths=["/a"], protocol_version=version) == []
    assert found(https=False, paths=["/a"], protocol_version=version) == [
        ("M1214", ("protocol_version",))
    ]


@pytest.mark.parametrize("path", ["a", "", "/a b", "/ä", "/" + "a" * 128])
def test_paths_that_no_request_has_are_refused(path: str) -> None:
    with pytest.raises(ValueError, match="path"):
        route(paths=[path])


@pytest.mark.parametrize("host", ["localhost", "a.*", "a.com/", "a" * 127 + ".b"])
def test_hosts_that_no_request_has_are_refused(host: str) -> None:
    with pytest.raises(ValueError, match="host"):
        route(hosts=[host])
