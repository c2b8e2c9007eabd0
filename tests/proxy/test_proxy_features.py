"""The settings of `proxy:`, each in a real nginx with the configuration of a built template."""

from __future__ import annotations

import base64
import contextlib
import gzip
import http.client
import json
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from proxy_lab import Running, build_container, needs_nginx, reserve_port, start_nginx, wait_until
from upstreams import PHP, Authority, Dns, Upstream, authority, php

__all__ = ["authority"]
pytestmark = needs_nginx


@contextmanager
def served(home: Path, proxy: dict[str, Any]) -> Iterator[tuple[Running, Upstream]]:
    """nginx in front of a container `app`; `proxy` has the settings other than its port."""
    with ExitStack() as stack:
        front, back = (stack.enter_context(reserve_port()) for _ in range(2))
        proxy_params = {"port": front, "routes": [{"path": "/", "to": "app"}]} | proxy
        container = build_container(proxy_params, {"app": {"ports": [back]}}, home)
        app = stack.enter_context(Upstream(back, "app"))
        yield stack.enter_context(start_nginx(container, front)), app


# Routes --------------------------------------------------------------------------------------


def test_routes_by_path_exactly_and_by_expression(tmp_path: Path) -> None:
    with ExitStack() as stack:
        front, *ports = (stack.enter_context(reserve_port()) for _ in range(4))
        names = ["app", "admin", "images"]
        for number, name in zip(ports, names, strict=True):
            stack.enter_context(Upstream(number, name))
        routes = [
            {"path": "/", "to": "app"},
            {"path": "/admin/", "to": "admin"},
            {"path": "= /admin/help", "to": "app"},
            {"match": r"\.(png|jpe?g)$", "to": "images"},
            {"match": "^/PHOTOS/[0-9]{2}$", "ignore_case": True, "to": "images"},
        ]
        containers = {name: {"ports": [at]} for name, at in zip(names, ports, strict=True)}
        container = build_container({"port": front, "routes": routes}, containers, tmp_path)
        nginx = stack.enter_context(start_nginx(container, front))
        sent = {
            "/": "app",
            "/x/y": "app",
            "/admin/users?page=2": "admin",
            "/admin/help": "app",
            "/admin/helper": "admin",
            "/admin/logo.png": "images",
            "/logo.PNG": "app",
            "/photos/42": "images",
            "/photos/421": "app",
        }
        received = {path: nginx.request(path).received for path in sent}
        assert {path: request["server"] for path, request in received.items()} == sent
        assert all(request["path"] == path for path, request in received.items())
        redirect = nginx.request("/admin")
        assert (redirect.status, redirect.headers["location"]) == (301, "/admin/")


@pytest.mark.parametrize(
    ("path", "to", "sent", "received"),
    [
        ("/api/", "app/v2/", "/api/users?a=%2F&b", "/v2/users?a=%2F&b"),
        ("/api/", "app/v2", "/api/users", "/v2/users"),
        ("/api", "app/", "/api/users", "/users"),
        ("/api", "app/", "/api?a", "/?a"),
        ("/api", "app/v2", "/api/users", "/v2/users"),
        ("/", "app/shop", "/users", "/shop/users"),
        ("/", "app/", "/users", "/users"),
        ("/a.b/", "app/", "/a.b/c%20d", "/c%20d"),
        ("/lines/", "app/x/", "/lines/a%0Ab", "/x/a%0Ab"),
        ("= /login", "app/sessions/new", "/login?next=%2Fcart", "/sessions/new?next=%2Fcart"),
        ("= /login", "app", "/login?a=b%20c", "/login?a=b%20c"),
        ("/", "app", "/a%2Fb//c?", "/a%2Fb//c?"),
    ],
)
def test_paths_are_kept_or_replaced(
    tmp_path: Path, path: str, to: str, sent: str, received: str
) -> None:
    with served(tmp_path, {"routes": [{"path": path, "to": to}]}) as (nginx, _):
        assert nginx.request(sent).received["path"] == received


def test_a_path_without_a_route_is_404(tmp_path: Path) -> None:
    with served(tmp_path, {"routes": [{"path": "/api/", "to": "app"}]}) as (nginx, _):
        assert nginx.request("/other").status == 404


# External hosts -------------------------------------------------------------------------------


@contextmanager
def external_host(
    home: Path, authority: Authority, certificate: str = "api.example", to: str = "", **route: Any
) -> Iterator[tuple[Running, Upstream]]:
    with ExitStack() as stack:
        front, tls, dns = (stack.enter_context(reserve_port()) for _ in range(3))
        proxy = {
            "port": front,
            "routes": [{"path": "/", "to": f"https://api.example:{tls}{to}", **route}],
            "resolver": {"addresses": f"127.0.0.1:{dns}"},
            "ca_bundle": str(authority.bundle),
        }
        container = build_container(proxy, {"app": {}}, home)
        context = authority.server(certificate)
        api = stack.enter_context(Upstream(tls, "api", "127.0.0.1", context))
        stack.enter_context(Dns(dns, "127.0.0.1"))
        yield stack.enter_context(start_nginx(container, front)), api


def test_an_external_host_is_verified_and_named(tmp_path: Path, authority: Authority) -> None:
    with external_host(tmp_path, authority) as (nginx, api):
        received = nginx.request("/v1/x?q=1").received
        assert received["path"] == "/v1/x?q=1"
        assert received["headers"]["host"] == f"api.example:{api.server_address[1]}"
        assert received["headers"]["x-forwarded-host"] == "shop.example"
        assert set(api.server_names) == {"api.example"}


def test_a_path_of_an_external_host_replaces_the_matched_part(
    tmp_path: Path, authority: Authority
) -> None:
    with external_host(tmp_path, authority, path="/api/", to="/v2/") as (nginx, _):
        assert nginx.request("/api/a%20b?q=%2F&r").received["path"] == "/v2/a%20b?q=%2F&r"
    with external_host(tmp_path, authority, path="= /login", to="/sign-in") as (nginx, _):
        assert nginx.request("/login?next=%2F").received["path"] == "/sign-in?next=%2F"


def test_a_certificate_of_another_host_is_refused(tmp_path: Path, authority: Authority) -> None:
    with external_host(tmp_path, authority, "other.example") as (nginx, _):
        assert nginx.request("/").status == 502
        wait_until(lambda: any("certificate does not match" in line for line in nginx.errors), 5)


def test_a_certificate_is_not_verified_if_verify_is_false(
    tmp_path: Path, authority: Authority
) -> None:
    with external_host(tmp_path, authority, "other.example", verify=False) as (nginx, _):
        assert nginx.request("/").status == 200


def test_nginx_starts_without_an_external_host_and_answers_502(
    tmp_path: Path, authority: Authority
) -> None:
    with reserve_port() as front, reserve_port() as unused:
        proxy = {
            "port": front,
            "routes": [{"path": "/", "to": "https://api.example"}],
            "resolver": {"addresses": f"127.0.0.1:{unused}"},
            "ca_bundle": str(authority.bundle),
        }
        with start_nginx(build_container(proxy, {"app": {}}, tmp_path), front) as nginx:
            assert nginx.request("/").status == 502
            assert nginx.request("/nginx-health").status == 200


# FastCGI -------------------------------------------------------------------------------------


@pytest.mark.skipif(PHP is None, reason="PHP-FPM is not installed")
def test_php_is_called_by_fastcgi(tmp_path: Path) -> None:
    with reserve_port() as front, reserve_port() as back, php(back) as scripts:
        to = {"to": "fastcgi://php", "root": str(scripts)}
        routes = [
            {"match": r"\.php(/|$)", **to, "request_headers": {"X-Shop": "a b"}},
            {"path": "/", **to, "script": "/index.php"},
        ]
        container = build_container(
            {"port": front, "routes": routes}, {"php": {"ports": [back]}}, tmp_path
        )
        with start_nginx(container, front) as nginx:
            body = b"y" * 3_000_000
            sent = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.7", "Proxy": "x"}
            sent["Content-Type"] = "text/plain"
            received = nginx.request("/report.php/2026/11?a=1&b=%2F", "POST", body, sent).received
            server = received["server"]
            assert (received["get"], received["bytes"]) == ({"a": "1", "b": "/"}, 3_000_000)
            assert server["SCRIPT_FILENAME"] == f"{scripts}/report.php"
            assert server["DOCUMENT_ROOT"] == str(scripts)
            assert (server["SCRIPT_NAME"], server["PATH_INFO"]) == ("/report.php", "/2026/11")
            assert (server["HTTPS"], server["REQUEST_SCHEME"]) == ("on", "https")
            assert (server["REMOTE_ADDR"], server["HTTP_HOST"]) == ("203.0.113.7", "shop.example")
            assert (server["HTTP_X_SHOP"], server.get("HTTP_PROXY", "")) == ("a b", "")
            front_page = nginx.request("/orders/7?x=1").received["server"]
            assert front_page["SCRIPT_FILENAME"] == f"{scripts}/index.php"
            assert front_page["REQUEST_URI"] == "/orders/7?x=1"
            assert "HTTPS" not in front_page
            assert nginx.request("/missing.php").status == 404


# Clients, headers, log -----------------------------------------------------------------------


def test_only_the_load_balancer_is_trusted_on_the_address_of_the_client(tmp_path: Path) -> None:
    """Loopback is the network of the load balancer here, so each client counts as one."""
    with served(tmp_path, {}) as (nginx, _):
        sent = {"X-Forwarded-For": "6.6.6.6, 203.0.113.7", "X-Forwarded-Proto": "https"}
        headers = nginx.request("/", headers=sent).received["headers"]
        assert headers["x-real-ip"] == "203.0.113.7"
        assert headers["x-forwarded-for"] == "6.6.6.6, 203.0.113.7, 127.0.0.1"
        assert headers["x-forwarded-proto"] == "https"
        plain = nginx.request("/").received["headers"]
        assert (plain["x-real-ip"], plain["x-forwarded-proto"]) == ("127.0.0.1", "http")
        # A client in the VPC is not a load balancer: what comes before its address is not trusted.
        inside = {"X-Forwarded-For": "6.6.6.6, 127.0.0.9"}
        assert nginx.request("/", headers=inside).received["headers"]["x-real-ip"] == "127.0.0.9"


def test_trusted_proxies_are_not_the_client(tmp_path: Path) -> None:
    with served(tmp_path, {"trusted_proxies": ["198.51.100.0/24"]}) as (nginx, _):
        sent = {"X-Forwarded-For": "6.6.6.6, 203.0.113.7, 198.51.100.9"}
        assert nginx.request("/", headers=sent).received["headers"]["x-real-ip"] == "203.0.113.7"


def test_headers_are_set_hidden_and_removed(tmp_path: Path) -> None:
    proxy = {
        "request_headers": {"X-Shop": 'kelp "and" co; {1}', "host": "fixed.example", "Cookie": ""},
        "response_headers": {"Strict-Transport-Security": "max-age=31536000"},
        "hide_headers": ["X-Powered-By"],
        "routes": [
            {"path": "/", "to": "app"},
            {
                "path": "/own/",
                "to": "app",
                "request_headers": {"X-Shop": "$request_method"},
                "response_headers": {"X-Own": "1"},
            },
        ],
    }
    with served(tmp_path, proxy) as (nginx, _):
        answer = nginx.request("/", headers={"Cookie": "a=b"})
        received = answer.received["headers"]
        assert (received["x-shop"], received["host"]) == ('kelp "and" co; {1}', "fixed.example")
        assert "cookie" not in received
        assert answer.headers["strict-transport-security"] == "max-age=31536000"
        assert "x-powered-by" not in answer.headers
        own = nginx.request("/own/")
        assert own.received["headers"]["x-shop"] == "GET"
        assert own.headers["x-own"] == "1"
        assert own.headers["strict-transport-security"] == "max-age=31536000"
        assert "x-powered-by" not in own.headers
        assert "strict-transport-security" in nginx.request("/nginx-health").headers


def test_requests_are_logged_as_json_and_health_checks_are_not(tmp_path: Path) -> None:
    with served(tmp_path, {}) as (nginx, app):
        nginx.request("/nginx-health")
        nginx.request(
            '/a?"b"=\\', "POST", b"x" * 10, {"User-Agent": 'x"y\\z\t', "X-Forwarded-For": "::1"}
        )
        wait_until(lambda: len(nginx.log) == 1, 5)
        (line,) = nginx.log
        assert (line["method"], line["status"], line["client"]) == ("POST", 200, "::1")
        assert (line["uri"], line["user_agent"].strip()) == ('/a?"b"=\\', 'x"y\\z')
        assert line["upstream"] == f"127.0.0.1:{app.server_address[1]}"
        assert isinstance(line["duration"], float)
        assert line["time"].startswith("20")


def test_a_path_checks_the_health_of_the_application(tmp_path: Path) -> None:
    health = {"path": "/app-health", "to": "app/status", "timeout": "1s"}
    with served(tmp_path, {"application_health": health}) as (nginx, app):
        assert nginx.request("/app-health").received["path"] == "/status"
        app.shutdown()
        app.server_close()
        assert nginx.request("/app-health").status in (502, 504)
        assert nginx.request("/nginx-health").status == 200
        assert nginx.log == []


# Bodies and connections ----------------------------------------------------------------------


def test_large_responses_are_compressed(tmp_path: Path) -> None:
    sent = {"Accept-Encoding": "gzip", "Via": "1.1 a.load.balancer"}
    with served(tmp_path, {}) as (nginx, _):
        large = nginx.request("/?padding=5000", headers=sent)
        assert large.headers["content-encoding"] == "gzip"
        assert large.headers["vary"] == "Accept-Encoding"
        assert len(json.loads(gzip.decompress(large.body))["padding"]) == 5000
        assert "content-encoding" not in nginx.request("/", headers=sent).headers
        assert "content-encoding" not in nginx.request("/?padding=5000").headers
    with served(tmp_path / "off", {"gzip": False}) as (nginx, _):
        assert "content-encoding" not in nginx.request("/?padding=5000", headers=sent).headers


def test_bodies_are_limited_in_size(tmp_path: Path) -> None:
    routes = [{"path": "/", "to": "app"}, {"path": "/up/", "to": "app", "max_body_size": "3m"}]
    with served(tmp_path, {"max_body_size": "1k", "routes": routes}) as (nginx, _):
        assert nginx.request("/", "POST", b"x" * 1024).status == 200
        assert nginx.request("/", "POST", b"x" * 1025).status == 413
        assert nginx.request("/up/", "POST", b"x" * 3_000_000).received["bytes"] == 3_000_000


def test_headers_may_be_as_long_as_load_balancers_allow(tmp_path: Path) -> None:
    cookie = "c=" + "x" * 16_000
    with served(tmp_path, {}) as (nginx, _):
        received = nginx.request("/", headers={"Cookie": cookie}).received
        assert received["headers"]["cookie"] == cookie


def test_slow_responses_are_504(tmp_path: Path) -> None:
    routes = [
        {"path": "/", "to": "app", "read_timeout": "1s"},
        {"path": "/slow", "to": "app", "read_timeout": "5s"},
    ]
    routes += [{"path": "/fast/", "to": "app/"}]
    with served(tmp_path, {"routes": routes, "read_timeout": "1s"}) as (nginx, _):
        assert nginx.request("/slow?seconds=1.5").status == 200
        assert nginx.request("/fast/slow?seconds=1.5").status == 504


def test_error_pages_may_have_any_text(tmp_path: Path) -> None:
    text = "Costs $5, ${x} {a} \"b\" \\n 'c'; # no comment\n    the end\n"
    pages = [
        {"statuses": [503, 502], "body": text.replace("${", "$${"), "content_type": "text/plain"},
        {"statuses": [500], "path": "/sorry"},
    ]
    proxy = {"error_pages": pages, "intercept_errors": True}
    with served(tmp_path, proxy) as (nginx, _):
        answer = nginx.request("/?status=503", "POST", b"x")
        assert (answer.status, answer.body.decode()) == (503, text)
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        own = nginx.request("/?status=500")
        assert own.status == 500
        assert json.loads(own.body)["path"] == "/sorry"
        assert json.loads(nginx.request("/?status=404").body)["path"] == "/?status=404"
    with served(tmp_path / "own", {"error_pages": pages}) as (nginx, _):
        assert json.loads(nginx.request("/?status=503").body)["path"] == "/?status=503"


@pytest.mark.parametrize("letters", ["x", 'ä$"\\\n', "\\"])
def test_error_pages_may_have_any_length(tmp_path: Path, letters: str) -> None:
    """nginx reads no word of 4,096 bytes."""
    text = f"<!doctype html>{letters * (12_000 // len(letters))}"
    proxy = {"error_pages": [{"statuses": [500], "body": text}], "intercept_errors": True}
    with served(tmp_path, proxy) as (nginx, _):
        assert nginx.request("/?status=500").body.decode() == text


def test_requests_of_a_client_are_limited(tmp_path: Path) -> None:
    limit = {"rate": "1r/s", "burst": 2}
    routes = [{"path": "/", "to": "app"}, {"path": "/login", "to": "app", "rate_limit": limit}]
    with served(tmp_path, {"routes": routes}) as (nginx, _):
        client = {"X-Forwarded-For": "203.0.113.7"}
        statuses = [nginx.request("/login", headers=client).status for _ in range(5)]
        assert statuses[:3] == [200, 200, 200]
        assert 429 in statuses[3:]
        assert nginx.request("/login", headers={"X-Forwarded-For": "203.0.113.8"}).status == 200
        assert {nginx.request("/", headers=client).status for _ in range(5)} == {200}
        assert {nginx.request("/nginx-health").status for _ in range(5)} == {200}


def test_websockets_are_passed_on(tmp_path: Path) -> None:
    routes = [{"path": "/", "to": "app"}, {"path": "/socket", "to": "app", "websocket": True}]
    with served(tmp_path, {"routes": routes, "read_timeout": "1s"}) as (nginx, _):
        client = socket.create_connection(("127.0.0.1", nginx.port), timeout=10)
        with contextlib.closing(client), client.makefile("rb") as replies:
            key = base64.b64encode(b"0123456789abcdef").decode()
            handshake = "GET /socket HTTP/1.1\r\nHost: shop.example\r\nUpgrade: websocket\r\n"
            handshake += f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
            client.sendall(f"{handshake}Sec-WebSocket-Version: 13\r\n\r\n".encode())
            assert replies.readline().startswith(b"HTTP/1.1 101 ")
            while replies.readline().strip():
                pass
            for word, pause in (b"hello", 1.5), (b"again", 0):  # the read timeout of others is 1 s
                masked = bytes(letter ^ 7 for letter in word)
                client.sendall(bytes([0x81, 0x80 | len(word)]) + b"\7\7\7\7" + masked)
                assert replies.read(2 + len(word)) == bytes([0x81, len(word)]) + word
                time.sleep(pause)
        assert nginx.request("/x").received["headers"].get("upgrade") is None


def test_events_are_passed_on_at_once(tmp_path: Path) -> None:
    routes = [{"path": "/", "to": "app", "streaming": True}]
    with served(tmp_path, {"routes": routes}) as (nginx, app):
        connection = http.client.HTTPConnection("127.0.0.1", nginx.port, timeout=10)
        with contextlib.closing(connection):
            connection.request("GET", "/events", headers={"Accept-Encoding": "gzip"})
            response = connection.getresponse()
            for number in range(3):
                assert response.readline() == f"data: {number}\n".encode()
                assert response.readline() == b"\n"
                app.next_event.set()


def test_request_bodies_are_passed_on_at_once(tmp_path: Path) -> None:
    routes = [{"path": "/", "to": "app", "streaming": True}]
    with served(tmp_path, {"routes": routes}) as (nginx, app):

        def pieces() -> Iterator[bytes]:
            for number in range(3):
                wait_until(lambda number=number: len(app.pieces) >= number, 5)  # type: ignore[misc]
                yield b"x" * 1000

        assert nginx.request("/", "POST", pieces()).received["bytes"] == 3000


def test_many_requests_at_once(tmp_path: Path) -> None:
    with served(tmp_path, {}) as (nginx, _):
        found: list[int] = []

        def send() -> None:
            found.extend(nginx.request(f"/?padding={number}").status for number in range(20))

        threads = [threading.Thread(target=send) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert found == [200] * 320


def test_nginx_finishes_open_requests_before_it_ends(tmp_path: Path) -> None:
    """ECS sends SIGQUIT, the STOPSIGNAL of the image; nginx gets it if the shell has exec'ed it."""
    with served(tmp_path, {}) as (nginx, _):
        found: list[int] = []
        thread = threading.Thread(
            target=lambda: found.append(nginx.request("/slow?seconds=1.5").status)
        )
        thread.start()
        time.sleep(0.5)
        nginx.process.send_signal(signal.SIGQUIT)
        thread.join()
        assert found == [200]
        assert nginx.process.wait(5) == 0
