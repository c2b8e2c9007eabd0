"""The health sidecar under load: many checkers, slow ones, and a long run."""

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


@pytest.fixture(name="well", params=["tcp", "http"])
def well_fixture(request: pytest.FixtureRequest) -> Iterator[tuple[lab.Sidecar, bool]]:
    """An open sidecar, and whether it speaks HTTP. Its service answers for ever.

    One probe may be late on a machine that is busy with this very test; three in a row not.
    """
    flags = {"mode": request.param, "interval": 0.5, "timeout": 0.5, "fall": 3}
    with (
        lab.port() as listen,
        lab.port() as service,
        lab.echo_process(service),
        lab.sidecar(listen, service, **flags) as car,
    ):
        car.opens()
        yield car, request.param == "http"


def check(port: int, http: bool) -> bool:
    """One health check, as the load balancer does it."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as sock:
            if http:
                sock.sendall(REQUEST)
                return sock.recv(4096).startswith(b"HTTP/1.1 200 OK\r\n")
            return True
    except OSError:
        return False


def failures(port: int, http: bool, checks: int, at_once: int) -> int:
    """How many checks fail, of that many, made by so many checkers at once."""
    with ThreadPoolExecutor(at_once) as pool:
        return list(pool.map(lambda _: check(port, http), range(checks))).count(False)


def test_fifty_checkers_and_5000_connections_without_a_refusal(
    well: tuple[lab.Sidecar, bool],
) -> None:
    car, http = well
    assert failures(car.listen, http, 5000, 50) == 0
    assert car.lines == ["open: the service answers"]


def test_a_thousand_at_the_same_moment(well: tuple[lab.Sidecar, bool]) -> None:
    """More than there is room for, and none is read from before all are connected."""
    car, http = well
    with contextlib.ExitStack() as socks:
        for _ in range(1000):
            sock = socks.enter_context(socket.create_connection(("127.0.0.1", car.listen), 5))
            if http:
                sock.sendall(REQUEST)
    assert failures(car.listen, http, 10, 1) == 0
    assert car.lines == ["open: the service answers"]


def test_closes_in_time_under_load() -> None:
    stopped = threading.Event()

    def hammer(port: int) -> None:
        while not stopped.is_set():
            check(port, http=True)

    with (
        lab.port() as listen,
        lab.port() as service,
        lab.echo_process(service) as server,
        lab.sidecar(listen, service, mode="http", interval=0.3, timeout=0.3, fall=3) as car,
        ThreadPoolExecutor(8) as pool,
    ):
        car.opens()
        for _ in range(8):
            pool.submit(hammer, listen)
        try:
            time.sleep(1)
            assert car.lines == ["open: the service answers"]
            server.kill()
            car.closes(0.3 * 3 + 0.3 + 0.4)
        finally:
            stopped.set()


def test_slow_and_silent_clients_keep_nobody_out() -> None:
    """300 who say nothing, or half a request, beside a checker; then all are shown out."""
    with (
        lab.port() as listen,
        lab.port() as service,
        lab.echo_process(service),
        # A busy machine may miss probes, and a door that closes shows everybody out.
        lab.sidecar(listen, service, mode="http", fall=100) as car,
        contextlib.ExitStack() as socks,
    ):
        car.opens()
        began = time.monotonic()
        slow = []
        for number in range(300):
            sock = socks.enter_context(socket.create_connection(("127.0.0.1", listen), 12))
            sock.sendall(REQUEST[: number % 20])
            slow.append(sock)
            if number % 30 == 29:
                asked = time.monotonic()
                assert check(listen, http=True)
                assert time.monotonic() - asked < 2
        assert descriptors(car) < 300
        for sock in slow:
            with contextlib.suppress(ConnectionResetError):
                assert sock.recv(1) == b""
        assert 4 < time.monotonic() - began < 12
        lab.until(lambda: descriptors(car) < 20, 2)


def descriptors(car: lab.Sidecar) -> int:
    return len(list(Path(f"/proc/{car.process.pid}/fd").iterdir()))


def test_memory_is_steady() -> None:
    """Over 20,000 connections and thousands of probes, after the first of both."""
    with (
        lab.port() as listen,
        lab.port() as service,
        lab.Service(service, lab.echo) as server,
        lab.sidecar(listen, service, mode="http", interval=0.002, timeout=0.002, fall=1000) as car,
    ):
        car.opens()
        assert failures(listen, True, 4000, 10) == 0
        before, probes = car.memory(), len(server.times)
        assert failures(listen, True, 20_000, 10) == 0
        lab.until(lambda: len(server.times) > probes + 3000, 10)
        print(f"{before / 2**20:.1f} MiB, then {car.memory() / 2**20:.1f} MiB")
        assert car.memory() - before < 2**20
        assert car.memory() < 40 * 2**20
        assert car.lines == ["open: the service answers"]


def test_no_descriptors_left() -> None:
    """Then nobody more gets in, but nothing breaks, and it goes on when there are some again."""

    def poor() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))

    with (
        lab.port() as listen,
        lab.port() as service,
        lab.echo_process(service),
        lab.sidecar(listen, service, mode="http", fall=1000, popen={"preexec_fn": poor}) as car,
    ):
        car.says("open")
        with contextlib.ExitStack() as socks:
            for _ in range(60):
                socks.enter_context(socket.create_connection(("127.0.0.1", listen), 5))
            time.sleep(0.5)
        lab.until(lambda: check(listen, http=True), 2)
        assert lab.healthy(listen)
        assert car.lines == ["open: the service answers"]
