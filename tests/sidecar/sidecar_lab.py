"""What the sidecar's tests share: the program as ECS runs it, and UDP services to watch."""

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
from types import MappingProxyType, TracebackType
from typing import Any

from moorage.pipeline.build import build
from templates import TEMPLATES

PROGRAM = Path("templates/exposure/health_sidecar/program.py")


def built() -> dict[str, Any]:
    """The sidecar's container in the template of a UDP service, as ECS is given it."""
    plan = build(Path("tests/golden/r5/params"), "dev", TEMPLATES).plan
    assert plan is not None
    body = next(stack.rendering.body for stack in plan.stacks if stack.name == "udp-service")
    containers = body["Resources"]["TaskDefinition"]["Properties"]["ContainerDefinitions"]
    return next(one for one in containers if one["Name"] == "health-1234")


CONTAINER = built()
SOURCE = str(CONTAINER["Command"][3])
"""The program as it stands in the built template, which is what the tests run."""
PYTHON = os.environ.get("SIDECAR_PYTHON", sys.executable)
"""The interpreter in the sidecar's image; another can be tried by this variable."""

HELLO = b"hello"


def health_command(port: int) -> list[str]:
    """The container's health check as it stands in the template, for that `--listen`."""
    return [word.replace("8080", str(port)) for word in CONTAINER["HealthCheck"]["Command"]]


def healthy(port: int) -> bool:
    """Whether ECS would find the container healthy."""
    command = [PYTHON, *health_command(port)[2:]]
    return subprocess.run(command, stderr=subprocess.DEVNULL, check=False).returncode == 0


# Ports ---------------------------------------------------------------------------------------


@contextlib.contextmanager
def port() -> Iterator[int]:
    """A port that no other test has, here or in another process, and that the kernel gives nobody.

    It lies below the ephemeral ports, and an abstract socket of its name holds it.
    """
    low, high = 10_000, min(32_000, _first_ephemeral())
    while True:
        number = random.randrange(low, high)
        with contextlib.ExitStack() as held:
            try:
                lock = held.enter_context(socket.socket(socket.AF_UNIX))
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
    """The program, run from its text."""

    def __init__(self, python: str, source: str, flags: dict[str, object], popen: Any) -> None:
        self.listen = int(str(flags["listen"]))
        words = [f"--{flag.replace('_', '-')}={value}" for flag, value in flags.items()]
        self.process: subprocess.Popen[str] = subprocess.Popen(
            [python, "-u", "-c", source, *words],
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

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.process.kill()
        self.process.wait()
        self._reader.join()
        assert self.process.stdout
        self.process.stdout.close()

    def is_open(self, host: str = "127.0.0.1") -> bool:
        """Whether a checker gets in. If not it is refused; or reset, where it just closes."""
        try:
            socket.create_connection((host, self.listen), timeout=5).close()
        except (ConnectionRefusedError, ConnectionResetError):
            return False
        return True

    def opens(self, within: float = 5) -> float:
        return until(self.is_open, within)

    def closes(self, within: float) -> float:
        """Seconds until it is closed."""
        return until(lambda: not self.is_open(), within)

    def says(self, line: str, within: float = 5) -> float:
        return until(lambda: any(line in said for said in self.lines), within, self.lines)

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def memory(self) -> int:
        """Bytes that are resident."""
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(text.split("VmRSS:")[1].split()[0]) * 1024


def sidecar(
    listen: int,
    service: int,
    *,
    python: str = PYTHON,
    source: str = SOURCE,
    popen: Mapping[str, object] = MappingProxyType({}),
    **flags: Any,
) -> Sidecar:
    """A sidecar that is quick. `flags` are its options, `popen` what its process needs."""
    quick = {"interval": 0.1, "timeout": 0.1, "fall": 2, "drain": 0}
    given = {"listen": listen, "port": service, "probe": "echo"} | quick | flags
    return Sidecar(python, source, given, popen)


def until(happened: Callable[[], bool], within: float, detail: object = "") -> float:
    """Seconds until something has happened, which must be soon."""
    began = time.monotonic()
    while not happened():
        assert time.monotonic() - began < within, f"not within {within:g} s: {detail}"
        time.sleep(0.005)
    return time.monotonic() - began


# Services ------------------------------------------------------------------------------------

Handler = Callable[[bytes], bytes | None]


class Service:
    """A UDP service in a thread. What it answers can be changed while it runs."""

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
def process(command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    """A service in a process of its own, which can be killed and stopped."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run:
        try:
            yield run
        finally:
            run.kill()


def echo_process(number: int) -> contextlib.AbstractContextManager[subprocess.Popen[bytes]]:
    return process([sys.executable, "-ISc", ECHO, str(number)])


def echo(data: bytes) -> bytes:
    return data


def silent(_: bytes) -> None:
    return None


def line(data: bytes) -> bytes:
    """A protocol of lines: `hello NAME` is answered by `welcome NAME, you are number N`."""
    word, _, name = data.decode().rstrip("\n").partition(" ")
    if word != "hello":
        return b"error: what?\n"
    line.count += 1  # type: ignore[attr-defined]
    return f"welcome {name}, you are number {line.count}\n".encode()  # type: ignore[attr-defined]


line.count = 0  # type: ignore[attr-defined]


def dns(data: bytes) -> bytes | None:
    """A name server of the root and of `here.test`, by RFC 1035; silent where it is no query."""
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
    found = records.get((tuple(labels), kind))
    code = 0 if found else 3 if labels[-1:] == [b"test"] else 5
    head = struct.pack("!6H", ident, 0x8080 | flags & 0x100 | code, 1, 1 if found else 0, 0, 0)
    answer = b"\xc0\x0c" + struct.pack("!2HIH", kind, 1, 60, len(found)) + found if found else b""
    return head + data[12:] + answer


def ntp(data: bytes) -> bytes | None:
    """A time server of stratum 2, by RFC 5905; silent where it is not a client that asks."""
    if len(data) != 48 or data[0] & 7 != 3:
        return None
    now = struct.pack("!Q", int((time.time() + 2_208_988_800) * 2**32))
    version = data[0] & 0b00111000
    root = struct.pack("!II4s", 0x100, 0x100, bytes([192, 0, 2, 1]))
    return bytes([version | 4, 2, data[2], 0xEC]) + root + now + data[40:48] + now + now
