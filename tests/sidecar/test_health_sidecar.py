"""The health sidecar: its program is run as in ECS, with real services on loopback."""

from __future__ import annotations

import argparse
import ast
import asyncio
import contextlib
import os
import re
import resource
import select
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import pytest
import sidecar_lab as lab
from sidecar_lab import LIMIT, SLACK


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
