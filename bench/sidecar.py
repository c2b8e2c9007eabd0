"""The health sidecar beside the well-known one-line responder: python bench/sidecar.py.

The sidecar runs by the command that stands in a built template.

Both watch the same UDP echo server and meet the same checkers: so many connect at the same moment,
send an HTTP request and read the answer, round after round. Then the UDP server is killed, and
each is asked once more. Needs busybox (Debian: busybox) for the one-line responder. Prints
Markdown; the times are from one run.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parents[1]
PARAMS = Path("tests", "golden", "r5", "params")
TEMPLATE = Path("dev", "udp-service.json")
CHECKERS = (1, 3, 6, 50)
CHECKS = 600
PAUSE = 0.02
"""Seconds between two rounds."""
INTERVAL, TIMEOUT, FALL = 0.5, 0.2, 3
"""Of the sidecar's probes: seconds, seconds, and bad ones in a row."""

ECHO = """
import socket, sys
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.bind(("127.0.0.1", int(sys.argv[1])))
while True:
    data, sender = sock.recvfrom(65535)
    sock.sendto(data, sender)
"""
ONE_LINE = r'while true; do echo -e "HTTP/1.1 200 OK\n\nok" | %s nc -l -p %d; done'


@dataclass(frozen=True)
class Check:
    """What one checker met."""

    outcome: str
    """`ok`, `refused`, or what else went wrong."""
    connect: float
    """Seconds until it was connected, or not."""


def check(port: int) -> Check:
    began = time.perf_counter()
    connected = 0.0
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as sock:
            connected = time.perf_counter()
            sock.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            answer = sock.recv(4096)
    except ConnectionRefusedError:
        return Check("refused", time.perf_counter() - began)
    except OSError as error:
        return Check(type(error).__name__, (connected or time.perf_counter()) - began)
    return Check("ok" if answer.startswith(b"HTTP/1.1 200") else "no answer", connected - began)


def checks(port: int, at_once: int) -> list[Check]:
    """All checks, in rounds of so many at the same moment."""
    start = threading.Barrier(at_once)

    def one(_: int) -> Check:
        start.wait()
        return check(port)

    found: list[Check] = []
    with ThreadPoolExecutor(at_once) as pool:
        for _ in range(CHECKS // at_once):
            found += pool.map(one, range(at_once))
            time.sleep(PAUSE)
    return found


def row(name: str, at_once: int, found: list[Check]) -> str:
    refused = sum(one.outcome == "refused" for one in found)
    failed = sum(one.outcome not in ("ok", "refused") for one in found)
    times = sorted(one.connect * 1000 for one in found if one.outcome == "ok")
    middle, last = statistics.median(times), times[int(len(times) * 0.99)]
    return (
        f"| {name} | {at_once} | {refused} of {len(found)} | {failed} of {len(found)} "
        f"| {middle:.2f} ms | {last:.2f} ms |"
    )


# The two responders --------------------------------------------------------------------------


@contextlib.contextmanager
def running(*command: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process in a group of its own, which is killed with all that it started."""
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, stdout=quiet, stderr=quiet, start_new_session=True) as process:
        try:
            yield process
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def one_line(port: int, _: int) -> list[str]:
    busybox = shutil.which("busybox") or sys.exit("busybox is not installed")
    return [busybox, "sh", "-c", ONE_LINE % (busybox, port)]


def built() -> list[str]:
    """The sidecar's command as it stands in the template of a UDP service."""
    with tempfile.TemporaryDirectory() as out:
        command = [sys.executable, "build.py", "build", "--format", "json"]
        where = ["--params", str(PARAMS), "--out", out]
        subprocess.run([*command, *where], stdout=subprocess.DEVNULL, cwd=HERE, check=True)
        template = json.loads(Path(out, TEMPLATE).read_text())
    task = template["Resources"]["TaskDefinition"]["Properties"]
    return list(task["ContainerDefinitions"][-1]["Command"])


def sidecar(port: int, service: int) -> list[str]:
    """That command with ports and times of this benchmark: of a flag that stands twice, the last
    one holds."""
    flags = {"listen": port, "port": service, "probe": "echo", "mode": "http"}
    flags |= {"interval": INTERVAL, "timeout": TIMEOUT, "fall": FALL}
    words = [f"--{flag}={value}" for flag, value in flags.items()]
    return [sys.executable, *built()[1:], *words]


def free_port(kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def until_well(port: int) -> None:
    for _ in range(1000):
        if check(port).outcome == "ok":
            return
        time.sleep(0.01)
    sys.exit(f"nobody answers on port {port}")


def afterwards(port: int) -> str:
    """What a responder says once its service is dead, asked for three times the sidecar's limit."""
    limit = INTERVAL * FALL + TIMEOUT
    died = last = time.monotonic()
    while time.monotonic() < died + 3 * limit:
        if check(port).outcome == "ok":
            last = time.monotonic()
        time.sleep(0.02)
    if time.monotonic() - last < limit:
        return f"still says 200 after {last - died:.1f} s"
    return f"refuses every connection from {last - died:.2f} s on (promised: {limit:g} s)"


def rows(name: str, command: Callable[[int, int], list[str]]) -> Iterator[str]:
    port, service = free_port(socket.SOCK_STREAM), free_port(socket.SOCK_DGRAM)
    with (
        running(sys.executable, "-c", ECHO, str(service)) as server,
        running(*command(port, service)),
    ):
        until_well(port)
        for at_once in CHECKERS:
            time.sleep(0.5)
            yield row(name, at_once, checks(port, at_once))
        server.kill()
        yield f"- {name}: {afterwards(port)}."


def main() -> None:
    print("| responder | checkers at once | refused | failed | connect, median | connect, p99 |")
    print("|---|--:|--:|--:|--:|--:|")
    after = []
    for name, command in (("one line of shell", one_line), ("health sidecar", sidecar)):
        *table, last = rows(name, command)
        print("\n".join(table))
        after.append(last)
    print("\nAfter the UDP service is killed:\n")
    print("\n".join(after))


if __name__ == "__main__":
    main()
