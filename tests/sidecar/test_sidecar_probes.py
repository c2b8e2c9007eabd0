"""Probes of the health sidecar: which replies count as healthy."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
import sidecar_lab as lab
from hypothesis import given
from hypothesis import strategies as st
from sidecar_lab import LIMIT, SLACK
from test_sidecar_arguments import BASE

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
