"""Runs the nginx of this machine, with few rights and in a folder of its own.

It only gets configurations that `nginx_harmless` wrote. As a second protection, nginx has no
environment, no network if the system allows that, little time and memory, and can only write small
files (`limited_program`).
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path as FilePath
from tempfile import TemporaryFile

from .nginx_harmless import CA, quote_word

_TIMEOUT = 4
"""Seconds after which nginx is stopped."""
_MAX_OUTPUT = 65_536
"""Bytes at the end of nginx's output that are read."""
_FOLDERS = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/bin")
"""Where nginx may be installed without being on the user's PATH."""
LIMITED = (
    *(sys.executable, "-I", "-S"),
    str(FilePath(__file__).with_name("limited_program.py")),
)
"""The program that starts nginx with few rights."""
_EMERG = re.compile(
    r"\[emerg\] (?:[0-9]+#[0-9]+: )?(?P<message>.*?)(?: in (?P<file>\S+):(?P<line>[0-9]+))?$"
)
_CERTIFICATE = """-----BEGIN CERTIFICATE-----
MIIBejCCASGgAwIBAgIUJzPoegjBnFoHp8w1SA1J+fN7L/gwCgYIKoZIzj0EAwIw
EjEQMA4GA1UEAwwHTW9vcmFnZTAgFw0yNjExMjcwMzE0MTBaGA8yMTI2MTEwMzAz
MTQxMFowEjEQMA4GA1UEAwwHTW9vcmFnZTBZMBMGByqGSM49AgEGCCqGSM49AwEH
A0IABFWrq7RjkVy9e3bjyIcIBsuzWfxaFJ2789hZBhLxh9SrohcyEw8ipZPLJ0ws
RdYF85zEUqV1N6me5UWMXGQaB/CjUzBRMB0GA1UdDgQWBBR3H39zT1mtEjHY0KB5
y9OhNLYN4zAfBgNVHSMEGDAWgBR3H39zT1mtEjHY0KB5y9OhNLYN4zAPBgNVHRMB
Af8EBTADAQH/MAoGCCqGSM49BAMCA0cAMEQCIGPUc8enlWym0+2Kc/Z+oULSbdNg
1oetVt6IFUw7QuMvAiArXZ6vGWtpS3Anv9beut8LNdSrtuEnSKvUU8jP9HJ4NQ==
-----END CERTIFICATE-----
"""
"""A certificate of a CA whose key was deleted, instead of those in the image."""


class NginxStoppedError(Exception):
    """nginx was stopped by a limit, or could not be run. With more time it may run, so a result
    without it is not kept for the next run."""

    def __init__(self) -> None:
        super().__init__()
        sys.audit("moorage.incomplete")


def find_nginx() -> str | None:
    """The path of the nginx of this machine, if there is one."""
    # An empty or relative entry of PATH would find a program in the current directory.
    folders = (*os.environ.get("PATH", "").split(os.pathsep), *_FOLDERS)
    return shutil.which("nginx", path=os.pathsep.join(filter(os.path.isabs, folders)))


def run_nginx(
    nginx: str, text: str, folder: FilePath, launcher: Sequence[str] = LIMITED
) -> tuple[str, int | None] | None:
    """The first mistake that nginx finds, and its line; None if it starts. nginx reads the text
    unchanged, so it must come from `nginx_harmless`. The files of the run are in `folder`.

    Raises NginxStoppedError.
    """
    config = folder / "nginx.conf"
    config.write_bytes(text.encode(errors="replace"))
    (folder / CA).write_text(_CERTIFICATE, encoding="ascii")
    error_log = ["-e", "stderr"] if _takes_error_log(nginx) else []
    directives = f"pid {quote_word(f'{folder}/pid')}; error_log stderr;"
    command = ["-t", "-q", *error_log, "-p", f"{folder}/", "-c", str(config), "-g", directives]
    status, output = _run([*launcher, nginx, *command], folder)
    match = next(filter(None, map(_EMERG.search, output.splitlines())), None)
    if match is not None:
        return match["message"], int(match["line"]) if match["file"] == str(config) else None
    if status != 0:
        raise NginxStoppedError
    return None


def find_version(nginx: str) -> str:
    """The version of an nginx, for messages."""
    match = re.search(r"nginx/([\w.]+)", _describe(nginx))
    return match[1] if match else "of this machine"


def find_temporary_kinds(nginx: str) -> list[str]:
    """The kinds of temporary folders that an nginx creates when it starts, used or not."""
    modules = ("proxy", "fastcgi", "uwsgi", "scgi")
    options = _describe(nginx)
    return [
        "client_body",
        *(kind for kind in modules if f"--without-http_{kind}_module" not in options),
    ]


@cache
def _describe(nginx: str) -> str:
    """The version of an nginx, and the options that it was built with."""
    try:
        return _run([*LIMITED, nginx, "-V"], None)[1]
    except NginxStoppedError:
        return ""


def _takes_error_log(nginx: str) -> bool:
    """Whether it has the option `-e`, which nginx 1.19.5 added (nginx documentation, Command-line
    parameters)."""
    numbers = re.findall(r"[0-9]+", find_version(nginx))
    return tuple(map(int, numbers[:3])) >= (1, 19, 5)


def _run(command: Sequence[str], folder: FilePath | None) -> tuple[int, str]:
    """The exit status and the end of the output. It goes to a file, whose size is limited."""
    with TemporaryFile(dir=folder) as output:
        try:
            run = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=folder or "/",
                env={},
                timeout=_TIMEOUT,
                check=False,
                start_new_session=True,
            )
        except (OSError, ValueError, subprocess.TimeoutExpired):
            raise NginxStoppedError from None
        output.seek(max(output.seek(0, os.SEEK_END) - _MAX_OUTPUT, 0))
        return run.returncode, output.read(_MAX_OUTPUT).decode(errors="replace")
