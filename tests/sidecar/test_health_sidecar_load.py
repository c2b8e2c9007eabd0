"""The health sidecar under load: many clients, slow clients, and a long run."""

from __future__ import annotations

import contextlib
import resource
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sidecar_lab as lab

REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture(name="open_sidecar", params=["tcp", "http"])
def open_sidecar_fixture(request: pytest.FixtureRequest) -> Iterator[tuple[lab.Sidecar, bool]]:
    """An open sidecar with a service that always answers, and whether its mode is HTTP.

    A probe may time out on a machine that is busy with this test, but not three in a row.
    """
    flags = {"mode": request.param, "interval": 0.5, "timeout": 0.5, "fall": 3}
    with (
        lab.reserve_port() as listen,
        lab.reserve_port() as service,
        lab.run_echo_server(service),
        lab.start_sidecar(listen, service, **flags) as sidecar,
    ):
        sidecar.wait_until_open()
        yield sidecar, request.param == "http"


def check(port: int, http: bool) -> bool:
    """A health check like that of the load balancer; whether it passes."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as sock:
            if http:
                sock.sendall(REQUEST)
                return sock.recv(4096).startswith(b"HTTP/1.1 200 OK\r\n")
            return True
    except OSError:
        return False


def count_failures(port: int, http: bool, checks: int, clients: int) -> int:
    """The number of checks that fail, out of `checks` by that many concurrent clients."""
    with ThreadPoolExecutor(clients) as pool:
        return list(pool.map(lambda _: check(port, http), range(checks))).count(False)


def test_5000_connections_of_fifty_clients_are_accepted(
    open_sidecar: tuple[lab.Sidecar, bool],
) -> None:
    sidecar, http = open_sidecar
    assert count_failures(sidecar.listen, http, 5000, 50) == 0
    assert sidecar.lines == ["open: the service answers"]


def test_a_thousand_simultaneous_connections_do_no_harm(
    open_sidecar: tuple[lab.Sidecar, bool],
) -> None:
    """More than the limit, and the clients read nothing until all are connected."""
    sidecar, http = open_sidecar
    with contextlib.ExitStack() as socks:
        for _ in range(1000):
            sock = socks.enter_context(socket.create_connection(("127.0.0.1", sidecar.listen), 5))
            if http:
                sock.sendall(REQUEST)
    assert count_failures(sidecar.listen, http, 10, 1) == 0
    assert sidecar.lines == ["open: the service answers"]


def test_it_closes_in_time_under_load() -> None:
    stopped = threading.Event()

    def check_repeatedly(port: int) -> None:
        while not stopped.is_set():
            check(port, http=True)

    with (
        lab.reserve_port() as listen,
        lab.reserve_port() as service,
        lab.run_echo_server(service) as server,
        lab.start_sidecar(
            listen, service, mode="http", interval=0.3, timeout=0.3, fall=3
        ) as sidecar,
        ThreadPoolExecutor(8) as pool,
    ):
        sidecar.wait_until_open()
        for _ in range(8):
            pool.submit(check_repeatedly, listen)
        try:
            time.sleep(1)
            assert sidecar.lines == ["open: the service answers"]
            server.kill()
            sidecar.wait_until_closed(0.3 * 3 + 0.3 + 0.4)
        finally:
            stopped.set()


def test_slow_and_silent_clients_do_not_block_others() -> None:
    """300 clients send nothing or a part of a request; all are disconnected in the end."""
    with (
        lab.reserve_port() as listen,
        lab.reserve_port() as service,
        lab.run_echo_server(service),
        # On a busy machine probes may time out, and a sidecar that closes disconnects all clients.
        lab.start_sidecar(listen, service, mode="http", fall=100) as sidecar,
        contextlib.ExitStack() as socks,
    ):
        sidecar.wait_until_open()
        began = time.monotonic()
        slow = []
        for number in range(300):
            sock = socks.enter_context(socket.create_connection(("127.0.0.1", listen), 12))
            sock.sendall(REQUEST[: number % 20])
            slow.append(sock)
            if number % 30 == 29:
                started = time.monotonic()
                assert check(listen, http=True)
                assert time.monotonic() - started < 2
        assert count_descriptors(sidecar) < 300
        for sock in slow:
            with contextlib.suppress(ConnectionResetError):
                assert sock.recv(1) == b""
        assert 4 < time.monotonic() - began < 12
        lab.wait_until(lambda: count_descriptors(sidecar) < 20, 2)


def count_descriptors(sidecar: lab.Sidecar) -> int:
    return len(list(Path(f"/proc/{sidecar.process.pid}/fd").iterdir()))


def test_memory_does_not_grow() -> None:
    """Over 20,000 connections and thousands of probes, after a warm-up."""
    with (
        lab.reserve_port() as listen,
        lab.reserve_port() as service,
        lab.Service(service, lab.echo) as server,
        lab.start_sidecar(
            listen, service, mode="http", interval=0.002, timeout=0.002, fall=1000
        ) as sidecar,
    ):
        sidecar.wait_until_open()
        assert count_failures(listen, True, 4000, 10) == 0
        before, probes = sidecar.read_memory(), len(server.times)
        assert count_failures(listen, True, 20_000, 10) == 0
        lab.wait_until(lambda: len(server.times) > probes + 3000, 10)
        print(f"{before / 2**20:.1f} MiB, then {sidecar.read_memory() / 2**20:.1f} MiB")
        assert sidecar.read_memory() - before < 2**20
        assert sidecar.read_memory() < 40 * 2**20
        assert sidecar.lines == ["open: the service answers"]


def test_it_recovers_after_running_out_of_descriptors() -> None:
    """New connections wait, and are accepted when descriptors are available again."""

    def limit_descriptors() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))

    with (
        lab.reserve_port() as listen,
        lab.reserve_port() as service,
        lab.run_echo_server(service),
        lab.start_sidecar(
            listen, service, mode="http", fall=1000, popen={"preexec_fn": limit_descriptors}
        ) as sidecar,
    ):
        sidecar.wait_for_line("open")
        with contextlib.ExitStack() as socks:
            for _ in range(60):
                socks.enter_context(socket.create_connection(("127.0.0.1", listen), 5))
            time.sleep(0.5)
        lab.wait_until(lambda: check(listen, http=True), 2)
        assert lab.is_healthy(listen)
        assert sidecar.lines == ["open: the service answers"]
