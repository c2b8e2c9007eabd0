"""nginx accepts the configuration of any `proxy:` that Moorage accepts."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from templates.proxy.nginx_check import find_mistakes
from templates.proxy.nginx_config import generate_configuration
from templates.proxy.nginx_run import find_nginx
from templates.proxy.nginx_server import ProxyContext
from templates.proxy.nginx_targets import Task
from templates.proxy.params import Proxy
from templates.proxy.real_nginx import find_refusal

NGINX = find_nginx()

LETTERS = st.characters(min_codepoint=32, exclude_categories=["Cs", "Cc"], exclude_characters="$")
TEXT = st.text(LETTERS, max_size=20) | st.text("\\\"';{}# anrt", max_size=8)
HEADERS = st.dictionaries(st.sampled_from(["X-A", "Host", "cookie", "X-B"]), TEXT, max_size=3)
BODIES = st.text(LETTERS | st.sampled_from("$\n\t${}\\\"'"), max_size=40).flatmap(
    lambda text: st.sampled_from([text, text * 200])
)
PATHS = (
    st.text("xyÄ%.+()[]^|/~@:,=-", min_size=1, max_size=8)
    .map(lambda text: f"/{text}")
    .filter(lambda path: not re.search(r"//|/\.\.?(/|$)", path))
)
TO = st.sampled_from(["web", "web:3000/v2/", "https://a.example/x", "http://b.example:81", "web/"])
EXPRESSIONS = st.sampled_from([r"\.php$", "^/a{2}$", r"^/(?<b>\d+)\\$", "a b;#\"'", r"\t\n[{}]"])

ROUTES = st.lists(
    st.fixed_dictionaries(
        {"to": TO},
        optional={
            "request_headers": HEADERS,
            "response_headers": HEADERS,
            "hide_headers": st.just(["Server"]),
            "rate_limit": st.sampled_from([{"rate": "1r/s"}, {"rate": "9r/m", "burst": 3}]),
            "websocket": st.booleans(),
            "streaming": st.booleans(),
            "max_body_size": st.sampled_from(["0", "1k"]),
            "read_timeout": st.just("5s"),
        },
    ),
    min_size=1,
    max_size=4,
)


@st.composite
def proxies(draw: st.DrawFn) -> dict[str, Any]:
    exact = st.booleans().map(lambda is_exact: "= " if is_exact else "")
    routes = draw(ROUTES)
    paths = draw(st.lists(PATHS, min_size=len(routes), max_size=len(routes), unique=True))
    for route, path in zip(routes, paths, strict=True):
        route["path"] = draw(exact) + path
    php = {"to": "fastcgi://php", "root": "/var/www", "request_headers": draw(HEADERS)}
    if draw(st.booleans()):
        routes.append({"match": draw(EXPRESSIONS), **php})
    pages = [{"statuses": [500, 502], "body": draw(BODIES)}]
    more = {
        "error_pages": pages,
        "request_headers": draw(HEADERS),
        "access_log": draw(st.booleans()),
    }
    return {"routes": routes, "response_headers": draw(HEADERS), **more}


@pytest.mark.skipif(NGINX is None, reason="nginx is not installed")
@settings(max_examples=80, deadline=None, derandomize=True, database=None)
@given(proxies())
def test_nginx_accepts_configurations_of_valid_params(params: dict[str, Any]) -> None:
    context = ProxyContext(
        {"web": ("127.0.0.1", 3000), "php": ("127.0.0.1", 9000)}, ["10.0.0.0/8"], 75
    )
    text = generate_configuration(Proxy.model_validate(params), context)
    assert NGINX
    assert find_refusal(NGINX, text) is None, text
    task = Task(8080, {"web": ("127.0.0.1", (3000,)), "php": ("127.0.0.1", (9000,))})
    assert find_mistakes(text, task) == []
