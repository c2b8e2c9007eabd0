"""The health sidecar: its program is run as ECS runs it, beside real services on loopback."""

from __future__ import annotations

import argparse
import ast
import asyncio
import contextlib
import http.client
import importlib.util
import os
import re
import resource
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import sidecar_lab as lab
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from templates.exposure.health_sidecar.sidecar import Sidecar, sidecar_container, sidecar_problems

LIMIT = 0.1 * 2 + 0.1
"""Seconds within which it must close: interval x fall + timeout."""
SLACK = 2.0
"""Seconds that a busy machine may add."""


@pytest.fixture(name="listen")
def listen_fixture() -> Iterator[int]:
    with lab.port() as number:
        yield number


@pytest.fixture(name="service")
def service_fixture() -> Iterator[int]:
    with lab.port() as number:
        yield number


@pytest.fixture(name="program", scope="module")
def program_fixture() -> ModuleType:
    """The program as a module, for its pure functions."""
    spec = importlib.util.spec_from_file_location("health_sidecar", lab.PROGRAM)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# Its text ------------------------------------------------------------------------------------


def test_text_is_that_of_the_file_word_for_word() -> None:
    assert lab.PROGRAM.read_text() == lab.SOURCE


def test_text_fits_into_a_task_definition() -> None:
    assert len(lab.SOURCE.encode()) < 8192
    assert lab.SOURCE.isascii()
    assert "\t" not in lab.SOURCE
    assert not re.search(r" $", lab.SOURCE, re.MULTILINE)
    # Nothing in it means anything to CloudFormation.
    assert not re.search(r"\$\{|\{\{resolve:", lab.SOURCE)


def test_text_needs_no_more_than_an_old_python() -> None:
    tree = ast.parse(lab.SOURCE, feature_version=(3, 9))
    names = {
        alias.name for node in tree.body if isinstance(node, ast.Import) for alias in node.names
    }
    names |= {str(node.module) for node in tree.body if isinstance(node, ast.ImportFrom)}
    assert names <= set(sys.stdlib_module_names)


# Probes --------------------------------------------------------------------------------------

GOOD: dict[str, tuple[lab.Handler, dict[str, Any]]] = {
    "echo": (lab.echo, {"probe": "echo"}),
    "dns": (lab.dns, {"probe": "dns"}),
    "dns-name": (lab.dns, {"probe": "dns", "name": "here.test"}),
    "dns-name-dot": (lab.dns, {"probe": "dns", "name": "here.test."}),
    "ntp": (lab.ntp, {"probe": "ntp"}),
    "send": (lab.line, {"probe": "send", "send": "hello sidecar\n", "expect": r"^welcome .* \d+$"}),
    "send-any-reply": (lab.line, {"probe": "send", "send": "what"}),
    "send-nothing": (lambda data: b"it is noon" if not data else None, {"probe": "send"}),
    "send-hex": (lab.echo, {"probe": "send", "send_hex": "00 ff0a", "expect_hex": "00ff0a"}),
    "send-hex-expect": (lab.echo, {"probe": "send", "send_hex": "00ff", "expect": r"\A\x00\xff\Z"}),
    "send-utf8": (lab.echo, {"probe": "send", "send": "grüezi", "expect": "^grüezi$"}),
}


@pytest.mark.parametrize("name", GOOD)
def test_opens_while_the_service_answers(name: str, listen: int, service: int) -> None:
    handler, flags = GOOD[name]
    with lab.Service(service, lab.silent) as server, lab.sidecar(listen, service, **flags) as car:
        car.says("closed: no reply in time")
        assert not car.is_open()
        server.handler = handler
        car.opens()
        server.handler = lab.silent
        car.closes(LIMIT + SLACK)
        server.handler = handler
        car.opens()


def changed(reply: bytes | None, at: int, value: int) -> bytes | None:
    return reply and reply[:at] + bytes([value]) + reply[at + 1 :]


WRONG = {
    "echo-other": (lambda _: b"other", "echo", "not the expected reply: b'other'"),
    "echo-more": (lambda data: data + b"!", "echo", "not the expected reply"),
    "echo-empty": (lambda _: b"", "echo", "not the expected reply: b''"),
    "dns-empty": (lambda _: b"", "dns", "not the expected reply"),
    "dns-query": (lab.echo, "dns", "not the expected reply"),
    "dns-id": (
        lambda data: changed(lab.dns(data), 0, data[0] ^ 1),
        "dns",
        "not the expected reply",
    ),
    "dns-formerr": (lambda data: changed(lab.dns(data), 3, 1), "dns", "DNS server says 1"),
    "dns-servfail": (lambda data: changed(lab.dns(data), 3, 0x82), "dns", "says SERVFAIL"),
    "dns-nxdomain": (lambda data: changed(lab.dns(data), 3, 0x83), "dns", "says NXDOMAIN"),
    "dns-refused": (lambda data: changed(lab.dns(data), 3, 5), "dns", "says REFUSED"),
    "ntp-short": (lambda data: (lab.ntp(data) or b"")[:47], "ntp", "not the expected reply"),
    "ntp-request": (lab.echo, "ntp", "not the expected reply"),
    "ntp-origin": (
        lambda data: changed(lab.ntp(data), 31, data[47] ^ 1),
        "ntp",
        "not the expected reply",
    ),
    "ntp-leap": (lambda data: changed(lab.ntp(data), 0, 0xE4), "ntp", "not synchronised"),
    "ntp-kiss-of-death": (lambda data: changed(lab.ntp(data), 1, 0), "ntp", "not synchronised"),
    "ntp-stratum": (lambda data: changed(lab.ntp(data), 1, 16), "ntp", "not synchronised"),
}


@pytest.mark.parametrize("name", WRONG)
def test_stays_closed_for_a_wrong_reply(name: str, listen: int, service: int) -> None:
    handler, probe, reason = WRONG[name]
    with (
        lab.Service(service, handler) as server,
        lab.sidecar(listen, service, probe=probe, interval=0.1) as car,
    ):
        car.says("closed: ")
        assert reason in car.lines[0]
        lab.until(lambda: len(server.times) > 5, 5)
        assert not car.is_open()
        assert len(car.lines) == 1


def test_expectations_are_not_met_by_a_part(listen: int, service: int) -> None:
    flags: dict[str, Any] = {"probe": "send", "send": "x", "expect_hex": "6162"}
    with (
        lab.Service(service, lambda _: b"abc") as server,
        lab.sidecar(listen, service, **flags) as car,
    ):
        car.says("closed: not the expected reply: b'abc'")
        server.handler = lambda _: b"xab"
        seen = len(server.times)
        lab.until(lambda: len(server.times) > seen + 3, 5)
        assert not car.is_open()
        server.handler = lambda _: b"ab"
        car.opens()


def test_a_closed_sidecar_says_why_when_the_reason_changes(listen: int, service: int) -> None:
    with lab.sidecar(listen, service, probe="send", send="x", expect="^ok") as car:
        car.says("closed: Connection refused")
        with lab.Service(service, lambda _: b"busy %d" % time.monotonic_ns()) as server:
            car.says("closed: not the expected reply: b'busy ")
            seen = len(server.times)
            lab.until(lambda: len(server.times) > seen + 4, 5)
            server.handler = lambda _: b"ok"
            car.opens()
    assert len(car.lines) == 3


def test_each_change_is_one_line(listen: int, service: int) -> None:
    with lab.Service(service, lab.silent) as server, lab.sidecar(listen, service) as car:
        lab.until(lambda: len(car.lines) == 1, 5)
        server.handler = lab.echo
        lab.until(lambda: len(car.lines) == 2, 5)
        server.handler = lab.silent
        lab.until(lambda: len(car.lines) == 3, 5)
        server.handler = lab.echo
        lab.until(lambda: len(car.lines) == 4, 5)
    assert car.lines[:4] == ["closed: no reply in time", "open: the service answers"] * 2


def test_none_watches_that_the_port_is_bound(listen: int, service: int) -> None:
    with lab.sidecar(listen, service, probe="none") as car:
        car.says("closed: nothing is bound to the UDP port")
        with lab.Service(service, lab.silent) as server:
            car.opens()
            assert server.times == []  # and sends nothing
        car.closes(LIMIT + SLACK)


def test_none_sees_ipv6_and_ignores_tcp_and_clients(listen: int, service: int) -> None:
    with (
        lab.sidecar(listen, service, probe="none") as car,
        socket.create_server(("127.0.0.1", service)),
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client,
    ):
        client.bind(("127.0.0.1", service))
        client.connect(("127.0.0.1", 9))
        car.says("closed: nothing is bound")
        assert not car.is_open()
        with lab.Service(service, lab.silent, host="::1"):
            car.opens()


def test_none_over_ipv6_does_not_see_a_service_on_ipv4_alone(listen: int, service: int) -> None:
    with lab.sidecar(listen, service, probe="none", host="::1") as car:
        with lab.Service(service, lab.silent):
            car.says("closed: nothing is bound")
            assert not car.is_open()
        with lab.Service(service, lab.silent, host="::1"):
            car.opens()


def test_a_service_on_ipv6_alone(listen: int, service: int) -> None:
    with (
        lab.Service(service, lab.echo, host="::1"),
        lab.sidecar(listen, service, host="::1") as car,
    ):
        car.opens()


@contextlib.contextmanager
def dnsmasq(number: int) -> Iterator[subprocess.Popen[bytes]]:
    program = shutil.which("dnsmasq") or shutil.which("/usr/sbin/dnsmasq")
    if not program:
        pytest.skip("dnsmasq is not installed (Debian: dnsmasq-base)")
    where = [f"--port={number}", "--listen-address=127.0.0.1", "--bind-interfaces"]
    alone = ["--keep-in-foreground", "--conf-file=/dev/null", "--pid-file=", "--log-facility=-"]
    zone = ["--no-resolv", "--no-hosts", "--local=/test/", "--address=/here.test/192.0.2.1"]
    user = [f"--user={'root' if os.geteuid() == 0 else ''}"]
    with lab.process([program, *alone, *where, *zone, *user]) as run:
        yield run


@pytest.mark.parametrize(
    ("name", "says"),
    [("here.test", "open"), ("gone.test", "NXDOMAIN"), (".", "REFUSED"), ("a.example", "REFUSED")],
)
def test_dnsmasq(name: str, says: str, listen: int, service: int) -> None:
    with dnsmasq(service) as server, lab.sidecar(listen, service, probe="dns", name=name) as car:
        car.says(says)
        assert car.is_open() == (says == "open")
        if says == "open":
            server.send_signal(signal.SIGSTOP)
            car.closes(LIMIT + SLACK)
            server.send_signal(signal.SIGCONT)
            car.opens()
            server.kill()
            car.closes(LIMIT + SLACK)


# Opening and closing -------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["tcp", "http"])
@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGSTOP])
def test_closes_when_the_service_dies_or_hangs(
    end: signal.Signals, mode: str, listen: int, service: int
) -> None:
    with lab.sidecar(listen, service, mode=mode) as car:
        with lab.echo_process(service) as server:
            car.opens()
            with socket.create_connection(("127.0.0.1", listen), timeout=2) as visitor:
                server.send_signal(end)
                assert car.closes(LIMIT + SLACK) > 0.1
                with contextlib.suppress(ConnectionResetError):
                    assert visitor.recv(1) == b""
            if end == signal.SIGSTOP:
                server.send_signal(signal.SIGCONT)
                car.opens()
        with lab.echo_process(service):
            car.opens()


@pytest.mark.parametrize("fault", ["silent", "slow", "wrong"])
def test_closes_when_the_service_answers_no_more(fault: str, listen: int, service: int) -> None:
    with lab.Service(service, lab.echo) as server, lab.sidecar(listen, service) as car:
        car.opens()
        if fault == "slow":
            server.delay = 0.15
        else:
            server.handler = lab.silent if fault == "silent" else lambda _: b"wrong"
        car.closes(LIMIT + SLACK)
        server.handler, server.delay = lab.echo, 0
        car.opens()


def test_one_bad_probe_does_not_close_and_one_good_one_does_not_open(
    listen: int, service: int
) -> None:
    """With fall and rise of 3, whatever comes fewer times in a row changes nothing."""
    pattern = "+-++" + "--+--+" + "+-" + "+++"  # opens at the last only
    script = iter([*pattern, *("--+" * 4), *"---"])  # and closes at the end
    states = []

    def handler(data: bytes) -> bytes | None:
        states.append(car.is_open())
        return data if next(script, "-") == "+" else None

    with lab.sidecar(listen, service, interval=0.1, timeout=0.05, rise=3, fall=3) as car:
        car.says("closed: Connection refused")
        with lab.Service(service, handler):
            car.says("open")
            opened = len(states)
            lab.until(lambda: car.lines[-1].startswith("closed: no reply"), 5)
            closed = len(states)
    assert (opened, closed) == (len(pattern), len(pattern) + 15)
    assert states[:closed] == [False] * opened + [True] * (closed - opened)


def test_a_late_reply_counts_for_nothing(listen: int, service: int) -> None:
    """Each probe's answer arrives while the next one waits."""
    with (
        lab.Service(service, lambda _: b"ok") as server,
        lab.sidecar(listen, service, probe="send", send="x", expect="ok") as car,
    ):
        server.delay = 0.11
        lab.until(lambda: len(server.times) > 5, 5)
        assert not car.is_open()


def test_a_reply_from_another_port_counts_for_nothing(listen: int, service: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked, lab.port() as elsewhere:
        asked.bind(("127.0.0.1", service))
        asked.settimeout(5)
        with (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other,
            lab.sidecar(listen, service) as car,
        ):
            other.bind(("127.0.0.1", elsewhere))
            for _ in range(4):
                data, sender = asked.recvfrom(100)
                other.sendto(data, sender)
            assert not car.is_open()


def test_two_replies_are_one_good_probe(listen: int, service: int) -> None:
    with lab.Service(service, lab.silent) as server:

        def twice(data: bytes) -> bytes:
            server.sock.sendto(data, ("127.0.0.1", 9))
            return data

        with lab.sidecar(listen, service, rise=3, interval=0.3) as car:
            server.handler = twice
            seen = len(server.times)
            car.opens()
            assert len(server.times) - seen >= 3


def test_probes_start_at_even_intervals_however_long_they_take(listen: int, service: int) -> None:
    with (
        lab.Service(service, lab.echo) as server,
        lab.sidecar(listen, service, interval=0.1, timeout=0.1),
    ):
        server.delay = 0.06
        lab.until(lambda: len(server.times) > 20, 5)
        assert (server.times[20] - server.times[0]) / 20 == pytest.approx(0.1, rel=0.1)


def test_reopens_at_once_beside_what_remains_of_connections(listen: int, service: int) -> None:
    with lab.Service(service, lab.echo) as server, lab.sidecar(listen, service, fall=1) as car:
        for _ in range(2):
            car.opens()
            with contextlib.ExitStack() as visitors:
                for _ in range(20):
                    visitors.enter_context(socket.create_connection(("127.0.0.1", listen)))
                server.handler = lab.silent
                car.closes(1)
                server.handler = lab.echo
                car.opens()


def test_ipv4_and_ipv6(listen: int, service: int) -> None:
    with lab.Service(service, lab.echo), lab.sidecar(listen, service) as car:
        car.opens()
        assert car.is_open("::1")


def test_ipv4_where_there_is_no_ipv6(listen: int, service: int) -> None:
    without = f"import socket\nsocket.has_ipv6 = False\nexec({lab.SOURCE!r})"
    with lab.Service(service, lab.echo), lab.sidecar(listen, service, source=without) as car:
        car.opens()
        assert not car.is_open("::1")


def test_a_port_that_is_taken_ends_it_with_a_line(listen: int, service: int) -> None:
    with (
        socket.create_server(("", listen)),
        lab.Service(service, lab.echo),
        lab.sidecar(listen, service) as car,
    ):
        assert car.process.wait(5) == 1
        lab.until(lambda: len(car.lines) == 1, 5, car.lines)
        assert re.fullmatch(r"health-sidecar: .*in use.*", car.lines[0])


@pytest.mark.parametrize("probe", ["echo", "none"])
def test_runs_as_nobody_with_nothing_writable(probe: str, listen: int, service: int) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can run the sidecar as another user")

    def confine() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))

    nobody = {"user": 65534, "group": 65534, "extra_groups": [], "cwd": "/", "env": {}}
    popen = {**nobody, "preexec_fn": confine}
    python = next(filter(runs_as_nobody, (lab.PYTHON, "/usr/bin/python3")), None)
    if not python:
        pytest.skip("no Python that another user may run")
    with (
        lab.Service(service, lab.echo),
        lab.sidecar(listen, service, python=python, probe=probe, popen=popen) as car,
    ):
        car.opens()
        assert lab.healthy(listen)
        status = Path(f"/proc/{car.process.pid}/status").read_text()
        assert re.search(r"CapEff:\s+0+\n", status)


def runs_as_nobody(python: str) -> bool:
    try:
        return subprocess.run([python, "-c", ""], user=65534, check=False).returncode == 0
    except OSError:
        return False


# Signals -------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_closes_at_once_and_ends_after_the_drain(
    number: signal.Signals, listen: int, service: int
) -> None:
    with (
        lab.Service(service, lab.echo) as server,
        lab.sidecar(listen, service, drain=1.2, interval=3) as car,
    ):
        car.opens()
        with socket.create_connection(("127.0.0.1", listen), timeout=5) as visitor:
            car.send(number)
            began = time.monotonic()
            assert car.closes(SLACK) < SLACK
            with contextlib.suppress(ConnectionResetError):
                assert visitor.recv(1) == b""
        assert lab.healthy(listen)
        assert car.process.wait(5) == 0
        assert 1.15 < time.monotonic() - began < 1.2 + SLACK
        assert len(server.times) == 1  # and no probe any more
        lab.until(lambda: len(car.lines) == 2, 5)
        assert car.lines[1] == "closed: stopped by a signal"


@pytest.mark.parametrize("turns", range(8))
def test_a_signal_in_the_turn_of_a_reply_is_not_lost(
    program: ModuleType, service: int, turns: int
) -> None:
    """`asyncio.wait_for` did, up to Python 3.11 (python/cpython#86296)."""

    async def kept() -> bool:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
            server.bind(("127.0.0.1", service))
            server.setblocking(False)
            args = argparse.Namespace(probe="echo", host="127.0.0.1", port=service, timeout=5)
            task = asyncio.create_task(program.trouble(args))
            while not select.select([server], [], [], 0)[0]:
                await asyncio.sleep(0)
            server.sendto(*server.recvfrom(100))
            for _ in range(turns):
                await asyncio.sleep(0)
            pending = task.cancel()
            await asyncio.wait([task])
            return task.cancelled() == pending

    assert asyncio.run(kept())


def test_a_second_signal_ends_it_at_once(listen: int, service: int) -> None:
    with lab.Service(service, lab.echo), lab.sidecar(listen, service, drain=60) as car:
        car.opens()
        car.send(signal.SIGTERM)
        car.says("stopped")
        car.send(signal.SIGTERM)
        assert car.process.wait(SLACK) == 0


def test_a_signal_while_closed_and_without_a_drain(listen: int, service: int) -> None:
    with lab.sidecar(listen, service) as car:
        car.says("closed: Connection refused")
        car.send(signal.SIGTERM)
        assert car.process.wait(SLACK) == 0


# Its own health ------------------------------------------------------------------------------


def test_its_own_health_is_not_that_of_the_service(listen: int, service: int) -> None:
    assert not lab.healthy(listen)
    with lab.sidecar(listen, service) as car:
        car.says("closed")
        assert lab.healthy(listen)
        with lab.Service(service, lab.echo):
            car.opens()
            assert lab.healthy(listen)
            assert not lab.healthy(listen + 1)
        car.send(signal.SIGSTOP)
        assert not lab.healthy(listen)
        car.send(signal.SIGCONT)
        assert lab.healthy(listen)
    assert not lab.healthy(listen)


def test_two_sidecars_in_one_task(listen: int, service: int) -> None:
    with (
        lab.Service(service, lab.echo),
        lab.port() as other,
        lab.sidecar(listen, service) as first,
        lab.sidecar(other, service) as second,
    ):
        first.opens()
        second.opens()
        assert lab.healthy(listen)
        assert lab.healthy(other)


# What a checker meets ------------------------------------------------------------------------


@contextlib.contextmanager
def well(listen: int, service: int, **flags: Any) -> Iterator[lab.Sidecar]:
    with lab.Service(service, lab.echo), lab.sidecar(listen, service, **flags) as car:
        car.says("open")
        yield car


def everything(sock: socket.socket) -> bytes:
    return b"".join(iter(lambda: sock.recv(4096), b""))


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\n\r\n"])
def test_tcp_ends_without_a_reset(sent: bytes, listen: int, service: int) -> None:
    with well(listen, service), socket.create_connection(("127.0.0.1", listen), timeout=2) as sock:
        sock.sendall(sent)
        assert everything(sock) == b""
        time.sleep(0.1)
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0


def test_scanners_that_reset_do_no_harm(listen: int, service: int) -> None:
    with well(listen, service) as car:
        for _ in range(200):
            with socket.create_connection(("127.0.0.1", listen), timeout=5) as sock:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        assert car.is_open()
        assert len(car.lines) == 1


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_http(method: str, listen: int, service: int) -> None:
    with well(listen, service, mode="http"):
        connection = http.client.HTTPConnection("127.0.0.1", listen, timeout=5)
        connection.request(method, "/any/path?x=1", headers={"User-Agent": "ELB-HealthChecker/2.0"})
        with connection.getresponse() as response:
            assert response.status == 200
            assert response.getheader("Connection") == "close"
            assert response.getheader("Content-Length") == "3"
            assert response.read() == (b"ok\n" if method == "GET" else b"")
        connection.close()


def test_http_head_has_no_body(listen: int, service: int) -> None:
    with (
        well(listen, service, mode="http"),
        socket.create_connection(("127.0.0.1", listen), timeout=2) as sock,
    ):
        sock.sendall(b"HEAD / HTTP/1.1\r\n\r\n")
        assert everything(sock).endswith(b"\r\n\r\n")


def test_http_waits_for_the_whole_head(listen: int, service: int) -> None:
    with (
        well(listen, service, mode="http"),
        socket.create_connection(("127.0.0.1", listen), timeout=0.2) as sock,
    ):
        for part in b"GET / HT", b"TP/1.1\r\nHost: x\r\n", b"\r":
            sock.sendall(part)
            with pytest.raises(TimeoutError):
                sock.recv(1)
        sock.sendall(b"\n")
        sock.settimeout(5)
        assert everything(sock).startswith(b"HTTP/1.1 200 OK\r\n")


def test_http_bounds_the_head(listen: int, service: int) -> None:
    with (
        well(listen, service, mode="http"),
        socket.create_connection(("127.0.0.1", listen), timeout=5) as sock,
        contextlib.suppress(ConnectionError),
    ):
        for _ in range(1000):
            sock.sendall(b"x" * 1024)
        assert everything(sock) == b""


def test_http_client_that_gives_up(listen: int, service: int) -> None:
    with (
        well(listen, service, mode="http"),
        socket.create_connection(("127.0.0.1", listen), timeout=5) as sock,
    ):
        sock.sendall(b"GET /")
        sock.shutdown(socket.SHUT_WR)
        assert everything(sock) == b""


# The command line ----------------------------------------------------------------------------

BASE = ["--listen=8080", "--port=53", "--probe=dns"]
RANGE = "a number is out of range"
BAD = [
    (["--listen=0"], RANGE),
    (["--listen=65536"], RANGE),
    (["--port=x"], "--port"),
    (["--port=0"], RANGE),
    (["--probe=ping"], "--probe"),
    (["--mode=udp"], "--mode"),
    (["--name=a..b"], "--name"),
    ([f"--name={'a' * 64}.test"], "--name"),
    (["--send-hex=0"], "--send-hex"),
    (["--expect-hex=xy"], "--expect-hex"),
    (["--expect=("], "--expect"),
    (["--interval=0"], RANGE),
    (["--interval=nan"], RANGE),
    (["--interval=inf"], RANGE),
    (["--interval=1"], "--timeout above --interval"),  # --timeout is 2
    (["--timeout=0"], RANGE),
    (["--rise=0"], RANGE),
    (["--fall=-1"], RANGE),
    (["--drain=-1"], RANGE),
    (["--unknown"], "--unknown"),
    (["extra"], "extra"),
]


@pytest.mark.parametrize(("words", "named"), BAD, ids=[" ".join(words)[:30] for words, _ in BAD])
def test_bad_arguments_are_one_line_and_2(
    words: list[str], named: str, program: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        program.parsed([*BASE, *words])
    assert ended.value.code == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("health-sidecar: error: ")
    assert said.err.count("\n") == 1
    assert named in said.err


@pytest.mark.parametrize("missing", BASE)
def test_what_must_be_given(missing: str, program: ModuleType) -> None:
    assert outcome([word for word in BASE if word != missing], program) == 2


def test_bad_arguments_as_ecs_would_show_them() -> None:
    command = [lab.PYTHON, "-u", "-c", lab.SOURCE, "--listen=8080"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout) == (2, "")
    assert re.fullmatch(r"health-sidecar: error: .*--probe.*\n", run.stderr)


FLAGS = (
    *("listen", "port", "probe", "mode", "host", "name", "send", "send-hex", "expect"),
    *("expect-hex", "interval", "timeout", "rise", "fall", "drain"),
)
VALUES = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20),
    st.integers().map(str),
    st.floats().map(str),
    st.sampled_from(["dns", "ntp", "http", "00ff", "(", "a{9999999999999}", "here.test"]),
)
WORDS = st.lists(st.builds("--{}={}".format, st.sampled_from(FLAGS), VALUES))


def outcome(words: list[str], program: ModuleType) -> Any:
    """What the words mean, or the code that the program ends with."""
    try:
        return program.parsed(words)
    except SystemExit as ended:
        return ended.code


@given(words=WORDS)
def test_any_arguments_are_taken_or_refused(words: list[str], program: ModuleType) -> None:
    args = outcome([*BASE, *words], program)
    if not isinstance(args, argparse.Namespace):
        assert args == 2
        return
    assert args.listen in range(1, 65536)
    assert args.port in range(1, 65536)
    assert 0 < args.timeout <= args.interval
    assert args.rise >= 1 <= args.fall
    assert len(program.question(args)) < 2000
    assert isinstance(program.fault(args, program.question(args), b"anything"), str)


_TEXT = st.text(st.characters(codec="utf-8"), max_size=12)
_LABELS = st.text("aZ0-_", min_size=1, max_size=70)
_NAMES = st.builds(
    "{}{}".format, st.lists(_LABELS, max_size=5).map(".".join), st.just(".") | st.just("")
)
PARAMS = st.fixed_dictionaries(
    {"probe": st.sampled_from(["dns", "ntp", "echo", "send", "none"])},
    optional={
        "name": _NAMES | _TEXT,
        "send": _TEXT,
        "send_hex": st.sampled_from(["00ff", "0"]),
        "expect": _TEXT | st.sampled_from(["(", "^ü$", "a{9999999999999}", "(?s)x"]),
        "expect_hex": st.sampled_from(["00ff", ""]),
        "port": st.integers(1, 70_000),
        "mode": st.sampled_from(["tcp", "http"]),
        "interval": st.sampled_from(["1s", "5m"]),
        "timeout": st.sampled_from(["1s", "1m"]),
        "rise": st.integers(1, 100),
        "fall": st.integers(1, 100),
        "drain": st.sampled_from(["0s", "1m"]),
    },
)


@given(params=PARAMS, noticed=st.integers(10, 3000), ipv6=st.booleans())
@example(params={"probe": "dns", "name": "a..b"}, noticed=45, ipv6=False)
@example(params={"probe": "dns", "name": "a" * 64}, noticed=45, ipv6=False)
@example(params={"probe": "dns", "name": "."}, noticed=45, ipv6=True)
@example(params={"probe": "send", "send": "a\0b", "expect": "é"}, noticed=45, ipv6=False)
def test_what_the_params_take_the_program_takes(
    params: dict[str, Any], noticed: int, ipv6: bool, program: ModuleType
) -> None:
    try:
        its = Sidecar.model_validate(params)
    except ValidationError:
        return
    if [*sidecar_problems(its, ())]:
        return
    command = sidecar_container(its, "app", 53, noticed, ipv6=ipv6).command
    assert not [word for word in command if "\0" in word]
    args = program.parsed(command[4:])
    assert len(program.question(args)) < 2000


@pytest.mark.parametrize("name", ["a..b", "a" * 64, ".a", "a b", "a..", "", "b." * 127 + "b"])
def test_names_that_are_none(name: str) -> None:
    with pytest.raises(ValidationError, match=r"is not a DNS name|empty"):
        Sidecar.model_validate({"probe": "dns", "name": name})


@pytest.mark.parametrize(
    "name", [".", "a", "a.", "_dns.Example-1.com", "a" * 63 + ".b", "b." * 126]
)
def test_names_that_are_one(name: str) -> None:
    assert Sidecar.model_validate({"probe": "dns", "name": name}).name == name


@pytest.mark.parametrize("key", ["send", "expect"])
def test_a_nul_is_written_in_hexadecimal(key: str) -> None:
    with pytest.raises(ValidationError, match="holds a NUL"):
        Sidecar.model_validate({"probe": "send", key: "a\0b"})


def test_an_expression_is_for_bytes_of_utf_8() -> None:
    its = Sidecar.model_validate({"probe": "send", "send": "", "expect": "^日本"})
    assert its.expect == "^日本"
    with pytest.raises(ValidationError, match="not a regular expression: it is too large"):
        Sidecar.model_validate({"probe": "send", "expect": "a{9999999999999}"})


@given(
    probe=st.sampled_from(["dns", "ntp", "echo", "send"]),
    start=st.integers(0, 48),
    noise=st.binary(max_size=100),
)
def test_no_reply_is_too_strange(probe: str, start: int, noise: bytes, program: ModuleType) -> None:
    """Whatever comes instead of an answer, or after its beginning, is judged, and found bad."""
    args = program.parsed([*BASE[:2], f"--probe={probe}", "--expect=^never$"])
    sent = program.question(args)
    got = sent[:start] + noise
    if probe == "echo" and got == sent:
        return
    if probe == "dns" and got[:2] == sent[:2] and len(got) >= 12 and got[2] > 127:
        return
    assert program.fault(args, sent, got)


@given(ident=st.binary(min_size=2, max_size=2), flags=st.integers(0, 0xFFFF))
def test_dns_is_good_without_an_error_only(ident: bytes, flags: int, program: ModuleType) -> None:
    args = program.parsed(BASE)
    sent = ident + program.question(args)[2:]
    got = ident + flags.to_bytes(2, "big") + bytes(8)
    assert (program.fault(args, sent, got) == "") == (flags >> 15 == 1 and flags & 15 == 0)


@given(first=st.integers(0, 255), stratum=st.integers(0, 255))
def test_ntp_is_good_when_synchronised_only(first: int, stratum: int, program: ModuleType) -> None:
    args = program.parsed([*BASE[:2], "--probe=ntp"])
    sent = program.question(args)
    got = bytes([first, stratum]) + bytes(22) + sent[40:] + bytes(16)
    good = first & 7 == 4 and first >> 6 != 3 and 1 <= stratum <= 15
    assert (program.fault(args, sent, got) == "") == good


def test_questions_differ(program: ModuleType) -> None:
    for probe in "ntp", "echo":
        args = program.parsed([*BASE[:2], f"--probe={probe}"])
        assert len({program.question(args) for _ in range(100)}) == 100


@pytest.mark.parametrize(
    ("name", "wire"),
    [
        (".", b"\0\0\2\0\1"),
        ("a", b"\1a\0\0\1\0\1"),
        ("_ntp._udp.a-b.test.", b"\4_ntp\4_udp\3a-b\4test\0\0\1\0\1"),
        ("bücher.test", b"\x0dxn--bcher-kva\4test\0\0\1\0\1"),
    ],
)
def test_names_in_queries(name: str, wire: bytes, program: ModuleType) -> None:
    assert program.name(name) == wire
