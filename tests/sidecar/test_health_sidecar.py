"""The health sidecar: its program is run as in ECS, with real services on loopback."""

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
"""Seconds within which the sidecar must close its port: interval x fall + timeout."""
SLACK = 2.0
"""Additional seconds for a busy machine."""


@pytest.fixture(name="listen")
def listen_fixture() -> Iterator[int]:
    with lab.reserve_port() as number:
        yield number


@pytest.fixture(name="service")
def service_fixture() -> Iterator[int]:
    with lab.reserve_port() as number:
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


# The text of the program --------------------------------------------------------------------


def test_the_template_contains_the_program_unchanged() -> None:
    assert lab.PROGRAM.read_text() == lab.SOURCE


def test_the_program_fits_into_a_task_definition() -> None:
    assert len(lab.SOURCE.encode()) < 9216
    assert lab.SOURCE.isascii()
    assert "\t" not in lab.SOURCE
    assert not re.search(r" $", lab.SOURCE, re.MULTILINE)
    # CloudFormation would replace these.
    assert not re.search(r"\$\{|\{\{resolve:", lab.SOURCE)


def test_the_program_needs_python_3_9_and_its_standard_library_only() -> None:
    tree = ast.parse(lab.SOURCE, feature_version=(3, 9))
    names = {
        alias.name for node in tree.body if isinstance(node, ast.Import) for alias in node.names
    }
    names |= {str(node.module) for node in tree.body if isinstance(node, ast.ImportFrom)}
    assert names <= set(sys.stdlib_module_names)


# Probes --------------------------------------------------------------------------------------

GOOD: dict[str, tuple[lab.Handler, dict[str, Any]]] = {
    "echo": (lab.echo, {"probe": "echo"}),
    "dns": (lab.answer_dns, {"probe": "dns"}),
    "dns-name": (lab.answer_dns, {"probe": "dns", "name": "here.test"}),
    "dns-name-dot": (lab.answer_dns, {"probe": "dns", "name": "here.test."}),
    "ntp": (lab.answer_ntp, {"probe": "ntp"}),
    "send": (
        lab.answer_line,
        {"probe": "send", "send": "hello sidecar\n", "expect": r"^welcome .* \d+$"},
    ),
    "send-any-reply": (lab.answer_line, {"probe": "send", "send": "what"}),
    "send-nothing": (lambda data: b"it is noon" if not data else None, {"probe": "send"}),
    "send-hex": (lab.echo, {"probe": "send", "send_hex": "00 ff0a", "expect_hex": "00ff0a"}),
    "send-hex-expect": (lab.echo, {"probe": "send", "send_hex": "00ff", "expect": r"\A\x00\xff\Z"}),
    "send-utf8": (lab.echo, {"probe": "send", "send": "grüezi", "expect": "^grüezi$"}),
}


@pytest.mark.parametrize("name", GOOD)
def test_the_port_is_open_while_the_service_answers(name: str, listen: int, service: int) -> None:
    handler, flags = GOOD[name]
    with (
        lab.Service(service, lab.ignore) as server,
        lab.start_sidecar(listen, service, **flags) as sidecar,
    ):
        sidecar.wait_for_line("closed: no reply in time")
        assert not sidecar.accepts_connections()
        server.handler = handler
        sidecar.wait_until_open()
        server.handler = lab.ignore
        sidecar.wait_until_closed(LIMIT + SLACK)
        server.handler = handler
        sidecar.wait_until_open()


def change_byte(reply: bytes | None, at: int, value: int) -> bytes | None:
    return reply and reply[:at] + bytes([value]) + reply[at + 1 :]


WRONG = {
    "echo-other": (lambda _: b"other", "echo", "not the expected reply: b'other'"),
    "echo-more": (lambda data: data + b"!", "echo", "not the expected reply"),
    "echo-empty": (lambda _: b"", "echo", "not the expected reply: b''"),
    "dns-empty": (lambda _: b"", "dns", "not the expected reply"),
    "dns-query": (lab.echo, "dns", "not the expected reply"),
    "dns-id": (
        lambda data: change_byte(lab.answer_dns(data), 0, data[0] ^ 1),
        "dns",
        "not the expected reply",
    ),
    "dns-formerr": (
        lambda data: change_byte(lab.answer_dns(data), 3, 1),
        "dns",
        "DNS server says 1",
    ),
    "dns-servfail": (
        lambda data: change_byte(lab.answer_dns(data), 3, 0x82),
        "dns",
        "says SERVFAIL",
    ),
    "dns-nxdomain": (
        lambda data: change_byte(lab.answer_dns(data), 3, 0x83),
        "dns",
        "says NXDOMAIN",
    ),
    "dns-refused": (lambda data: change_byte(lab.answer_dns(data), 3, 5), "dns", "says REFUSED"),
    "ntp-short": (lambda data: (lab.answer_ntp(data) or b"")[:47], "ntp", "not the expected reply"),
    "ntp-request": (lab.echo, "ntp", "not the expected reply"),
    "ntp-origin": (
        lambda data: change_byte(lab.answer_ntp(data), 31, data[47] ^ 1),
        "ntp",
        "not the expected reply",
    ),
    "ntp-leap": (
        lambda data: change_byte(lab.answer_ntp(data), 0, 0xE4),
        "ntp",
        "not synchronised",
    ),
    "ntp-kiss-of-death": (
        lambda data: change_byte(lab.answer_ntp(data), 1, 0),
        "ntp",
        "not synchronised",
    ),
    "ntp-stratum": (
        lambda data: change_byte(lab.answer_ntp(data), 1, 16),
        "ntp",
        "not synchronised",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_it_stays_closed_for_a_wrong_reply(name: str, listen: int, service: int) -> None:
    handler, probe, reason = WRONG[name]
    with (
        lab.Service(service, handler) as server,
        lab.start_sidecar(listen, service, probe=probe, interval=0.1) as sidecar,
    ):
        sidecar.wait_for_line("closed: ")
        assert reason in sidecar.lines[0]
        lab.wait_until(lambda: len(server.times) > 5, 5)
        assert not sidecar.accepts_connections()
        assert len(sidecar.lines) == 1


def test_expect_hex_must_be_the_whole_reply(listen: int, service: int) -> None:
    flags: dict[str, Any] = {"probe": "send", "send": "x", "expect_hex": "6162"}
    with (
        lab.Service(service, lambda _: b"abc") as server,
        lab.start_sidecar(listen, service, **flags) as sidecar,
    ):
        sidecar.wait_for_line("closed: not the expected reply: b'abc'")
        server.handler = lambda _: b"xab"
        seen = len(server.times)
        lab.wait_until(lambda: len(server.times) > seen + 3, 5)
        assert not sidecar.accepts_connections()
        server.handler = lambda _: b"ab"
        sidecar.wait_until_open()


def test_it_logs_a_new_reason_while_it_is_closed(listen: int, service: int) -> None:
    with lab.start_sidecar(listen, service, probe="send", send="x", expect="^ok") as sidecar:
        sidecar.wait_for_line("closed: Connection refused")
        with lab.Service(service, lambda _: b"busy %d" % time.monotonic_ns()) as server:
            sidecar.wait_for_line("closed: not the expected reply: b'busy ")
            seen = len(server.times)
            lab.wait_until(lambda: len(server.times) > seen + 4, 5)
            server.handler = lambda _: b"ok"
            sidecar.wait_until_open()
    assert len(sidecar.lines) == 3


def test_it_logs_one_line_for_each_change(listen: int, service: int) -> None:
    with lab.Service(service, lab.ignore) as server, lab.start_sidecar(listen, service) as sidecar:
        lab.wait_until(lambda: len(sidecar.lines) == 1, 5)
        server.handler = lab.echo
        lab.wait_until(lambda: len(sidecar.lines) == 2, 5)
        server.handler = lab.ignore
        lab.wait_until(lambda: len(sidecar.lines) == 3, 5)
        server.handler = lab.echo
        lab.wait_until(lambda: len(sidecar.lines) == 4, 5)
    assert sidecar.lines[:4] == ["closed: no reply in time", "open: the service answers"] * 2


def test_probe_none_checks_that_the_port_is_bound(listen: int, service: int) -> None:
    with lab.start_sidecar(listen, service, probe="none") as sidecar:
        sidecar.wait_for_line("closed: nothing is bound to the UDP port")
        with lab.Service(service, lab.ignore) as server:
            sidecar.wait_until_open()
            assert server.times == [], "it sends nothing"
        sidecar.wait_until_closed(LIMIT + SLACK)


def test_probe_none_finds_ipv6_sockets_and_ignores_tcp_and_connected_sockets(
    listen: int, service: int
) -> None:
    with (
        lab.start_sidecar(listen, service, probe="none") as sidecar,
        socket.create_server(("127.0.0.1", service)),
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client,
    ):
        client.bind(("127.0.0.1", service))
        client.connect(("127.0.0.1", 9))
        sidecar.wait_for_line("closed: nothing is bound")
        assert not sidecar.accepts_connections()
        with lab.Service(service, lab.ignore, host="::1"):
            sidecar.wait_until_open()


def test_probe_none_over_ipv6_ignores_a_service_on_ipv4_only(listen: int, service: int) -> None:
    with lab.start_sidecar(listen, service, probe="none", host="::1") as sidecar:
        with lab.Service(service, lab.ignore):
            sidecar.wait_for_line("closed: nothing is bound")
            assert not sidecar.accepts_connections()
        with lab.Service(service, lab.ignore, host="::1"):
            sidecar.wait_until_open()


def test_a_service_on_ipv6_only(listen: int, service: int) -> None:
    with (
        lab.Service(service, lab.echo, host="::1"),
        lab.start_sidecar(listen, service, host="::1") as sidecar,
    ):
        sidecar.wait_until_open()


@contextlib.contextmanager
def dnsmasq(number: int) -> Iterator[subprocess.Popen[bytes]]:
    program = shutil.which("dnsmasq") or shutil.which("/usr/sbin/dnsmasq")
    if not program:
        pytest.skip("dnsmasq is not installed (Debian: dnsmasq-base)")
    address = [f"--port={number}", "--listen-address=127.0.0.1", "--bind-interfaces"]
    isolation = ["--keep-in-foreground", "--conf-file=/dev/null", "--pid-file=", "--log-facility=-"]
    zone = ["--no-resolv", "--no-hosts", "--local=/test/", "--address=/here.test/192.0.2.1"]
    user = [f"--user={'root' if os.geteuid() == 0 else ''}"]
    with lab.run_process([program, *isolation, *address, *zone, *user]) as run:
        yield run


@pytest.mark.parametrize(
    ("name", "logged"),
    [("here.test", "open"), ("gone.test", "NXDOMAIN"), (".", "REFUSED"), ("a.example", "REFUSED")],
)
def test_dnsmasq(name: str, logged: str, listen: int, service: int) -> None:
    with (
        dnsmasq(service) as server,
        lab.start_sidecar(listen, service, probe="dns", name=name) as sidecar,
    ):
        sidecar.wait_for_line(logged)
        assert sidecar.accepts_connections() == (logged == "open")
        if logged == "open":
            server.send_signal(signal.SIGSTOP)
            sidecar.wait_until_closed(LIMIT + SLACK)
            server.send_signal(signal.SIGCONT)
            sidecar.wait_until_open()
            server.kill()
            sidecar.wait_until_closed(LIMIT + SLACK)


# Opening and closing -------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["tcp", "http"])
@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGSTOP])
def test_it_closes_when_the_service_exits_or_hangs(
    end: signal.Signals, mode: str, listen: int, service: int
) -> None:
    with lab.start_sidecar(listen, service, mode=mode) as sidecar:
        with lab.run_echo_server(service) as server:
            sidecar.wait_until_open()
            with socket.create_connection(
                ("127.0.0.1", listen), timeout=2
            ) as connection_to_sidecar:
                server.send_signal(end)
                assert sidecar.wait_until_closed(LIMIT + SLACK) > 0.1
                with contextlib.suppress(ConnectionResetError):
                    assert connection_to_sidecar.recv(1) == b""
            if end == signal.SIGSTOP:
                server.send_signal(signal.SIGCONT)
                sidecar.wait_until_open()
        with lab.run_echo_server(service):
            sidecar.wait_until_open()


@pytest.mark.parametrize("fault", ["silent", "slow", "wrong"])
def test_it_closes_when_the_service_stops_answering(fault: str, listen: int, service: int) -> None:
    with lab.Service(service, lab.echo) as server, lab.start_sidecar(listen, service) as sidecar:
        sidecar.wait_until_open()
        if fault == "slow":
            server.delay = 0.15
        else:
            server.handler = lab.ignore if fault == "silent" else lambda _: b"wrong"
        sidecar.wait_until_closed(LIMIT + SLACK)
        server.handler, server.delay = lab.echo, 0
        sidecar.wait_until_open()


def test_fall_and_rise_count_consecutive_probes(listen: int, service: int) -> None:
    """With a fall and rise of 3, fewer consecutive failures or successes change nothing."""
    pattern = "+-++" + "--+--+" + "+-" + "+++"  # opens at the last probe
    script = iter([*pattern, *("--+" * 4), *"---"])  # and closes at the end
    states = []

    def handler(data: bytes) -> bytes | None:
        states.append(sidecar.accepts_connections())
        return data if next(script, "-") == "+" else None

    with lab.start_sidecar(listen, service, interval=0.1, timeout=0.05, rise=3, fall=3) as sidecar:
        sidecar.wait_for_line("closed: Connection refused")
        with lab.Service(service, handler):
            sidecar.wait_for_line("open")
            opened = len(states)
            lab.wait_until(lambda: sidecar.lines[-1].startswith("closed: no reply"), 5)
            closed = len(states)
    assert (opened, closed) == (len(pattern), len(pattern) + 15)
    assert states[:closed] == [False] * opened + [True] * (closed - opened)


def test_a_late_reply_does_not_count(listen: int, service: int) -> None:
    """Each reply arrives during the next probe."""
    with (
        lab.Service(service, lambda _: b"ok") as server,
        lab.start_sidecar(listen, service, probe="send", send="x", expect="ok") as sidecar,
    ):
        server.delay = 0.11
        lab.wait_until(lambda: len(server.times) > 5, 5)
        assert not sidecar.accepts_connections()


def test_a_reply_from_another_port_does_not_count(listen: int, service: int) -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server,
        lab.reserve_port() as other_port,
    ):
        server.bind(("127.0.0.1", service))
        server.settimeout(5)
        with (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other,
            lab.start_sidecar(listen, service) as sidecar,
        ):
            other.bind(("127.0.0.1", other_port))
            for _ in range(4):
                data, sender = server.recvfrom(100)
                other.sendto(data, sender)
            assert not sidecar.accepts_connections()


def test_two_replies_count_as_one_successful_probe(listen: int, service: int) -> None:
    with lab.Service(service, lab.ignore) as server:

        def reply_twice(data: bytes) -> bytes:
            server.sock.sendto(data, ("127.0.0.1", 9))
            return data

        with lab.start_sidecar(listen, service, rise=3, interval=0.3) as sidecar:
            server.handler = reply_twice
            seen = len(server.times)
            sidecar.wait_until_open()
            assert len(server.times) - seen >= 3


def test_the_interval_of_probes_does_not_depend_on_their_duration(
    listen: int, service: int
) -> None:
    with (
        lab.Service(service, lab.echo) as server,
        lab.start_sidecar(listen, service, interval=0.1, timeout=0.1),
    ):
        server.delay = 0.06
        lab.wait_until(lambda: len(server.times) > 20, 5)
        assert (server.times[20] - server.times[0]) / 20 == pytest.approx(0.1, rel=0.1)


def test_it_reopens_while_old_connections_remain(listen: int, service: int) -> None:
    with (
        lab.Service(service, lab.echo) as server,
        lab.start_sidecar(listen, service, fall=1) as sidecar,
    ):
        for _ in range(2):
            sidecar.wait_until_open()
            with contextlib.ExitStack() as connections:
                for _ in range(20):
                    connections.enter_context(socket.create_connection(("127.0.0.1", listen)))
                server.handler = lab.ignore
                sidecar.wait_until_closed(1)
                server.handler = lab.echo
                sidecar.wait_until_open()


def test_ipv4_and_ipv6(listen: int, service: int) -> None:
    with lab.Service(service, lab.echo), lab.start_sidecar(listen, service) as sidecar:
        sidecar.wait_until_open()
        assert sidecar.accepts_connections("::1")


def test_it_listens_on_ipv4_where_ipv6_is_not_supported(listen: int, service: int) -> None:
    without = f"import socket\nsocket.has_ipv6 = False\nexec({lab.SOURCE!r})"
    with (
        lab.Service(service, lab.echo),
        lab.start_sidecar(listen, service, source=without) as sidecar,
    ):
        sidecar.wait_until_open()
        assert not sidecar.accepts_connections("::1")


def test_it_exits_with_one_line_if_the_port_is_in_use(listen: int, service: int) -> None:
    with (
        socket.create_server(("", listen)),
        lab.Service(service, lab.echo),
        lab.start_sidecar(listen, service) as sidecar,
    ):
        assert sidecar.process.wait(5) == 1
        lab.wait_until(lambda: len(sidecar.lines) == 1, 5, sidecar.lines)
        assert re.fullmatch(r"health-sidecar: .*in use.*", sidecar.lines[0])


@pytest.mark.parametrize("probe", ["echo", "none"])
def test_it_runs_as_an_unprivileged_user_without_writable_files(
    probe: str, listen: int, service: int
) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can run the sidecar as another user")

    def confine() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))

    nobody = {"user": 65534, "group": 65534, "extra_groups": [], "cwd": "/", "env": {}}
    popen = {**nobody, "preexec_fn": confine}
    python = next(filter(can_run_as_nobody, (lab.PYTHON, "/usr/bin/python3")), None)
    if not python:
        pytest.skip("no Python that another user is allowed to run")
    with (
        lab.Service(service, lab.echo),
        lab.start_sidecar(listen, service, python=python, probe=probe, popen=popen) as sidecar,
    ):
        sidecar.wait_until_open()
        assert lab.is_healthy(listen)
        status = Path(f"/proc/{sidecar.process.pid}/status").read_text()
        assert re.search(r"CapEff:\s+0+\n", status)


def can_run_as_nobody(python: str) -> bool:
    try:
        return subprocess.run([python, "-c", ""], user=65534, check=False).returncode == 0
    except OSError:
        return False


# Signals -------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_closes_it_immediately_and_it_exits_after_the_drain(
    number: signal.Signals, listen: int, service: int
) -> None:
    with (
        lab.Service(service, lab.echo) as server,
        lab.start_sidecar(listen, service, drain=1.2, interval=3) as sidecar,
    ):
        sidecar.wait_until_open()
        with socket.create_connection(("127.0.0.1", listen), timeout=5) as connection_to_sidecar:
            sidecar.send(number)
            began = time.monotonic()
            assert sidecar.wait_until_closed(SLACK) < SLACK
            with contextlib.suppress(ConnectionResetError):
                assert connection_to_sidecar.recv(1) == b""
        assert lab.is_healthy(listen)
        assert sidecar.process.wait(5) == 0
        assert 1.15 < time.monotonic() - began < 1.2 + SLACK
        assert len(server.times) == 1, "it sends no more probes"
        lab.wait_until(lambda: len(sidecar.lines) == 2, 5)
        assert sidecar.lines[1] == "closed: stopped by a signal"


@pytest.mark.parametrize("turns", range(8))
def test_a_signal_is_not_lost_when_a_reply_arrives(
    program: ModuleType, service: int, turns: int
) -> None:
    """`asyncio.wait_for` loses it, up to Python 3.11 (python/cpython#86296)."""

    async def is_cancelled() -> bool:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
            server.bind(("127.0.0.1", service))
            server.setblocking(False)
            args = argparse.Namespace(probe="echo", host="127.0.0.1", port=service, timeout=5)
            task = asyncio.create_task(program.probe(args))
            while not select.select([server], [], [], 0)[0]:
                await asyncio.sleep(0)
            server.sendto(*server.recvfrom(100))
            for _ in range(turns):
                await asyncio.sleep(0)
            pending = task.cancel()
            await asyncio.wait([task])
            return task.cancelled() == pending

    assert asyncio.run(is_cancelled())


def test_a_second_signal_ends_the_drain(listen: int, service: int) -> None:
    with lab.Service(service, lab.echo), lab.start_sidecar(listen, service, drain=60) as sidecar:
        sidecar.wait_until_open()
        sidecar.send(signal.SIGTERM)
        sidecar.wait_for_line("stopped")
        sidecar.send(signal.SIGTERM)
        assert sidecar.process.wait(SLACK) == 0


def test_a_signal_while_closed_and_without_a_drain(listen: int, service: int) -> None:
    with lab.start_sidecar(listen, service) as sidecar:
        sidecar.wait_for_line("closed: Connection refused")
        sidecar.send(signal.SIGTERM)
        assert sidecar.process.wait(SLACK) == 0


# The container health check ------------------------------------------------------------------


def test_the_container_health_check_does_not_depend_on_the_service(
    listen: int, service: int
) -> None:
    assert not lab.is_healthy(listen)
    with lab.start_sidecar(listen, service) as sidecar:
        sidecar.wait_for_line("closed")
        assert lab.is_healthy(listen)
        with lab.Service(service, lab.echo):
            sidecar.wait_until_open()
            assert lab.is_healthy(listen)
            assert not lab.is_healthy(listen + 1)
        sidecar.send(signal.SIGSTOP)
        assert not lab.is_healthy(listen)
        sidecar.send(signal.SIGCONT)
        assert lab.is_healthy(listen)
    assert not lab.is_healthy(listen)


def test_two_sidecars_in_one_task(listen: int, service: int) -> None:
    with (
        lab.Service(service, lab.echo),
        lab.reserve_port() as other,
        lab.start_sidecar(listen, service) as first,
        lab.start_sidecar(other, service) as second,
    ):
        first.wait_until_open()
        second.wait_until_open()
        assert lab.is_healthy(listen)
        assert lab.is_healthy(other)


# Health checks of the load balancer ----------------------------------------------------------


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


@pytest.mark.parametrize(("words", "expected"), BAD, ids=[" ".join(words)[:30] for words, _ in BAD])
def test_bad_arguments_are_one_line_and_exit_code_2(
    words: list[str], expected: str, program: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        program.parse([*BASE, *words])
    assert ended.value.code == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith("health-sidecar: error: ")
    assert output.err.count("\n") == 1
    assert expected in output.err


@pytest.mark.parametrize("missing", BASE)
def test_required_arguments(missing: str, program: ModuleType) -> None:
    assert parse([word for word in BASE if word != missing], program) == 2


def test_bad_arguments_as_ecs_shows_them() -> None:
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


def parse(words: list[str], program: ModuleType) -> Any:
    """The parsed arguments, or the exit code of the program."""
    try:
        return program.parse(words)
    except SystemExit as ended:
        return ended.code


@given(words=WORDS)
def test_any_arguments_are_parsed_or_rejected(words: list[str], program: ModuleType) -> None:
    args = parse([*BASE, *words], program)
    if not isinstance(args, argparse.Namespace):
        assert args == 2
        return
    assert args.listen in range(1, 65536)
    assert args.port in range(1, 65536)
    assert 0 < args.timeout <= args.interval
    assert args.rise >= 1 <= args.fall
    assert len(program.new_request(args)) < 2000
    assert isinstance(program.check_reply(args, program.new_request(args), b"anything"), str)


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
def test_the_program_accepts_what_the_params_accept(
    params: dict[str, Any], noticed: int, ipv6: bool, program: ModuleType
) -> None:
    try:
        settings = Sidecar.model_validate(params)
    except ValidationError:
        return
    if [*sidecar_problems(settings, ())]:
        return
    command = sidecar_container(settings, "app", 53, noticed, ipv6=ipv6).command
    assert not [word for word in command if "\0" in word]
    args = program.parse(command[4:])
    assert len(program.new_request(args)) < 2000


@pytest.mark.parametrize("name", ["a..b", "a" * 64, ".a", "a b", "a..", "", "b." * 127 + "b"])
def test_invalid_dns_names_are_rejected(name: str) -> None:
    with pytest.raises(ValidationError, match=r"is not a DNS name|empty"):
        Sidecar.model_validate({"probe": "dns", "name": name})


@pytest.mark.parametrize(
    "name", [".", "a", "a.", "_dns.Example-1.com", "a" * 63 + ".b", "b." * 126]
)
def test_valid_dns_names_are_accepted(name: str) -> None:
    assert Sidecar.model_validate({"probe": "dns", "name": name}).name == name


@pytest.mark.parametrize("key", ["send", "expect"])
def test_a_nul_character_is_rejected(key: str) -> None:
    with pytest.raises(ValidationError, match="contains a NUL"):
        Sidecar.model_validate({"probe": "send", key: "a\0b"})


def test_expect_is_compiled_as_bytes_of_utf_8() -> None:
    settings = Sidecar.model_validate({"probe": "send", "send": "", "expect": "^日本"})
    assert settings.expect == "^日本"
    with pytest.raises(ValidationError, match="not a regular expression: it is too large"):
        Sidecar.model_validate({"probe": "send", "expect": "a{9999999999999}"})


@given(
    probe=st.sampled_from(["dns", "ntp", "echo", "send"]),
    start=st.integers(0, 48),
    noise=st.binary(max_size=100),
)
def test_random_replies_are_failures(
    probe: str, start: int, noise: bytes, program: ModuleType
) -> None:
    """Random bytes instead of a reply, or after the beginning of one, are a failure."""
    args = program.parse([*BASE[:2], f"--probe={probe}", "--expect=^never$"])
    sent = program.new_request(args)
    got = sent[:start] + noise
    if probe == "echo" and got == sent:
        return
    if probe == "dns" and got[:2] == sent[:2] and len(got) >= 12 and got[2] > 127:
        return
    assert program.check_reply(args, sent, got)


@given(ident=st.binary(min_size=2, max_size=2), flags=st.integers(0, 0xFFFF))
def test_a_dns_response_succeeds_only_without_an_error(
    ident: bytes, flags: int, program: ModuleType
) -> None:
    args = program.parse(BASE)
    sent = ident + program.new_request(args)[2:]
    got = ident + flags.to_bytes(2, "big") + bytes(8)
    assert (program.check_reply(args, sent, got) == "") == (flags >> 15 == 1 and flags & 15 == 0)


@given(first=st.integers(0, 255), stratum=st.integers(0, 255))
def test_an_ntp_response_succeeds_only_if_synchronised(
    first: int, stratum: int, program: ModuleType
) -> None:
    args = program.parse([*BASE[:2], "--probe=ntp"])
    sent = program.new_request(args)
    got = bytes([first, stratum]) + bytes(22) + sent[40:] + bytes(16)
    good = first & 7 == 4 and first >> 6 != 3 and 1 <= stratum <= 15
    assert (program.check_reply(args, sent, got) == "") == good


def test_requests_differ(program: ModuleType) -> None:
    for probe in "ntp", "echo":
        args = program.parse([*BASE[:2], f"--probe={probe}"])
        assert len({program.new_request(args) for _ in range(100)}) == 100


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
    assert program.encode_name(name) == wire
