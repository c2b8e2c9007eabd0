"""The health sidecar under load: many clients, slow clients, and a long run."""

from __future__ import annotations

import contextlib
import os
import resource
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

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
            listen, service, mode="http", interval=0.002, timeout=0.002, fall=1_000_000
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


def limit_descriptors(number: int) -> dict[str, Any]:
    """Arguments of Popen for a process that can have so many descriptors."""
    return {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (number, number))}


def count_cpu_seconds(sidecar: lab.Sidecar) -> float:
    fields = Path(f"/proc/{sidecar.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.parametrize(("limit", "probe"), [(20, "echo"), (40, "none"), (200, "echo")])
def test_silent_clients_without_descriptors_for_them_do_not_close_it(
    limit: int, probe: str
) -> None:
    """The oldest clients are disconnected, so that the probes and the health checks continue."""
    with (
        lab.reserve_port() as listen,
        lab.reserve_port() as service,
        lab.run_echo_server(service),
        lab.start_sidecar(
            listen,
            service,
            mode="http",
            probe=probe,
            interval=0.2,
            timeout=0.2,
            fall=3,
            popen=limit_descriptors(limit),
        ) as sidecar,
        contextlib.ExitStack() as socks,
    ):
        sidecar.wait_until_open()
        for _ in range(limit + 60):
            socks.enter_context(socket.create_connection(("127.0.0.1", listen), 5))
        before = count_cpu_seconds(sidecar)
        time.sleep(1)
        assert count_cpu_seconds(sidecar) - before < 0.4, "it spins"
        assert check(listen, http=True)
        assert lab.is_healthy(listen)
        assert count_descriptors(sidecar) <= limit
        assert sidecar.lines == ["open: the service answers"]


def test_without_any_descriptor_left_it_waits_and_stays_open() -> None:
    """As when an instance has run out of them: nothing can be accepted, and no probe is sent."""
    with (
        lab.reserve_port() as listen,
        lab.reserve_port() as service,
        lab.run_echo_server(service),
        lab.start_sidecar(listen, service, mode="http", interval=0.2, timeout=0.2) as sidecar,
    ):
        sidecar.wait_until_open()
        lab.wait_until(lambda: count_descriptors(sidecar) < 10, 5)
        _, hard = resource.prlimit(sidecar.process.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(sidecar.process.pid, resource.RLIMIT_NOFILE, (3, hard))
        with socket.create_connection(("127.0.0.1", listen), 5) as waiting:
            before = count_cpu_seconds(sidecar)
            time.sleep(1)
            assert count_cpu_seconds(sidecar) - before < 0.4, "it spins"
            assert sidecar.lines == ["open: the service answers"]
            resource.prlimit(sidecar.process.pid, resource.RLIMIT_NOFILE, (hard, hard))
            waiting.settimeout(5)
            waiting.sendall(REQUEST)
            assert waiting.recv(4096).startswith(b"HTTP/1.1 200 OK")
        assert sidecar.lines == ["open: the service answers"]


def test_its_container_asks_for_the_descriptors_that_it_needs() -> None:
    (limit,) = lab.CONTAINER["Ulimits"]
    assert limit == {"Name": "nofile", "SoftLimit": 1024, "HardLimit": 1024}


def test_with_the_limit_of_its_container_it_has_room_for_256_clients() -> None:
    limit = lab.CONTAINER["Ulimits"][0]["SoftLimit"]
    with (
        lab.reserve_port() as listen,
        lab.reserve_port() as service,
        lab.run_echo_server(service),
        lab.start_sidecar(
            listen, service, mode="http", fall=100, popen=limit_descriptors(limit)
        ) as sidecar,
        contextlib.ExitStack() as socks,
    ):
        sidecar.wait_until_open()
        idle = count_descriptors(sidecar)
        for _ in range(300):
            socks.enter_context(socket.create_connection(("127.0.0.1", listen), 5))
        lab.wait_until(lambda: count_descriptors(sidecar) >= idle + 250, 2)
