"""The golden case R1 in a real nginx, on loopback.

What cannot be the same on this machine is replaced: the ports, the DNS server of the VPC, port 443
of the external host, and the CA of its certificate.
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
from proxy_lab import (
    Running,
    build_proxy,
    configuration_of,
    needs_nginx,
    reserve_port,
    start_nginx,
    wait_until,
)
from upstreams import Authority, Dns, Upstream, authority

__all__ = ["authority"]
pytestmark = needs_nginx

R1_PARAMS = Path("tests/golden/r1/params")
VALID = 5
"""Seconds for which nginx of R1 uses an answer of the DNS."""


@dataclass(frozen=True)
class System:
    """R1: nginx, the frontend, two addresses of the login service, and the DNS server."""

    nginx: Running
    frontend: Upstream
    logins: tuple[Upstream, Upstream]
    dns: Dns


@pytest.fixture
def r1(authority: Authority) -> Iterator[System]:
    container = build_proxy(R1_PARAMS)
    with ExitStack() as stack:
        front, back, tls, dns_port = (stack.enter_context(reserve_port()) for _ in range(4))
        first, second = (
            stack.enter_context(Upstream(tls, name, host, authority.server("hoge.api.jp")))
            for name, host in (("login-1", "127.0.0.1"), ("login-2", "127.0.0.2"))
        )
        rewrite: dict[str, Any] = {
            "listen 5000;": f"listen {front};",
            "127.0.0.1:3000": f"127.0.0.1:{back}",
            "resolver 169.254.169.253": f"resolver 127.0.0.1:{dns_port}",
            "https://$upstream": f"https://$upstream:{tls}",
            "/etc/ssl/certs/ca-certificates.crt": str(authority.bundle),
            "proxy_read_timeout 60s;": "proxy_read_timeout 3s;",
        }
        assert all(old in configuration_of(container) for old in rewrite)
        yield System(
            dns=stack.enter_context(Dns(dns_port, "127.0.0.1")),
            frontend=stack.enter_context(Upstream(back, "frontend")),
            logins=(first, second),
            nginx=stack.enter_context(start_nginx(container, front, **rewrite)),
        )


def test_pages_are_served_by_the_frontend(r1: System) -> None:
    received = r1.nginx.request("/cart/1?b=2&a=%2F").received
    assert (received["server"], received["path"]) == ("frontend", "/cart/1?b=2&a=%2F")
    assert r1.nginx.request("/nginx-health").body == b"ok\n"


@pytest.mark.parametrize("path", ["/v1/login", "/v1/reset-password"])
def test_logins_are_sent_to_the_other_service_with_query_sni_and_host(
    r1: System, path: str
) -> None:
    received = r1.nginx.request(f"{path}?next=%2Fcart&x=1", "POST", b"name=me").received
    assert (received["server"], received["path"], received["bytes"]) == (
        "login-1",
        f"{path}?next=%2Fcart&x=1",
        7,
    )
    assert received["headers"]["host"] == "hoge.api.jp"
    assert set(r1.logins[0].server_names) == {"hoge.api.jp"}
    assert r1.nginx.request(f"{path}/more").received["server"] == "frontend"


def test_a_changed_address_is_used_once_the_old_answer_expires(r1: System) -> None:
    """The known flaw of the original: nginx kept the address that it resolved when it started."""
    assert r1.nginx.request("/v1/login").received["server"] == "login-1"
    r1.dns.address = "127.0.0.2"
    r1.logins[0].name = "login-1, removed"
    took = wait_until(
        lambda: r1.nginx.request("/v1/login").received["server"] == "login-2", VALID + 2
    )
    assert took <= VALID + 1
    assert {name for _, name, _ in r1.dns.queries} == {"hoge.api.jp"}
    assert {kind for *_, kind in r1.dns.queries} == {1}, "no IPv6 address is looked up"
    assert len(r1.dns.queries) <= 3, "not each request looks it up"


def test_headers_are_passed_on(r1: System) -> None:
    """X-Forwarded-For is trusted from the VPC only, and this client is not in it."""
    received = r1.nginx.request(
        "/", headers={"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.7"}
    )
    headers = received.received["headers"]
    assert headers["host"] == "shop.example"
    assert headers["x-forwarded-proto"] == "https"
    assert headers["x-forwarded-for"] == "203.0.113.7, 127.0.0.1"
    assert headers["x-real-ip"] == "127.0.0.1", "127.0.0.1 is not in the VPC of R1"


def test_150_mb_are_accepted_and_more_than_200_are_not(r1: System) -> None:
    piece = os.urandom(1 << 20)
    digest = hashlib.sha256(piece * 150).hexdigest()
    sized = {"Content-Length": str(150 << 20)}
    received = r1.nginx.request("/upload", "POST", iter([piece] * 150), sized).received
    assert (received["bytes"], received["sha256"]) == (150 << 20, digest)
    large = r1.nginx.request("/upload", "POST", b"", {"Content-Length": str(201 << 20)})
    assert large.status == 413


def test_a_response_may_take_as_long_as_the_read_timeout(r1: System) -> None:
    """45 of 60 seconds, where the proxy in Next.js gives up after 30; here all times are / 20."""
    assert "proxy_read_timeout 60s;" in configuration_of(build_proxy(R1_PARAMS))
    began = time.monotonic()
    assert r1.nginx.request("/slow?seconds=2.25").received["server"] == "frontend"
    assert time.monotonic() - began >= 2.25
    assert r1.nginx.request("/slow?seconds=4").status == 504


def test_the_error_page_is_served_if_the_frontend_is_down(r1: System) -> None:
    r1.frontend.shutdown()
    r1.frontend.server_close()
    answer = r1.nginx.request("/")
    assert answer.status == 502
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.body.startswith(b'<!doctype html>\n<html lang="ja">\n<title>Please wait')
    assert "1.2" not in answer.headers["server"], "the version of nginx is hidden"
