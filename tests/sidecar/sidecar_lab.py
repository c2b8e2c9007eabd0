"""Helpers for tests of the health sidecar: the program as ECS runs it, and UDP services."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from moorage.pipeline.build import build
from templates import TEMPLATES

LIMIT = 0.1 * 2 + 0.1
"""Seconds within which the sidecar must close its port: interval x fall + timeout."""
SLACK = 2.0
"""Additional seconds for a busy machine."""

PROGRAM = Path("templates/exposure/health_sidecar/program.py")


def _build_container() -> dict[str, Any]:
    """The container definition of the sidecar in the template of a UDP service."""
    plan = build(Path("tests/golden/r5/params"), "dev", TEMPLATES).plan
    assert plan is not None
    body = next(stack.rendering.body for stack in plan.stacks if stack.name == "udp-service")
    containers = body["Resources"]["TaskDefinition"]["Properties"]["ContainerDefinitions"]
    return next(container for container in containers if container["Name"] == "health-1234")


CONTAINER = _build_container()
SOURCE = str(CONTAINER["Command"][3])
"""The program in the built template, which the tests run."""
PYTHON = os.environ.get("SIDECAR_PYTHON", sys.executable)
"""The interpreter; the variable selects another one."""

HELLO = b"hello"


def health_command(port: int) -> list[str]:
    """The container health check of the template, for another `--listen`."""
    return [word.replace("8080", str(port)) for word in CONTAINER["HealthCheck"]["Command"]]


def is_healthy(port: int) -> bool:
    """Whether the container health check passes."""
    command = [PYTHON, *health_command(port)[2:]]
    return subprocess.run(command, stderr=subprocess.DEVNULL, check=False).returncode == 0


# Ports ---------------------------------------------------------------------------------------


@contextlib.contextmanager
def reserve_port() -> Iterator[int]:
    """A port that no other test uses, in this process or another one, and that the kernel assigns
    to no socket.

    It is below the ephemeral ports, and an abstract socket named after it reserves it.
    """
    low, high = 10_000, min(32_000, _first_ephemeral())
    while True:
        number = random.randrange(low, high)
        with contextlib.ExitStack() as stack:
            try:
                lock = stack.enter_context(socket.socket(socket.AF_UNIX))
                lock.bind(f"\0moorage-test-port-{number}")
                for kind in socket.SOCK_STREAM, socket.SOCK_DGRAM:
                    with socket.socket(socket.AF_INET, kind) as trial:
                        trial.bind(("", number))
            except OSError:
                continue
            yield number
            return


def _first_ephemeral() -> int:
    return int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])


# The sidecar ---------------------------------------------------------------------------------


class Sidecar:
    """The program, started from its text."""

    def __init__(self, python: str, source: str, flags: dict[str, object], popen: Any) -> None:
        self.listen = int(str(flags["listen"]))
        arguments = [f"--{flag.replace('_', '-')}={value}" for flag, value in flags.items()]
        self.process: subprocess.Popen[str] = subprocess.Popen(
            [python, "-u", "-c", source, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            **popen,
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout
        self.lines.extend(line.rstrip("\n") for line in self.process.stdout)

    def __enter__(self) -> Sidecar:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        self._reader.join()
        assert self.process.stdout
        self.process.stdout.close()

    def accepts_connections(self, host: str = "127.0.0.1") -> bool:
        """Whether a connection succeeds. A connection in the moment of closing may be reset."""
        try:
            socket.create_connection((host, self.listen), timeout=5).close()
        except (ConnectionRefusedError, ConnectionResetError):
            return False
        return True

    def wait_until_open(self, within: float = 5) -> float:
        """Waits until connections succeed; returns the seconds."""
        return wait_until(self.accepts_connections, within)

    def wait_until_closed(self, within: float) -> float:
        """Waits until connections are refused; returns the seconds."""
        return wait_until(lambda: not self.accepts_connections(), within)

    def wait_for_line(self, line: str, within: float = 5) -> float:
        """Waits until the log contains a text; returns the seconds."""
        return wait_until(lambda: any(line in logged for logged in self.lines), within, self.lines)

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def read_memory(self) -> int:
        """Resident memory in bytes."""
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(text.split("VmRSS:")[1].split()[0]) * 1024


def start_sidecar(
    listen: int,
    service: int,
    *,
    python: str = PYTHON,
    source: str = SOURCE,
    popen: Mapping[str, object] = MappingProxyType({}),
    **flags: Any,
) -> Sidecar:
    """Starts a sidecar with short times. `flags` are its options, `popen` arguments of `Popen`."""
    defaults = {"interval": 0.1, "timeout": 0.1, "fall": 2, "drain": 0}
    options = {"listen": listen, "port": service, "probe": "echo"} | defaults | flags
    return Sidecar(python, source, options, popen)


def wait_until(condition: Callable[[], bool], within: float, detail: object = "") -> float:
    """Waits until a condition is met, at most `within` seconds; returns the seconds."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < within, f"not within {within:g} s: {detail}"
        time.sleep(0.005)
    return time.monotonic() - began


# Services ------------------------------------------------------------------------------------

Handler = Callable[[bytes], bytes | None]


class Service:
    """A UDP service in a thread, whose handler can be changed while it runs."""

    def __init__(self, number: int, handler: Handler, host: str = "127.0.0.1") -> None:
        self.handler = handler
        self.delay = 0.0
        self.times: list[float] = []
        self.sock = socket.socket(
            socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM
        )
        self.sock.bind((host, number))
        self.sock.settimeout(0.05)
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while not self._done.is_set():
            try:
                data, sender = self.sock.recvfrom(65535)
            except TimeoutError:
                continue
            self.times.append(time.monotonic())
            reply = self.handler(data)
            time.sleep(self.delay)
            if reply is not None:
                self.sock.sendto(reply, sender)

    def __enter__(self) -> Service:
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()
        self.sock.close()


ECHO = """
import socket, sys
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.bind(("127.0.0.1", int(sys.argv[1])))
while True:
    data, sender = sock.recvfrom(65535)
    sock.sendto(data, sender)
"""


@contextlib.contextmanager
def run_process(command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    """A service in a separate process, which can be killed and stopped."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run:
        try:
            yield run
        finally:
            run.kill()


def run_echo_server(number: int) -> contextlib.AbstractContextManager[subprocess.Popen[bytes]]:
    return run_process([sys.executable, "-ISc", ECHO, str(number)])


def echo(data: bytes) -> bytes:
    return data


def ignore(_: bytes) -> None:
    return None


def answer_line(data: bytes) -> bytes:
    """A line protocol: the reply to `hello NAME` is `welcome NAME, you are number N`."""
    word, _, name = data.decode().rstrip("\n").partition(" ")
    if word != "hello":
        return b"error: what?\n"
    answer_line.count += 1  # type: ignore[attr-defined]
    return f"welcome {name}, you are number {answer_line.count}\n".encode()  # type: ignore[attr-defined]


answer_line.count = 0  # type: ignore[attr-defined]


def answer_dns(data: bytes) -> bytes | None:
    """A name server of the root and of `here.test` (RFC 1035), which ignores other packets."""
    ident, flags, *counts = struct.unpack("!6H", data[:12])
    if flags & 0xF800 or counts != [1, 0, 0, 0]:
        return None
    labels, at = [], 12
    while data[at]:
        assert data[at] < 64
        labels.append(data[at + 1 : at + 1 + data[at]])
        at += 1 + data[at]
    kind, net = struct.unpack("!2H", data[at + 1 : at + 5])
    assert len(data) == at + 5
    assert net == 1
    records = {((), 2): b"\1a\0", ((b"here", b"test"), 1): bytes([127, 0, 0, 1])}
    record = records.get((tuple(labels), kind))
    code = 0 if record else 3 if labels[-1:] == [b"test"] else 5
    head = struct.pack("!6H", ident, 0x8080 | flags & 0x100 | code, 1, 1 if record else 0, 0, 0)
    answer = (
        b"\xc0\x0c" + struct.pack("!2HIH", kind, 1, 60, len(record)) + record if record else b""
    )
    return head + data[12:] + answer


def answer_ntp(data: bytes) -> bytes | None:
    """A time server of stratum 2 (RFC 5905), which ignores packets that are no client requests."""
    if len(data) != 48 or data[0] & 7 != 3:
        return None
    now = struct.pack("!Q", int((time.time() + 2_208_988_800) * 2**32))
    version = data[0] & 0b00111000
    root = struct.pack("!II4s", 0x100, 0x100, bytes([192, 0, 2, 1]))
    return bytes([version | 4, 2, data[2], 0xEC]) + root + now + data[40:48] + now + now
