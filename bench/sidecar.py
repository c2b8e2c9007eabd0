"""Compares the health sidecar with a shell loop that answers health checks.

Run by `python bench/sidecar.py`. The sidecar is started with the command of a built template.

Both get a UDP echo server as the service, and the same health checks: in each round a number of
clients connect simultaneously, send an HTTP request and read the response. Then the UDP server is
killed, and the checks continue for a while. The shell loop needs busybox (Debian: busybox). The
output is Markdown, with the times of one run.
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
CLIENTS = (1, 3, 6, 50)
CHECKS = 600
PAUSE = 0.02
"""Seconds between rounds."""
INTERVAL, TIMEOUT, FALL = 0.5, 0.2, 3
"""Options of the sidecar: seconds, seconds, and consecutive failures."""

ECHO = """
import socket, sys
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.bind(("127.0.0.1", int(sys.argv[1])))
while True:
    data, sender = sock.recvfrom(65535)
    sock.sendto(data, sender)
"""
SHELL_LOOP = r'while true; do echo -e "HTTP/1.1 200 OK\n\nok" | %s nc -l -p %d; done'


@dataclass(frozen=True)
class Check:
    """The result of a health check."""

    outcome: str
    """`ok`, `refused`, or another failure."""
    connect: float
    """Seconds until the connection was established, or failed."""


def run_check(port: int) -> Check:
    began = time.perf_counter()
    connected = 0.0
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as sock:
            connected = time.perf_counter()
            sock.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            response = sock.recv(4096)
    except ConnectionRefusedError:
        return Check("refused", time.perf_counter() - began)
    except OSError as error:
        return Check(type(error).__name__, (connected or time.perf_counter()) - began)
    outcome = "ok" if response.startswith(b"HTTP/1.1 200") else "no response"
    return Check(outcome, connected - began)


def run_checks(port: int, clients: int) -> list[Check]:
    """All checks, in rounds of that many simultaneous clients."""
    start = threading.Barrier(clients)

    def check_at_start(_: int) -> Check:
        start.wait()
        return run_check(port)

    checks: list[Check] = []
    with ThreadPoolExecutor(clients) as pool:
        for _ in range(CHECKS // clients):
            checks += pool.map(check_at_start, range(clients))
            time.sleep(PAUSE)
    return checks


def format_row(name: str, clients: int, checks: list[Check]) -> str:
    """A row of the table."""
    refused = sum(check.outcome == "refused" for check in checks)
    failed = sum(check.outcome not in ("ok", "refused") for check in checks)
    times = sorted(check.connect * 1000 for check in checks if check.outcome == "ok")
    median, p99 = statistics.median(times), times[int(len(times) * 0.99)]
    return (
        f"| {name} | {clients} | {refused} of {len(checks)} | {failed} of {len(checks)} "
        f"| {median:.2f} ms | {p99:.2f} ms |"
    )


# The two responders --------------------------------------------------------------------------


@contextlib.contextmanager
def run_process(*command: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process in a new process group, which is killed as a whole."""
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, stdout=quiet, stderr=quiet, start_new_session=True) as process:
        try:
            yield process
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def shell_loop_command(port: int, _: int) -> list[str]:
    busybox = shutil.which("busybox") or sys.exit("busybox is not installed")
    return [busybox, "sh", "-c", SHELL_LOOP % (busybox, port)]


def build_command() -> list[str]:
    """The sidecar's command in the template of a UDP service."""
    with tempfile.TemporaryDirectory() as out:
        command = [sys.executable, "build.py", "build", "--format", "json"]
        where = ["--params", str(PARAMS), "--out", out]
        subprocess.run([*command, *where], stdout=subprocess.DEVNULL, cwd=HERE, check=True)
        template = json.loads(Path(out, TEMPLATE).read_text())
    task = template["Resources"]["TaskDefinition"]["Properties"]
    return list(task["ContainerDefinitions"][-1]["Command"])


def sidecar_command(port: int, service: int) -> list[str]:
    """That command with the ports and times of this benchmark, which override the earlier flags."""
    flags = {"listen": port, "port": service, "probe": "echo", "mode": "http"}
    flags |= {"interval": INTERVAL, "timeout": TIMEOUT, "fall": FALL}
    words = [f"--{flag}={value}" for flag, value in flags.items()]
    return [sys.executable, *build_command()[1:], *words]


def find_free_port(kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def wait_until_ok(port: int) -> None:
    for _ in range(1000):
        if run_check(port).outcome == "ok":
            return
        time.sleep(0.01)
    sys.exit(f"port {port} does not answer")


def describe_after_kill(port: int) -> str:
    """The responses after the service has been killed, for three times the sidecar's limit."""
    limit = INTERVAL * FALL + TIMEOUT
    killed = last = time.monotonic()
    while time.monotonic() < killed + 3 * limit:
        if run_check(port).outcome == "ok":
            last = time.monotonic()
        time.sleep(0.02)
    if time.monotonic() - last < limit:
        return f"still answers 200 after {last - killed:.1f} s"
    return f"refuses every connection from {last - killed:.2f} s on (promised: {limit:g} s)"


def measure(name: str, command: Callable[[int, int], list[str]]) -> Iterator[str]:
    port, service = find_free_port(socket.SOCK_STREAM), find_free_port(socket.SOCK_DGRAM)
    with (
        run_process(sys.executable, "-c", ECHO, str(service)) as server,
        run_process(*command(port, service)),
    ):
        wait_until_ok(port)
        for clients in CLIENTS:
            time.sleep(0.5)
            yield format_row(name, clients, run_checks(port, clients))
        server.kill()
        yield f"- {name}: {describe_after_kill(port)}."


def main() -> None:
    print("| responder | clients at once | refused | failed | connect, median | connect, p99 |")
    print("|---|--:|--:|--:|--:|--:|")
    after = []
    for name, command in (("shell loop", shell_loop_command), ("health sidecar", sidecar_command)):
        *table, last = measure(name, command)
        print("\n".join(table))
        after.append(last)
    print("\nAfter the UDP service is killed:\n")
    print("\n".join(after))


if __name__ == "__main__":
    main()
