"""The index of routes finds what comparing all routes with each other finds."""

from __future__ import annotations

import json
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from route_strategies import (
    conditions_of_a_route,
    deterministic,
    make_route,
    nested_conditions,
)

from moorage.pipeline.build import build
from templates import TEMPLATES
from templates.exposure.alb.route_conflicts import find_conflict, shadows
from templates.exposure.alb.route_index import RouteIndex
from templates.exposure.alb.rule_conflicts import MAX_CONFLICTS

_PAIRS = nested_conditions().map(list) | st.tuples(
    conditions_of_a_route(), conditions_of_a_route()
).map(list)
_VALUES: tuple[tuple[dict[str, Any], dict[str, Any]], ...] = (
    ({"query": [{"value": "a"}]}, {"query": [{"key": "k", "value": "a"}]}),
    ({"query": [{"value": "a"}]}, {"query": [{"key": "k", "value": "*"}]}),
    ({"source_ips": ["10.0.0.0/8"]}, {"source_ips": ["10.1.2.0/24"]}),
    ({"source_ips": ["0.0.0.0/0"]}, {"source_ips": ["10.1.2.0/24", "2001:db8::/32"]}),
    ({"headers": {"X-A": ["a*"]}}, {"headers": {"x-a": ["ab", "c"]}}),
    ({"hosts": ["*.example.com"]}, {"hosts": ["A.example.com"], "paths": ["/x"]}),
    ({"hosts": ["a.*.com"]}, {"hosts": ["a.b.com"]}),
    ({"paths": ["/a?c*"]}, {"paths": ["/a*d"]}),
    ({"paths": ["/a"]}, {"paths": ["/a"], "methods": ["GET"]}),
)


@deterministic(max_examples=150)
@given(st.lists(_PAIRS, min_size=1, max_size=8).map(chain.from_iterable).map(list))
def test_no_route_that_conflicts_is_missed(params: list[dict[str, Any]]) -> None:
    routes = [make_route(**each) for each in params]
    index = RouteIndex(routes)
    for route in routes:
        similar = index.find_similar(route)
        for position, other in enumerate(routes):
            related = find_conflict(route, other) or shadows(route, other) or shadows(other, route)
            assert not related or position in similar, (route.conditions, other.conditions)


@pytest.mark.parametrize(("first", "second"), _VALUES)
def test_values_that_overlap_are_found(first: dict[str, Any], second: dict[str, Any]) -> None:
    for route, other in ((first, second), (second, first)):
        assert RouteIndex([make_route(**other)]).find_similar(make_route(**route)) == {0}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"hosts": ["a.example.com"]}, {"hosts": ["b.example.com"]}),
        ({"hosts": ["*.a.example.com"]}, {"hosts": ["*.b.example.com"]}),
        ({"paths": ["/a"]}, {"paths": ["/ab"]}),
        ({"paths": ["*.js"]}, {"paths": ["*.css"]}),
        ({"source_ips": ["10.0.0.0/16"]}, {"source_ips": ["10.1.0.0/16"]}),
    ],
)
def test_other_values_are_not_compared(first: dict[str, Any], second: dict[str, Any]) -> None:
    assert not RouteIndex([make_route(**first)]).find_similar(make_route(**second))


def _build(folder: Path, routes: list[dict[str, Any]]) -> list[str]:
    """The messages of routes that are divided among services of 25 routes."""
    services = {
        f"s{first}": {
            "template": "service",
            "containers": {"web": {"image": "ecr:web:1", "ports": [80]}},
            "expose": [{"via": "public", **route} for route in routes[first : first + 25]],
        }
        for first in range(0, len(routes), 25)
    }
    public = {"template": "alb", "certificate": []}
    stacks = {"network": {}, "cluster": {}, "public": public, **services}
    params = {"app": "shop", "region": "eu-central-1", "stacks": stacks}
    (folder / "dev.yaml").write_text(json.dumps(params))
    return [f.message for f in build(folder, "dev", TEMPLATES).findings if f.code == "M2430"]


@pytest.mark.parametrize(
    "pattern",
    [
        {"hosts": ["h{0}.example.com"]},
        {"hosts": ["*.h{0}.example.com"]},
        {"hosts": ["shop.example.com"], "paths": ["/p{0}/*"]},
        {"paths": ["/p{0}/*"]},
        {"paths": ["*.p{0}"]},
        {"paths": ["/*"], "source_ips": ["10.{1}.{2}.0/24"]},
    ],
    ids=str,
)
def test_routes_are_compared_with_few_others(pattern: dict[str, list[str]]) -> None:
    number = 2000
    routes = [
        make_route(
            **{
                key: [text.format(i, i // 250, i % 250) for text in texts]
                for key, texts in pattern.items()
            }
        )
        for i in range(number)
    ]
    index = RouteIndex(routes)
    assert sum(len(index.find_similar(route)) for route in routes) < 10 * number


def test_equal_routes_are_reported_a_few_times_each(tmp_path: Path) -> None:
    routes = [{"paths": ["/a"], "name": f"r{number}"} for number in range(300)]
    assert len(_build(tmp_path, routes)) == 45 + 290 * MAX_CONFLICTS
