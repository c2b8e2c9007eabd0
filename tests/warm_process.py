"""`python build.py` without its start-up time, which is seconds: a process that has loaded all that
commands use forks for each of them.

A command has the arguments, environment, folder and files that it would have in a new process, and
signals reach it in the same way. Only its clock is faster.
"""

from __future__ import annotations

import array
import fcntl
import gc
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import termios
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]


class WarmCommand:
    """A command of Moorage in a process of its own. Its methods are those of `Popen`.

    `files` are its stdin, stdout and stderr. With `on_terminal`, they are its controlling terminal.
    """

    def __init__(
        self,
        argv: Sequence[str],
        environ: Mapping[str, str],
        files: tuple[int, int, int],
        *,
        cwd: Path = ROOT,
        on_terminal: bool = False,
    ) -> None:
        request = [[*argv], dict(environ), str(cwd), on_terminal]
        text = json.dumps(request).encode()
        self._connection = socket.socket(socket.AF_UNIX)
        self._connection.connect(_address())
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", files))]
        self._connection.sendmsg([len(text).to_bytes(8, "big")], rights)
        self._connection.sendall(text)
        self.pid = int.from_bytes(self._connection.recv(8), "big")
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """The exit code; None if it still runs."""
        with suppress(BlockingIOError, TimeoutError):
            self._wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Waits for the exit code, or for so many seconds."""
        self._wait(timeout)
        assert self.returncode is not None
        return self.returncode

    def _wait(self, timeout: float | None) -> None:
        if self.returncode is None:
            self._connection.settimeout(timeout)
            answer = self._connection.recv(8)
            self.returncode = int.from_bytes(answer, "big", signed=True)
            self._connection.close()

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def run_warm(
    argv: Sequence[str], environ: Mapping[str, str], *, cwd: Path = ROOT
) -> subprocess.CompletedProcess[str]:
    """Runs a command, and returns its exit code and output."""
    with (
        open(os.devnull) as stdin,
        tempfile.TemporaryFile("w+") as out,
        tempfile.TemporaryFile("w+") as err,
    ):
        files = (stdin.fileno(), out.fileno(), err.fileno())
        code = WarmCommand(argv, environ, files, cwd=cwd).wait()
        shown = [file.seek(0) or file.read() for file in (out, err)]
    return subprocess.CompletedProcess([*argv], code, *shown)


@cache
def _address() -> str:
    """The address of the process, which is started when the first command needs it, and ends with
    this one."""
    path = os.path.join(tempfile.mkdtemp(), "socket")
    server = subprocess.Popen(
        [sys.executable, __file__, path], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    _SERVERS.append(server)
    assert server.stdout is not None
    assert server.stdout.readline() == b"ready\n"
    return path


_SERVERS: list[subprocess.Popen[bytes]] = []


def stop() -> None:
    """Ends the process, if there is one."""
    while _SERVERS:
        server = _SERVERS.pop()
        server.communicate()
        _address.cache_clear()


# The process -----------------------------------------------------------------------------------

_PARAMS = """
app: shop
region: eu-central-1
stacks:
  network: {}
  cluster: {}
  public: {template: alb, listener: {port: 80}}
  web: {template: service, containers: {web: {image: "ecr:shop/web:1"}}}
"""
"""What loads the schemas that cfn-lint needs for most templates."""


def _serve(path: str) -> None:
    _load()
    gc.freeze()
    signal.signal(signal.SIGCHLD, _reap)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(64)
        print("ready", flush=True)
        while _is_wanted(listener):
            connection, _ = listener.accept()
            with connection:
                if os.fork() == 0:
                    listener.close()
                    _supervise(connection)


def _is_wanted(listener: socket.socket) -> bool:
    """Waits for the next command. False if the tests have ended, which closes stdin."""
    return 0 not in select.select([listener, 0], [], [])[0]


def _load() -> None:
    sys.path.insert(0, str(ROOT))
    import boto3  # noqa: F401
    from faster_clock import FASTER_CLOCK

    from moorage.commands import deploy, destroy, rehearse  # noqa: F401
    from moorage.deploy import aws, execute, following, preview, removal  # noqa: F401
    from moorage.deploy.clock import CLOCK
    from moorage.pipeline.build import build
    from templates import TEMPLATES

    CLOCK.set(FASTER_CLOCK)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "dev.yaml").write_text(_PARAMS)
        build(Path(folder), "dev", TEMPLATES)


def _reap(*_: Any) -> None:
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _supervise(connection: socket.socket) -> None:
    """Runs the command in a child of this child, and answers with its ID and its exit code."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    header, files, _, _ = socket.recv_fds(connection, 8, 3)
    size, request = int.from_bytes(header, "big"), b""
    while len(request) < size:
        request += connection.recv(size - len(request))
    child = os.fork()
    if child == 0:
        connection.close()
        _run(*json.loads(request), files=files)
    for file in files:
        os.close(file)
    with suppress(BrokenPipeError):
        connection.sendall(child.to_bytes(8, "big"))
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        connection.sendall(code.to_bytes(8, "big", signed=True))
    os._exit(0)


def _run(
    argv: list[str], environ: dict[str, str], cwd: str, on_terminal: bool, *, files: list[int]
) -> None:
    from moorage.cli import run

    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.setsid()
    if on_terminal:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environ)
    sys.stdin, sys.stdout, sys.stderr = (
        os.fdopen(number, mode, buffering=1 if number == 2 or os.isatty(number) else -1)
        for number, mode in enumerate("rww")
    )
    sys.argv = ["build.py", *argv]
    try:
        run("templates")
    except SystemExit as end:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(end.code if isinstance(end.code, int) else 1)
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
    os._exit(1)


if __name__ == "__main__":
    _serve(sys.argv[1])
