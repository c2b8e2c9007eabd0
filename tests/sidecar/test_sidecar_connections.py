"""Health checks of the load balancer that the health sidecar accepts."""

from __future__ import annotations

import contextlib
import http.client
import socket
import struct
import time
from collections.abc import Iterator
from typing import Any

import pytest
import sidecar_lab as lab


@contextlib.contextmanager
def run_open_sidecar(listen: int, service: int, **flags: Any) -> Iterator[lab.Sidecar]:
    with lab.Service(service, lab.echo), lab.start_sidecar(listen, service, **flags) as sidecar:
        sidecar.wait_for_line("open")
        yield sidecar


def read_all(sock: socket.socket) -> bytes:
    return b"".join(iter(lambda: sock.recv(4096), b""))


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\n\r\n"])
def test_a_tcp_connection_ends_without_a_reset(sent: bytes, listen: int, service: int) -> None:
    with (
        run_open_sidecar(listen, service),
        socket.create_connection(("127.0.0.1", listen), timeout=2) as sock,
    ):
        sock.sendall(sent)
        assert read_all(sock) == b""
        time.sleep(0.1)
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0


def test_connections_that_are_reset_do_no_harm(listen: int, service: int) -> None:
    with run_open_sidecar(listen, service) as sidecar:
        for _ in range(200):
            with socket.create_connection(("127.0.0.1", listen), timeout=5) as sock:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        assert sidecar.accepts_connections()
        assert len(sidecar.lines) == 1


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_an_http_check_gets_200(method: str, listen: int, service: int) -> None:
    with run_open_sidecar(listen, service, mode="http"):
        connection = http.client.HTTPConnection("127.0.0.1", listen, timeout=5)
        connection.request(method, "/any/path?x=1", headers={"User-Agent": "ELB-HealthChecker/2.0"})
        with connection.getresponse() as response:
            assert response.status == 200
            assert response.getheader("Connection") == "close"
            assert response.getheader("Content-Length") == "3"
            assert response.read() == (b"ok\n" if method == "GET" else b"")
        connection.close()


def test_the_response_to_head_has_no_body(listen: int, service: int) -> None:
    with (
        run_open_sidecar(listen, service, mode="http"),
        socket.create_connection(("127.0.0.1", listen), timeout=2) as sock,
    ):
        sock.sendall(b"HEAD / HTTP/1.1\r\n\r\n")
        assert read_all(sock).endswith(b"\r\n\r\n")


def test_it_waits_for_all_headers_of_the_request(listen: int, service: int) -> None:
    with (
        run_open_sidecar(listen, service, mode="http"),
        socket.create_connection(("127.0.0.1", listen), timeout=0.2) as sock,
    ):
        for part in b"GET / HT", b"TP/1.1\r\nHost: x\r\n", b"\r":
            sock.sendall(part)
            with pytest.raises(TimeoutError):
                sock.recv(1)
        sock.sendall(b"\n")
        sock.settimeout(5)
        assert read_all(sock).startswith(b"HTTP/1.1 200 OK\r\n")


def test_the_size_of_the_headers_is_limited(listen: int, service: int) -> None:
    with (
        run_open_sidecar(listen, service, mode="http"),
        socket.create_connection(("127.0.0.1", listen), timeout=5) as sock,
        contextlib.suppress(ConnectionError),
    ):
        for _ in range(1000):
            sock.sendall(b"x" * 1024)
        assert read_all(sock) == b""


def test_an_http_client_that_disconnects(listen: int, service: int) -> None:
    with (
        run_open_sidecar(listen, service, mode="http"),
        socket.create_connection(("127.0.0.1", listen), timeout=5) as sock,
    ):
        sock.sendall(b"GET /")
        sock.shutdown(socket.SHUT_WR)
        assert read_all(sock) == b""
