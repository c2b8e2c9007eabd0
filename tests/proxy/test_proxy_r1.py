"""The golden case R1 in a real nginx: its built template, on loopback.

Only what cannot be so here is rewritten: the ports, which others may have; the VPC's DNS server;
the port of the host outside, which is 443; and the CA that its certificate is verified by.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from proxy_lab import Running, built, needs_nginx, port, running, text_of, until
from upstreams import Authority, Dns, Upstream, authority

__all__ = ["authority"]
pytestmark = needs_nginx

VALID = 5
"""Seconds for which R1's nginx believes an answer of the DNS."""


@dataclass(frozen=True)
class System:
    """R1 as it runs: nginx, the frontend, two addresses of the other service, and the DNS."""

    nginx: Running
    frontend: Upstream
    logins: tuple[Upstream, Upstream]
    dns: Dns


@pytest.fixture
def r1(authority: Authority) -> Iterator[System]:
    container = built(Path("tests/golden/r1/params"))
    with ExitStack() as stack:
        front, back, tls, dns_port = (stack.enter_context(port()) for _ in range(4))
        one, two = (
            stack.enter_context(Upstream(tls, name, host, authority.server("hoge.api.jp")))
            for name, host in (("login-1", "127.0.0.1"), ("login-2", "127.0.0.2"))
        )
        rewrite: dict[str, Any] = {
            "listen 5000;": f"listen {front};",
            "127.0.0.1:3000": f"127.0.0.1:{back}",
            "resolver 169.254.169.253": f"resolver 127.0.0.1:{dns_port}",
            "https://$upstream": f"https://$upstream:{tls}",
            "/etc/ssl/certs/ca-certificates.crt": str(authority.bundle),
        }
        assert all(old in text_of(container) for old in rewrite)
        yield System(
            dns=stack.enter_context(Dns(dns_port, "127.0.0.1")),
            frontend=stack.enter_context(Upstream(back, "frontend")),
            logins=(one, two),
            nginx=stack.enter_context(running(container, front, **rewrite)),
        )


def test_pages_come_from_the_frontend(r1: System) -> None:
    seen = r1.nginx.ask("/cart/1?b=2&a=%2F").seen
    assert (seen["server"], seen["path"]) == ("frontend", "/cart/1?b=2&a=%2F")
    assert r1.nginx.ask("/nginx-health").body == b"ok\n"


@pytest.mark.parametrize("path", ["/v1/login", "/v1/reset-password"])
def test_logins_go_to_the_other_service_with_query_sni_and_host(r1: System, path: str) -> None:
    seen = r1.nginx.ask(f"{path}?next=%2Fcart&x=1", "POST", b"name=me").seen
    assert (seen["server"], seen["path"], seen["bytes"]) == (
        "login-1",
        f"{path}?next=%2Fcart&x=1",
        7,
    )
    assert seen["headers"]["host"] == "hoge.api.jp"
    assert set(r1.logins[0].asked_names) == {"hoge.api.jp"}
    assert r1.nginx.ask(f"{path}/more").seen["server"] == "frontend"


def test_traffic_follows_the_dns_within_its_validity(r1: System) -> None:
    """R1's own flaw: nginx kept the address that it had resolved at its start for ever."""
    assert r1.nginx.ask("/v1/login").seen["server"] == "login-1"
    r1.dns.address = "127.0.0.2"
    r1.logins[0].name = "login-1, which is gone"
    took = until(lambda: r1.nginx.ask("/v1/login").seen["server"] == "login-2", VALID + 2)
    assert took <= VALID + 1
    assert {name for _, name, _ in r1.dns.asked} == {"hoge.api.jp"}
    assert {kind for *_, kind in r1.dns.asked} == {1}, "no IPv6 address is asked for"
    assert len(r1.dns.asked) <= 3, "it is not asked for each request"


def test_headers_are_passed_on(r1: System) -> None:
    """The client is what the load balancer says, who is in the VPC; here nobody is."""
    seen = r1.nginx.ask(
        "/", headers={"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.7"}
    )
    headers = seen.seen["headers"]
    assert headers["host"] == "shop.example"
    assert headers["x-forwarded-proto"] == "https"
    assert headers["x-forwarded-for"] == "203.0.113.7, 127.0.0.1"
    assert headers["x-real-ip"] == "127.0.0.1", "127.0.0.1 is not in R1's VPC and not believed"


def test_150_mb_go_up_and_more_than_200_do_not(r1: System) -> None:
    piece = os.urandom(1 << 20)
    digest = hashlib.sha256(piece * 150).hexdigest()
    sized = {"Content-Length": str(150 << 20)}
    seen = r1.nginx.ask("/upload", "POST", iter([piece] * 150), sized).seen
    assert (seen["bytes"], seen["sha256"]) == (150 << 20, digest)
    large = r1.nginx.ask("/upload", "POST", b"", {"Content-Length": str(201 << 20)})
    assert large.status == 413


def test_an_answer_may_take_45_seconds(r1: System) -> None:
    """The proxy in Next.js gave up after 30."""
    began = time.monotonic()
    assert r1.nginx.ask("/slow?seconds=45").seen["server"] == "frontend"
    assert time.monotonic() - began >= 45


def test_the_page_is_shown_when_the_frontend_is_gone(r1: System) -> None:
    r1.frontend.shutdown()
    r1.frontend.server_close()
    answer = r1.nginx.ask("/")
    assert answer.status == 502
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.body.startswith(b'<!doctype html>\n<html lang="ja">\n<title>Please wait')
    assert "1.2" not in answer.headers["server"], "its version is nobody's business"
