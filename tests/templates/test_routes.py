"""The order of listener rules, conflicts between them, and mistakes in routes."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from route_strategies import (
    OTHERS,
    conditions_of_a_route,
    deterministic,
    make_route,
    nested_conditions,
)

from templates.exposure.alb.listener_rules import actions, conditions
from templates.exposure.alb.priorities import compute_priority, find_range
from templates.exposure.alb.route_conflicts import find_conflict, shadows
from templates.exposure.alb.route_problems import route_problems

# Priorities ----------------------------------------------------------------------------------


@deterministic(max_examples=300)
@given(conditions_of_a_route())
def test_a_computed_priority_is_valid(params: dict[str, Any]) -> None:
    assert 1 <= compute_priority(make_route(**params)) <= 50_000


@deterministic(max_examples=100)
@given(conditions_of_a_route())
def test_a_computed_priority_depends_on_the_conditions_only(params: dict[str, Any]) -> None:
    reordered = {
        key: list(reversed(value)) if isinstance(value, list) else value
        for key, value in params.items()
    }
    other_keys = {"name": "other", "container": "app", "port": 80, "deregistration_delay": "5s"}
    assert compute_priority(make_route(**params)) == compute_priority(
        make_route(**reordered, **other_keys)
    )


def test_computed_priorities_never_change() -> None:
    """Another number for a deployed route would change every user's templates."""
    assert [
        compute_priority(make_route(**params))
        for params in (
            {"paths": ["/*"]},
            {"paths": ["/api/*"]},
            {"hosts": ["shop.example.com"]},
            {"hosts": ["*.example.com"], "methods": ["POST"]},
            {"hosts": ["shop.example.com"], "paths": ["/api/*"], "headers": {"X-A": "b"}},
        )
    ] == [49901, 48512, 18568, 34780, 6531]


def test_ranges_never_overlap_and_end_above_zero() -> None:
    hosts: list[dict[str, Any]] = [{}, {"hosts": ["a.example.com"]}]
    hosts += [{"hosts": [f"*.{'h' * length}"]} for length in (1, 7, 8, 40, 41, 126)]
    paths: list[dict[str, Any]] = [{}, {"paths": ["/"]}, {"paths": ["*a"]}]
    paths += [{"paths": [f"/{'p' * length}*"]} for length in range(1, 127)]
    others = [{}, *OTHERS[:1], OTHERS[0] | OTHERS[1], OTHERS[0] | OTHERS[1] | OTHERS[2]]
    routes = [
        make_route(**host, **path, **other) for host in hosts for path in paths for other in others
    ]
    ranges = {route.specificity: find_range(route) for route in routes}
    assert all(ranges.values())
    in_order = [ranges[key] for key in sorted(ranges)]
    assert in_order[0].start == 50_000
    assert all(first[-1] > later.start for first, later in pairwise(in_order))
    assert in_order[-1][-1] >= 1


NARROWER: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("a longer prefix", {"paths": ["/a/*"]}, {"paths": ["/a/b/*"]}),
    ("a longer name", {"paths": ["/a*"]}, {"paths": ["/ab*"]}),
    ("a path without wildcards", {"paths": ["/a/*"]}, {"paths": ["/a/b"]}),
    ("the path itself", {"paths": ["/a*"]}, {"paths": ["/a"]}),
    ("one letter", {"paths": ["/a*"]}, {"paths": ["/a?"]}),
    ("a certain letter", {"paths": ["/a?"]}, {"paths": ["/ab"]}),
    ("any path", {"paths": ["/*"]}, {"paths": ["/a*"]}),
    ("an ending", {"paths": ["*.jpg"]}, {"paths": ["/a/*.jpg"]}),
    ("a path with a host", {"paths": ["/a/*"]}, {"paths": ["/a/*"], "hosts": ["a.example.com"]}),
    (
        "a path without wildcards with a wildcard host",
        {"paths": ["/a"]},
        {"paths": ["/a"], "hosts": ["*.a.com"]},
    ),
    ("a host", {"paths": ["/*"]}, {"hosts": ["*.example.com"]}),
    ("a host without wildcards", {"hosts": ["*.example.com"]}, {"hosts": ["shop.example.com"]}),
    ("a subdomain", {"hosts": ["*.example.com"]}, {"hosts": ["*.api.example.com"]}),
    (
        "a wildcard host with a path",
        {"hosts": ["*.example.com"]},
        {"hosts": ["*.example.com"], "paths": ["/a/*"]},
    ),
    (
        "a host without wildcards, with a long path",
        {"hosts": ["*.example.com"], "paths": ["/a/very/long/path/indeed/*"]},
        {"hosts": ["shop.example.com"], "paths": ["/a/very/long/path/indeed/*"]},
    ),
    *(
        (f"with {next(iter(other))}", params, params | other)
        for other in OTHERS
        for params in ({"paths": ["/a/*"]}, {"hosts": ["a.example.com"]}, {"paths": ["/*"]})
    ),
    ("two more conditions", OTHERS[0], OTHERS[0] | OTHERS[1]),
    ("three conditions", OTHERS[0] | OTHERS[1], OTHERS[0] | OTHERS[1] | OTHERS[2]),
    ("fewer values", {"paths": ["/a/*", "/bcd/*"]}, {"paths": ["/bcd/*"]}),
]


@pytest.mark.parametrize(
    ("wide", "narrow"), [pytest.param(*pair, id=name) for name, *pair in NARROWER]
)
def test_the_narrower_route_is_evaluated_first(
    wide: dict[str, Any], narrow: dict[str, Any]
) -> None:
    assert compute_priority(make_route(**narrow)) < compute_priority(make_route(**wide))
    assert find_conflict(make_route(**narrow), make_route(**wide)) is None


@deterministic(max_examples=600)
@given(nested_conditions())
def test_the_narrower_route_is_evaluated_first_or_is_a_conflict(
    pair: tuple[dict[str, Any], dict[str, Any]],
) -> None:
    wide, narrow = (make_route(**params) for params in pair)
    assert narrow.specificity >= wide.specificity
    assert compute_priority(narrow) < compute_priority(wide) or find_conflict(narrow, wide)


# Conflicts -----------------------------------------------------------------------------------


@deterministic(max_examples=200)
@given(conditions_of_a_route())
def test_routes_with_the_same_conditions_always_conflict(params: dict[str, Any]) -> None:
    for more in ({}, {"priority": 1}):
        conflict = find_conflict(make_route(**params), make_route(**params, **more, name="other"))
        assert conflict is not None
        assert conflict[0] == "matches the same requests"


SAME: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"hosts": ["a.example.com"]}, {"hosts": ["A.Example.com"], "paths": ["/*"]}),
    ({"paths": ["/*"]}, {"paths": ["*"]}),
    ({"paths": ["/a", "/b"]}, {"paths": ["/b", "/a"]}),
    ({"headers": {"X-A": "One"}}, {"headers": {"x-a": "one"}}),
    ({"methods": ["GET"], "paths": ["/*"]}, {"methods": ["GET"]}),
]


@pytest.mark.parametrize(("first", "second"), SAME, ids=str)
def test_conditions_that_mean_the_same_conflict(
    first: dict[str, Any], second: dict[str, Any]
) -> None:
    conflict = find_conflict(make_route(**first), make_route(**second))
    assert conflict
    assert conflict[0] == "matches the same requests"


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


@pytest.mark.parametrize(("first", "second"), UNDECIDED, ids=str)
def test_overlapping_routes_of_equal_specificity_conflict(
    first: dict[str, Any], second: dict[str, Any]
) -> None:
    for pair in ((first, second), (second, first)):
        conflict = find_conflict(*(make_route(**params) for params in pair))
        assert conflict
        assert conflict[0] == "matches some of the same requests and is as specific"
    assert find_conflict(make_route(**first, priority=1), make_route(**second)) is None, (
        "the explicit priority decides"
    )


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


@pytest.mark.parametrize(("first", "second"), APART, ids=str)
def test_routes_that_no_request_matches_both_do_not_conflict(
    first: dict[str, Any], second: dict[str, Any]
) -> None:
    assert find_conflict(make_route(**first), make_route(**second)) is None


# Conditions ----------------------------------------------------------------------------------


def test_the_order_of_conditions_does_not_depend_on_the_params() -> None:
    route = make_route(
        paths=["/b", "/a"],
        hosts=["b.com", "a.com"],
        headers={"X-B": "1", "X-A": ["2", "1"]},
        query=[{"value": "v"}, {"key": "a", "value": "b"}],
    )
    assert [condition.to_dict() for condition in conditions(route)] == [
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


def find_problems(https: bool = True, **params: Any) -> list[tuple[str, tuple[Any, ...]]]:
    problems = route_problems(make_route(**params), ("expose", 0), https=https)
    return [(problem.code, problem.path[2:]) for problem in problems]


BAD: list[tuple[dict[str, Any], list[tuple[str, tuple[Any, ...]]]]] = [
    ({}, [("M2400", ())]),
    ({"paths": [f"/{number}" for number in range(6)]}, [("M1215", ())]),
    ({"paths": ["/*/*/*/*"], "hosts": ["*.*.a.com"]}, [("M1215", ())]),
    ({"paths": ["/a"], "redirect": {"host": "b.com"}}, [("M1102", ("name",))]),
    (
        {"paths": ["/a"], "name": "a", "redirect": {"status_code": 301}},
        [("M2403", ("redirect",))],
    ),
    (
        {"paths": ["/a"], "name": "a", "redirect": {"host": "b.com"}, "fixed_response": {}},
        [("M2401", ())],
    ),
    (
        {"paths": ["/a"], "name": "a", "fixed_response": {}, "stickiness": {}},
        [("M2402", ("stickiness",))],
    ),
    (
        {"paths": ["/a"], "slow_start": "30s", "algorithm": "least_outstanding_requests"},
        [("M2422", ("slow_start",))],
    ),
    (
        {"paths": ["/a"], "health_check": {"interval": "5s", "timeout": "5s"}},
        [("M2420", ("health_check",))],
    ),
    ({"paths": ["/a"], "authenticate": {}}, [("M2406", ("authenticate",))]),
]


@pytest.mark.parametrize(("params", "expected"), BAD, ids=str)
def test_each_mistake_in_a_route_is_one_problem(
    params: dict[str, Any], expected: list[tuple[str, tuple[Any, ...]]]
) -> None:
    assert find_problems(**params) == expected


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
    problems = find_problems(https=https, name="a", paths=["/a"], redirect=redirect)
    assert problems == [("M2403", ("redirect",))]


@pytest.mark.parametrize(("https", "redirect"), MOVES, ids=str)
def test_a_redirect_that_changes_something_is_no_loop(
    https: bool, redirect: dict[str, Any]
) -> None:
    assert find_problems(https=https, name="a", paths=["/a"], redirect=redirect) == []


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
def test_an_invalid_part_of_a_redirect_is_one_problem(key: str, value: str) -> None:
    problems = find_problems(name="a", paths=["/a"], redirect={"host": "b.com", key: value})
    assert problems == [("M2404", ("redirect", key))]


@pytest.mark.parametrize(
    ("redirect", "port"),
    [
        ({"protocol": "HTTPS"}, "443"),
        ({"protocol": "HTTP"}, "80"),
        ({"protocol": "HTTPS", "port": 8443}, "8443"),
        ({"host": "b.com"}, None),
    ],
    ids=str,
)
def test_a_redirect_to_a_protocol_gets_its_default_port(
    redirect: dict[str, Any], port: str | None
) -> None:
    (action,) = actions(make_route(paths=["/a"], redirect=redirect), {})
    assert action.to_dict()["RedirectConfig"].get("Port") == port


@pytest.mark.parametrize(
    ("wide", "narrow", "expected"),
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
def test_a_route_shadows_one_that_it_covers(
    wide: dict[str, Any], narrow: dict[str, Any], expected: bool
) -> None:
    assert shadows(make_route(**wide), make_route(**narrow)) is expected


@pytest.mark.parametrize("version", ["GRPC", "HTTP2"])
def test_protocol_versions_after_http1_need_https(version: str) -> None:
    assert find_problems(https=True, paths=["/a"], protocol_version=version) == []
    assert find_problems(https=False, paths=["/a"], protocol_version=version) == [
        ("M2310", ("protocol_version",))
    ]


@pytest.mark.parametrize("path", ["a", "", "/a b", "/ä", "/" + "a" * 128])
def test_invalid_path_patterns_are_rejected(path: str) -> None:
    with pytest.raises(ValueError, match="path"):
        make_route(paths=[path])


@pytest.mark.parametrize("host", ["localhost", "a.*", "a.com/", "a" * 127 + ".b"])
def test_invalid_host_patterns_are_rejected(host: str) -> None:
    with pytest.raises(ValueError, match="host"):
        make_route(hosts=[host])
